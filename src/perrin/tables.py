"""The tables that steps hand to each other: their columns, units and meanings.

The column names are the interface. An ``events`` table has one row for each detected
event; steps add columns and never remove rows (rejected events stay, with
``retained = False``).

Conventions: contrast is a fraction (not percent), negative where a molecule lands and
positive where one leaves, whatever the file's own sign. Pixel (0, 0) has its center at
(0, 0), x points right, y points down. Frames are the stored (binned) frames, counted
from 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from perrin.errors import PerrinError
from perrin.events import CLASSES

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["int", "float", "bool", "text"]


@dataclass(frozen=True)
class Column:
    """One column of a table: what it is called, its kind, unit and meaning."""

    name: str
    kind: Kind
    unit: str
    meaning: str


def columns(kind: Kind, unit: str = "", /, **meanings: str) -> tuple[Column, ...]:
    """Columns of one kind and unit, each with its meaning: ``name="meaning"``."""
    return tuple(Column(name, kind, unit, meaning) for name, meaning in meanings.items())


_MOTIONS = (
    ("residence_time_ms", "ms", "time on the surface; infinite beyond what a thumbnail shows"),
    ("path_length_nm", "nm", "length of the way taken on the surface"),
    ("displacement_nm", "nm", "distance from the landing to where the motion ends"),
    ("speed_nm_per_ms", "nm/ms", "speed while moving, of rollers and wobblers"),
)
EVENTS: tuple[Column, ...] = (
    Column("measurement", "text", "", "name of the movie or file the event comes from"),
    Column("event", "int", "", "number of the event in its measurement, from 0"),
    Column("frame", "int", "frame", "landing (or unbinding) frame, left out of both windows"),
    Column("time_s", "float", "s", "time of that frame since the first frame"),
    Column("x_px", "float", "px", "horizontal position, sub-pixel"),
    Column("y_px", "float", "px", "vertical position, sub-pixel, downwards"),
    Column("x_se_px", "float", "px", "standard error of x_px"),
    Column("y_se_px", "float", "px", "standard error of y_px"),
    Column("contrast", "float", "1", "fitted contrast, negative for a landing"),
    Column("contrast_se", "float", "1", "standard error of the contrast"),
    Column("fit_residual", "float", "1", "root mean square of fit minus data, per pixel"),
    Column("fit_chi2", "float", "1", "reduced chi-square: residual over noise, both squared"),
    Column("fit_n_avg", "int", "frame", "frames averaged on each side for the fit"),
    Column("contrast_noise", "float", "1", "measured noise of the matched-filter contrast there"),
    Column("snr_spatial", "float", "1", "matched-filter contrast over its measured noise"),
    Column("snr_temporal", "float", "1", "signal-to-noise ratio of the step in time"),
    Column("mass_kda", "float", "kDa", "calibrated mass, negative for an unbinding"),
    Column("mass_se_kda", "float", "kDa", "standard error of the mass, calibration included"),
    Column("contrast_pred", "float", "1", "contrast that the quantifier reads, negative"),
    Column("contrast_pred_se", "float", "1", "its standard error: 90% interval over 3.29"),
    Column("contrast_pred_low", "float", "1", "lighter end of the 90% interval of contrast_pred"),
    Column("contrast_pred_high", "float", "1", "heavier end of it"),
    Column("mass_pred_kda", "float", "kDa", "mass that belongs to contrast_pred"),
    Column("mass_pred_low_kda", "float", "kDa", "lower end of its 90% interval"),
    Column("mass_pred_high_kda", "float", "kDa", "upper end of it"),
    *(
        Column(f"{name}{end}", "float", unit, f"{what}{said}")
        for name, unit, what in _MOTIONS
        for end, said in (
            ("", ""),
            ("_low", ": lower end of its 90% interval"),
            ("_high", ": upper end of it"),
        )
    ),
    Column("out_of_distribution", "bool", "", "unlike anything the quantifier was trained on"),
    Column("persistence_contrast", "float", "1", "contrast at the longer integration, same place"),
    Column("persistence_contrast_se", "float", "1", "standard error of it"),
    Column("late_contrast", "float", "1", "contrast in the frames beyond n_avg of the landing"),
    Column("late_contrast_se", "float", "1", "standard error of it"),
    Column(
        "still_there", "int", "", "1: late_contrast is over half of contrast; 0: not; -1: unknown"
    ),
    Column("neighbor_px", "float", "px", "distance to the nearest event within 2 n_avg frames"),
    *(Column(f"score_{name}", "float", "1", f"score of {name}, 0 to 1") for name in CLASSES),
    *(Column(f"p_{name}", "float", "1", f"probability of {name}") for name in CLASSES),
    Column(
        "label",
        "text",
        "",
        "class given to the event; or why it has none: not fitted, unscored (too near the start "
        "or end for the classifier); or duplicate (another detection of a landing kept already)",
    ),
    Column("retained", "bool", "", "whether the event enters the spectrum"),
    Column("thumbnail_index", "int", "", "row in the stored thumbnails, -1 for none"),
)
_KNOWN = {column.name: column for column in EVENTS}

REQUIRED_EVENTS: tuple[str, ...] = ("measurement", "event", "contrast")
"""What an events table from any source must have; other columns follow from the source."""


def check_events(events: pd.DataFrame) -> pd.DataFrame:
    """Return `events` as given if it follows the schema.

    Raises `PerrinError` naming the first column that is missing or has the wrong kind.
    Columns that the schema does not know are left alone: they belong to the user.
    """
    missing = [name for name in REQUIRED_EVENTS if name not in events.columns]
    if missing:
        raise PerrinError(
            f"an events table needs the columns {', '.join(REQUIRED_EVENTS)}; "
            f"missing: {', '.join(missing)}. Read vendor files with perrin.read_events."
        )
    kinds = {"int": "iu", "float": "f", "bool": "b"}
    for name in events.columns:
        column = _KNOWN.get(str(name))
        if column is None or column.kind == "text":
            continue
        found = events[name].dtype.kind
        if found not in kinds[column.kind]:
            raise PerrinError(
                f"column {name!r} holds {events[name].dtype}, expected {column.kind} "
                f"({column.meaning}). Convert it first, for instance with astype."
            )
    return events


def order_columns(events: pd.DataFrame) -> pd.DataFrame:
    """Return `events` with the schema's columns first, in the schema's order."""
    known = [name for name in _KNOWN if name in events.columns]
    other = [name for name in events.columns if name not in _KNOWN]
    return events[known + other]


def signs(events: pd.DataFrame) -> pd.Series:
    """Return -1 for a landing, +1 for an unbinding, 0 for what is neither; (n,).

    By the contrast; by the mass where an event has no contrast, as in tables of masses alone.
    """
    contrast = events["contrast"]
    if "mass_kda" in events.columns:
        contrast = contrast.fillna(-events["mass_kda"])
    return (contrast > 0).astype("float64") - (contrast < 0).astype("float64")


def landings_and_unbindings(events: pd.DataFrame) -> tuple[int, int]:
    """Return how many events land and how many leave."""
    found = signs(events)
    return int((found < 0).sum()), int((found > 0).sum())
