"""Classical estimates from one track: mean squared displacement, memory, tails, variation.

A track is positions (L, d), one row a frame, and seen (L,): the frames that have a position.
Every estimate uses the pairs of frames that are there, so gaps bias nothing; what has no pair
is NaN. Formulas: Metzler et al., Phys. Chem. Chem. Phys. 16, 24128 (2014), and as named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from perrin.errors import PerrinError
from perrin.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class MsdFit:
    """MSD(t) = 2 d D t^alpha + offset, t in frames; the offset is 2 d sigma^2 without blur."""

    alpha: float
    D: float
    offset: float


@dataclass(frozen=True)
class CovarianceEstimate:
    """Diffusion coefficient of one axis and its standard error, in length^2 a frame."""

    D: float
    D_se: float


def displacements(positions: FloatArray, seen: BoolArray, *, lag: int) -> FloatArray:
    """Return the displacements over `lag` frames whose both ends are seen, (pairs, d)."""
    if lag < 1:
        raise PerrinError(f"a lag of {lag} frames is no time; give 1 or more.")
    both = seen[lag:] & seen[:-lag]
    moved: FloatArray = (positions[lag:] - positions[:-lag])[both]
    return moved


def tamsd(
    positions: FloatArray, seen: BoolArray, *, lags: ArrayLike
) -> tuple[FloatArray, IntArray]:
    """Return the time-averaged MSD at each lag, all axes together, and the pairs behind it."""
    frames = np.atleast_1d(np.asarray(lags, dtype=np.int64))
    if (frames < 1).any():
        raise PerrinError(f"a lag of {frames.min()} frames is no time; give 1 or more.")
    msd, pairs = _tamsd(np.ascontiguousarray(positions, np.float64), seen, frames)
    return msd, pairs


def fit_tamsd(
    msd: ArrayLike, pairs: ArrayLike, *, lags: ArrayLike, dims: int, max_alpha: float = 2.0
) -> MsdFit:
    """Fit D, alpha and an offset >= 0 to a time-averaged MSD, by weighted least squares.

    Relative errors grow with the overlap of the displacements, about as sqrt(lag / pairs)
    (Qian, Sheetz and Elson, Biophys. J. 60, 910 (1991)), which gives the weights. Use lags
    well below the length of the track, at least three. NaN where fewer have pairs.
    """
    y, n = np.asarray(msd, dtype=np.float64), np.asarray(pairs, dtype=np.float64)
    t = np.asarray(lags, dtype=np.float64)
    good = (n > 0) & (y > 0)
    if good.sum() < 3:
        return MsdFit(np.nan, np.nan, np.nan)
    y, n, t = y[good], n[good], t[good]
    alphas = np.linspace(0.0, max_alpha, 401)[1:]
    alpha, slope, offset = _best_line(np.log(t), y, n / t / y**2, alphas)
    return MsdFit(alpha=alpha, D=slope / (2 * dims), offset=offset)


def velocity_autocorrelation(
    positions: FloatArray, seen: BoolArray, *, lags: ArrayLike
) -> FloatArray:
    """Return <v(t) v(t + lag)> / <v^2> of one-frame steps at each lag.

    FBM has (|k+1|^a - 2|k|^a + |k-1|^a) / 2 at lag k, a CTRW 0 beyond lag 0, localization
    noise -1/2 at lag 1.
    """
    both = seen[1:] & seen[:-1]
    steps = np.where(both[:, None], np.diff(positions, axis=0), 0.0)
    frames = np.atleast_1d(np.asarray(lags, dtype=np.int64))
    found = np.full(len(frames), np.nan)
    mean = (steps**2).sum() / both.sum() if both.any() else np.nan
    for k, lag in enumerate(frames):
        pairs = (both[lag:] & both[: len(both) - lag]).sum() if lag < len(both) else 0
        if pairs and mean > 0:
            found[k] = (steps[lag:] * steps[: len(steps) - lag]).sum() / pairs / mean
    return found


def step_kurtosis(positions: FloatArray, seen: BoolArray, *, lag: int = 1) -> float:
    """Return <s^4> / <s^2>^2 of the steps of all axes over `lag` frames: 3 for a Gaussian."""
    if lag >= len(positions):
        return float("nan")
    moved = displacements(positions, seen, lag=lag)
    square = float((moved**2).mean()) if moved.size else 0.0
    return float((moved**4).mean()) / square**2 if square > 0 else float("nan")


def p_variation(positions: FloatArray, seen: BoolArray, *, p: float, lag: int) -> float:
    """Return the sum of |x(t + lag) - x(t)|^p over times lag apart, mean over the axes.

    As `lag` shrinks it vanishes for FBM with H > 1/p and grows for H < 1/p; a CTRW's stays
    (Magdziarz et al., Phys. Rev. Lett. 103, 180602 (2009)). Missing pairs are made up for.
    """
    if not (p > 0 and lag >= 1):
        raise PerrinError(f"p = {p:g} and lag = {lag}: give p above 0 and a lag of 1 or more.")
    where = np.arange(0, len(positions), lag)
    both = seen[where[1:]] & seen[where[:-1]]
    if not both.any():
        return float("nan")
    moved = np.abs(np.diff(positions[where], axis=0)[both])
    return float((moved**p).mean() * len(both))


def ergodicity_breaking(tamsds: ArrayLike) -> float:
    """Return EB = <xi^2> - 1, xi = TAMSD over its ensemble mean, at one lag: (N,) -> scalar.

    0 for an ergodic walk seen for long; 2 Gamma(1 + a)^2 / Gamma(1 + 2a) - 1 for a CTRW
    (He, Burov, Metzler and Barkai, Phys. Rev. Lett. 101, 058101 (2008)).
    """
    values = np.asarray(tamsds, dtype=np.float64)
    values = values[np.isfinite(values)]
    mean = values.mean() if len(values) > 1 else 0.0
    return float((values**2).mean() / mean**2 - 1) if mean > 0 else float("nan")


def covariance_estimator(
    positions: FloatArray, seen: BoolArray, *, noise_sigma: float
) -> CovarianceEstimate:
    """Return D of Brownian motion from steps and their covariance, whatever noise and blur.

    D = <dx^2> / 2 + <dx_n dx_(n+1)> a frame (Vestergaard, Blainey and Flyvbjerg, Phys. Rev. E
    89, 022726 (2014), eq. 14); its error by their eq. 16, with e = noise_sigma^2 / D. NaN
    without two neighboring steps.
    """
    both = seen[1:] & seen[:-1]
    pairs = both[1:] & both[:-1]
    count = int(both.sum())
    if not pairs.any():
        return CovarianceEstimate(np.nan, np.nan)
    steps = np.diff(positions, axis=0)
    follow = (steps[1:] * steps[:-1])[pairs].mean()
    D = float((steps[both] ** 2).mean() / 2 + follow)
    if not D > 0:  # at rest: what is found is noise
        bound = float((steps[both] ** 2).mean()) / np.sqrt(count * positions.shape[1])
        return CovarianceEstimate(D, bound)
    e = noise_sigma**2 / D
    relative = (6 + 4 * e + 2 * e**2) / count + 4 * (1 + e) ** 2 / count**2
    return CovarianceEstimate(D, float(D * np.sqrt(relative / positions.shape[1])))


@njit(cache=True)
def _tamsd(positions, seen, lags):  # type: ignore[no-untyped-def]
    """Return the mean squared displacement at each lag, NaN without a pair, and the pairs."""
    length, dims = positions.shape
    msd, pairs = np.full(len(lags), np.nan), np.zeros(len(lags), np.int64)
    for k in range(len(lags)):
        total, count = 0.0, 0
        for first in range(length - lags[k]):
            last = first + lags[k]
            if seen[first] and seen[last]:
                count += 1
                for axis in range(dims):
                    total += (positions[last, axis] - positions[first, axis]) ** 2
        pairs[k] = count
        if count:
            msd[k] = total / count
    return msd, pairs


@njit(cache=True)
def _best_line(log_t, y, weight, alphas):  # type: ignore[no-untyped-def]
    """Return (alpha, slope, offset) of y = slope t^alpha + offset, slope and offset not negative.

    The best of `alphas` by weighted least squares.
    """
    best, found, count = np.inf, (np.nan, np.nan, np.nan), len(y)
    x = np.empty(count)
    total, mean_y = 0.0, 0.0
    for k in range(count):
        total += weight[k]
        mean_y += weight[k] * y[k]
    mean_y /= total
    for alpha in alphas:
        mean_x, products, squares = 0.0, 0.0, 0.0
        for k in range(count):
            x[k] = np.exp(alpha * log_t[k])
            mean_x += weight[k] * x[k]
            products += weight[k] * x[k] * y[k]
            squares += weight[k] * x[k] ** 2
        mean_x /= total
        spread, together = 0.0, 0.0
        for k in range(count):
            spread += weight[k] * (x[k] - mean_x) ** 2
            together += weight[k] * (x[k] - mean_x) * (y[k] - mean_y)
        slope = together / spread if spread > 0 else 0.0
        offset = mean_y - slope * mean_x
        if offset < 0:
            slope, offset = products / squares, 0.0
        if slope < 0:
            slope, offset = 0.0, mean_y
        cost = 0.0
        for k in range(count):
            cost += weight[k] * (y[k] - slope * x[k] - offset) ** 2
        if cost < best:
            best, found = cost, (alpha, slope, offset)
    return found
