"""The camera: from the light of a frame to the counts that a file holds.

``counts = round(offset + gain * (n + sqrt(n) * z) / electrons_per_count)``

with n the expected electrons of a pixel, z standard normal (shot noise: the Gaussian limit of
Poisson statistics, whose skewness 1/sqrt(n) is below 4% from 1000 electrons on and 0.1% at the
default 8e5) and gain the pixel's fixed pattern. Stored frames are sums of binned camera
frames, so n counts the electrons of the whole sum.

`record` is a whole camera for stacks with many electrons a pixel, in single precision;
`record_electrons` an even one that also takes the few electrons of a microscope of that kind, whose
noise is drawn from the Poisson distribution itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from perrin.settings.simulation import CameraSettings, InstrumentSettings
from perrin.types import Float32Array, FloatArray

_GAUSSIAN_FROM = 1000.0  # electrons from which shot noise is drawn as Gaussian


def fixed_pattern(
    camera: CameraSettings, instrument: InstrumentSettings, *, rng: np.random.Generator
) -> Float32Array:
    """Relative gain of each pixel (Y, X), mean 1."""
    shape = (instrument.height_px, instrument.width_px)
    return (1.0 + camera.fixed_pattern * rng.standard_normal(shape)).astype(np.float32)


def record(
    light: Float32Array,
    *,
    electrons: Float32Array,
    gain: Float32Array,
    exposure: FloatArray,
    noise: Float32Array,
    camera: CameraSettings,
) -> NDArray[np.uint16]:
    """Record stacks of frames.

    Parameters
    ----------
    light : (B, T, Y, X)
        Relative intensity, 1 for the bare surface.
    electrons, gain : (B, Y, X)
        Expected electrons of a pixel where `light` is 1, and its fixed pattern.
    exposure : (B, T)
        Relative laser power of each frame.
    noise : (B, T, Y, X)
        Standard normal numbers for the shot noise.
    camera : CameraSettings
        Gain, offset and the scale of the shot noise.

    Returns
    -------
    (B, T, Y, X) uint16
        Counts, clipped to 0 to 65535.

    """
    counts = np.empty(light.shape, np.uint16)
    _record(
        light,
        electrons,
        gain,
        exposure,
        noise,
        camera.shot_noise,
        camera.electrons_per_count,
        camera.offset_counts,
        counts,
    )
    return counts


def record_electrons(
    light: NDArray[np.float32],
    *,
    electrons: float,
    electrons_per_count: float,
    offset_counts: float,
    rng: np.random.Generator,
) -> NDArray[np.uint16]:
    """Record frames (T, Y, X) of relative light: `electrons` a pixel where it is 1.

    Pixels are alike. The shot noise is that of Poisson below 1000 electrons.
    """
    mean = np.maximum(light, 0) * np.float32(electrons)
    if electrons < _GAUSSIAN_FROM:
        arrived = rng.poisson(mean).astype(np.float64)
    else:
        noise = rng.standard_normal(mean.shape, dtype=np.float32)
        arrived = np.asarray(mean + np.sqrt(mean) * noise, np.float64)
    return as_counts(offset_counts + arrived / electrons_per_count)


def as_counts(values: NDArray[np.floating[Any]]) -> NDArray[np.uint16]:
    """Return the nearest counts of 16 bits."""
    rounded: NDArray[np.uint16] = np.clip(np.rint(values), 0, 65535).astype(np.uint16)
    return rounded


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
