"""Kinds of motion in words."""

from __future__ import annotations

import pandas as pd

from perrin.report.page.motion_kinds import kinds_of

UNITS = {"length_unit": "um", "time_unit": "s"}
UNKNOWN = {"length_unit": "unit of the file", "time_unit": "frame"}
TABLE = pd.DataFrame(
    {
        "kind": ["confined", "ctrw", "undetermined", None, "changing_diffusivity"],
        "p_confined": [0.97, 0.0, 0.4, None, 0.0],
        "p_ctrw": [0.01, 0.995, 0.4, None, 0.0],
        "p_changing_diffusivity": [0.0, 0.0, 0.1, None, 0.8],
        "confinement_radius": [3.71, None, None, None, None],
        "confinement_radius_low": [3.1, None, None, None, None],
        "confinement_radius_high": [4.2, None, None, None, None],
        "relaxation_time": [26.3, None, None, None, None],
        "D_slow": [None, None, None, None, 0.259],
        "D_fast": [None, None, None, None, 0.612],
    }
)


def test_kinds_have_their_probability_numbers_and_units() -> None:
    assert kinds_of(TABLE, UNITS) == [
        "confined, 97%: radius 3.71 (3.1 to 4.2) um, relaxation time 26.3 s",
        "CTRW, 100%",
        "undetermined",
        "",
        "of changing diffusivity, 80%: slower D 0.259 um²/s, faster D 0.612 um²/s",
    ]


def test_units_that_are_not_known_are_units_and_frames() -> None:
    assert kinds_of(TABLE, UNKNOWN)[0] == (
        "confined, 97%: radius 3.71 (3.1 to 4.2) units, relaxation time 26.3 frames"
    )


def test_tables_without_kinds_have_none() -> None:
    assert kinds_of(TABLE.drop(columns="kind"), UNITS) == [""] * 5
