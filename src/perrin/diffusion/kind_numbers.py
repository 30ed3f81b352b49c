"""Numbers that belong to a kind of motion: confinement, drift, diffusivities of two states.

Each with a 90% interval, in the unit of the positions and frames. They are given for the most
probable kind only: a drift of a confined particle has no meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from perrin.diffusion.gaussian_evidence import (
    RATIOS,
    TIMES,
    TRAPPED,
    drift_surface,
    trap_surface,
    trapped,
)
from perrin.diffusion.windows import Track
from perrin.stats import normal_quantile
from perrin.types import FloatArray

Interval = tuple[float, float, float]
"""Low end, middle and high end."""

WALL: dict[int, tuple[float, float]] = {
    1: (np.sqrt(3), np.sqrt(3)),
    2: (np.sqrt(3), 2.0),
    3: (np.sqrt(3), np.sqrt(5)),
}
"""Distance of walls from the center over the standard deviation of one axis: of a cube, a ball."""
_FINE = 17
_RELAXED = 0.5  # of a track's time: the longest relaxation
_WALLED = 0.6  # probability of walls from which the radius is theirs: nearer .5 most are traps
_CERTAIN = 0.95  # probability from which the other shape is out of the question
_ROUNDS = 40
_UNSORTED = 1.4
"""Errors of a state's variance over those if it were known which steps are its own."""
_REACH = normal_quantile(0.95)


@dataclass(frozen=True)
class Confinement:
    """radius: of the walls, or the standard deviation of one axis in a trap; time: frames."""

    radius: Interval
    time: Interval


@dataclass(frozen=True)
class TwoStates:
    """Diffusivities of one axis, length^2 a frame, MSD of an axis 2 D t; fast: its fraction."""

    slow: Interval
    fast: Interval
    fraction_fast: float


def numbers_of(track: Track, kind: str, *, walls: float) -> dict[str, float]:
    """Return the numbers of a track's kind with their ends, in its own unit and frames.

    walls: probability of walls rather than a harmonic trap.
    """
    if kind == "confined":
        held = confinement(track, walls=walls)
        return _with_ends("confinement_radius", held.radius) | _with_ends(
            "relaxation_time", held.time
        )
    if kind == "directed":
        return _with_ends("speed", speed(track))
    if kind == "changing_diffusivity":
        states = two_states(track)
        both = _with_ends("D_slow", states.slow) | _with_ends("D_fast", states.fast)
        return both | {"fraction_fast": states.fraction_fast}
    return {}


def _with_ends(name: str, values: Interval) -> dict[str, float]:
    return dict(zip((name + "_low", name, name + "_high"), values, strict=True))


def confinement(track: Track, *, walls: float) -> Confinement:
    """Return radius and relaxation time; walls: probability that there are walls.

    From the likelihood of a harmonic trap on a grid, flat in the logarithms of variance and time,
    which the second moments of motion within walls fit too. The time is at most half of the
    track's: what relaxes later is not seen to be confined. With walls the radius is that of
    the mean of circle and square (ball and cube), and its interval reaches over both.
    """
    positions, times, unit, noise = _taken(track)
    surface, scales = trap_surface(positions, times, noise, unit)
    longest = max(_RELAXED * (times[-1] - times[0]), TIMES[0])
    seen = surface[longest >= TIMES]
    i, j = np.unravel_index(int(seen.argmax()), seen.shape)
    factor = 2.5
    tau = np.geomspace(TIMES[i] / factor**2, min(TIMES[i] * factor**2, longest), _FINE)
    if noise >= 0:
        middle = TRAPPED[j] * max(1.0, 0.5 * noise)
        level = noise
    else:
        middle = float(scales[i, j])
        level = max(RATIOS[j], 1e-4) / TIMES[i] * middle
    variance = np.geomspace(middle / factor**2, middle * factor**2, _FINE)
    where = positions / np.sqrt(unit)
    fine = np.empty((_FINE, _FINE))
    for a in range(_FINE):
        for b in range(_FINE):
            square, total, known = trapped(where, times, tau[a], variance[b], level)
            fine[a, b] = -0.5 * (square + positions.shape[1] * (total + known))
    weight = np.exp(fine - fine.max())
    spread = np.sqrt(_interval(np.log(variance), weight.sum(axis=0))) * np.sqrt(unit)
    time = _interval(np.log(tau), weight.sum(axis=1))
    return Confinement(_radius(spread, positions.shape[1], walls=walls), _three(time))


def _radius(spread: FloatArray, dims: int, *, walls: float) -> Interval:
    """Return the radius of the likelier shape; the interval reaches over what may be as well."""
    square, ball = WALL[dims]
    low, middle, high = spread
    if walls < 1 - _CERTAIN:
        return _three(spread)
    low = low * square if walls > _CERTAIN else low
    middle = middle * (square + ball) / 2 if walls >= _WALLED else middle
    return float(low), float(middle), float(high * ball)


def speed(track: Track) -> Interval:
    """Return the speed of a steady drift, length a frame, freed of what diffusion adds to it."""
    positions, times, unit, noise = _taken(track)
    _, drift, error = drift_surface(positions, times, noise, unit)
    square, se = float((drift**2).sum()) * unit, float(np.sqrt(error * unit))
    size = np.sqrt(square)
    middle = np.sqrt(max(square - len(drift) * se**2, 0.0))
    return max(middle - _REACH * se, 0.0), float(middle), float(size + _REACH * se)


