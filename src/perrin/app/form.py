"""How each choice is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perrin.mass.ladders import LADDERS


@dataclass(frozen=True)
class Field:
    """A choice: its label with unit, and whether it is usual.

    `options` are the values that can be chosen and how they are named; None for a number
    or text. `hint`: what can be typed, below it.
    """

    name: str
    label: str
    usual: bool = False
    options: dict[Any, str] | None = None
    hint: str = ""


_CALIBRANTS = f"{', '.join(LADDERS)}, or kDa as 66,146,480"
FIELDS: tuple[Field, ...] = (
    Field("ladder", "Masses of the calibrant", usual=True, hint=_CALIBRANTS),
    Field("calibration", "Calibration", usual=True),
    Field("table_calibration", "Calibration", usual=True),
    Field(
        "particles",
        "What moves",
        usual=True,
        options={
            None: "not chosen",
            "rods": "rods",
            "spheres": "spheres",
            "molecules": "molecules",
        },
    ),
    Field(
        "edited", "File with the edited tracks: TrackMate's XML, napari's .npy, a CSV", usual=True
    ),
    Field("movie", "Movie that was tracked", usual=True),
    Field("particle", "Number of the track", usual=True),
    Field("side_px", "Side of the window (px; empty: eight radii)"),
    Field("reaction", "Reaction: A+B=AB, A+A=AA, A+B=AB+AB=A2B2, competition", usual=True),
    Field("efficiency_error", "How well the efficiency of each species is known (fraction)"),
    Field("concentration_error", "How well concentrations of stocks are known (fraction)"),
    Field("species", "Species by mass, as A:66,B:150 (empty: those that show)", usual=True),
    Field("model", "Network", usual=True),
    Field("threshold", "Least binder score, 0 to 1, or auto (empty: 0.9)", usual=True),
    Field("precision", "Instead: fraction of binders among the retained, 0 to 1"),
    Field(
        "reported_spectrum",
        "Reported spectrum",
        usual=True,
        options={
            "filtered": "the filtered landings, as fitted",
            "all": "all landings, with the masses that the network predicts",
        },
    ),
    Field("n_avg", "Frames averaged on each side, to detect", usual=True),
    Field("fit_n_avg", "Frames averaged on each side, to fit (empty: the same)"),
    Field("psf", "Point-spread function"),
    Field("permissive", "Permissive thresholds, for masses below about 45 kDa"),
    Field("spatial_threshold", "Spatial threshold (signal over noise)"),
    Field("temporal_threshold", "Temporal threshold (signal over noise)"),
    Field("exposure", "Fraction of the frame interval with light, 0 to 1", usual=True),
    Field("width_nm", "Diameter of rods or spheres (nm; empty: measured)"),
    Field("locate_threshold", "Threshold of a particle (signal over noise)"),
    Field("mass_calibration", "Calibration, for masses of molecules that move"),
    Field("keep_drift", "Leave the drift of the stage in the tracks"),
    Field("keep_immobile", "Keep tracks of immobile particles while others move"),
    Field("bin_kda", "Width of a bin (kDa)", usual=True),
    Field("resamples", "Bootstrap resamples (0: no intervals)"),
    Field("pixel_nm", "Stored pixel, or unit of the coordinates (nm)"),
    Field("frame_rate_hz", "Stored frames a second"),
    Field("frame_interval_s", "Time between frames (s)"),
    Field(
        "units",
        "Units",
        usual=True,
        options={None: "as given", "unknown": "unknown: the file's own, and frames"},
    ),
    Field("localization_error", "Localization error of one axis, in the unit of the coordinates"),
    Field(
        "landing_sign",
        "A landing makes raw pixels",
        options={None: "as the file says", -1: "darker", 1: "brighter"},
    ),
    Field("dataset", "Name of the movie inside the file"),
    Field(
        "encoding",
        "Encoding",
        options={None: "as the file says", "raw": "raw", "time-difference": "time difference"},
    ),
    Field("axes", "Axes as stored, one letter each (as TYX, YXT, TCYX)"),
    Field("channel", "Channel, from 0"),
    Field("z", "Plane (z slice), from 0"),
    Field("window", "Frames of a window", usual=True),
    Field("stride", "Frames from one window to the next", usual=True),
)
