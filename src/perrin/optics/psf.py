"""The amplitude point-spread function of a landing, analytic or measured.

In an interferometric image the signal of a small particle is its scattered field times the
reflected field: it follows the amplitude PSF (a jinc with rings of both signs), not its
square. One representation serves every step: the PSF sampled on a grid finer than the
pixel, interpolated by a cubic B-spline, with value 1 at the center. Pixel (0, 0) has its
center at (0, 0); averaging over the pixel is part of the sampled function.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from perrin.errors import PerrinError, why_unreadable
from perrin.notebook import Shown, rounded
from perrin.settings.optics import OpticsSettings
from perrin.types import FloatArray

SAMPLES_PER_PIXEL = 4
HALF_WIDTH_PX = 12
_GRID = 2 * HALF_WIDTH_PX * SAMPLES_PER_PIXEL + 1
_FILE_VERSION = 1


@dataclass(frozen=True, repr=False)
class Psf(Shown):
    """A point-spread function with value 1 at its center."""

    coefficients: FloatArray
    """(98, 98): cubic B-spline coefficients on a grid of a quarter pixel, center at [48, 48] of the
    97 x 97 samples (one more row and column so that the last cell can be read)."""
    pixel_nm: float
    """Pixel size the samples refer to."""
    card: dict[str, Any]
    """Where it comes from: settings of the analytic form, or the movie and selection."""

    def _facts(self) -> dict[str, str]:
        return {
            "kind": str(self.card.get("kind", "given")),
            "FWHM": rounded(self.fwhm_px() * self.pixel_nm, "nm"),
            "pixel": rounded(self.pixel_nm, "nm"),
        }

    @classmethod
    def analytic(cls, optics: OpticsSettings | None = None, *, pixel_nm: float) -> Psf:
        """Two jinc functions times a Gaussian (see `OpticsSettings`), averaged over a pixel."""
        optics = optics or OpticsSettings()
        if not pixel_nm > 0:
            raise PerrinError(f"pixel size is {pixel_nm} nm; it must be above 0")
        from scipy.ndimage import uniform_filter
        from scipy.special import j1

        def jinc(x: FloatArray) -> FloatArray:
            safe = np.where(x == 0, 1.0, x)
            value: FloatArray = np.where(x == 0, 1.0, 2 * j1(safe) / safe)
            return value

        step = 4  # of the finer grid, on which the pixel average is taken
        half = (HALF_WIDTH_PX + 1) * SAMPLES_PER_PIXEL * step
        axis = np.arange(-half, half + 1) * pixel_nm / (SAMPLES_PER_PIXEL * step)
        radius_nm = np.hypot(axis[:, None], axis[None, :])
        wave_number = 2 * np.pi * optics.numerical_aperture / optics.wavelength_nm
        field = (1 - optics.second_weight) * jinc(wave_number * radius_nm)
        field += optics.second_weight * jinc(optics.second_scale * wave_number * radius_nm)
        field *= np.exp(-0.5 * (radius_nm / optics.envelope_nm) ** 2)
        field = uniform_filter(field, SAMPLES_PER_PIXEL * step + 1)
        margin = SAMPLES_PER_PIXEL * step
        samples = field[margin:-margin:step, margin:-margin:step]
        card = {"kind": "analytic", **optics.model_dump()}
        return cls.from_samples(samples, pixel_nm=pixel_nm, card=card)

    @classmethod
    def from_samples(cls, samples: FloatArray, *, pixel_nm: float, card: dict[str, Any]) -> Psf:
        """A PSF from its values on the (97, 97) grid of a quarter pixel; scaled to center 1."""
        from scipy.ndimage import spline_filter

        if samples.shape != (_GRID, _GRID) or not np.isfinite(samples).all():
            raise PerrinError(
                f"a PSF needs {_GRID} x {_GRID} finite samples, got shape {samples.shape}"
            )
        center = float(samples[_GRID // 2, _GRID // 2])
        if abs(center) < 0.1 * np.abs(samples).max() or center == 0:
            raise PerrinError(
                f"the center of the PSF is {center:.3g}, small against its largest value "
                f"{np.abs(samples).max():.3g}: center the samples first"
            )
        coefficients = np.zeros((_GRID + 1, _GRID + 1))
        coefficients[:_GRID, :_GRID] = spline_filter(samples / center, order=3, mode="mirror")
        return cls(coefficients, float(pixel_nm), card)

    @classmethod
    def ringed(cls, *, fwhm_nm: float, ring: float, pixel_nm: float) -> Psf:
        """A closed form with two numbers: ``(1 - a r^2) exp(-r^2 / 2 s^2)``.

        fwhm_nm: full width at half maximum; ring: lowest value over that of the center, 0 or
        below (real frames show -.12 to -.46). Not averaged over a pixel: it is what is seen.
        Raises `PerrinError` for a ring above 0 or at -1 and below.
        """
        if not -1 < ring <= 0 or not fwhm_nm > 0:
            raise PerrinError(
                f"a PSF {fwhm_nm:g} nm wide with a ring of {ring:g}: the width is above 0, and the "
                "ring, over the center, between -1 and 0"
            )
        axis = np.linspace(0.0, 6.0, 1201)

        def lowest(a: float) -> float:
            return float(((1 - a * axis**2) * np.exp(-0.5 * axis**2)).min() - ring)

        a = _falls_to_zero(lowest, 1e-9, 20.0) if ring < -1e-6 else 0.0
        half = _falls_to_zero(lambda r: (1 - a * r**2) * np.exp(-0.5 * r**2) - 0.5, 0.0, 2.0)
        offset = np.arange(_GRID) - _GRID // 2
        radius_nm = np.hypot(offset[:, None], offset) * pixel_nm / SAMPLES_PER_PIXEL
        r = radius_nm * 2 * half / fwhm_nm
        samples = (1 - a * r**2) * np.exp(-0.5 * r**2)
        card = {"kind": "ringed", "fwhm_nm": fwhm_nm, "ring": ring}
        return cls.from_samples(samples, pixel_nm=pixel_nm, card=card)

    def image(self, size: int, *, dx: float = 0.0, dy: float = 0.0) -> FloatArray:
        """Return the PSF on size x size pixels, centered (dx, dy) pixels off the middle pixel."""
        out = np.empty((size, size))
        middle = size // 2
        evaluate(self.coefficients, middle + dx, middle + dy, out)
        return out

    def fwhm_px(self) -> float:
        """Full width at half maximum in pixels, mean over x and y."""
        axis = np.linspace(0, HALF_WIDTH_PX - 1, 1101)
        row, column = np.empty((1, 1)), np.empty((1, 1))
        width = 0.0
        for sign in (-1.0, 1.0):
            profile = []
            for offset in axis:
                evaluate(self.coefficients, sign * offset, 0.0, row)
                evaluate(self.coefficients, 0.0, sign * offset, column)
                profile.append(0.5 * (row[0, 0] + column[0, 0]))
            width += float(axis[np.argmax(np.array(profile) < 0.5)])
        return width

    def samples(self) -> FloatArray:
        """Values (97, 97) on the grid of a quarter pixel, center at [48, 48]."""
        line = np.array([1.0, 4.0, 1.0]) / 6  # of a cubic B-spline at its knots
        inner = np.pad(self.coefficients[:_GRID, :_GRID], 1, mode="reflect")
        down = line @ np.stack([inner[k : k + _GRID] for k in range(3)]).reshape(3, -1)
        rows = down.reshape(_GRID, -1)
        return np.asarray(sum(line[k] * rows[:, k : k + _GRID] for k in range(3)))

    def ring(self) -> float:
        """The ring over the center: lowest value of the mean over directions, 0 without a ring."""
        return min(0.0, float(radial_profile(self.samples()).min()))

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write to a small .npz file (no pickle), whole or not at all.

        Raises `PerrinError` for a file that is there, without `overwrite`.
        """
        import json

        from perrin.io.output import written_file

        with written_file(path, overwrite=overwrite) as partial, partial.open("wb") as stream:
            np.savez_compressed(
                stream,
                version=_FILE_VERSION,
                coefficients=self.coefficients,
                pixel_nm=self.pixel_nm,
                card=json.dumps(self.card),
            )

    @classmethod
    def load(cls, path: str | Path) -> Psf:
        """Read what `save` wrote; `PerrinError` if the file is anything else."""
        import json
        import zipfile

        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                version = int(stored["version"])
                coefficients = stored["coefficients"]
                pixel_nm = float(stored["pixel_nm"])
                card = json.loads(str(stored["card"]))
        except OSError as error:
            raise PerrinError(
                f"{path}: no readable PSF file: {why_unreadable(error)}. Check the name, or make "
                "one with perrin psf."
            ) from error
        except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
            raise PerrinError(f"{path} is not a PSF file of perrin ({error})") from error
        if version != _FILE_VERSION or coefficients.shape != (_GRID + 1, _GRID + 1):
            raise PerrinError(
                f"{path} holds a PSF of version {version} and shape {coefficients.shape}; this "
                f"perrin reads version {_FILE_VERSION}. Build it again with `perrin psf`."
            )
        return cls(coefficients, pixel_nm, card)

    def check_pixel(self, pixel_nm: float) -> None:
        """Raise `PerrinError` unless the PSF was made for this pixel size (within 1%)."""
        if abs(pixel_nm / self.pixel_nm - 1) > 0.01:
            raise PerrinError(
                f"the PSF was made for pixels of {self.pixel_nm:g} nm, the movie has "
                f"{pixel_nm:g} nm. Build a PSF from this instrument's own movie."
            )


