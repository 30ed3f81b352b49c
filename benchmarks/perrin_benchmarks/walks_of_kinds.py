"""Walks of each kind in code of its own: what `perrin.simulate` draws is not asked.

Each is (N, L, 2), one-frame steps of about 1 on each axis, noise-free. FBM comes from Cholesky's
factor, waits from NumPy, walls from reflection of a fine path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Walk = Callable[..., FloatArray]


def fractional(
    count: int, *, length: int, rng: np.random.Generator, alpha: tuple[float, float]
) -> FloatArray:
    """Return FBM with exponents drawn evenly, from the factor of the steps' covariance."""
    walks = np.zeros((count, length, 2))
    lag = np.abs(np.subtract.outer(np.arange(length - 1), np.arange(length - 1))).astype(float)
    for walk, a in zip(walks, rng.uniform(*alpha, count), strict=True):
        covariance = 0.5 * ((lag + 1) ** a + np.abs(lag - 1) ** a) - lag**a
        factor = np.linalg.cholesky(covariance + 1e-12 * np.eye(length - 1))
        walk[1:] = np.cumsum(factor @ rng.standard_normal((length - 1, 2)), axis=0)
    return walks


def brown(count: int, *, length: int, rng: np.random.Generator) -> FloatArray:
    """Return Brownian motion."""
    return rng.standard_normal((count, length, 2)).cumsum(axis=1)


def two_states(
    count: int, *, length: int, rng: np.random.Generator, ratio: float, stay: float
) -> FloatArray:
    """Return Brownian motion whose D is 1 / `ratio` of the other's in turn, exponential stays."""
    fast = np.zeros((count, length), dtype=bool)
    fast[:, 0] = rng.random(count) < 0.5
    for t in range(1, length):
        fast[:, t] = fast[:, t - 1] ^ (rng.random(count) < 1 / stay)
    size = np.where(fast, 1.0, ratio**-0.5)
    return (rng.standard_normal((count, length, 2)) * size[..., None]).cumsum(axis=1)


def diffusing_diffusivity(
    count: int, *, length: int, rng: np.random.Generator, time: float
) -> FloatArray:
    """Return Brownian motion with D = |Y|^2, Y an Ornstein-Uhlenbeck process in the plane."""
    y = rng.standard_normal((count, 2))
    kept = np.exp(-1 / time)
    at, walks = np.zeros((count, 2)), np.zeros((count, length, 2))
    for t in range(1, length):
        y = kept * y + np.sqrt(1 - kept**2) * rng.standard_normal(y.shape)
        at = at + rng.standard_normal(at.shape) * np.sqrt((y**2).mean(axis=1))[:, None]
        walks[:, t] = at
    return walks


def waiting(
    count: int, *, length: int, rng: np.random.Generator, alpha: tuple[float, float]
) -> FloatArray:
    """Return CTRW with Pareto waits, seen from a time on at which it is a few lengths old."""
    walks = np.zeros((count, length, 2))
    for walk, a in zip(walks, rng.uniform(*alpha, count), strict=True):
        jumps = np.zeros(0)
        while not len(jumps):
            start = rng.uniform(0, 3) * length
            times = np.cumsum(rng.pareto(a, 20 * length) + 1.0)
            jumps = times[(times > start) & (times < start + length - 1)] - start
        frame = np.ceil(jumps).astype(int)
        np.add.at(walk, frame, rng.standard_normal((len(jumps), 2)))
    return walks.cumsum(axis=1)


def exponential_waits(
    count: int, *, length: int, rng: np.random.Generator, mean: float
) -> FloatArray:
    """Return a random walk that jumps at the times of a Poisson process."""
    jumps = rng.poisson(1 / mean, (count, length))
    return (rng.standard_normal((count, length, 2)) * np.sqrt(jumps)[..., None]).cumsum(axis=1)


