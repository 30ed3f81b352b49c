"""Random walks with known laws: exact, seeded, any number of dimensions from 1 to 3.

Every walk comes as positions (N, L, d): N trajectories, one position a frame, the first at
the origin. Lengths are in units of the one-frame step (or jump) of one axis, times in frames.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import ArrayLike
from scipy import fft

from perrin.errors import PerrinError
from perrin.types import FloatArray

Start = Literal["ordinary", "aged"]

_BLOCK = 1 << 16  # values transformed at once: stays in the second-level cache
_AGES = 10  # an aged walk began up to this many lengths before the first frame
_TRIES = 1000  # draws of a walk that has to jump


def fbm(alpha: ArrayLike, *, length: int, rng: np.random.Generator, dims: int = 2) -> FloatArray:
    """Return fractional Brownian motion, (N, L, d), exponents `alpha` (N,) in (0, 2).

    Each axis has MSD(t) = t^alpha. Exact: the steps are drawn by circulant embedding of
    their covariance (|k+1|^a - 2|k|^a + |k-1|^a) / 2 (Davies and Harte, Biometrika 74, 95
    (1987)); one complex transform gives two axes.

    Raises `PerrinError` for an exponent out of range or fewer than two frames.
    """
    exponents = _exponents(alpha, low=0.0, high=2.0, name="fbm")
    _check_shape(length, dims)
    steps = length - 1
    half = fft.next_fast_len(steps)
    pairs = (dims + 1) // 2
    walks = np.zeros((len(exponents), length, dims))
    log_lag = np.log(np.arange(1, half + 2))
    rows = max(1, _BLOCK // (2 * half * pairs))
    for first in range(0, len(exponents), rows):
        block = slice(first, first + rows)
        amplitude = _spectral_amplitude(exponents[block], log_lag)
        noise = rng.standard_normal((len(amplitude), pairs, 2 * half, 2))
        spectrum = noise.view(np.complex128)[..., 0]
        spectrum[..., : half + 1] *= amplitude[:, None]
        spectrum[..., half + 1 :] *= amplitude[:, None, half - 1 : 0 : -1]
        drawn = fft.fft(spectrum, overwrite_x=True)[..., :steps].view(np.float64)
        for axis in range(dims):
            np.cumsum(drawn[:, axis // 2, axis % 2 :: 2], axis=1, out=walks[block, 1:, axis])
    return walks


def brownian(count: int, *, length: int, rng: np.random.Generator, dims: int = 2) -> FloatArray:
    """Return Brownian motion, (N, L, d): independent steps of unit variance on each axis."""
    _check_shape(length, dims)
    walks = np.zeros((count, length, dims))
    np.cumsum(rng.standard_normal((count, length - 1, dims)), axis=1, out=walks[:, 1:])
    return walks


def scaled_brownian(
    alpha: ArrayLike, *, length: int, rng: np.random.Generator, dims: int = 2
) -> FloatArray:
    """Return scaled Brownian motion, (N, L, d): B(t^alpha), so MSD(t) = t^alpha from frame 0."""
    exponents = _exponents(alpha, low=0.0, high=np.inf, name="scaled_brownian")
    _check_shape(length, dims)
    clock = np.arange(length) ** exponents[:, None]
    steps = rng.standard_normal((len(exponents), length - 1, dims))
    walks = np.zeros((len(exponents), length, dims))
    np.cumsum(steps * np.sqrt(np.diff(clock, axis=1))[..., None], axis=1, out=walks[:, 1:])
    return walks


def ctrw(
    alpha: ArrayLike,
    *,
    length: int,
    rng: np.random.Generator,
    dims: int = 2,
    start: Start = "ordinary",
    wait_unit: float = 1.0,
) -> FloatArray:
    """Return continuous-time random walks, (N, L, d), `alpha` (N,) in (0, 1].

    Waiting times are wait_unit * (1 - U)^(-1/alpha), jumps normal with unit variance on each
    axis; the walk keeps its last position until the next jump (left-constant on the frame
    grid). ``start="ordinary"``: the first wait begins at frame 0. ``"aged"``: the walk began
    earlier, by an age log-uniform between one frame and ten lengths, as in a window that is
    cut from a long track. A walk may be without a jump: see `jumping_ctrw`.
    """
    exponents = _exponents(alpha, low=0.0, high=1.0, name="ctrw")
    _check_shape(length, dims)
    walks = np.zeros((len(exponents), length, dims))
    _draw_ctrw(exponents, wait_unit, start == "aged", 1, rng, walks)
    return walks


def jumping_ctrw(
    alpha: ArrayLike,
    *,
    length: int,
    rng: np.random.Generator,
    dims: int = 2,
    start: Start = "ordinary",
    wait_unit: float = 1.0,
) -> FloatArray:
    """Return `ctrw` walks with at least one jump: others are drawn again, exponent kept.

    A mixture needs them: a part that never moves has no fraction. Raises `PerrinError` where
    a thousand draws hold no jump.
    """
    exponents = _exponents(alpha, low=0.0, high=1.0, name="jumping_ctrw")
    _check_shape(length, dims)
    walks = np.zeros((len(exponents), length, dims))
    still = _draw_ctrw(exponents, wait_unit, start == "aged", _TRIES, rng, walks)
    if still:
        raise PerrinError(
            f"{still} walks of {length} frames held no jump in {_TRIES} draws; "
            "take longer walks or larger exponents."
        )
    return walks


def levy_walk(
    alpha: ArrayLike,
    *,
    length: int,
    rng: np.random.Generator,
    dims: int = 2,
    whole_frames: bool = False,
) -> FloatArray:
    """Return Levy walks, (N, L, d), `alpha` (N,) in (1, 2]: MSD ~ t^alpha.

    Flights at unit speed in random directions last (1 - U)^(-1 / s) frames, s = 3 - alpha
    (Zaburdaev, Denisov and Klafter, Rev. Mod. Phys. 87, 483 (2015)); alpha = 2 is ballistic, s
    uniform in (0, 1). ``whole_frames``: flights are cut to whole frames, as in AnDi.
    """
    exponents = _exponents(alpha, low=1.0, high=2.0, name="levy_walk")
    _check_shape(length, dims)
    walks = np.zeros((len(exponents), length, dims))
    flights = np.where(exponents < 2, 3 - exponents, rng.random(len(exponents)))
    _draw_levy(flights, whole_frames, rng, walks)
    return walks


def attm(
    alpha: ArrayLike,
    *,
    length: int,
    rng: np.random.Generator,
    dims: int = 2,
    quantiles: tuple[float, float] = (0.0, 1.0),
) -> FloatArray:
    """Return annealed transient time walks, (N, L, d), `alpha` (N,) in (0, 1].

    Brownian periods with diffusivity D (density D^(s-1) on (0, 1), cut at `quantiles`) that
    last D^(-g) frames, s = alpha * g uniform between .03 and min(3.3, alpha / (1 - alpha)), so
    that s <= g < s + 1 (Massignan et al., Phys. Rev. Lett. 112, 150603 (2014)).
    """
    exponents = _exponents(alpha, low=0.0, high=1.0, name="attm")
    _check_shape(length, dims)
    walks = np.zeros((len(exponents), length, dims))
    _draw_attm(exponents, *quantiles, rng, walks)
    return walks


WALKS: dict[str, Callable[..., FloatArray]] = {
    "fbm": fbm,
    "ctrw": ctrw,
    "sbm": scaled_brownian,
    "levy": levy_walk,
    "attm": attm,
}
"""Walks with an exponent, by the names of the command line."""


def _exponents(alpha: ArrayLike, *, low: float, high: float, name: str) -> FloatArray:
    exponents = np.atleast_1d(np.asarray(alpha, dtype=np.float64))
    closed = name in ("ctrw", "jumping_ctrw", "levy_walk", "attm")
    bad = ~((exponents > low) & ((exponents <= high) if closed else (exponents < high)))
    if bad.any():
        raise PerrinError(
            f"{name}: alpha = {exponents[bad][0]:g} is outside {low:g} to {high:g}. "
            "Choose exponents inside."
        )
    return exponents


def _check_shape(length: int, dims: int) -> None:
    if length < 2:
        raise PerrinError(f"a walk of {length} frames has no step; give 2 frames or more.")
    if dims not in (1, 2, 3):
        raise PerrinError(f"walks have 1, 2 or 3 dimensions, not {dims}.")


def _spectral_amplitude(exponents: FloatArray, log_lag: FloatArray) -> FloatArray:
    """Return sqrt(eigenvalue / size) of the circulant covariance: (B, m) -> (B, m + 1)."""
    power = np.empty((len(exponents), len(log_lag) + 1))  # k^alpha, k = 0 ... m + 1
    power[:, 0] = 0.0
    np.multiply(exponents[:, None], log_lag, out=power[:, 1:])
    np.exp(power[:, 1:], out=power[:, 1:])
    covariance = np.empty((len(exponents), len(log_lag)))
    covariance[:, 0] = 1.0
    covariance[:, 1:] = 0.5 * (power[:, 2:] + power[:, :-2]) - power[:, 1:-1]
    size = 2 * (len(log_lag) - 1)
    if size == 2:
        eigenvalues = np.stack([1 + covariance[:, 1], 1 - covariance[:, 1]], axis=1)
    else:
        eigenvalues = fft.dct(covariance, type=1, overwrite_x=True)
    # never negative for these steps (Craigmile 2003); rounding may dip below
    amplitude: FloatArray = np.sqrt(np.maximum(eigenvalues, 0.0) / size)
    return amplitude


@njit(cache=True, nogil=True)
def _first_jump(power, wait_unit, age, rng):  # type: ignore[no-untyped-def]
    """Return the time of the first jump after frame 0 of a walk that began `age` earlier."""
    time = -age + wait_unit * (1.0 - rng.random()) ** power
    while time <= 0.0:
        time += wait_unit * (1.0 - rng.random()) ** power
    return time


@njit(cache=True, nogil=True)
def _follow(power, wait_unit, time, rng, walk):  # type: ignore[no-untyped-def]
    """Fill walk (L, d), zeros, with jumps from `time` on; return whether there is one."""
    length, dims = walk.shape
    frame = 0
    while time <= length - 1:
        landed = int(np.ceil(time))
        for t in range(frame + 1, landed + 1):
            for axis in range(dims):
                walk[t, axis] = walk[frame, axis]
        for axis in range(dims):
            walk[landed, axis] += rng.standard_normal()
        frame = landed
        time += wait_unit * (1.0 - rng.random()) ** power
    if frame:
        for t in range(frame + 1, length):
            for axis in range(dims):
                walk[t, axis] = walk[frame, axis]
    return frame > 0


@njit(cache=True, nogil=True)
def _draw_ctrw(alpha, wait_unit, aged, tries, rng, walks):  # type: ignore[no-untyped-def]
    """Fill walks (N, L, d), zeros; return how many hold no jump."""
    count, length, _ = walks.shape
    still = 0
    for i in range(count):
        power = -1.0 / alpha[i]
        jumped = False
        for _ in range(tries):
            age = np.exp(rng.random() * np.log(_AGES * length)) if aged else 0.0
            time = _first_jump(power, wait_unit, age, rng)
            jumped = _follow(power, wait_unit, time, rng, walks[i])
            if jumped:
                break
        still += not jumped
    return still


@njit(cache=True, nogil=True)
def _draw_levy(flights, whole_frames, rng, walks):  # type: ignore[no-untyped-def]
    """Fill walks (N, L, d), zeros."""
    count, length, dims = walks.shape
    velocity = np.empty(dims)
    for i in range(count):
        left = 0.0  # of the flight under way
        for t in range(1, length):
            for axis in range(dims):
                walks[i, t, axis] = walks[i, t - 1, axis]
            frame_left = 1.0
            while frame_left > 0.0:
                if left <= 0.0:
                    left = (1.0 - rng.random()) ** (-1.0 / flights[i])
                    if whole_frames:
                        left = np.floor(left)
                    norm = 0.0
                    for axis in range(dims):
                        velocity[axis] = rng.standard_normal()
                        norm += velocity[axis] ** 2
                    velocity /= np.sqrt(norm)
                flown = min(left, frame_left)
                for axis in range(dims):
                    walks[i, t, axis] += velocity[axis] * flown
                left -= flown
                frame_left -= flown


@njit(cache=True, nogil=True)
def _draw_attm(alpha, lowest, highest, rng, walks):  # type: ignore[no-untyped-def]
    """Fill walks (N, L, d), zeros."""
    count, length, dims = walks.shape
    for i in range(count):
        most = 3.3 if alpha[i] > 0.76 else min(3.3, alpha[i] / (1.0 - alpha[i]))
        least = min(0.03, most / 2)
        density = least + rng.random() * (most - least)
        slope = density / alpha[i]
        left, diffusivity = 0.0, 1.0  # of the period under way
        for t in range(1, length):
            variance, frame_left = 0.0, 1.0
            while frame_left > 0.0:
                if left <= 0.0:
                    drawn = lowest + (highest - lowest) * (1.0 - rng.random())
                    diffusivity = drawn ** (1.0 / density)
                    left = diffusivity ** (-slope)
                passed = min(left, frame_left)
                variance += diffusivity * passed
                left -= passed
                frame_left -= passed
            for axis in range(dims):
                step = np.sqrt(variance) * rng.standard_normal()
                walks[i, t, axis] = walks[i, t - 1, axis] + step
