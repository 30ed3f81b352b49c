"""What `plot` of each result draws: one picture, on axes that are given or new."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.diffusion.characterize import DiffusionResult
from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.mass.calibration import Calibration
from perrin.mass.results import Spectrum
from perrin.optics.psf import HALF_WIDTH_PX, Psf
from perrin.report import style as look
from perrin.report.calibration_figure import calibration_figure
from perrin.report.spectra import draw_one, mass_limits
from perrin.report.style import BLUE, CONTRAST_UNIT, VERMILLION
from perrin.tracking.track import TrackingResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHADES = (0.5, 99.5)  # percentiles of an image that are black and white


def draw(result: Any, axes: Axes | None = None) -> Axes:
    """Draw a result on axes, those of a new figure where none are given, and return them."""
    with look.style():
        if axes is None:
            return _new(result)
        _draw(result, axes)
    return axes


@singledispatch
def _new(result: Any) -> Axes:
    """The axes of a new figure with the picture of a result."""
    axes = look.new_figure(width_mm=look.COLUMN_MM, height_mm=65.0).subplots()
    _draw(result, axes)
    return axes


@_new.register(Calibration)
def _new_calibration(result: Calibration) -> Axes:
    """The picture that stands beside a calibration's file; without points, the line."""
    if result.points:
        return calibration_figure(result).axes[0]
    axes = look.new_figure(width_mm=look.COLUMN_MM, height_mm=65.0).subplots()
    _draw(result, axes)
    return axes


@singledispatch
def _draw(result: Any, _axes: Axes) -> None:
    raise PerrinError(f"there is no picture of: {type(result).__name__}")


@_draw.register(Movie)
def _movie(result: Movie, axes: Axes) -> None:
    """The middle frame."""
    number = result.n_frames // 2
    _image(axes, np.asarray(result.frames[number]))
    axes.set_title(f"{result.name}: frame {number} of {result.n_frames}")


@_draw.register(Psf)
def _psf(result: Psf, axes: Axes) -> None:
    """The image of one molecule, the darker the more contrast a landing has."""
    half = HALF_WIDTH_PX + 0.5
    axes.imshow(
        result.image(2 * HALF_WIDTH_PX + 1), cmap="gray_r", extent=(-half, half, half, -half)
    )
    axes.set(xlabel="x (px)", ylabel="y (px)", title=f"{result.pixel_nm:g} nm a pixel")


@_draw.register(Calibration)
def _calibration(result: Calibration, axes: Axes) -> None:
    """Points and line."""
    mass = np.array([point.mass_kda for point in result.points])
    contrast = np.array([point.contrast for point in result.points])
    heaviest = float(mass.max()) if mass.size else 500.0
    line = np.linspace(0.0, 1.1 * heaviest, 200)[1:]
    axes.plot(line, -CONTRAST_UNIT * result.contrast(line), color=BLUE, linewidth=0.8)
    axes.plot(mass, -CONTRAST_UNIT * contrast, "o", color="black", markersize=3.5)
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.set(xlabel="Mass (kDa)", ylabel="−Contrast (10⁻³)")


@_draw.register(Spectrum)
def _spectrum(result: Spectrum, axes: Axes) -> None:
    """Histogram of both signs, density, mixture."""
    factor = 1.0 if result.unit == "kDa" else CONTRAST_UNIT
    draw_one(axes, result, factor)
    low, high = mass_limits([result])
    axes.set_xlim(factor * low, factor * high)
    axes.set_xlabel("Mass (kDa)" if factor == 1.0 else "−Contrast (10⁻³)")


@_draw.register(TrackingResult)
def _tracks(result: TrackingResult, axes: Axes) -> None:
    """Tracks, in the camera's pixels, over the mean background."""
    _image(axes, result.seen.mean)
    for number, (_, part) in enumerate(result.tracks.groupby("particle")):
        color = look.SERIES[number % (len(look.SERIES) - 1)]
        axes.plot(part["x"] + part["drift_x"], part["y"] + part["drift_y"], color=color, lw=0.7)
    axes.set_title(f"{result.name}: {len(result.particles)} tracks")


@_draw.register(DiffusionResult)
def _diffusion(result: DiffusionResult, axes: Axes) -> None:
    """Exponents of each track against its mixing ratio."""
    table = result.trajectories
    exponents = (("alpha_fbm", "α of FBM", BLUE), ("alpha_ctrw", "α of CTRW", VERMILLION))
    for name, label, color in exponents:
        axes.plot(table["w"], table[name], "o", ms=2.5, color=color, alpha=0.6, label=label)
    axes.axhline(1, color="0.6", linewidth=0.6, linestyle="--")
    axes.set(xlim=(-0.02, 1.02), xlabel="w (0: FBM, 1: CTRW)", ylabel="Exponent α")
    axes.legend()


def _image(axes: Axes, image: Any) -> None:
    low, high = np.percentile(image, _SHADES)
    axes.imshow(image, cmap="gray", vmin=low, vmax=high)
    axes.set(xlabel="x (px)", ylabel="y (px)")
