"""The picture of a calibration: the calibrant's spectrum, the line through it, its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.errors import PerrinError
from perrin.report.style import (
    BLUE,
    COLUMN_MM,
    CONTRAST_UNIT,
    GRAY,
    PALE_BLUE,
    new_figure,
    style,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perrin.mass.calibration import Calibration
    from perrin.mass.ladder_peaks import CalibrationPoint, LadderSpectrum


_LADDER_MM = 120.0
"""Width with the spectrum beside the line."""


def calibration_figure(calibration: Calibration) -> Figure:
    """Calibration: points with their errors, line, band of two standard errors; below, errors.

    The lower panel is each point's mass from the line against its true mass, in percent,
    with the same band. Beside the line stands the spectrum of the calibrant, where the
    calibration holds one, on the same axis of contrast: dotted lines lead from its peaks to
    their masses, gray ones mark peaks that belong to none. The axes of the line come first.
    Raises `PerrinError` for a calibration without points.
    """
    points = calibration.points
    if not points:
        raise PerrinError("this calibration has no points to draw; it holds only its line.")
    with style():
        if calibration.spectrum is None:
            figure = new_figure(width_mm=COLUMN_MM, height_mm=85.0)
            axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.6, 1))
        else:
            figure = new_figure(width_mm=_LADDER_MM, height_mm=85.0)
            grid = figure.add_gridspec(2, 2, height_ratios=(2.6, 1), width_ratios=(1, 2.6))
            axes = figure.add_subplot(grid[0, 1])
            below = figure.add_subplot(grid[1, 1], sharex=axes)
            beside = figure.add_subplot(grid[0, 0], sharey=axes)
            _draw_spectrum(beside, calibration.spectrum)
            _lead(axes, beside, calibration)
            axes.tick_params(labelleft=False)
        axes.tick_params(labelbottom=False)
        _draw_points(axes, below, calibration)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
        axes.set(xlim=(0, None), ylim=(0, None))
        (axes if calibration.spectrum is None else beside).set_ylabel("−Contrast (10⁻³)")
        below.set(xlabel="Mass (kDa)", ylabel="Error (%)")
    return figure


def _draw_points(axes: Axes, below: Axes, calibration: Calibration) -> None:
    """Points and line; below, what each point is off, in percent."""
    points = calibration.points
    mass = np.array([point.mass_kda for point in points])
    contrast = np.array([point.contrast for point in points])
    error = np.array([np.nan if p.contrast_se is None else p.contrast_se for p in points])
    _draw_line(axes, below, calibration, heaviest_kda=mass.max(), lightest_kda=mass.min())
    marker: Any = {"fmt": "o", "color": "black", "markersize": 3.5, "elinewidth": 0.8}
    axes.errorbar(mass, -CONTRAST_UNIT * contrast, CONTRAST_UNIT * error, **marker)
    off = 100.0 * (calibration.mass_kda(contrast) / mass - 1.0)
    off_error = 100.0 * np.abs(error / calibration.gradient_per_kda) / mass
    below.errorbar(mass, off, off_error, **marker)
    below.axhline(0, color=BLUE, linewidth=0.8)
    _name_points(axes, points)
    reach = 1.2 * max(float((np.abs(off) + np.nan_to_num(off_error)).max()), 0.5)
    below.set_ylim(-reach, reach)


def _draw_spectrum(axes: Axes, spectrum: LadderSpectrum) -> None:
    """The histogram of the calibrant along the axis of contrast, counts to the left."""
    edges = CONTRAST_UNIT * spectrum.bin_width * np.arange(len(spectrum.counts) + 1)
    axes.stairs(
        spectrum.counts, edges, orientation="horizontal", fill=True, color=PALE_BLUE, linewidth=0
    )
    axes.invert_xaxis()
    axes.set_xlabel("Landings")


def _lead(axes: Axes, beside: Axes, calibration: Calibration) -> None:
    """Lines from the peaks of the spectrum to their points, or nowhere."""
    dotted: Any = {"linewidth": 0.6, "linestyle": ":"}
    for point in calibration.points:
        at = -CONTRAST_UNIT * point.contrast
        beside.axhline(at, color="black", **dotted)
        axes.plot([0, point.mass_kda], [at, at], color="black", zorder=0, **dotted)
    for contrast in calibration.spectrum.unread if calibration.spectrum else ():
        beside.axhline(-CONTRAST_UNIT * contrast, color=GRAY, linewidth=0.8)


def _draw_line(
    axes: Axes,
    below: Axes,
    calibration: Calibration,
    *,
    lightest_kda: float,
    heaviest_kda: float,
) -> None:
    """The line of a calibration and its band of two standard errors; below, in percent."""
    line = np.linspace(0.5 * lightest_kda, 1.1 * heaviest_kda, 200)
    on_line = np.asarray(calibration.contrast(line))
    slope, offset = calibration.gradient_per_kda, calibration.offset
    if calibration.covariance is not None:
        band = 2.0 * calibration.mass_se_kda(on_line, 0.0 * line)
        half = band * abs(slope)
        axes.fill_between(
            line,
            -CONTRAST_UNIT * (on_line - half),
            -CONTRAST_UNIT * (on_line + half),
            color=PALE_BLUE,
            linewidth=0,
            label="± 2 standard errors",
        )
        percent = 100.0 * band / line
        below.fill_between(line, -percent, percent, color=PALE_BLUE, linewidth=0)
    sign = "−" if offset > 0 else "+"
    axes.plot(
        line,
        -CONTRAST_UNIT * on_line,
        color=BLUE,
        label=f"−c = {-1e5 * slope:.3f} × 10⁻⁵ kDa⁻¹ m {sign} {1e5 * abs(offset):.2f} × 10⁻⁵",
    )


def _name_points(axes: Axes, points: Sequence[CalibrationPoint]) -> None:
    heaviest = max(point.mass_kda for point in points)
    for point in points:
        heavy = point.mass_kda > 0.7 * heaviest
        axes.annotate(
            point.label or f"{point.mass_kda:g} kDa",
            (point.mass_kda, -CONTRAST_UNIT * point.contrast),
            xytext=(-5, 1) if heavy else (5, -1),
            textcoords="offset points",
            ha="right" if heavy else "left",
            va="bottom" if heavy else "top",
        )
