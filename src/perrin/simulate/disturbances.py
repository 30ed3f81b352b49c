"""What disturbs a movie beyond its steady background: gradients, fringes, speckle and debris.

A pixel's light is multiplied by

``(1 + g(t) . r) (1 + sqrt(2) f sin(q . r + p(t))) prod(1 + d_k(t) P((r - r_k(t)) / w)) + F(r, t)``

a slope that drifts, fringes that move, grains of debris and (where keys of dynamic speckle are
mixed) a speckle F of its own pace. A grain diffuses in a plane above the glass; across it its
phase against the reference field wanders, so that its contrast changes sign, and it is out of
focus, so that its image is wider.

Patches see what a field would: r counts from the middle of the field, and what a plane fitted to
the field takes off (slopes, and of fringes their part) is given beside the patches.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numba import njit, prange

from perrin.landing.light import plane
from perrin.optics.psf import HALF_WIDTH_PX, Psf, evaluate
from perrin.settings.disturbances import DisturbanceSettings
from perrin.settings.simulation import BackgroundSettings, InstrumentSettings
from perrin.simulate.background import Texture, dynamic_keys, ornstein_uhlenbeck
from perrin.simulate.render import widening_coefficients
from perrin.types import Float32Array, FloatArray, IntArray

_FRINGE_WANDER_S = 2.0
_OUT_OF_FOCUS = 0.4  # how much wider the image of a grain is than that of a molecule
_PHASE_OF_NM = 4 * np.pi * 1.33 / 488.0
"""Rad by which a wave that is scattered back from water is late for each nm of height."""


@dataclass
class Disturbances:
    """Disturbances of B windows of a field over T frames, drawn once."""

    settings: DisturbanceSettings
    instrument: InstrumentSettings
    slopes: FloatArray
    """(B, T, 2): relative change of the light from the middle of the field to its edge, y and x."""
    wave: FloatArray
    """(B, 2): phase of the fringes for a pixel, y and x."""
    phase: FloatArray
    """(B, T): of the fringes in the middle of the field."""
    grains: FloatArray
    """(B, G, T, 3): rows, columns (from the window's corner) and contrast; 0 for no grain."""
    grain_image: FloatArray
    """Spline coefficients of the image of a grain."""
    texture: Texture
    rng: np.random.Generator
    """texture, rng: what the further speckle is drawn from, stretch by stretch."""
    _speckle: Float32Array | None = field(default=None, init=False)

    @classmethod
    def draw(
        cls,
        settings: DisturbanceSettings,
        instrument: InstrumentSettings,
        *,
        psf: Psf,
        texture: Texture,
        shape: tuple[int, int],
        count: int,
        n_frames: int,
        rng: np.random.Generator,
    ) -> Self:
        """Draw those of `count` windows of a shape (Y, X)."""
        dt = instrument.frame_interval_s
        slow = ornstein_uhlenbeck(
            2 * count, n_frames, time_frames=settings.gradient_time_s / dt, rng=rng
        )
        slopes = settings.gradient * slow.reshape(2, count, n_frames).transpose(1, 2, 0)
        angle, start = rng.uniform(0, 2 * np.pi, (2, count))
        number = 2 * np.pi * instrument.pixel_nm / (1e3 * settings.fringe_period_um)
        wander = ornstein_uhlenbeck(count, n_frames, time_frames=_FRINGE_WANDER_S / dt, rng=rng)
        steady = 2 * np.pi * settings.fringe_hz * dt * np.arange(n_frames)
        return cls(
            settings=settings,
            instrument=instrument,
            slopes=slopes,
            wave=number * np.stack([np.sin(angle), np.cos(angle)], axis=1),
            phase=start[:, None] + steady + settings.fringe_hz * wander,
            grains=_draw_grains(settings, instrument, shape, count, n_frames, rng),
            grain_image=psf.coefficients + _OUT_OF_FOCUS * widening_coefficients(psf),
            texture=texture,
            rng=rng,
        )

    def add_speckle(self, keys: Float32Array, *, n_frames: int) -> Float32Array:
        """Return keys (B, K, Y, X) of dynamic speckle with those of the further one.

        See `perrin.simulate.background.dynamic_keys`; called once for each stretch of frames, it
        goes on where it was.
        """
        if self.settings.speckle_contrast == 0:
            return keys
        pace = {
            "dynamic_contrast": self.settings.speckle_contrast,
            "dynamic_time_s": self.settings.speckle_time_s,
        }
        further = dynamic_keys(
            BackgroundSettings.none().model_copy(update=pace),
            self.instrument,
            texture=self.texture,
            n_frames=n_frames,
            shape=(keys.shape[2], keys.shape[3]),
            count=len(keys),
            rng=self.rng,
            previous=self._speckle,
        )
        self._speckle = further[:, -1].copy()
        return keys + further

    def multiply(self, light: Float32Array, *, corner: IntArray, first: int = 0) -> None:
        """Multiply windows (B, T, Y, X), which start at frame `first`, in place.

        corner: (B, 2), row and column of the field where each window begins.
        """
        frames = slice(first, first + light.shape[1])
        middle = self._middle - corner
        if self.settings.gradient > 0 or self.settings.fringe_contrast > 0:
            _multiply_waves(
                light,
                middle,
                self.slopes[:, frames] / np.maximum(self._middle, 0.5),
                np.sqrt(2) * self.settings.fringe_contrast,
                self.wave,
                self.phase[:, frames],
            )
        if self.grains.shape[1]:
            _multiply_grains(light, self.grains[:, :, frames], self.grain_image)

    def planes(self) -> FloatArray:
        """What they do to the planes (B, T, 3) of the light of the field, debris left out.

        It is added to a plane of 1; see `perrin.landing.light`.
        """
        height, width = self.instrument.height_px, self.instrument.width_px
        y, x = (np.arange(n) - (n - 1) / 2 for n in (height, width))
        down, along = (
            np.exp(1j * np.outer(q, r)) for q, r in zip(self.wave.T, (y, x), strict=True)
        )
        parts = (
            down.mean(axis=1) * along.mean(axis=1),
            (down * y).mean(axis=1) * along.mean(axis=1),
            down.mean(axis=1) * (along * x).mean(axis=1),
        )
        turning = np.sqrt(2) * self.settings.fringe_contrast * np.exp(1j * self.phase)
        moments = [np.imag(part[:, None] * turning) for part in parts]
        taken = plane(*moments, field=(height, width), limited=False)
        rise = self.slopes / np.maximum(self._middle, 0.5)
        taken[..., 1:] += rise
        taken[..., 0] -= rise @ self._middle
        return taken

    @property
    def _middle(self) -> FloatArray:
        """Row and column of the middle of the field."""
        return np.array([(self.instrument.height_px - 1) / 2, (self.instrument.width_px - 1) / 2])


def _draw_grains(
    settings: DisturbanceSettings,
    instrument: InstrumentSettings,
    shape: tuple[int, int],
    count: int,
    n_frames: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Places and contrasts (B, G, T, 3) of grains in a window and around it, periodic."""
    size = np.array(shape) + 2.0 * HALF_WIDTH_PX
    area_um2 = size.prod() * (instrument.pixel_nm / 1e3) ** 2
    number = rng.poisson(settings.debris_per_um2 * area_um2, count)
    most = int(number.max(initial=0))
    grains = np.zeros((count, most, n_frames, 3))
    if most == 0:
        return grains
    step_nm = 1e3 * np.sqrt(2 * settings.debris_um2_per_s * instrument.frame_interval_s)
    steps = step_nm * rng.standard_normal((count, most, n_frames, 3))
    steps[..., :2] /= instrument.pixel_nm
    steps[..., 2] *= _PHASE_OF_NM
    steps[:, :, 0, :2] = rng.uniform(0, 1, (count, most, 2)) * size
    steps[:, :, 0, 2] = rng.uniform(0, 2 * np.pi, (count, most))
    path = np.cumsum(steps, axis=2)
    grains[..., :2] = path[..., :2] % size - HALF_WIDTH_PX
    there = np.arange(most) < number[:, None]
    grains[..., 2] = settings.debris_contrast * np.sin(path[..., 2]) * there[..., None]
    return grains


@njit(cache=True, parallel=True, fastmath=True)
def _multiply_waves(light, middle, rise, contrast, wave, phase):  # type: ignore[no-untyped-def]
    count, n_frames, height, width = light.shape
    for job in prange(count * n_frames):
        b, t = job // n_frames, job % n_frames
        for y in range(height):
            down = y - middle[b, 0]
            for x in range(width):
                right = x - middle[b, 1]
                factor = 1.0 + rise[b, t, 0] * down + rise[b, t, 1] * right
                if contrast > 0.0:
                    turned = wave[b, 0] * down + wave[b, 1] * right + phase[b, t]
                    factor *= 1.0 + contrast * np.sin(turned)
                light[b, t, y, x] *= np.float32(factor)


@njit(cache=True, parallel=True, fastmath=True)
def _multiply_grains(light, grains, image):  # type: ignore[no-untyped-def]
    count, n_frames, height, width = light.shape
    for job in prange(count * n_frames):
        b, t = job // n_frames, job % n_frames
        for g in range(grains.shape[1]):
            y, x, contrast = grains[b, g, t]
            top = max(0, int(np.ceil(y - HALF_WIDTH_PX)))
            left = max(0, int(np.ceil(x - HALF_WIDTH_PX)))
            bottom = min(height, int(y + HALF_WIDTH_PX) + 1)
            right = min(width, int(x + HALF_WIDTH_PX) + 1)
            if contrast == 0.0 or top >= bottom or left >= right:
                continue
            seen = np.empty((bottom - top, right - left))
            evaluate(image, x - left, y - top, seen)
            for j in range(bottom - top):
                for i in range(right - left):
                    light[b, t, top + j, left + i] *= np.float32(1.0 + contrast * seen[j, i])