def two_states(track: Track) -> TwoStates:
    """Return the diffusivities of two Brownian states that suit the steps best (EM).

    Noise is taken off each step's variance; where it is not known, it is what neighboring steps
    have in common.
    """
    positions, times, unit, noise = _taken(track)
    steps = np.diff(positions, axis=0) / np.sqrt(unit)
    gaps = np.diff(times)
    unsure = 0.0  # of the squared noise
    if noise < 0:
        near = gaps == 1
        both = near[1:] & near[:-1]
        common = -float((steps[1:] * steps[:-1])[both].mean()) if both.any() else 0.0
        noise = float(np.clip(common, 0.0, 0.45))
        unsure = _REACH / np.sqrt(max(int(both.sum()), 1) * steps.shape[1])
    variance, fraction, counts = _em((steps**2).sum(axis=1), gaps, noise, steps.shape[1])
    found = []
    for k in (0, 1):
        relative = _UNSORTED * np.sqrt(2 / max(counts[k] * steps.shape[1], 1.0))
        whole = variance[k] + 2 * noise
        ends = whole * np.exp(_REACH * relative * np.array([-1.0, 0.0, 1.0])) - 2 * noise
        ends += 2 * unsure * np.array([-1.0, 0.0, 1.0])
        ends[1] = variance[k]
        found.append(_three(np.maximum(ends, 0.0) * unit / 2))
    return TwoStates(found[0], found[1], float(fraction))


def _taken(track: Track) -> tuple[FloatArray, FloatArray, float, float]:
    """Return positions seen, their frames, the squared step, and noise over it, -1 if unknown."""
    positions = np.ascontiguousarray(track.positions[track.seen])
    times = np.flatnonzero(track.seen).astype(np.float64)
    near = np.diff(times) == 1
    unit = float((np.diff(positions, axis=0)[near] ** 2).mean())
    noise = min(track.noise**2 / unit, 2.0) if np.isfinite(track.noise) else -1.0
    return positions, times, unit, noise


def _interval(logs: FloatArray, weight: FloatArray) -> FloatArray:
    """Return exp of the 5%, 50% and 95% quantile of a posterior on a grid."""
    edges = np.concatenate([[1.5 * logs[0] - 0.5 * logs[1]], (logs[1:] + logs[:-1]) / 2])
    edges = np.append(edges, 1.5 * logs[-1] - 0.5 * logs[-2])
    total = np.concatenate([[0.0], np.cumsum(weight / weight.sum())])
    found: FloatArray = np.exp(np.interp((0.05, 0.5, 0.95), total, edges))
    return found


def _three(values: FloatArray) -> Interval:
    low, middle, high = map(float, values)
    return low, middle, high


@njit(cache=True, nogil=True)
def _em(square, gaps, noise, dims):  # type: ignore[no-untyped-def]
    """Return squared steps (2,) of a slow and a fast state, fraction of the fast, frames (2,)."""
    count = len(square)
    variance, leave, weight = np.empty(2), np.empty(2), np.zeros(2)
    variance[0], variance[1], leave[0], leave[1] = 0.25, 2.0, 0.05, 0.05
    alpha, density, scale = np.empty((count, 2)), np.empty((count, 2)), np.empty(count)
    after, ahead, found = np.empty(2), np.empty(2), np.empty(2)
    moved, spent = np.empty(2), np.empty(2)
    for _ in range(_ROUNDS):
        for t in range(count):
            for k in range(2):
                whole = variance[k] * gaps[t] + 2 * noise
                density[t, k] = np.exp(-0.5 * square[t] / whole - 0.5 * dims * np.log(whole))
                density[t, k] += 1e-300
            for k in range(2):
                before = 0.5
                if t:
                    before = alpha[t - 1, k] * (1 - leave[k]) + alpha[t - 1, 1 - k] * leave[1 - k]
                alpha[t, k] = before * density[t, k]
            scale[t] = alpha[t, 0] + alpha[t, 1]
            alpha[t, 0] /= scale[t]
            alpha[t, 1] /= scale[t]
        for k in range(2):
            after[k], found[k], weight[k], moved[k], spent[k] = 1.0, 0.0, 0.0, 0.0, 0.0
        for t in range(count - 1, -1, -1):
            both = alpha[t, 0] * after[0] + alpha[t, 1] * after[1]
            for k in range(2):
                fraction = alpha[t, k] * after[k] / both
                weight[k] += fraction * gaps[t]
                found[k] += fraction * (square[t] / dims - 2 * noise)
                ahead[k] = density[t, k] * after[k] / scale[t]
            for k in range(2):
                if t:
                    moved[k] += alpha[t - 1, k] * leave[k] * ahead[1 - k]
                    spent[k] += alpha[t - 1, k]
                after[k] = (1 - leave[k]) * ahead[k] + leave[k] * ahead[1 - k]
        for k in range(2):
            variance[k] = max(found[k] / max(weight[k], 1e-9), 1e-6)
            leave[k] = min(max((moved[k] + 0.5) / (spent[k] + 10.0), 0.005), 0.5)
    fast = 0 if variance[1] < variance[0] else 1
    frames = weight[1 - fast], weight[fast]
    return (variance[1 - fast], variance[fast]), frames[1] / (frames[0] + frames[1]), frames