def _falls_to_zero(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that falls from low to high is 0, by halves to the last digit.

    scipy.optimize has the same, and takes longer to import than a PSF takes to make.
    """
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return middle


def radial_profile(samples: FloatArray) -> FloatArray:
    """Mean over all directions of (97, 97) samples, in steps of a quarter pixel, to 10 px."""
    offset = np.arange(_GRID) - _GRID // 2
    ring = np.rint(np.hypot(offset[:, None], offset)).astype(np.int64).ravel()
    count = (HALF_WIDTH_PX - 2) * SAMPLES_PER_PIXEL + 1
    inside = ring < count
    sums = np.bincount(ring[inside], samples.ravel()[inside], minlength=count)
    return np.asarray(sums / np.bincount(ring[inside], minlength=count))


def profile_width(profile: FloatArray) -> float:
    """Full width at half maximum, in pixels, of what `radial_profile` gives."""
    half = 0.5 * profile[0]
    k = int(np.argmax(profile < half))
    part = (profile[k - 1] - half) / (profile[k - 1] - profile[k])
    return float(2 * (k - 1 + part) / SAMPLES_PER_PIXEL)


@njit(cache=True, inline="always")
def spline_weights(f: float) -> tuple[float, float, float, float]:
    """Weights of the four cubic B-spline coefficients around fraction `f` of a cell."""
    g = 1.0 - f
    return (
        g * g * g / 6.0,
        (4.0 - 6.0 * f * f + 3.0 * f * f * f) / 6.0,
        (4.0 - 6.0 * g * g + 3.0 * g * g * g) / 6.0,
        f * f * f / 6.0,
    )


@njit(cache=True, inline="always")
def spline_slopes(f: float) -> tuple[float, float, float, float]:
    """Derivative of `spline_weights` with respect to `f`."""
    g = 1.0 - f
    return (-g * g / 2.0, -2.0 * f + 1.5 * f * f, 2.0 * g - 1.5 * g * g, f * f / 2.0)


@njit(cache=True, inline="always")
def cell(position: float) -> tuple[int, float]:
    """First of the four coefficients for pixel 0, and the fraction, for a center in pixels."""
    u = (HALF_WIDTH_PX - position) * SAMPLES_PER_PIXEL
    base = int(np.floor(u))
    return base - 1, u - base


@njit(cache=True, fastmath=True)
def evaluate(coefficients, x, y, out):  # type: ignore[no-untyped-def]
    """Fill `out` (H, W) with the PSF centered at (x, y) pixels; 0 beyond its half width."""
    first_x, fx = cell(x)
    first_y, fy = cell(y)
    wx = spline_weights(fx)
    wy = spline_weights(fy)
    last = coefficients.shape[0] - 4
    for row in range(out.shape[0]):
        j = first_y + row * SAMPLES_PER_PIXEL
        for column in range(out.shape[1]):
            i = first_x + column * SAMPLES_PER_PIXEL
            if i < 0 or j < 0 or i > last or j > last:
                out[row, column] = 0.0
                continue
            value = 0.0
            for b in range(4):
                line = 0.0
                for a in range(4):
                    line += wx[a] * coefficients[j + b, i + a]
                value += wy[b] * line
            out[row, column] = value


@njit(cache=True, fastmath=True)
def evaluate_with_slopes(coefficients, x, y, out, slope_x, slope_y):  # type: ignore[no-untyped-def]
    """Like `evaluate`, with the derivatives by x and y; all three (H, W), inside the PSF."""
    first_x, fx = cell(x)
    first_y, fy = cell(y)
    wx = spline_weights(fx)
    wy = spline_weights(fy)
    sx = spline_slopes(fx)
    sy = spline_slopes(fy)
    for row in range(out.shape[0]):
        j = first_y + row * SAMPLES_PER_PIXEL
        for column in range(out.shape[1]):
            i = first_x + column * SAMPLES_PER_PIXEL
            value = 0.0
            by_x = 0.0
            by_y = 0.0
            for b in range(4):
                line = 0.0
                line_slope = 0.0
                for a in range(4):
                    c = coefficients[j + b, i + a]
                    line += wx[a] * c
                    line_slope += sx[a] * c
                value += wy[b] * line
                by_x += wy[b] * line_slope
                by_y += sy[b] * line
            out[row, column] = value
            slope_x[row, column] = -SAMPLES_PER_PIXEL * by_x
            slope_y[row, column] = -SAMPLES_PER_PIXEL * by_y
