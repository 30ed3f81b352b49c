"""Contrasts and masses that contradict each other, mixed units, rows that are no events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.event_columns import meaning_of
from perrin.io.tables import read_events

RNG = np.random.default_rng(7)
MASS = np.r_[RNG.normal(66, 4, 60), RNG.normal(150, 6, 40), RNG.normal(-66, 4, 20)].round(3)
CONTRAST = -4.5e-5 * MASS - 1e-4  # with the offset of a calibration


def as_csv(path: Path, **columns: Any) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def as_hdf5(path: Path, **columns: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file[name] = values
    return path


@pytest.mark.parametrize("write", [as_csv, as_hdf5])
@pytest.mark.parametrize(
    ("contrast", "mass"),
    [
        (CONTRAST, np.sort(MASS)),
        (RNG.permutation(CONTRAST), MASS),
        (np.where(RNG.random(120) < 0.4, -CONTRAST, CONTRAST), MASS),
    ],
)
def test_columns_that_contradict_each_other_are_refused(
    tmp_path: Path, write: Any, contrast: Any, mass: Any
) -> None:
    with pytest.raises(PerrinError, match="contrast and mass contradict each other in"):
        read_events(write(tmp_path / "events", contrasts=contrast, masses_kDa=mass))


@pytest.mark.parametrize("digits", [3, 4, 8])
def test_rounded_columns_of_one_line_are_read_without_a_note(tmp_path: Path, digits: int) -> None:
    path = as_csv(tmp_path / "e.csv", contrasts=CONTRAST.round(digits), masses_kDa=MASS.round(0))
    notes = read_events(path).attrs["notes"]
    assert not [note for note in notes if "contradict" in note]


@pytest.mark.parametrize("turned", [1.0, -1.0])
def test_an_offset_with_either_sign_in_unbindings_is_no_contradiction(
    tmp_path: Path, turned: float
) -> None:
    mass = np.r_[RNG.normal(66, 3, 110), RNG.normal(-66, 3, 10)]
    contrast = -4.5e-5 * mass - np.where(mass > 0, 1e-4, turned * 1e-4)
    path = as_csv(tmp_path / "e.csv", contrasts=contrast, masses_kDa=mass)
    assert read_events(path).attrs["notes"] == []


def test_a_single_row_off_the_line_is_said(tmp_path: Path) -> None:
    mass = np.where(np.arange(120) == 3, 400.0, MASS)
    notes = read_events(as_csv(tmp_path / "e.csv", contrasts=CONTRAST, masses_kDa=mass)).attrs[
        "notes"
    ]
    assert "in 1 of 120 events of e (the first: event 3" in notes[0]


@pytest.mark.parametrize(
    ("factor", "match"), [(1e3, "in the sample 'b' contrast over mass"), (-1.0, "the sign of")]
)
def test_samples_in_different_units_or_signs_are_refused(
    tmp_path: Path, factor: float, match: str
) -> None:
    path = as_csv(
        tmp_path / "e.csv",
        sample=["a"] * 120 + ["b"] * 120,
        contrasts=np.tile(CONTRAST, 2),
        masses_kDa=np.r_[MASS, factor * MASS],
    )
    with pytest.raises(PerrinError, match=match):
        read_events(path)


def test_samples_of_contrasts_with_opposite_signs_are_said(tmp_path: Path) -> None:
    path = as_csv(
        tmp_path / "e.csv", sample=["a"] * 120 + ["b"] * 120, contrasts=np.r_[CONTRAST, -CONTRAST]
    )
    assert "does the sign of the contrast differ" in read_events(path).attrs["notes"][-1]


def test_rows_in_da_among_rows_in_kda_are_refused(tmp_path: Path) -> None:
    mixed = np.where(np.arange(120) < 20, 1000 * MASS, MASS)
    for columns in ({"mass": mixed}, {"mass": mixed, "contrast": CONTRAST}):
        with pytest.raises(PerrinError, match="seem to be in Da, the others in kDa"):
            read_events(as_csv(tmp_path / "e.csv", **columns))


def test_a_column_of_units_of_masses_is_used_or_refused(tmp_path: Path) -> None:
    path = as_csv(tmp_path / "e.csv", mass=1000 * MASS, unit="Da")
    np.testing.assert_allclose(read_events(path)["mass_kda"], MASS)
    units = np.where(np.arange(120) < 20, "Da", "kDa")
    with pytest.raises(PerrinError, match="one unit of mass"):
        read_events(as_csv(tmp_path / "e.csv", mass=MASS, unit=units))


def test_marks_of_missing_masses_are_left_out_and_counted(tmp_path: Path) -> None:
    mass = np.where(np.arange(120) % 10 == 0, -999.0, MASS)
    events = read_events(as_csv(tmp_path / "e.csv", mass=mass))
    assert len(events) == 108
    assert "12 masses of -999 (a mark of missing values) left out" in events.attrs["notes"]


def test_a_histogram_is_no_table_of_events(tmp_path: Path) -> None:
    bins = {"Mass (kDa)": np.arange(2.5, 300, 5), "Counts": np.arange(60)}
    with pytest.raises(PerrinError, match="this is a histogram"):
        read_events(as_csv(tmp_path / "e.csv", **bins))


@pytest.mark.parametrize("what", ["sum", "mean"])
def test_a_row_that_sums_up_the_others_is_left_out(tmp_path: Path, what: str) -> None:
    table = pd.DataFrame({"frame": range(120), "contrast": CONTRAST, "mass_kda": MASS}, dtype=float)
    table.loc[120] = table.agg(what)
    path = tmp_path / "e.csv"
    table.to_csv(path, index=False)
    events = read_events(path)
    assert len(events) == 120
    assert events["frame"].tolist() == list(range(120))
    assert f"the last row is the {what} of all others" in events.attrs["read_as"]


@pytest.mark.parametrize("name", ["mass error (kDa)", "mass std [kDa]", "contrast error (%)"])
def test_a_column_of_errors_is_no_unknown_unit(name: str) -> None:
    meaning = meaning_of(name)
    assert meaning is None or meaning.name not in ("mass_kda", "contrast")


def test_trackpys_index_that_is_a_column_too_is_named(tmp_path: Path) -> None:
    table = pd.DataFrame({"particle": [0, 0, 1], "frame": [0, 1, 0], "x": 1.0, "y": 2.0, "mass": 3})
    table.set_index("frame", drop=False).to_parquet(tmp_path / "tracks.parquet")
    with pytest.raises(PerrinError, match="this is a table of tracks"):
        read_events(tmp_path / "tracks.parquet")


@pytest.mark.parametrize("words", [("binding", "unbinding"), ("Landing", "Detachment")])
def test_signs_that_only_a_column_of_words_says_are_used(
    words: tuple[str, str], tmp_path: Path
) -> None:
    kind = np.where(MASS > 0, *words)
    for sizes in ({"mass": abs(MASS), "contrast": abs(CONTRAST)}, {"mass": abs(MASS)}):
        path = as_csv(tmp_path / "a.csv", **sizes, type=kind)
        found = read_events(path)
        np.testing.assert_allclose(found["mass_kda"], MASS)
        assert any("20 events are unbindings by the column type" in n for n in found.attrs["notes"])
        if "contrast" in sizes:
            assert ((found["contrast"] < 0) == (MASS > 0)).all()
    signed = read_events(as_csv(tmp_path / "b.csv", mass=MASS, contrast=CONTRAST, type=kind))
    np.testing.assert_allclose(signed["contrast"], CONTRAST)
    assert not any("column type" in note for note in signed.attrs["notes"])
    other = as_csv(tmp_path / "c.csv", mass=abs(MASS), type=np.where(MASS > 0, "day 1", "day 2"))
    assert (read_events(other)["mass_kda"] > 0).all()


def test_signs_of_words_say_which_contrasts_are_landings(tmp_path: Path) -> None:
    words = np.where(MASS > 0, "binding", "unbinding")
    for sign in (1, -1):
        path = as_csv(tmp_path / "a.csv", contrast=sign * np.abs(CONTRAST), kind=words)
        events = read_events(path)
        np.testing.assert_allclose(events["contrast"], -np.sign(MASS) * np.abs(CONTRAST))


def test_masses_that_are_sizes_take_the_sign_of_the_contrast(tmp_path: Path) -> None:
    events = read_events(as_csv(tmp_path / "a.csv", contrast=CONTRAST, mass_kda=np.abs(MASS)))
    np.testing.assert_allclose(events["mass_kda"], MASS)
    assert "masses without signs: 20 events" in " ".join(events.attrs["notes"])
    turned = np.abs(MASS[RNG.permutation(len(MASS))])
    with pytest.raises(PerrinError, match="contradict each other"):
        read_events(as_csv(tmp_path / "b.csv", contrast=CONTRAST, mass_kda=turned))


def test_exchanged_columns_and_ratios_of_frames_are_named(tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match="columns seem to be exchanged"):
        read_events(as_csv(tmp_path / "a.csv", contrast=MASS, mass_kda=CONTRAST))
    with pytest.raises(PerrinError, match="Subtract 1"):
        read_events(as_csv(tmp_path / "b.csv", contrast=1 + CONTRAST))


def test_negative_masses_alone_are_said(tmp_path: Path) -> None:
    notes = read_events(as_csv(tmp_path / "a.csv", mass_kda=-MASS)).attrs["notes"]
    assert any("most masses are negative" in note for note in notes)