def superposed(
    count: int,
    *,
    length: int,
    rng: np.random.Generator,
    share: tuple[float, float] = (0.2, 0.8),
) -> FloatArray:
    """Return w c / std(c) + (1 - w) f / std(f), w drawn evenly from `share`."""
    c = waiting(count, length=length, rng=rng, alpha=(0.3, 0.95))
    f = fractional(count, length=length, rng=rng, alpha=(0.2, 1.0))
    w = rng.uniform(*share, (count, 1, 1))
    c, f = (x / np.sqrt(x.var(axis=1).mean(axis=1))[:, None, None] for x in (c, f))
    mixed = w * c + (1 - w) * f
    scaled: FloatArray = (
        mixed / np.sqrt((np.diff(mixed, axis=1) ** 2).mean(axis=(1, 2)))[:, None, None]
    )
    return scaled


def box(count: int, *, length: int, rng: np.random.Generator, radius: float) -> FloatArray:
    """Return Brownian motion within a disc, its wall met on a path of 40 steps a frame."""
    fine = 40
    at, walks = np.zeros((count, 2)), np.zeros((count, length, 2))
    for t in range(-60, length):
        for _ in range(fine):
            ahead = at + rng.standard_normal(at.shape) / np.sqrt(fine)
            far = np.sqrt((ahead**2).sum(axis=1))
            out = far > radius
            ahead[out] *= ((2 * radius - far[out]) / far[out])[:, None]
            at = ahead
        if t >= 0:
            walks[:, t] = at
    return walks


def trap(count: int, *, length: int, rng: np.random.Generator, spread: float) -> FloatArray:
    """Return an Ornstein-Uhlenbeck process, `spread` its standard deviation on an axis."""
    kept = 1 - 0.5 / spread**2  # squared step: 2 spread^2 (1 - kept) = 1
    at, walks = rng.standard_normal((count, 2)) * spread, np.zeros((count, length, 2))
    for t in range(length):
        walks[:, t] = at
        at = kept * at + spread * np.sqrt(1 - kept**2) * rng.standard_normal(at.shape)
    return walks


def drifting(count: int, *, length: int, rng: np.random.Generator, speed: float) -> FloatArray:
    """Return Brownian motion with a drift of `speed` steps a frame."""
    angle = rng.uniform(0, 2 * np.pi, count)
    way = speed * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return brown(count, length=length, rng=rng) + way[:, None] * np.arange(length)[None, :, None]


def still(count: int, *, length: int, **_: object) -> FloatArray:
    """Return particles at rest; their noise is all that is seen."""
    return np.zeros((count, length, 2))


WALKS_OF_KINDS: Mapping[str, tuple[str, Walk]] = {
    "at rest": ("immobile", still),
    "Brownian": ("brownian", brown),
    "FBM, .2 to .8": ("fbm", partial(fractional, alpha=(0.2, 0.8))),
    "FBM, 1.2 to 1.7": ("fbm", partial(fractional, alpha=(1.2, 1.7))),
    "CTRW": ("ctrw", partial(waiting, alpha=(0.3, 0.95))),
    "CTRW, exponential waits of 5": ("ctrw", partial(exponential_waits, mean=5.0)),
    "superposition": ("mixture", superposed),
    "two states, x10, stays of 20": (
        "changing_diffusivity",
        partial(two_states, ratio=10.0, stay=20.0),
    ),
    "diffusing diffusivity, 20 frames": (
        "changing_diffusivity",
        partial(diffusing_diffusivity, time=20.0),
    ),
    "box of 3 steps": ("confined", partial(box, radius=3.0)),
    "trap of 3 steps": ("confined", partial(trap, spread=3.0)),
    "directed, .5 step a frame": ("directed", partial(drifting, speed=0.5)),
    "directed, .25 step a frame": ("directed", partial(drifting, speed=0.25)),
    "superposition, w .3": ("mixture", partial(superposed, share=(0.3, 0.3))),
    "superposition, w .5": ("mixture", partial(superposed, share=(0.5, 0.5))),
    "superposition, w .7": ("mixture", partial(superposed, share=(0.7, 0.7))),
}
"""What each is called in tables: its kind, and the walk, called with count, length and rng."""
