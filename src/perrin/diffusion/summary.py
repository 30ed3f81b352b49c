"""The ensemble: what the trajectories of one measurement say together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from perrin.diffusion import residence_time
from perrin.diffusion.by_kind import answered, w_may_be_anything, without_w
from perrin.diffusion.classical import ergodicity_breaking, tamsd
from perrin.diffusion.motion_kinds import ADJECTIVES, unit_of
from perrin.diffusion.regimes import LABELS
from perrin.diffusion.segments import summary as of_segments
from perrin.diffusion.tables import CLASSICAL, ESTIMATES, FALSE_FLAGS
from perrin.diffusion.windows import to_tracks
from perrin.types import FloatArray

if TYPE_CHECKING:
    from perrin.diffusion.characterize import DiffusionResult, Scale

_LAGS = 24


def summary(found: DiffusionResult) -> dict[str, Any]:
    """Return medians with quartiles over the trajectories, numbers, and counts of reasons."""
    table = found.trajectories
    names = [*ESTIMATES, *(column.name for column in CLASSICAL)]
    quartiles = table[names].quantile([0.25, 0.5, 0.75])
    reasons = table["reason"].str.replace(r"[\d.]+", "#", regex=True).value_counts()
    return {
        "units": {str(key): value for key, value in table.attrs.items()},
        "trajectories": len(table),
        "predicted": {name: int(table[name].notna().sum()) for name in names},
        "quartiles": {
            name: [_rounded(value) for value in quartiles[name]] for name in quartiles.columns
        },
        "windows": len(found.windows),
        "reasons": {str(why) or "none": int(number) for why, number in reasons.items()},
        "kinds": counted(table),
        "outside_the_models": {
            "w_not_given": int(without_w(table).sum()),
            "w_may_be_anything": int(w_may_be_anything(table).sum()),
        },
        "out_of_model": _flags(table),
        "regimes": _regimes(found),
        "segments": of_segments(found.segments),
    }


def counted(trajectories: pd.DataFrame) -> dict[str, int]:
    """Return how many trajectories are of each kind of motion, the commonest first."""
    counts = trajectories["kind"].fillna("").value_counts()
    return {str(kind): int(number) for kind, number in counts.items() if kind}


def kinds_in_words(trajectories: pd.DataFrame, *, changing: int = 0) -> str:
    """Return the answer in a line: "9 tracks: 4 FBM, 3 mostly CTRW, 2 confined".

    changing: trajectories that change between FBM-like and CTRW-like, which is added. Empty where
    no kind is told.
    """
    kinds = trajectories["kind"].fillna("")
    if not (kinds != "").any():
        return ""
    jumping = trajectories["fraction_ctrw"] > 0.5
    names = kinds.map(ADJECTIVES)
    mixed = kinds == "mixture"
    names = names.mask(mixed & jumping, "mostly CTRW").mask(mixed & ~jumping, "mostly FBM")
    said = ", ".join(f"{number} {name}" for name, number in names.value_counts().items())
    total = f"{len(kinds)} track{'s' if len(kinds) != 1 else ''}: {said}"
    return f"{total}; {changing} change between FBM and CTRW" if changing else total


def normal_diffusion_in_words(trajectories: pd.DataFrame) -> str:
    """Return the median D of the trajectories that may diffuse normally; empty without one."""
    own = trajectories.loc[trajectories["D_exponent"] == 1, "D"]
    if own.empty:
        return ""
    units = {name: str(trajectories.attrs.get(f"{name}_unit", "")) for name in ("length", "time")}
    if " " in units["length"]:
        units["length"] = "unit"
    number = f"{len(own)} track{'s' if len(own) != 1 else ''}"
    return f"D {own.median():.3g} {unit_of(2, -1, **units)}: median of {number} with exponent 1"


def characterized(trajectories: pd.DataFrame) -> str:
    """Return how many trajectories have a prediction, and the commonest reason of the others."""
    predicted = answered(trajectories)
    said = f"{int(predicted.sum())} of {len(trajectories)} trajectories characterized"
    if predicted.all():
        return said
    reasons = trajectories.loc[~predicted, "reason"]
    kinds = reasons.str.replace(r"\d[\d.]*", "#", n=1, regex=True)
    commonest = kinds.value_counts()
    first = reasons[kinds == commonest.index[0]].iloc[0]
    return f"{said}; of the others {int(commonest.iloc[0])}: {first}"


def _flags(table: pd.DataFrame) -> dict[str, Any]:
    checked, flagged = (
        int(table["posterior_predictive_p"].notna().sum()),
        int(table["out_of_model"].sum()),
    )
    return {
        "checked": checked,
        "flagged": flagged,
        "fraction": flagged / checked if checked else None,
        "expected_fraction": FALSE_FLAGS,
    }


def _regimes(found: DiffusionResult) -> dict[str, Any]:
    regimes, along = found.time_course.regimes, found.time_course.time_course
    changes = regimes.loc[regimes["start_low"].notna(), "particle"]
    return {
        "tracks": int(regimes["particle"].nunique()),
        "tracks_with_change": int(changes.nunique()),
        "changes": len(changes),
        "frames": {label: int((along["label"] == label).sum()) for label in LABELS},
        "residence_time": residence_time.summary(regimes),
    }


def msd_curves(
    tracks: pd.DataFrame, trajectories: pd.DataFrame, scale: Scale
) -> dict[int, tuple[FloatArray, FloatArray]]:
    """Return time and time-averaged MSD of each characterized track, in the units of `scale`.

    Lags are spaced by ratio, up to a quarter of the longest track.
    """
    kept = set(trajectories.loc[answered(trajectories), "particle"])
    chosen = [track for track in to_tracks(tracks) if track.particle in kept]
    longest = max(len(track.seen) for track in chosen)
    lags = np.unique(np.geomspace(1, max(4, longest // 4), _LAGS).astype(int))
    length, interval = scale.length, scale.frame_interval
    return {
        track.particle: (
            lags * interval,
            tamsd(track.positions, track.seen, lags=lags)[0] * length**2,
        )
        for track in chosen
    }


def ergodicity(curves: dict[int, tuple[FloatArray, FloatArray]]) -> float:
    """Return the ergodicity-breaking parameter of the MSD at the first lag."""
    return ergodicity_breaking([msd[0] for _, msd in curves.values()])


def _rounded(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None
