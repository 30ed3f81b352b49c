"""The background of a buffer movie: speckle, stage, laser and focus.

Relative light of a pixel, 1 for a bare surface:

``1 + S(y - stage_y(t), x - stage_x(t)) + D(y, x, t)``

S is the static speckle of the glass, which the stage carries along, D the dynamic speckle.
Both are white noise filtered by the PSF: what a dense layer of weak scatterers looks like
through this microscope. They are cut out of one large periodic texture at random places. All
parts are stationary in time and place, so a patch has the statistics of the whole field.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from perrin.optics.psf import Psf, spline_weights
from perrin.settings.simulation import BackgroundSettings, InstrumentSettings
from perrin.types import FloatArray

TEXTURE_PX = 1024
KEY_EVERY = 4
_PINK_HZ = (0.1, 0.4, 1.6, 7.0, 30.0)  # corner frequencies whose sum falls as 1/f


@dataclass(frozen=True)
class Texture:
    """A periodic random field of unit variance with the correlation of the PSF."""

    values: NDArray[np.float32]
    """(1024, 1024): at whole pixels."""
    coefficients: NDArray[np.float32]
    """(1024, 1024): of the cubic B-spline through them."""

    @classmethod
    def of(cls, psf: Psf, *, rng: np.random.Generator) -> Texture:
        """Filter white noise by `psf`."""
        from scipy.fft import irfft2, rfft2

        kernel = np.zeros((TEXTURE_PX, TEXTURE_PX), np.float32)
        image = psf.image(25)
        kernel[:25, :25] = image / np.sqrt((image**2).sum())
        white = rng.standard_normal(kernel.shape, dtype=np.float32)
        spectrum = rfft2(white) * rfft2(kernel)
        values = irfft2(spectrum, s=kernel.shape)
        scale = 1.0 / values.std()
        row = (2 + np.cos(2 * np.pi * np.arange(TEXTURE_PX) / TEXTURE_PX)) / 3
        spline = np.outer(row, row[: TEXTURE_PX // 2 + 1]).astype(np.float32)
        coefficients = irfft2(spectrum / spline, s=kernel.shape)
        return cls((values * scale).astype(np.float32), (coefficients * scale).astype(np.float32))


def draw_stage(
    background: BackgroundSettings,
    instrument: InstrumentSettings,
    *,
    count: int,
    n_frames: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Displacement of the stage (count, n_frames, 2), y and x in pixels, from 0.

    A random walk, a steady drift and a sinusoidal vibration (each in its own direction).
    """
    dt = instrument.frame_interval_s
    walk = rng.standard_normal((count, n_frames, 2)) * background.drift_nm_per_sqrt_s * np.sqrt(dt)
    walk[:, 0] = 0.0
    path = np.cumsum(walk, axis=1)
    time = np.arange(n_frames) * dt
    angle, shake, phase = rng.uniform(0, 2 * np.pi, size=(3, count, 1))
    drift = background.drift_nm_per_s * time
    wave = (
        background.vibration_nm
        * np.sqrt(2)
        * np.sin(2 * np.pi * background.vibration_hz * time + phase)
    )
    path[..., 0] += drift * np.sin(angle) + wave * np.sin(shake)
    path[..., 1] += drift * np.cos(angle) + wave * np.cos(shake)
    scaled: FloatArray = path / instrument.pixel_nm
    return scaled


