"""How a measurement runs: landing density over time, drift of a peak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr

from perrin.errors import PerrinError
from perrin.stats import poisson_interval
from perrin.types import FloatArray, IntArray


@dataclass(frozen=True)
class LandingDensity:
    """Landings per um^2 and second in bins of time, and their mean, with intervals.

    `edges_s` (n + 1,); `counts`, `per_um2_s`, `low`, `high` (n,).
    """

    edges_s: FloatArray
    counts: IntArray
    per_um2_s: FloatArray
    low: FloatArray
    high: FloatArray
    mean: float
    mean_low: float
    mean_high: float

    def to_dict(self) -> dict[str, Any]:
        """The same as plain numbers, units in the names."""
        return {
            "time_edges_s": self.edges_s.tolist(),
            "landings": self.counts.tolist(),
            "density_per_um2_s": self.per_um2_s.tolist(),
            "density_per_um2_s_low": self.low.tolist(),
            "density_per_um2_s_high": self.high.tolist(),
            "mean_density_per_um2_s": self.mean,
            "mean_density_per_um2_s_low": self.mean_low,
            "mean_density_per_um2_s_high": self.mean_high,
        }


@dataclass(frozen=True)
class PeakDrift:
    """Straight line through the masses of one peak over time.

    Masses in the unit they were given in, `unit`. `change` is the slope times the time
    between the first and the last event, `p_value` the chance of a slope at least as
    steep without drift.
    """

    slope_per_s: float
    slope_se_per_s: float
    change: float
    p_value: float
    n_events: int
    unit: str

    def to_dict(self) -> dict[str, Any]:
        """The same as plain numbers, units in the names."""
        unit = self.unit.lower()
        return {
            f"slope_{unit}_per_s": self.slope_per_s,
            f"slope_se_{unit}_per_s": self.slope_se_per_s,
            f"change_{unit}": self.change,
            "p_value": self.p_value,
            "events": self.n_events,
        }


def landing_density(
    times_s: FloatArray,
    *,
    start_s: float,
    stop_s: float,
    area_um2: float,
    bin_s: float,
    confidence: float = 0.95,
) -> LandingDensity:
    """Landings over accepted area and accepted time, in bins of about `bin_s`.

    `times_s` (n,) of the landings; the accepted time runs from `start_s` to `stop_s` (the
    movie without the frames at both ends that have no ratiometric frame) and is cut into
    equal bins; `area_um2` is the field without the borders where no event is accepted.
    Intervals are exact for Poisson counts (Garwood 1936), so that an empty bin has an
    upper limit. Raises `PerrinError` for times outside, NaN, or no area or time.
    """
    if not (stop_s > start_s and area_um2 > 0 and bin_s > 0):
        raise PerrinError(
            f"landing density over {area_um2} um^2 from {start_s} s to {stop_s} s in bins of "
            f"{bin_s} s; area, time and bins must be above 0."
        )
    times_s = np.asarray(times_s, dtype=np.float64)
    outside = int(np.count_nonzero(~((times_s >= start_s) & (times_s <= stop_s))))
    if outside:
        raise PerrinError(
            f"{outside} of {times_s.size} landings lie outside the accepted time, {start_s} s to "
            f"{stop_s} s. Leave them out, or give the time that was analyzed."
        )
    n_bins = max(1, round((stop_s - start_s) / bin_s))
    counts, edges = np.histogram(times_s, n_bins, (start_s, stop_s))
    exposure = area_um2 * (stop_s - start_s) / n_bins
    low, high = poisson_interval(counts, confidence=confidence)
    mean_low, mean_high = poisson_interval(np.array(times_s.size), confidence=confidence)
    whole = exposure * n_bins
    return LandingDensity(
        edges_s=edges,
        counts=counts,
        per_um2_s=counts / exposure,
        low=low / exposure,
        high=high / exposure,
        mean=times_s.size / whole,
        mean_low=float(mean_low) / whole,
        mean_high=float(mean_high) / whole,
    )


def peak_drift(
    times_s: FloatArray, masses: FloatArray, *, low: float, high: float, unit: str = "kDa"
) -> PeakDrift | None:
    """Drift of a peak: the least-squares slope of its events' masses over time.

    `times_s` and `masses` (n,) of all landings; the peak's are those from `low` to `high`
    (`Peak.low`, `Peak.high`). Two-sided t test with n - 2 degrees of freedom. None with
    fewer than three events or all at one time. Raises `PerrinError` for unequal lengths.
    """
    times_s, masses = np.asarray(times_s, np.float64), np.asarray(masses, np.float64)
    if times_s.shape != masses.shape:
        raise PerrinError(
            f"{times_s.size} times and {masses.size} masses; give one time for each event."
        )
    inside = (masses >= low) & (masses <= high) & np.isfinite(times_s)
    t, m = times_s[inside], masses[inside]
    n = t.size
    if n < 3 or np.ptp(t) == 0:
        return None
    centered = t - t.mean()
    spread = float(centered @ centered)
    slope = float(centered @ m) / spread
    residual = m - m.mean() - slope * centered
    error = float(np.sqrt(residual @ residual / (n - 2) / spread))
    steepness = abs(slope) / error if error > 0 else np.inf
    return PeakDrift(
        slope_per_s=slope,
        slope_se_per_s=error,
        change=slope * float(np.ptp(t)),
        p_value=float(2.0 * stdtr(n - 2, -steepness)) if slope else 1.0,
        n_events=n,
        unit=unit,
    )
