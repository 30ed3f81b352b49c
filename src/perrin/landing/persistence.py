"""Is the molecule still there: events looked at again at a longer integration.

A check of the filter that needs no labels (paper 002, Figure 5 D and E: discarded and retained
detections of protein A at 140 ms). Two contrasts are read at the position of each event:

``persistence_contrast``
    over all frames of the longer integration, as in the paper. It holds the frames of the
    detection: of a fluctuation that was mistaken for an event, n_avg / n_persistence is still
    in it.
``late_contrast``
    over the frames that lie farther than n_avg from the landing, on both sides: frames that the
    event was not chosen by. A molecule that stays has its contrast in them, one that left, or
    white noise, has none on average; of a background that changes slowly a part is left.
    ``still_there`` where it is more than half of the event's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.fit import amplitudes_at
from perrin.landing.matched import WINDOW_PX
from perrin.landing.ratiometric import ratiometric
from perrin.landing.thumbnails import iter_stacks, places_of
from perrin.optics.psf import Psf
from perrin.stats import fraction_columns, robust_sd
from perrin.types import Float32Array, FloatArray

if TYPE_CHECKING:
    import pandas as pd

_HALF = 0.5  # of the event's contrast: as far from none as from all of it
_KEPT, _DISCARDED = "retained", "discarded"
_LEAST_LATE = 5  # frames on each side beyond n_avg: fewer say nothing


@dataclass(frozen=True)
class PersistenceResult:
    """What came of looking again."""

    persistence_ms: float
    """The longer integration, in ms."""
    n_avg: int
    """The same in frames on each side."""
    groups: pd.DataFrame
    """Landings that were retained, those that were discarded, and the latter by label: ``group``,
    ``landings``, ``checked`` (far enough from the ends of the movie), ``still_there`` of them,
    ``fraction`` with ``fraction_low``, ``fraction_high`` (Wilson), and ``ratio``, the median of
    late contrast over contrast (1: all stay, 0: none), with ``ratio_sd``, its spread (from the
    median absolute deviation)."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "persistence_ms": self.persistence_ms,
            "n_avg": self.n_avg,
            "groups": self.groups.to_dict("records"),
        }

    def fraction(self, group: str) -> tuple[int, float]:
        """How many landings of a group were checked, and the fraction still there."""
        row = self.groups[self.groups["group"] == group].iloc[0]
        return int(row["checked"]), float(row["fraction"])


def persistence_n_avg(persistence_ms: float, movie: Movie, *, n_avg: int) -> int:
    """Frames on each side of an integration in ms; `PerrinError` unless well above n_avg."""
    frames = round(persistence_ms / (1e3 * movie.frame_interval_s))
    if frames < n_avg + _LEAST_LATE:
        frame_ms = 1e3 * movie.frame_interval_s
        raise PerrinError(
            f"looking again at {persistence_ms:g} ms is {frames} frames, hardly more than the "
            f"{n_avg} frames of the detection; give "
            f"{(n_avg + _LEAST_LATE) * frame_ms:.0f} ms or more"
        )
    if 2 * frames + 1 > movie.n_frames:
        raise PerrinError(
            f"looking again at {persistence_ms:g} ms needs {2 * frames + 1} frames, the movie has "
            f"{movie.n_frames}; give a shorter time"
        )
    return frames


def measure_persistence(
    movie: Movie, events: pd.DataFrame, *, n_avg: int, n_persistence: int, psf: Psf
) -> pd.DataFrame:
    """Read the contrast of every event again.

    Parameters
    ----------
    movie : Movie
        Read once, in blocks.
    events : DataFrame
        Fitted events: ``frame``, ``x_px``, ``y_px``, ``contrast``.
    n_avg, n_persistence : int
        Frames on each side, of the detection and of the longer integration.
    psf : Psf
        Point-spread function of the fit.

    Returns
    -------
    DataFrame
        `events` with ``persistence_contrast``, ``persistence_contrast_se``, ``late_contrast``,
        ``late_contrast_se`` (NaN too near the start or end of the movie) and ``still_there``
        (1 or 0; -1 where it is not known).

    """
    found = np.full((len(events), 4), np.nan)
    y, x = events["y_px"].to_numpy(float), events["x_px"].to_numpy(float)
    for batch in iter_stacks(
        movie,
        places_of(events),
        before=n_persistence,
        after=n_persistence,
        size=WINDOW_PX,
    ):
        for column, patches in zip((0, 2), _looks(batch.stacks, n_avg, n_persistence), strict=True):
            found[batch.rows, column : column + 2] = np.column_stack(
                amplitudes_at(
                    patches * -movie.landing_sign,
                    dx_px=x[batch.rows] - np.rint(x[batch.rows]),
                    dy_px=y[batch.rows] - np.rint(y[batch.rows]),
                    psf=psf,
                    inside=batch.inside,
                )
            )
    names = ("persistence_contrast", "persistence_contrast_se", "late_contrast", "late_contrast_se")
    columns = {name: found[:, k] for k, name in enumerate(names)}
    ratio = found[:, 2] / events["contrast"].to_numpy(float)
    there = np.where(np.isfinite(ratio), ratio > _HALF, -1).astype(np.int64)
    return events.assign(**columns, still_there=there)


def _looks(
    stacks: Float32Array, n_avg: int, n_persistence: int
) -> tuple[Float32Array, Float32Array]:
    """Contrast (N, S, S) at the longer integration, and of it only what detection did not use."""
    whole = ratiometric(stacks, n_avg=n_persistence)[:, 0]
    early = stacks[:, : n_persistence - n_avg].mean(axis=1)
    late = stacks[:, n_persistence + n_avg + 1 :].mean(axis=1)
    return whole, late / early - 1


def summarize_persistence(
    events: pd.DataFrame, *, persistence_ms: float, n_avg: int, confidence: float = 0.95
) -> PersistenceResult:
    """Sum up events that were looked at again: landings retained, discarded, and by label."""
    import pandas as pd

    landing = events[(events["contrast"] < 0).to_numpy()]
    retained = landing["retained"].to_numpy(bool)
    groups = {_KEPT: landing[retained], _DISCARDED: landing[~retained]}
    gone = landing[~retained]
    for label in sorted(set(gone["label"]) - {""}):
        groups[f"{_DISCARDED}: {label}"] = gone[gone["label"] == label]
    rows = [_row(name, part, confidence) for name, part in groups.items()]
    return PersistenceResult(persistence_ms, n_avg, pd.DataFrame(rows))


def late_ratios(events: pd.DataFrame) -> dict[str, FloatArray]:
    """Late contrast over contrast of the landings that were retained, and of those discarded."""
    known = events[((events["contrast"] < 0) & (events["still_there"] >= 0)).to_numpy()]
    ratio = (known["late_contrast"] / known["contrast"]).to_numpy(float)
    retained = known["retained"].to_numpy(bool)
    return {_KEPT: ratio[retained], _DISCARDED: ratio[~retained]}


def _row(name: str, part: pd.DataFrame, confidence: float) -> dict[str, Any]:
    known = part[part["still_there"] >= 0]
    number, there = len(known), int(known["still_there"].sum())
    ratio = (known["late_contrast"] / known["contrast"]).to_numpy(float)
    middle = float(np.median(ratio)) if number else np.nan
    return {
        "group": name,
        "landings": len(part),
        "checked": number,
        "still_there": there,
        **fraction_columns("fraction", there, number, confidence=confidence),
        "ratio": middle,
        "ratio_sd": robust_sd(ratio),
    }
