"""Figures for print: each function takes data and returns a matplotlib Figure.

No pyplot, no screen, no state: `save_figure` writes what they return.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perrin.errors import PerrinError
from perrin.report.labels import label_tops
from perrin.report.spectra import draw_one, draw_several, mass_limits
from perrin.report.style import (
    BLUE,
    COLUMN_MM,
    CONTRAST_UNIT,
    GRAY,
    ORANGE,
    PAGE_MM,
    SKY,
    VERMILLION,
    new_figure,
    save_figure,
    style,
)
from perrin.stats import robust_sd
from perrin.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from perrin.mass.results import Spectrum
    from perrin.mass.time_course import LandingDensity

__all__ = [
    "events_in_time_figure",
    "mass_residual_figure",
    "ratiometric_frame_figure",
    "save_figure",
    "spectrum_figure",
]

_SMALL = 0.05  # residuals below it are drawn in units of 1e-3
_RASTER = 2000  # more points than this are drawn as an image inside the SVG


def spectrum_figure(
    spectra: Mapping[str, Spectrum], *, limits: tuple[float, float] | None = None
) -> Figure:
    """Mass spectrum of one measurement, or several overlaid, by name.

    One: histogram of both signs (unbinding in red, at negative mass), kernel density,
    mixture components, peaks labeled with mass and fraction of the landings. Several: each
    as histogram outline in percent of its landings, peaks labeled with mass. `limits` of
    the mass axis in the spectra's unit; by default all labeled peaks and nearly all
    unbindings. Raises `PerrinError` for no spectrum or different units.
    """
    units = {spectrum.unit for spectrum in spectra.values()}
    if len(units) != 1:
        found = " and ".join(sorted(units)) or "no spectrum"
        raise PerrinError(f"spectra to overlay need one unit; got {found}. Calibrate all or none.")
    shown = limits or mass_limits(list(spectra.values()))
    factor = 1.0 if units == {"kDa"} else CONTRAST_UNIT
    with style():
        figure = new_figure(width_mm=COLUMN_MM if len(spectra) == 1 else 130.0, height_mm=65.0)
        axes = figure.subplots()
        if len(spectra) == 1:
            (spectrum,) = spectra.values()
            labels, outline = draw_one(axes, spectrum, factor)
        else:
            labels, outline = draw_several(axes, spectra, factor)
        low, high = (factor * end for end in shown)
        axes.set_xlim(low, high)
        inside = (outline[0] >= low) & (outline[0] <= high)
        axes.set_ylim(0, 1.05 * float(outline[1][inside].max(initial=1e-9)))
        axes.set_xlabel("Mass (kDa)" if factor == 1.0 else "−Contrast (10⁻³)")
        label_tops(axes, [label for label in labels if low < label.x < high], outline=outline)
    return figure


def events_in_time_figure(
    times_s: ArrayLike,
    masses: ArrayLike,
    *,
    unit: str = "kDa",
    density: LandingDensity | None = None,
) -> Figure:
    """Mass of each event over time, and below, if given, the landing density with its interval.

    `times_s` and `masses` (n,): landings positive and blue, unbindings negative and red.
    """
    times, values = np.asarray(times_s, np.float64), np.asarray(masses, np.float64)
    factor = 1.0 if unit == "kDa" else CONTRAST_UNIT
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=62.0 if density is None else 90.0)
        ratios = [2.2] if density is None else [2.2, 1]
        panels = figure.subplots(len(ratios), sharex=True, height_ratios=ratios, squeeze=False)
        axes = panels[0, 0]
        groups = [("landing", values > 0, BLUE), ("unbinding", values < 0, VERMILLION)]
        _scatter(axes, times, factor * values, groups)
        axes.axhline(0, color=GRAY, linewidth=0.5)
        axes.set_ylim(*_central(factor * values))
        axes.set_ylabel("Mass (kDa)" if factor == 1.0 else "−Contrast (10⁻³)")
        if density is not None:
            _draw_density(panels[1, 0], density)
        panels[-1, 0].set_xlabel("Time (s)")
        panels[-1, 0].set_xlim(0, None)
    return figure


def mass_residual_figure(
    masses: ArrayLike,
    residuals: ArrayLike,
    *,
    retained: ArrayLike | None = None,
    unit: str = "kDa",
    residual_name: str = "Fit residual RMS",
) -> Figure:
    """Fit residual of each event against its mass; events that were not retained in gray.

    All (n,); residuals are 0 or more. Tables from other programs measure them their own
    way: say how in `residual_name`.
    """
    values, rest = np.asarray(masses, np.float64), np.asarray(residuals, np.float64)
    keep = np.ones(values.shape, bool) if retained is None else np.asarray(retained, bool)
    factor = 1.0 if unit == "kDa" else CONTRAST_UNIT
    with style():
        figure = new_figure(width_mm=COLUMN_MM, height_mm=65.0)
        axes = figure.subplots()
        groups = [
            ("rejected", ~keep, GRAY),
            ("landing", keep & (values > 0), BLUE),
            ("unbinding", keep & (values < 0), VERMILLION),
        ]
        scale, power = (1e3, " (10⁻³)") if _central(rest)[1] < _SMALL else (1.0, "")
        _scatter(axes, factor * values, scale * rest, groups)
        axes.set_xlim(*_central(factor * values))
        axes.set_ylim(0.0, _central(scale * rest)[1])
        axes.set_xlabel("Mass (kDa)" if factor == 1.0 else "−Contrast (10⁻³)")
        axes.set_ylabel(residual_name + power)
    return figure


def ratiometric_frame_figure(
    frame: ArrayLike,
    *,
    pixel_nm: float,
    x_px: ArrayLike = (),
    y_px: ArrayLike = (),
    contrast: ArrayLike = (),
) -> Figure:
    """Ratiometric frame (Y, X) with its events circled, a scale bar and the contrast's scale.

    Events (n,): pixel positions and contrasts; landings (negative) blue, unbindings orange.
    Gray values reach from -4 to 4 times the noise, or to the strongest event marked.
    """
    from matplotlib.patches import Circle

    image = np.asarray(frame, np.float64)
    x, y, c = (np.asarray(v, np.float64) for v in (x_px, y_px, contrast))
    if image.ndim != 2 or not x.shape == y.shape == c.shape:
        raise PerrinError(
            f"a frame of shape {image.shape} with {x.size} x, {y.size} y and {c.size} contrasts; "
            "give one frame (Y, X) and as many of each."
        )
    height, width = image.shape
    noise = robust_sd(image)
    reach = CONTRAST_UNIT * max(4 * noise, 0.6 * float(np.abs(c).max(initial=0)), 1e-6)
    with style():
        paper = PAGE_MM if width > 2 * height else COLUMN_MM
        # the scale beside the image takes 17 mm
        figure = new_figure(width_mm=paper, height_mm=max(20, 2 + (paper - 17) * height / width))
        axes = figure.subplots()
        drawn = axes.imshow(CONTRAST_UNIT * image, cmap="gray", vmin=-reach, vmax=reach)
        for at_x, at_y, strength in zip(x, y, c, strict=True):
            color = SKY if strength < 0 else ORANGE
            axes.add_patch(Circle((at_x, at_y), 5.0, fill=False, edgecolor=color, linewidth=1.0))
        _draw_scale_bar(axes, width_px=width, height_px=height, pixel_nm=pixel_nm)
        axes.set_axis_off()
        figure.colorbar(drawn, ax=axes, label="Contrast (10⁻³)", fraction=0.05, pad=0.01)
    return figure


def _scatter(
    axes: Axes, x: FloatArray, y: FloatArray, groups: Sequence[tuple[str, BoolArray, str]]
) -> None:
    """Points in groups (name, which of them, color), their numbers in a legend above."""
    for name, chosen, color in groups:
        if chosen.any():
            axes.plot(
                x[chosen],
                y[chosen],
                ".",
                color=color,
                markersize=2.5,
                markeredgewidth=0,
                alpha=0.6,
                rasterized=x.size > _RASTER,
                label=f"{name} ({np.count_nonzero(chosen)})",
            )
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=len(groups),
            markerscale=2,
            columnspacing=0.8,
            handletextpad=0.1,
            borderpad=0,
        )


def _draw_density(axes: Axes, density: LandingDensity) -> None:
    """Landing density in its bins, with the interval of each and the mean."""
    middle = 0.5 * (density.edges_s[1:] + density.edges_s[:-1])
    below, above = density.per_um2_s - density.low, density.high - density.per_um2_s
    axes.errorbar(
        middle,
        density.per_um2_s,
        (below, above),
        fmt="o",
        color="black",
        markersize=2.5,
        elinewidth=0.8,
    )
    axes.axhline(density.mean, color=GRAY, linewidth=0.8, linestyle="--")
    axes.set_ylim(0, None)
    axes.set_ylabel("Landings\n(µm⁻² s⁻¹)")


def _draw_scale_bar(axes: Axes, *, width_px: int, height_px: int, pixel_nm: float) -> None:
    """White bar of a round length near a fifth of the width, its length in um above it."""
    from matplotlib.patches import Rectangle

    wanted = width_px * pixel_nm / 5000.0
    length_um = max((n for n in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if n <= wanted), default=0.1)
    length = 1000.0 * length_um / pixel_nm
    left, top = 0.02 * width_px, 0.92 * height_px
    axes.add_patch(Rectangle((left, top), length, 0.008 * width_px, color="white", linewidth=0))
    axes.text(
        left + 0.5 * length,
        top - 0.02 * height_px,
        f"{length_um:g} µm",
        color="white",
        ha="center",
        va="bottom",
        bbox={"facecolor": "black", "alpha": 0.5, "pad": 1, "linewidth": 0},
    )


def _central(values: FloatArray) -> tuple[float, float]:
    """Range of all but the outermost values (0.5% each side), with a margin; 0 to 1 if none."""
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(values, (0.5, 99.5))
    margin = 0.08 * max(high - low, 1e-9)
    return float(low - margin), float(high + margin)
