"""How each choice is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perrin.app.choices import Kind


@dataclass(frozen=True)
class Field:
    """A choice: its label with unit, for which kinds of files, and whether it is usual.

    `options` are the values that can be chosen and how they are named; None for a number
    or text.
    """

    name: str
    label: str
    kinds: tuple[Kind, ...]
    usual: bool = False
    options: dict[Any, str] | None = None


FIELDS: tuple[Field, ...] = (
    Field("calibration", "Calibration", ("movie", "events"), usual=True),
    Field("model", "Network", ("movie", "tracks"), usual=True),
    Field("threshold", "Least binder score, 0 to 1, or auto (empty: 0.9)", ("movie",), usual=True),
    Field("precision", "Instead: fraction of binders among the retained, 0 to 1", ("movie",)),
    Field(
        "reported_spectrum",
        "Reported spectrum",
        ("movie",),
        usual=True,
        options={
            "filtered": "the filtered landings, as fitted",
            "all": "all landings, with the masses that the network predicts",
        },
    ),
    Field("n_avg", "Frames averaged on each side, to detect", ("movie",), usual=True),
    Field("fit_n_avg", "Frames averaged on each side, to fit (empty: the same)", ("movie",)),
    Field("permissive", "Permissive thresholds, for masses below about 45 kDa", ("movie",)),
    Field("spatial_threshold", "Spatial threshold (signal over noise)", ("movie",)),
    Field("temporal_threshold", "Temporal threshold (signal over noise)", ("movie",)),
    Field("bin_kda", "Width of a bin (kDa)", ("events",), usual=True),
    Field("resamples", "Bootstrap resamples (0: no intervals)", ("movie", "events")),
    Field("pixel_nm", "Stored pixel, or unit of the coordinates (nm)", ("movie", "tracks")),
    Field("frame_rate_hz", "Stored frames a second", ("movie",)),
    Field("frame_interval_s", "Time between frames (s)", ("tracks",)),
    Field(
        "units",
        "Units",
        ("tracks",),
        usual=True,
        options={None: "as given", "unknown": "unknown: the file's own, and frames"},
    ),
    Field(
        "landing_sign",
        "A landing makes raw pixels",
        ("movie",),
        options={None: "as the file says", -1: "darker", 1: "brighter"},
    ),
    Field("dataset", "Name of the movie inside the file", ("movie",)),
    Field(
        "encoding",
        "Encoding",
        ("movie",),
        options={None: "as the file says", "raw": "raw", "time-difference": "time difference"},
    ),
    Field("axes", "Axes as stored, one letter each (as TYX, YXT, TCYX)", ("movie",)),
    Field("channel", "Channel, from 0", ("movie",)),
    Field("z", "Plane (z slice), from 0", ("movie",)),
    Field("window", "Frames of a window", ("tracks",), usual=True),
    Field("stride", "Frames from one window to the next", ("tracks",)),
)
