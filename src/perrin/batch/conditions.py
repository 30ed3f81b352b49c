"""Conditions side by side: kinds, w, exponents and D of each, and how they differ.

A condition has movies (replicates), a movie has particles. Positions of one particle, and
particles of one movie, are not independent: errors come from resampling movies, and particles
within them (hierarchical bootstrap). That counts the scatter of particles twice and that between
few movies too little; both are mended by what particles alone vary. Intervals are Student's, with
the degrees of freedom of the movies; with one movie only its particles count, which is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pandas as pd

from perrin.diffusion.motion_kinds import KINDS
from perrin.types import FloatArray

RESAMPLES = 400
CONFIDENCE = 0.95
LEAST_PARTICLES = 5
"""A number of a condition needs so many particles that have it."""
COURSE_BINS = 20
"""Parts of the time that a pooled time course has, at most."""


@dataclass(frozen=True)
class Quantity:
    """A number that is compared: column of the trajectories, over particles a mean or a median.

    ratio: positive numbers, compared by their ratio. most: no estimate is larger.
    """

    name: str
    mean: bool = False
    ratio: bool = False
    most: float = np.inf


@dataclass(frozen=True)
class _Estimate:
    """value (its logarithm for a ratio), its variance and the degrees of freedom of that."""

    value: float = np.nan
    variance: float = np.nan
    freedom: float = np.nan


QUANTITIES: tuple[Quantity, ...] = (
    *(Quantity(f"p_{kind}", mean=True, most=1.0) for kind in KINDS),
    Quantity("w", most=1.0),
    Quantity("alpha_fbm"),
    Quantity("alpha_ctrw"),
    Quantity("fbm_alpha"),
    Quantity("D", ratio=True),
    Quantity("confinement_radius", ratio=True),
    Quantity("speed", ratio=True),
)
"""What is compared. The mean of a kind's probability over particles is its fraction."""

_COURSE = Quantity("ctrw_near", mean=True, most=1.0)

Movies = Sequence[pd.DataFrame]
"""TRAJECTORIES tables, one a movie."""


def conditions_table(conditions: Mapping[str, Movies], *, seed: int = 0) -> pd.DataFrame:
    """``conditions.csv``: a row for each condition and number, with its 95% interval.

    Columns: condition, quantity, estimate, low, high, movies, particles, note. A number of
    fewer than 5 particles is not given.
    """
    rows = []
    for condition, movies in conditions.items():
        for quantity in QUANTITIES:
            values = _values(movies, quantity)
            found = _estimate(values, quantity, np.random.default_rng(seed))
            low, high = _interval(found, quantity)
            rows.append(
                {
                    "condition": condition,
                    "quantity": quantity.name,
                    "estimate": _out(found.value, quantity),
                    "low": low,
                    "high": high,
                    "movies": len(values),
                    "particles": sum(map(len, values)),
                    "note": _note(values),
                }
            )
    return pd.DataFrame(rows)


def differences_table(conditions: Mapping[str, Movies], *, seed: int = 0) -> pd.DataFrame:
    """``differences.csv``: a row for each two conditions and number.

    ``difference`` is that of `condition` less that of `reference`, or its ratio where ``scale`` is
    "ratio", with a 95% interval; ``p`` is two-sided by Student's t, its degrees of freedom by
    Welch from the movies (particles, where there is one movie); ``p_holm`` is corrected for all
    rows (Holm, Scand. J. Stat. 6, 65 (1979)).
    """
    rows = []
    for reference, condition in combinations(conditions, 2):
        for quantity in QUANTITIES:
            both = [_values(conditions[name], quantity) for name in (reference, condition)]
            rng = np.random.default_rng(seed)
            found = [_estimate(values, quantity, rng) for values in both]
            rows.append(
                {
                    "reference": reference,
                    "condition": condition,
                    "quantity": quantity.name,
                    "scale": "ratio" if quantity.ratio else "difference",
                    "movies": min(map(len, both)),
                    "particles": sum(len(movie) for movies in both for movie in movies),
                    **_compared(found[0], found[1], quantity),
                    "note": _note(both[0]) or _note(both[1]),
                }
            )
    table = pd.DataFrame(rows)
    if len(table):
        table["p_holm"] = holm(table["p"].to_numpy(float))
    return table


def holm(p: FloatArray) -> FloatArray:
    """Return p-values (n,) corrected for how many there are; NaN were not compared."""
    corrected = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    scaled = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected


