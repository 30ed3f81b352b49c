"""The camera: from the light of a frame to the counts that a file holds.

``counts = round(offset + gain * (n + sqrt(n) * z) / electrons_per_count)``

with n the expected electrons of a pixel, z the shot noise in its own standard deviations and gain
the pixel's fixed pattern. z is standard normal (the Gaussian limit of Poisson statistics, whose
skewness 1/sqrt(n) is below 4% from 1000 electrons on and 0.1% at the 8e5 of a landing assay), or
`few_electrons` below that. Stored frames are sums of binned camera frames, so n counts the
electrons of the whole sum. All in single precision: 65,535 counts to 1/256 of one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

from perrin.settings.simulation import CameraSettings, InstrumentSettings
from perrin.types import Float32Array, FloatArray

GAUSSIAN_FROM = 1000.0
"""Electrons of a pixel from which shot noise is drawn as Gaussian."""


def fixed_pattern(
    camera: CameraSettings, instrument: InstrumentSettings, *, rng: np.random.Generator
) -> Float32Array:
    """Relative gain of each pixel (Y, X), mean 1."""
    shape = (instrument.height_px, instrument.width_px)
    return (1.0 + camera.fixed_pattern * rng.standard_normal(shape)).astype(np.float32)


def few_electrons(expected: Float32Array, *, rng: np.random.Generator) -> Float32Array:
    """Return shot noise of few electrons in its own standard deviations: (n - mean) / sqrt(mean).

    expected: mean electrons of each pixel, any shape; n is drawn from their Poisson distribution.
    """
    arrived = rng.poisson(expected)
    noise: Float32Array = np.divide(
        arrived - expected,
        np.sqrt(expected),
        out=np.zeros(expected.shape, np.float32),
        where=expected > 0,
        casting="same_kind",
    )
    return noise


def record(
    light: Float32Array,
    *,
    electrons: Float32Array | float,
    noise: Float32Array,
    electrons_per_count: float,
    offset_counts: float,
    gain: Float32Array | float = 1.0,
    exposure: FloatArray | float = 1.0,
    shot_noise: float = 1.0,
) -> NDArray[np.uint16]:
    """Record stacks of frames.

    Parameters
    ----------
    light : (B, T, Y, X)
        Relative intensity, 1 for the bare surface.
    electrons, gain : (B, Y, X) or float
        Expected electrons of a pixel where `light` is 1, and its fixed pattern.
    noise : (B, T, Y, X)
        The shot noise in its standard deviations: standard normal, or `few_electrons`.
    electrons_per_count, offset_counts : float
        Gain of the camera, and counts in the dark.
    exposure : (B, T) or float
        Relative laser power of each frame.
    shot_noise : float
        Shot noise over its physical size.

    Returns
    -------
    (B, T, Y, X) uint16
        The nearest counts, clipped to 0 to 65535.

    """
    stacks, n_frames, *frame = light.shape
    counts = np.empty(light.shape, np.uint16)
    _record(
        light,
        _filled(electrons, (stacks, *frame), np.float32),
        _filled(gain, (stacks, *frame), np.float32),
        _filled(exposure, (stacks, n_frames), np.float64),
        noise,
        shot_noise,
        electrons_per_count,
        offset_counts,
        counts,
    )
    return counts


def _filled(
    values: ArrayLike, shape: tuple[int, ...], kind: type[np.floating[Any]]
) -> NDArray[Any]:
    return np.ascontiguousarray(np.broadcast_to(np.asarray(values, kind), shape))


@njit(cache=True, parallel=True)
def _record(light, electrons, gain, exposure, noise, shot, per_count, offset, counts):  # type: ignore[no-untyped-def]
    stacks, n_frames, height, width = light.shape
    scale = np.float32(1.0 / per_count)
    shot_noise = np.float32(shot)
    dark = np.float32(offset + 0.5)
    zero, most = np.float32(0.0), np.float32(65535.0)
    for job in prange(stacks * n_frames):
        s, t = job // n_frames, job % n_frames
        power = np.float32(exposure[s, t])
        for y in range(height):
            for x in range(width):
                mean = max(light[s, t, y, x] * electrons[s, y, x] * power, zero)
                arrived = mean + shot_noise * np.sqrt(mean) * noise[s, t, y, x]
                value = dark + gain[s, y, x] * arrived * scale
                counts[s, t, y, x] = np.uint16(min(max(value, zero), most))
