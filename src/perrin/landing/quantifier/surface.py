"""What the motions of the landings say about the surface: who stays, how long, how fast.

Paper 002 suggests it: bad landings are not only bad masses, they are the coating at work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.events import EVENT_CLASSES, MOVERS
from perrin.landing.quantifier.quantify import RIGHT_CENSORED
from perrin.mass.results import Estimate
from perrin.stats import median_interval, poisson_interval, wilson_interval
from perrin.types import FloatArray

if TYPE_CHECKING:
    import pandas as pd

_LEAST = 10
_MUCH = 0.15  # fraction of leaving or moving molecules that asks for another surface
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Surface:
    """Fractions and motions of the landings of a measurement, with 95% intervals."""

    landings: int
    """Landings that were looked at."""
    leaving: Estimate
    """Fraction that leaves within what a thumbnail shows."""
    seen_ms: float
    """How long that is."""
    residence_time_ms: Estimate | None
    """Median time on the surface of those that leave."""
    rate_per_s: Estimate | None
    """Rate of leaving within that time, if it were constant: leavings over the time watched."""
    fractions: dict[str, Estimate]
    speed_nm_per_ms: dict[str, Estimate]
    path_length_nm: dict[str, Estimate]
    """fractions, speed_nm_per_ms, path_length_nm: of each class that moves: fraction of the
    landings, median speed and path."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, units in the names."""
        plain: dict[str, Any] = {"landings": self.landings, "seen_ms": self.seen_ms}
        plain |= self.leaving.named("leaving_fraction")
        if self.residence_time_ms is not None:
            plain |= self.residence_time_ms.named("residence_time_ms")
        if self.rate_per_s is not None:
            plain |= self.rate_per_s.named("rate_per_s")
        for name, fraction in self.fractions.items():
            plain |= fraction.named(f"{name}_fraction")
        for unit, found in (
            ("speed_nm_per_ms", self.speed_nm_per_ms),
            ("path_length_nm", self.path_length_nm),
        ):
            for name, estimate in found.items():
                plain |= estimate.named(f"{name}_{unit}")
        return plain | {"says": list(self.sentences)}

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it says about the coating."""
        found = [
            f"{self.leaving.value:.0%} of {self.landings} landings leave within "
            f"{self.seen_ms:.0f} ms"
            + (
                f", half of those within {self.residence_time_ms.value:.0f} ms"
                if self.residence_time_ms is not None
                else ""
            )
        ]
        for name, speed in self.speed_nm_per_ms.items():
            found.append(
                f"{self.fractions[name].value:.0%} are {name}s, at {speed.value:.1f} nm/ms over "
                f"{self.path_length_nm[name].value:.0f} nm"
            )
        moving = {name: self.fractions[name].value for name in MOVERS}
        if self.leaving.value > _MUCH and max(moving.values()) < _MUCH:
            found.append(
                "molecules let go where they landed: the surface holds them too weakly (charge, "
                "salt, pH)"
            )
        much = [one for one in EVENT_CLASSES if one.coating and moving.get(one.name, 0) > _MUCH]
        return (*found, *(one.coating for one in much))


def surface(events: pd.DataFrame, *, frame_interval_s: float) -> Surface | None:
    """Return what quantified and classified landings say; None for fewer than ten.

    `events` holds the landings that count, each once.
    """
    if len(events) < _LEAST:
        return None
    seen_ms = RIGHT_CENSORED * frame_interval_s * 1e3
    residence_time = events["residence_time_ms"].to_numpy(float)
    leaves = np.isfinite(residence_time)
    watched_s = float(np.where(leaves, residence_time, seen_ms).sum()) / 1e3
    count = int(leaves.sum())
    own = {name: (events["label"] == name).to_numpy() for name in MOVERS}
    moving = {name: rows for name, rows in own.items() if rows.sum() >= _LEAST}

    def medians(column: str) -> dict[str, Estimate]:
        values = events[column].to_numpy(float)
        return {name: _median(values[rows]) for name, rows in moving.items()}

    return Surface(
        landings=len(events),
        leaving=_fraction(count, len(events)),
        seen_ms=seen_ms,
        residence_time_ms=_median(residence_time[leaves]) if count >= _LEAST else None,
        rate_per_s=_rate(count, watched_s) if count else None,
        fractions={name: _fraction(int(rows.sum()), len(events)) for name, rows in own.items()},
        speed_nm_per_ms=medians("speed_nm_per_ms"),
        path_length_nm=medians("path_length_nm"),
    )


def _fraction(count: int, total: int) -> Estimate:
    low, high = wilson_interval(count, total, confidence=_CONFIDENCE)
    return Estimate(count / total, float(low), float(high))


def _rate(count: int, watched_s: float) -> Estimate:
    """Events over time, with the exact interval of a Poisson count."""
    low, high = poisson_interval(count, confidence=_CONFIDENCE)
    return Estimate(count / watched_s, float(low) / watched_s, float(high) / watched_s)


def _median(values: FloatArray) -> Estimate:
    values = values[np.isfinite(values)]
    if not len(values):
        return Estimate(np.nan)
    return Estimate(*median_interval(values, confidence=_CONFIDENCE))
