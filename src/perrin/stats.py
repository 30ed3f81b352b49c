"""Spreads, quantiles and intervals, each once."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from statistics import NormalDist
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perrin.errors import PerrinError
from perrin.types import FloatArray, IntArray

Value = TypeVar("Value", bound=np.generic)

MAD_TO_SD = 1.0 / NormalDist().inv_cdf(0.75)
"""Standard deviation of a normal distribution over its median absolute deviation, 1.4826."""


SE_OF_MEDIAN = sqrt(pi / 2)
"""Standard error of the median of normal values over that of their mean, 1.2533."""


def normal_quantile(confidence: float) -> float:
    """Standard errors on each side that hold `confidence` of a normal distribution."""
    return NormalDist().inv_cdf(0.5 + 0.5 * confidence)


def robust_sd(values: ArrayLike, *, center: float | None = None) -> float:
    """Standard deviation by the median absolute deviation from `center`, else the median.

    NaN of no values. Half of the values may be outliers; of normal ones it has 37% of the
    efficiency of the plain standard deviation.
    """
    values = np.asarray(values)
    if not values.size:
        return float("nan")
    middle = np.median(values) if center is None else center
    return MAD_TO_SD * float(np.median(np.abs(values - middle)))


def quartile_sd(values: ArrayLike) -> float:
    """Standard deviation by the distance between the quartiles; both sides of skewed values.

    NaN of no values. A quarter on each side may be outliers.
    """
    values = np.asarray(values)
    if not values.size:
        return float("nan")
    low, high = np.percentile(values, (25, 75))
    return sd_of_quartiles(float(low), float(high))


def sd_of_quartiles(low: float, high: float) -> float:
    """Return the standard deviation of a normal distribution with these quartiles."""
    return 0.5 * MAD_TO_SD * (high - low)


def median_interval(values: ArrayLike, *, confidence: float) -> tuple[float, float, float]:
    """Median of (n,) values, and the low and high ends of its interval; NaN of no values.

    The standard error is that of normal values as wide as the quartiles are apart.
    """
    values = np.asarray(values)
    if not values.size:
        return float("nan"), float("nan"), float("nan")
    half = median_error(quartile_sd(values), values.size, confidence=confidence)
    middle = float(np.median(values))
    return middle, middle - half, middle + half


def median_error(sd: float, count: int, *, confidence: float) -> float:
    """Return half the interval of the median of `count` normal values of standard deviation sd."""
    return normal_quantile(confidence) * SE_OF_MEDIAN * sd / sqrt(count)


def poisson_interval(counts: ArrayLike, *, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Exact central interval of the mean behind each count (Garwood 1936), by the gamma law."""
    from scipy.special import gammaincinv

    tail = 0.5 * (1.0 - confidence)
    n = np.asarray(counts, dtype=np.float64)
    low = np.where(n > 0, gammaincinv(np.maximum(n, 1.0), tail), 0.0)
    high = gammaincinv(n + 1.0, 1.0 - tail)
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


def wilson_interval(successes: int, total: int, *, confidence: float) -> tuple[float, float]:
    """Interval of a binomial fraction (Wilson 1927); holds for 0 and `total` successes too."""
    if not 0 <= successes <= total or total == 0:
        raise PerrinError(
            f"a fraction of {successes} in {total}; needs 0 <= part <= whole, whole > 0"
        )
    z = normal_quantile(confidence)
    fraction = successes / total
    middle = (fraction + z * z / (2 * total)) / (1 + z * z / total)
    spread = fraction * (1 - fraction) / total + (z / (2 * total)) ** 2
    half = z / (1 + z * z / total) * sqrt(spread)
    low = middle - half if successes > 0 else 0.0
    return low, middle + half if successes < total else 1.0


def fraction_columns(name: str, part: int, whole: int, *, confidence: float) -> dict[str, float]:
    """A fraction and its Wilson interval as columns `name`, _low, _high; NaN of nothing."""
    ends = wilson_interval(part, whole, confidence=confidence) if whole else (np.nan, np.nan)
    value = part / whole if whole else np.nan
    return {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}


def bootstrap(
    values: NDArray[Value],
    statistic: Callable[[NDArray[Value]], FloatArray],
    *,
    resamples: int,
    rng: np.random.Generator,
) -> FloatArray:
    """`statistic` of `resamples` draws with replacement: (resamples, *its shape).

    Efron 1979; `values` (n,) may be the numbers of rows. A statistic that a resample does not
    have is NaN there.
    """
    return np.array([statistic(rng.choice(values, values.size)) for _ in range(resamples)])


def bootstrap_counts(
    number: int,
    statistic: Callable[[IntArray], FloatArray],
    *,
    resamples: int,
    rng: np.random.Generator,
) -> FloatArray:
    """`bootstrap` of a statistic of how often each of `number` values is drawn, (number,).

    The same draws as those of `bootstrap`.
    """

    def drawn() -> IntArray:
        return np.bincount(rng.integers(0, number, number), minlength=number)

    return np.array([statistic(drawn()) for _ in range(resamples)])


def percentile_interval(samples: FloatArray, *, confidence: float) -> FloatArray:
    """Low and high ends of the central interval along axis 0: (2, *samples.shape[1:]).

    NaN where more than half of the samples are NaN: a number that most resamples do not
    have has no interval.
    """
    tail = 50.0 * (1.0 - confidence)
    missing = np.isnan(samples).mean(axis=0) > 0.5
    filled = np.where(missing, 0.0, samples)
    return np.where(missing, np.nan, np.nanpercentile(filled, (tail, 100.0 - tail), axis=0))
