"""Walks of each kind of motion, with what is true of them.

Kinds: see `perrin.diffusion.motion_kinds`. Without noise, every walk has one-frame steps of about 1
on each axis; `fine` positions a frame, so that a camera may blur them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import simulate_mixture
from perrin.simulate.walk_noise import SUBFRAMES, expose
from perrin.simulate.walks import fbm, jumping_ctrw
from perrin.types import FloatArray, IntArray

_INNER = 8  # sub-steps between positions of a confined particle
_LEAST_FRACTION = 0.08  # of the frames in a state, for a change to be one
_MIXED = (0.15, 0.85)
_TRIES = 200


@dataclass(frozen=True)
class KindWalks:
    """Clean positions (N, L, d) as the camera sees them, and parameters (N,); NaN: has none.

    radius: distance of walls from the center, or standard deviation of one axis in a trap;
    boxed: 1 with walls; speed: drift, steps a frame; D_slow, D_fast: of two states, step^2 a
    frame, MSD of one axis 2 D t.
    """

    positions: FloatArray
    radius: FloatArray
    boxed: FloatArray
    speed: FloatArray
    D_slow: FloatArray
    D_fast: FloatArray


def simulate_kind(
    kind: str,
    *,
    count: int,
    length: int,
    rng: np.random.Generator,
    dims: int = 2,
    exposure: float = 0.0,
) -> KindWalks:
    """Draw `count` walks of one kind, parameters over the ranges that the network learns.

    Raises `PerrinError` for a kind that is none of them.
    """
    if kind not in _WALKS and kind != "mixture":
        raise PerrinError(
            f"there is no kind of motion {kind!r}; choose one of mixture, {', '.join(_WALKS)}."
        )
    fine = SUBFRAMES if exposure > 0 else 1
    names = ("radius", "boxed", "speed", "D_slow", "D_fast")
    truth = {name: np.full(count, np.nan) for name in names}
    if kind == "mixture":
        positions = _mixed(count, length, dims, exposure, rng)
    else:
        walks, known = _WALKS[kind](count, length, fine, dims, rng)
        truth |= known
        positions = expose(walks, exposure) if fine > 1 else walks
    return KindWalks(positions=positions, **truth)


_Drawn = tuple[FloatArray, dict[str, FloatArray]]


def _log_uniform(low: float, high: float, count: int, rng: np.random.Generator) -> FloatArray:
    drawn: FloatArray = np.exp(rng.uniform(np.log(low), np.log(high), count))
    return drawn


def _immobile(count: int, length: int, fine: int, dims: int, _rng: np.random.Generator) -> _Drawn:
    return np.zeros((count, length * fine, dims)), {}


def _brownian(count: int, length: int, fine: int, dims: int, rng: np.random.Generator) -> _Drawn:
    alpha = np.where(rng.random(count) < 0.5, 1.0, rng.uniform(0.95, 1.05, count))
    return _scaled_fbm(alpha, length, fine, dims, rng), {}


def _fbm(count: int, length: int, fine: int, dims: int, rng: np.random.Generator) -> _Drawn:
    below = rng.random(count) < 0.7
    alpha = np.where(below, rng.uniform(0.1, 0.95, count), rng.uniform(1.05, 1.9, count))
    return _scaled_fbm(alpha, length, fine, dims, rng), {}


def _scaled_fbm(
    alpha: FloatArray, length: int, fine: int, dims: int, rng: np.random.Generator
) -> FloatArray:
    walks = fbm(alpha, length=length * fine, rng=rng, dims=dims)
    scaled: FloatArray = walks * (fine ** (-alpha / 2))[:, None, None]
    return scaled


def _ctrw(count: int, length: int, fine: int, dims: int, rng: np.random.Generator) -> _Drawn:
    walks = np.zeros((count, length * fine, dims))
    how = rng.integers(0, 7, count)
    for start, rows in (("ordinary", how < 3), ("aged", (how >= 3) & (how < 6))):
        if rows.any():
            walks[rows] = jumping_ctrw(
                rng.uniform(0.2, 1.0, rows.sum()),
                length=length * fine,
                rng=rng,
                dims=dims,
                start=start,  # type: ignore[arg-type]
                wait_unit=fine,
            )
    rows = how == 6  # waits without a heavy tail: exponential
    rate = 1 / _log_uniform(2.0, min(20.0, length / 4), int(rows.sum()), rng)
    jumps = rng.poisson(rate[:, None] / fine, (int(rows.sum()), length * fine))
    moved = rng.standard_normal((*jumps.shape, dims)) * np.sqrt(jumps)[..., None]
    walks[rows] = np.cumsum(moved, axis=1)
    spread = np.sqrt((np.diff(walks[:, ::fine], axis=1) ** 2).mean(axis=(1, 2), keepdims=True))
    return walks / np.where(spread > 0, spread, 1.0), {}


def _directed(count: int, length: int, fine: int, dims: int, rng: np.random.Generator) -> _Drawn:
    speed = _log_uniform(max(0.15, 1.5 / np.sqrt(length)), 2.0, count, rng)
    alpha = np.where(rng.random(count) < 0.8, 1.0, rng.uniform(0.6, 1.0, count))
    way = rng.standard_normal((count, dims))
    way *= (speed / np.sqrt((way**2).sum(axis=1)))[:, None]
    time = np.arange(length * fine)[None, :, None] / fine
    return _scaled_fbm(alpha, length, fine, dims, rng) + way[:, None] * time, {"speed": speed}


def _confined(count: int, length: int, fine: int, dims: int, rng: np.random.Generator) -> _Drawn:
    boxed = (rng.random(count) < 0.6).astype(float)
    radius = np.where(
        boxed,
        _log_uniform(1.2, np.sqrt(0.8 * length), count, rng),
        _log_uniform(0.7, np.sqrt(0.25 * length), count, rng),
    )
    walks = np.zeros((count, length * fine, dims))
    shape = np.where(boxed > 0, 1 + (rng.random(count) < 0.5), 0)
    _draw_confined(radius, shape, max(_INNER // fine, 1), fine, rng, walks)
    return walks, {"radius": radius, "boxed": boxed}


def _changing(count: int, length: int, fine: int, dims: int, rng: np.random.Generator) -> _Drawn:
    alpha = np.where(rng.random(count) < 0.75, 1.0, rng.uniform(0.3, 1.4, count))
    how = rng.random(count)
    size = np.ones((count, length * fine))
    slow, fast = np.full((2, count), np.nan)
    for i in range(count):
        if how[i] < 0.65:
            size[i], states = _of_states(length, fine, rng)
            if states is not None:
                slow[i], fast[i] = states
        elif how[i] < 0.93:
            size[i] = _diffusing(length, fine, rng)
        else:
            size[i] = _aging(length, fine, rng)
    steps = np.diff(_scaled_fbm(alpha, length, fine, dims, rng), axis=1, prepend=0.0)
    return np.cumsum(steps * np.sqrt(size)[..., None], axis=1), {
        "D_slow": np.where(alpha == 1, slow / 2, np.nan),
        "D_fast": np.where(alpha == 1, fast / 2, np.nan),
    }


def _of_states(
    length: int, fine: int, rng: np.random.Generator
) -> tuple[FloatArray, tuple[float, float] | None]:
    """Return the variance of steps along a track of two or three states, mean about 1."""
    number = 2 if rng.random() < 0.85 else 3
    ratio = float(_log_uniform(3.0, 100.0, 1, rng)[0])
    levels = np.array([1.0, ratio]) if number == 2 else np.array([1.0, np.sqrt(ratio), ratio])
    for _ in range(_TRIES):
        stays = _log_uniform(4.0, 0.5 * length, number, rng)
        states = _chain(stays * fine, length * fine, rng)
        fraction = np.bincount(states, minlength=number) / len(states)
        if np.sort(fraction)[-2] > max(_LEAST_FRACTION, 3 / length):
            break
    else:
        states = (np.arange(length * fine) >= length * fine // 2).astype(np.int64)
    size = levels[states]
    scale = size.mean()
    return size / scale, (1 / scale, ratio / scale) if number == 2 else None


def _chain(stays: FloatArray, length: int, rng: np.random.Generator) -> IntArray:
    states = np.zeros(length, np.int64)
    state, at = int(rng.integers(len(stays))), 0
    while at < length:
        stay = 1 + int(rng.exponential(stays[state]))
        states[at : at + stay] = state
        at += stay
        state = int((state + 1 + rng.integers(len(stays) - 1)) % len(stays))
    return states


def _diffusing(length: int, fine: int, rng: np.random.Generator) -> FloatArray:
    """Return variances that diffuse: the square of an Ornstein-Uhlenbeck process, 1 or 2 axes."""
    time = float(_log_uniform(4.0, 0.5 * length, 1, rng)[0]) * fine
    walk = np.empty((1 + int(rng.integers(2)), length * fine))
    kept = np.exp(-1 / time)
    _relax(kept, rng, walk)
    size = (walk**2).mean(axis=0) + 1e-4
    scaled: FloatArray = size / size.mean()
    return scaled


def _aging(length: int, fine: int, rng: np.random.Generator) -> FloatArray:
    """Return variances that grow or fall with time as a power: scaled Brownian motion."""
    power = rng.uniform(0.2, 0.6) if rng.random() < 0.6 else rng.uniform(1.5, 2.0)
    size = np.diff(np.arange(length * fine + 1.0) ** power)
    scaled: FloatArray = size / size.mean()
    return scaled


def _mixed(
    count: int, length: int, dims: int, exposure: float, rng: np.random.Generator
) -> FloatArray:
    """Return superpositions, sums of increments and interleaved walks with enough of both."""
    kept: list[FloatArray] = []
    while sum(map(len, kept)) < count:
        kind = rng.choice(["superposition", "increments", "interleaved"], p=[0.7, 0.1, 0.2])
        settings = MixtureSettings(
            kind=kind,
            length=length,
            dims=dims,
            w=_MIXED,
            start="aged" if rng.random() < 0.5 else "ordinary",
            segment_frames=int(np.clip(rng.integers(10, 60), 3, max(length // 2, 3))),
            exposure=exposure,
        )
        drawn = simulate_mixture(settings, count=max(count // 3, 4), rng=rng)
        fraction = drawn.truth.fractions[:, 1]
        both = (fraction > 0.05) & (fraction < 0.97)
        part = drawn.positions[both]
        step = np.sqrt((np.diff(part, axis=1) ** 2).mean(axis=(1, 2), keepdims=True))
        kept.append(part / step)
    return np.concatenate(kept)[rng.permutation(sum(map(len, kept)))[:count]]


@njit(cache=True, nogil=True)
def _relax(kept, rng, walk):  # type: ignore[no-untyped-def]
    """Fill walk (k, n) with Ornstein-Uhlenbeck processes of unit variance."""
    for row in range(walk.shape[0]):
        at = rng.standard_normal()
        for t in range(walk.shape[1]):
            walk[row, t] = at
            at = kept * at + np.sqrt(1 - kept * kept) * rng.standard_normal()


@njit(cache=True, nogil=True)
def _draw_confined(radius, shape, inner, fine, rng, walks):  # type: ignore[no-untyped-def]
    """Fill walks (N, L, d); shape 0: trap of that standard deviation, 1: ball, 2: cube."""
    count, length, dims = walks.shape
    step = np.sqrt(1.0 / (inner * fine))
    at = np.zeros(dims)
    for i in range(count):
        pull = 0.5 * step * step / radius[i] ** 2
        for axis in range(dims):
            at[axis] = rng.standard_normal() * radius[i] if shape[i] == 0 else 0.0
        for t in range(-10 * (shape[i] > 0), length):
            for _ in range(inner * (1 if t >= 0 else 20)):
                for axis in range(dims):
                    at[axis] += step * rng.standard_normal() - (pull * at[axis] * (shape[i] == 0))
                _keep_inside(at, radius[i], shape[i])
            if t >= 0:
                walks[i, t] = at


@njit(cache=True, nogil=True)
def _keep_inside(at, radius, shape):  # type: ignore[no-untyped-def]
    """Reflect a position at a ball's or a cube's walls."""
    if shape == 1:
        away = np.sqrt((at**2).sum())
        if away > radius:
            at *= max(2 * radius - away, 0.0) / away
    elif shape == 2:
        for axis in range(len(at)):
            if abs(at[axis]) > radius:
                at[axis] = np.sign(at[axis]) * max(2 * radius - abs(at[axis]), -radius)


_WALKS = {
    "immobile": _immobile,
    "confined": _confined,
    "brownian": _brownian,
    "fbm": _fbm,
    "ctrw": _ctrw,
    "directed": _directed,
    "changing_diffusivity": _changing,
}
