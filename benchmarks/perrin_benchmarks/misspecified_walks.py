"""Walks that are no mixture of FBM, CTRW and noise, to see whether the check finds them.

Each is (N, L, 2), with one-frame steps of about 1 on each axis, noise-free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from perrin.simulate.walks import brownian, fbm, levy_walk

FloatArray = NDArray[np.float64]

_FINE = 10  # sub-steps of a frame of a confined particle


def levy(count: int, *, length: int, rng: np.random.Generator) -> FloatArray:
    """Return Levy walks with exponents of 1.2 to 1.8."""
    return levy_walk(rng.uniform(1.2, 1.8, count), length=length, rng=rng)


def confined(count: int, *, length: int, rng: np.random.Generator, radius: float) -> FloatArray:
    """Return Brownian motion in a disc with a reflecting wall, from its center."""
    walks = np.zeros((count, length, 2))
    at = np.zeros((count, 2))
    for frame in range(1, length):
        for _ in range(_FINE):
            at = at + rng.standard_normal(at.shape) / np.sqrt(_FINE)
            distance = np.hypot(at[:, 0], at[:, 1])
            beyond = distance > radius
            at[beyond] *= ((2 * radius - distance[beyond]) / distance[beyond])[:, None]
        walks[:, frame] = at
    return walks


def directed(count: int, *, length: int, rng: np.random.Generator, speed: float) -> FloatArray:
    """Return Brownian motion with a steady drift, `speed` steps a frame in a random direction."""
    angle = rng.uniform(0, 2 * np.pi, count)
    drift = speed * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    walks: FloatArray = brownian(count, length=length, rng=rng)
    return walks + drift[:, None] * np.arange(length)[None, :, None]


def mislinked(
    count: int, *, length: int, rng: np.random.Generator, far: float, swaps: int
) -> FloatArray:
    """Return FBM whose links go to another particle, `far` steps away, and back: `swaps` errors."""
    walks = fbm(rng.uniform(0.5, 1.0, count), length=length, rng=rng)
    angle = rng.uniform(0, 2 * np.pi, count)
    jump = far * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    at = rng.integers(length // 6, length - length // 6, (count, swaps))
    swapped = (np.arange(length)[None, :, None] >= at[:, None]).sum(axis=2) % 2
    moved: FloatArray = walks + jump[:, None] * swapped[..., None]
    return moved


def rotating(
    count: int, *, length: int, rng: np.random.Generator, ratio: float, turn: float
) -> FloatArray:
    """Return rods that diffuse `ratio` times faster along than across, and turn slowly.

    turn: rotational diffusion coefficient, rad^2 a frame; the coupling lasts about 1 / turn.
    """
    start = rng.uniform(0, 2 * np.pi, (count, 1))
    turns = np.sqrt(2 * turn) * rng.standard_normal((count, length - 1))
    angle = start + np.cumsum(turns, axis=1)
    own = rng.standard_normal((count, length - 1, 2)) * np.sqrt([ratio, 1.0]) / np.sqrt(ratio)
    cos, sin = np.cos(angle), np.sin(angle)
    step = np.stack(
        [own[..., 0] * cos - own[..., 1] * sin, own[..., 0] * sin + own[..., 1] * cos], axis=2
    )
    return np.concatenate([np.zeros((count, 1, 2)), np.cumsum(step, axis=1)], axis=1)


MISSPECIFIED_WALKS: Mapping[str, Callable[..., FloatArray]] = {
    "Levy walk": levy,
    "confined, radius 3 steps": partial(confined, radius=3.0),
    "confined, radius 5 steps": partial(confined, radius=5.0),
    "directed, 0.25 steps a frame": partial(directed, speed=0.25),
    "directed, 0.5 steps a frame": partial(directed, speed=0.5),
    "1 linking error, 8 steps": partial(mislinked, far=8.0, swaps=1),
    "2 linking errors, there and back": partial(mislinked, far=8.0, swaps=2),
    "6 linking errors, there and back": partial(mislinked, far=8.0, swaps=6),
    "rod, 2 times faster along": partial(rotating, ratio=2.0, turn=0.01),
    "rod, 4 times faster along": partial(rotating, ratio=4.0, turn=0.01),
}
"""Walks by what they are called in tables: called with count, length and rng."""