def _values(movies: Movies, quantity: Quantity) -> list[FloatArray]:
    """Return the values of each movie that has any, logarithms where they are compared so."""
    found = []
    for movie in movies:
        values = movie[quantity.name].to_numpy(float)
        values = values[np.isfinite(values)]
        if quantity.ratio:
            values = np.log(values[values > 0])
        if len(values):
            found.append(values)
    return found


def _estimate(
    values: Sequence[FloatArray], quantity: Quantity, rng: np.random.Generator
) -> _Estimate:
    """Return the estimate of all particles; nothing where there are too few."""
    if sum(map(len, values)) < LEAST_PARTICLES:
        return _Estimate()
    middle = np.mean if quantity.mean else np.median
    every = range(len(values))
    draws = np.empty((2, RESAMPLES))
    for k in range(RESAMPLES):
        draws[0, k] = middle(_resampled(values, every, rng))
        chosen = rng.integers(len(values), size=len(values)) if len(values) > 1 else every
        draws[1, k] = middle(_resampled(values, chosen, rng))
    own, both = draws.var(axis=1, ddof=1)
    value = float(middle(np.concatenate(values)))
    if len(values) == 1:
        return _Estimate(value, float(both), max(len(values[0]) - 1, 1))
    freedom = len(values) - 1
    return _Estimate(value, float(max(own, (both - own) * len(values) / freedom)), freedom)


def _resampled(
    values: Sequence[FloatArray], movies: Iterable[int], rng: np.random.Generator
) -> FloatArray:
    """Return particles of these movies, drawn with replacement."""
    return np.concatenate([rng.choice(values[movie], len(values[movie])) for movie in movies])


def _interval(found: _Estimate, quantity: Quantity) -> tuple[float, float]:
    from scipy.special import stdtrit

    half = float(stdtrit(found.freedom, 0.5 + CONFIDENCE / 2)) * np.sqrt(found.variance)
    low, high = (_out(found.value + side * half, quantity) for side in (-1, 1))
    return (max(low, 0.0), min(high, quantity.most)) if quantity.most < np.inf else (low, high)


def _out(value: float, quantity: Quantity) -> float:
    return float(np.exp(value)) if quantity.ratio else float(value)


def _compared(reference: _Estimate, other: _Estimate, quantity: Quantity) -> dict[str, float]:
    """Return the difference with its interval, and p."""
    from scipy.special import stdtr, stdtrit

    off, total = other.value - reference.value, reference.variance + other.variance
    known = {"difference": _out(off, quantity), "low": np.nan, "high": np.nan, "p": np.nan}
    if not total > 0:
        return known
    parts = sum(one.variance**2 / one.freedom for one in (reference, other))
    freedom, error = total**2 / parts, float(np.sqrt(total))
    half = float(stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * error
    return known | {
        "low": _out(off - half, quantity),
        "high": _out(off + half, quantity),
        "p": float(2 * stdtr(freedom, -abs(off) / error)),
    }


def _note(values: Sequence[FloatArray]) -> str:
    """Return what is to be said of a number of particles in movies."""
    if sum(map(len, values)) < LEAST_PARTICLES:
        return f"fewer than {LEAST_PARTICLES} particles have it"
    return "one movie: differences from movie to movie are not in the interval" * (len(values) == 1)


def courses_table(
    conditions: Mapping[str, Sequence[pd.DataFrame]], *, seed: int = 0
) -> pd.DataFrame:
    """``time_courses.csv``: the fraction of CTRW-like steps in time, pooled by condition.

    conditions: TIME_COURSE tables, one a movie. Columns: condition, time_start, time_stop,
    ctrw_near with the ends of its 95% interval, movies, particles. Particles weigh the same.
    """
    rows = []
    for condition, movies in conditions.items():
        end = max((float(movie["time"].max()) for movie in movies if len(movie)), default=np.nan)
        start = min((float(movie["time"].min()) for movie in movies if len(movie)), default=np.nan)
        if not end > start:
            continue
        edges = np.linspace(start, end, COURSE_BINS + 1)
        for low, high in pairwise(edges):
            inside = [
                movie[(movie["time"] >= low) & (movie["time"] <= high)]
                .groupby("particle")["ctrw_near"]
                .mean()
                .to_numpy(float)
                for movie in movies
            ]
            values = [own for own in inside if len(own)]
            found = _estimate(values, _COURSE, np.random.default_rng(seed))
            ends = _interval(found, _COURSE)
            rows.append(
                {
                    "condition": condition,
                    "time_start": low,
                    "time_stop": high,
                    "ctrw_near": found.value,
                    "ctrw_near_low": ends[0],
                    "ctrw_near_high": ends[1],
                    "movies": len(values),
                    "particles": sum(map(len, values)),
                }
            )
    return pd.DataFrame(rows)