def draw_laser(
    background: BackgroundSettings,
    instrument: InstrumentSettings,
    *,
    count: int,
    n_frames: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Relative laser power (count, n_frames): white noise and a sum of slow processes (1/f)."""
    power = 1.0 + background.laser_white * rng.standard_normal((count, n_frames))
    for corner in _PINK_HZ:
        slow = ornstein_uhlenbeck(
            count, n_frames, time_frames=_time_frames(corner, instrument), rng=rng
        )
        power += background.laser_pink / np.sqrt(len(_PINK_HZ)) * slow
    return power


def draw_focus(
    background: BackgroundSettings,
    instrument: InstrumentSettings,
    *,
    count: int,
    n_frames: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Relative change of the contrast (count, n_frames) as the focus wanders."""
    time_frames = background.focus_time_s / instrument.frame_interval_s
    wander = ornstein_uhlenbeck(count, n_frames, time_frames=time_frames, rng=rng)
    scaled: FloatArray = background.focus_contrast * wander
    return scaled


def tilt(
    background: BackgroundSettings,
    instrument: InstrumentSettings,
    *,
    direction_rad: FloatArray | float,
    x_px: FloatArray,
    y_px: FloatArray,
) -> FloatArray:
    """Relative change of the contrast at positions (pixels) by the tilt of the focus.

    A plane over the field, of rms `tilt_contrast`, rising in the given direction.
    """
    across = (x_px / (instrument.width_px - 1) - 0.5) * np.sqrt(12)
    down = (y_px / (instrument.height_px - 1) - 0.5) * np.sqrt(12)
    plane = np.cos(direction_rad) * across + np.sin(direction_rad) * down
    return np.asarray(background.tilt_contrast * plane)


def illumination(
    background: BackgroundSettings, instrument: InstrumentSettings
) -> NDArray[np.float32]:
    """Light over the field (Y, X) of the instrument, mean 1."""
    return parabola(background.illumination_falloff, instrument.height_px, instrument.width_px)


def parabola(falloff: float, height_px: int, width_px: int) -> NDArray[np.float32]:
    """Light over a field (Y, X), mean 1: a parabola that loses `falloff` to the corners."""
    y = np.linspace(-1, 1, height_px)[:, None]
    x = np.linspace(-1, 1, width_px)[None, :]
    light = 1.0 - falloff * (x**2 + y**2) / 2
    return np.asarray(light / light.mean(), np.float32)


def ornstein_uhlenbeck(
    count: int, n_frames: int, *, time_frames: float, rng: np.random.Generator
) -> FloatArray:
    """Stationary processes (count, n_frames) of unit variance, correlation exp(-t / time)."""
    from scipy.signal import lfilter

    keep = np.exp(-1.0 / time_frames)
    noise = rng.standard_normal((count, n_frames))
    noise[:, 1:] *= np.sqrt(1.0 - keep**2)
    process: FloatArray = lfilter([1.0], [1.0, -keep], noise, axis=1)
    return process


def dynamic_keys(
    background: BackgroundSettings,
    instrument: InstrumentSettings,
    *,
    texture: Texture,
    n_frames: int,
    shape: tuple[int, int],
    count: int,
    rng: np.random.Generator,
    previous: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Dynamic speckle (count, K, Y, X) at every fourth frame, K = n_frames / 4 + 1 rounded up.

    An Ornstein-Uhlenbeck process in time; between keys it is interpolated linearly. `previous`
    (count, Y, X) continues an earlier stretch: it becomes the first key.
    """
    n_keys = -(-n_frames // KEY_EVERY) + 1
    keep = np.exp(-KEY_EVERY * instrument.frame_interval_s / background.dynamic_time_s)
    origin = rng.integers(0, TEXTURE_PX, size=(count, n_keys, 2))
    keys = np.zeros((count, n_keys, *shape), np.float32)
    if background.dynamic_contrast == 0:
        return keys
    if previous is not None:
        keys[:, 0] = previous
    _keys(texture.values, origin, keep, background.dynamic_contrast, previous is None, keys)
    return keys


def fill_light(
    *,
    texture: Texture,
    speckle_contrast: float,
    origin: FloatArray,
    stage: FloatArray,
    keys: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Relative light (B, T, Y, X) of windows without molecules.

    Parameters
    ----------
    texture : Texture
        Where the static speckle comes from.
    speckle_contrast : float
        Its rms.
    origin : (B, 2)
        Place of pixel (0, 0) of each window in the texture, y and x.
    stage : (B, T, 2)
        Displacement of the stage in pixels, y and x.
    keys : (B, K, Y, X)
        Dynamic speckle, see `dynamic_keys`.

    """
    count, n_frames, _ = stage.shape
    light = np.empty((count, n_frames, *keys.shape[2:]), np.float32)
    _fill(texture.coefficients, speckle_contrast, origin, stage, keys, light)
    return light


def _time_frames(corner_hz: float, instrument: InstrumentSettings) -> float:
    return float(1.0 / (2 * np.pi * corner_hz * instrument.frame_interval_s))


@njit(cache=True, parallel=True)
def _keys(values, origin, keep, contrast, fresh, keys):  # type: ignore[no-untyped-def]
    count, n_keys, height, width = keys.shape
    mask = len(values) - 1
    for b in prange(count):
        for k in range(n_keys):
            if k == 0 and not fresh:
                continue
            old = 0.0 if k == 0 else keep
            new = contrast * np.sqrt(1.0 - old * old)
            for y in range(height):
                row = (origin[b, k, 0] + y) & mask
                for x in range(width):
                    value = new * values[row, (origin[b, k, 1] + x) & mask]
                    if k > 0:
                        value += old * keys[b, k - 1, y, x]
                    keys[b, k, y, x] = value


@njit(cache=True, parallel=True, fastmath=True)
def _fill(coefficients, contrast, origin, stage, keys, light):  # type: ignore[no-untyped-def]
    count, n_frames, height, width = light.shape
    mask = len(coefficients) - 1
    for job in prange(count * n_frames):
        b, t = job // n_frames, job % n_frames
        line = np.empty(width + 3, np.float32)
        at_y = origin[b, 0] - stage[b, t, 0]
        at_x = origin[b, 1] - stage[b, t, 1]
        top, left = int(np.floor(at_y)), int(np.floor(at_x))
        wy = spline_weights(at_y - top)
        wx = spline_weights(at_x - left)
        wx0, wx1 = np.float32(wx[0] * contrast), np.float32(wx[1] * contrast)
        wx2, wx3 = np.float32(wx[2] * contrast), np.float32(wx[3] * contrast)
        wy0, wy1, wy2, wy3 = (
            np.float32(wy[0]),
            np.float32(wy[1]),
            np.float32(wy[2]),
            np.float32(wy[3]),
        )
        key = t // KEY_EVERY
        later = np.float32((t % KEY_EVERY) / KEY_EVERY)
        sooner = np.float32(1.0) - later
        for y in range(height):
            r0 = coefficients[(top - 1 + y) & mask]
            r1 = coefficients[(top + y) & mask]
            r2 = coefficients[(top + 1 + y) & mask]
            r3 = coefficients[(top + 2 + y) & mask]
            for x in range(width + 3):
                i = (left - 1 + x) & mask
                line[x] = wy0 * r0[i] + wy1 * r1[i] + wy2 * r2[i] + wy3 * r3[i]
            for x in range(width):
                static = wx0 * line[x] + wx1 * line[x + 1] + wx2 * line[x + 2] + wx3 * line[x + 3]
                dynamic = sooner * keys[b, key, y, x] + later * keys[b, key + 1, y, x]
                light[b, t, y, x] = np.float32(1.0) + static + dynamic
