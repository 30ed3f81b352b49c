"""Figures of classified events: before and after the filter, scores, class fractions, trade-off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perrin.events import LABELS
from perrin.report.labels import TopLabel, label_tops
from perrin.report.spectra import mass_limits
from perrin.report.style import (
    BLACK,
    BLUE,
    COLUMN_MM,
    CONTRAST_UNIT,
    GRAY,
    GREEN,
    PAGE_MM,
    PALE_BLUE,
    PALE_RED,
    PURPLE,
    VERMILLION,
    label_color,
    new_figure,
    style,
)
from perrin.types import FloatArray, IntArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

    from perrin.landing.classifier.classification import Classification
    from perrin.landing.classifier.prevalence import ClassPrevalence
    from perrin.mass.results import Estimate, Spectrum

_LEAST_FRACTION = 0.02  # smaller peaks are not labeled
_NEAREST = 1e-4  # scores are drawn no nearer to 0 and 1
_TICKS = (0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
_FEW_TICKS = (0.001, 0.05, 0.5, 0.95, 0.999)
_RASTER = 2000  # more points than this are drawn as an image inside the SVG


def all_figures(
    classification: Classification,
    events: pd.DataFrame,
    *,
    before: Spectrum,
    after: Spectrum,
) -> dict[str, Figure]:
    """Every figure of a classified measurement, by file name."""
    unit = before.unit
    masses = events["mass_kda"] if unit == "kDa" else -events["contrast"]
    return {
        "before_after": before_after_figure(before, after),
        "scores": scores_figure(
            masses,
            events["score_binder"],
            labels=events["label"],
            threshold=classification.threshold,
            unit=unit,
        ),
        "class_prevalences": class_prevalences_figure(classification.fractions),
        "removed": removed_figure(classification.removed, unit=unit),
        "tradeoff": tradeoff_figure(classification.tradeoff, threshold=classification.threshold),
    }


def before_after_figure(before: Spectrum, after: Spectrum) -> Figure:
    """Histogram of all fitted events, and over it that of the retained ones; both signs.

    Peaks of the retained landings are labeled with mass and resolving power, before and after.
    """
    factor = 1.0 if before.unit == "kDa" else CONTRAST_UNIT
    with style():
        figure = new_figure(width_mm=130.0, height_mm=65.0)
        axes = figure.subplots()
        for spectrum, name, color in ((before, "before", PALE_RED), (after, "after", BLACK)):
            axes.stairs(
                spectrum.bin_counts,
                factor * spectrum.bin_edges,
                color=color,
                fill=spectrum is before,
                linewidth=0.8,
                label=f"{name}: {spectrum.n_landing} landings, {spectrum.n_unbinding} unbindings",
            )
        ends = np.array([mass_limits([spectrum]) for spectrum in (before, after)])
        low, high = factor * ends[:, 0].min(), factor * ends[:, 1].max()
        edges = factor * np.r_[before.bin_edges[:-1], before.bin_edges[1:]]
        counts = np.r_[before.bin_counts, before.bin_counts].astype(np.float64)
        axes.axvline(0, color=GRAY, linewidth=0.5)
        axes.set_xlim(low, high)
        shown = (edges >= low) & (edges <= high)
        axes.set_ylim(0, 1.05 * float(counts[shown].max(initial=1e-9)))
        axes.set_xlabel(_axis(before.unit))
        unit = " kDa" if factor == 1.0 else ""
        width = float(np.ptp(before.bin_edges)) / max(len(before.bin_counts), 1)
        axes.set_ylabel(f"Events per {factor * width:g} {'kDa' if factor == 1.0 else '× 10⁻³'}")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
        labels = [
            TopLabel(
                factor * peak.mode.value,
                float(np.interp(factor * peak.mode.value, *_sorted(edges, counts))),
                f"{factor * peak.mode.value:.{0 if factor == 1.0 else 2}f}{unit}\n"
                f"m/Δm {_power(before, peak.mode.value)} → {_power(after, peak.mode.value)}",
                BLACK,
            )
            for peak in after.peaks
            if peak.fraction.value >= _LEAST_FRACTION and low < factor * peak.mode.value < high
        ]
        label_tops(axes, labels, outline=_sorted(edges, counts))
    return figure


def scores_figure(
    masses: ArrayLike,
    scores: ArrayLike,
    *,
    labels: Sequence[str] | pd.Series,
    threshold: float,
    unit: str = "kDa",
) -> Figure:
    """Score for binder of each event (n,) against its mass, colored by label; the threshold."""
    values, score = np.asarray(masses, np.float64), np.asarray(scores, np.float64)
    said = np.asarray(labels, dtype=object)
    factor = 1.0 if unit == "kDa" else CONTRAST_UNIT
    seen = np.isfinite(score) & np.isfinite(values)
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=75.0)
        axes = figure.subplots()
        for name in _in_order(said[seen]):
            chosen = seen & (said == name)
            axes.plot(
                factor * values[chosen],
                score[chosen].clip(_NEAREST, 1.0 - _NEAREST),
                ".",
                color=label_color(name),
                markersize=2.5,
                markeredgewidth=0,
                alpha=0.6,
                rasterized=values.size > _RASTER,
                label=f"{name} ({np.count_nonzero(chosen)})",
            )
        axes.axhline(np.clip(threshold, _NEAREST, 1.0 - _NEAREST), color=BLACK, linewidth=0.8)
        axes.axvline(0, color=GRAY, linewidth=0.5)
        axes.set_yscale("logit")
        axes.set_ylim(0.8 * _NEAREST, 1.0 - 0.8 * _NEAREST)
        axes.set_yticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
        axes.minorticks_off()
        if seen.any():
            low, high = np.percentile(factor * values[seen], (0.5, 99.5))
            margin = 0.05 * max(high - low, 1e-9)
            axes.set_xlim(low - margin, high + margin)
        axes.set_xlabel(_axis(unit))
        axes.set_ylabel("Score for binder")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(
                loc="lower left", bbox_to_anchor=(0, 1), ncols=5, markerscale=2, borderpad=0
            )
    return figure


def class_prevalences_figure(fractions: Sequence[ClassPrevalence]) -> Figure:
    """Fraction of each class with its interval: the answer, and the check by probability."""
    from matplotlib.patches import Patch

    place = np.arange(len(fractions))
    with style():
        figure = new_figure(width_mm=COLUMN_MM, height_mm=14.0 + 8.0 * len(fractions))
        axes = figure.subplots()
        predictions = [100 * fraction.fraction.value for fraction in fractions]
        colors = [label_color(fraction.name) for fraction in fractions]
        axes.barh(place, predictions, color=colors, height=0.7, alpha=0.8)
        axes.errorbar(
            predictions,
            place - 0.1,
            xerr=_reach([fraction.fraction for fraction in fractions]),
            fmt="none",
            ecolor=BLACK,
            elinewidth=0.8,
        )
        check = axes.errorbar(
            [100 * fraction.fraction_by_probability.value for fraction in fractions],
            place + 0.2,
            xerr=_reach([fraction.fraction_by_probability for fraction in fractions]),
            fmt="o",
            color=BLACK,
            markerfacecolor="white",
            markersize=3,
            elinewidth=0.8,
            label="check by probability",
        )
        axes.set_yticks(place, [fraction.name for fraction in fractions])
        axes.invert_yaxis()
        axes.set_xlim(0, None)
        axes.set_xlabel("Fraction of the landings (%)")
        bars = Patch(color=PALE_BLUE, label="corrected by confusion")
        axes.legend(handles=[bars, check], loc="lower left", bbox_to_anchor=(0, 1), borderpad=0)
    return figure


def removed_figure(removed: pd.DataFrame, *, unit: str = "kDa") -> Figure:
    """What was removed at each mass: above events a bin by label, below the fraction kept."""
    factor = 1.0 if unit == "kDa" else CONTRAST_UNIT
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=85.0)
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
        if len(removed):
            low, high = (
                factor * removed[f"{end}_{unit.lower()}"].to_numpy(float) for end in ("low", "high")
            )
            _draw_removed(axes, removed, middle=0.5 * (low + high), width=high - low)
            _draw_kept(below, removed, middle=0.5 * (low + high))
            axes.set_xlim(*_central_bins(low, high, removed["events"].to_numpy(np.int64)))
        below.set_ylim(0, 100)
        axes.set_ylabel("Events per kDa" if factor == 1.0 else "Events per 10⁻³")
        below.set_ylabel("Kept (%)")
        below.set_xlabel(_axis(unit))
    return figure


def tradeoff_figure(tradeoff: pd.DataFrame, *, threshold: float) -> Figure:
    """What each threshold keeps: landings, estimated precision and recall, resolving power."""
    least = tradeoff["threshold"].to_numpy(float).clip(_NEAREST, 1.0 - _NEAREST)
    panels = (
        (("landings", BLUE), ("unbindings", VERMILLION)),
        (("precision", GREEN), ("recall", PURPLE)),
        (("resolving_power", BLACK),),
    )
    names = ("Events kept", "Estimated rate", "Resolving power\nof the main peak")
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=55.0)
        for axes, columns, name in zip(figure.subplots(1, 3), panels, names, strict=True):
            for column, color in columns:
                axes.plot(least, tradeoff[column], color=color, label=column)
            axes.axvline(
                np.clip(threshold, _NEAREST, 1.0 - _NEAREST),
                color=GRAY,
                linewidth=0.8,
                linestyle="--",
            )
            axes.set_xscale("logit")
            axes.set_xlim(_NEAREST, 1.0 - _NEAREST)
            axes.set_xticks(_FEW_TICKS, [f"{tick:g}" for tick in _FEW_TICKS])
            axes.minorticks_off()
            axes.set_ylim(0, 1.02 if "precision" in dict(columns) else None)
            axes.set_xlabel("Threshold on the score for binder")
            axes.set_ylabel(name)
            if len(columns) > 1:
                axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
    return figure


def _draw_removed(
    axes: Axes, removed: pd.DataFrame, *, middle: FloatArray, width: FloatArray
) -> None:
    """Events a unit of mass, those kept and on them those removed, by label."""
    base = removed["kept"].to_numpy(float) / width
    axes.bar(middle, base, width, color=PALE_BLUE, linewidth=0, label="kept")
    columns = [str(name) for name in removed if str(name).startswith("removed_")]
    names = np.array([name.removeprefix("removed_") for name in columns], object)
    for name in _in_order(names):
        part = removed[f"removed_{name}"].to_numpy(float) / width
        color = label_color(name)
        said = "binder, low score" if name == "binder" else name
        axes.bar(middle, part, width, bottom=base, color=color, linewidth=0, label=said)
        base = base + part
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=9, borderpad=0, columnspacing=0.8)


def _draw_kept(axes: Axes, removed: pd.DataFrame, *, middle: FloatArray) -> None:
    """Fraction of the events that was kept, with its interval."""
    fraction, low, high = (
        100 * removed[f"retention{end}"].to_numpy(float) for end in ("", "_low", "_high")
    )
    reach = np.stack([fraction - low, high - fraction]).clip(0)
    axes.errorbar(middle, fraction, reach, fmt="o", color=BLACK, markersize=2.5, elinewidth=0.8)


def _central_bins(low: FloatArray, high: FloatArray, counts: IntArray) -> tuple[float, float]:
    """Range of the bins but for far ones: beyond 3 times what holds 90% of the events."""
    middle = np.abs(0.5 * (low + high))
    near = middle <= 3 * np.percentile(np.repeat(middle, counts), 90)
    return float(low[near].min()), float(high[near].max())


def _in_order(labels: NDArray[np.object_]) -> list[str]:
    """The labels that occur: classes in their order, then the others."""
    found = set(labels.tolist())
    return [name for name in LABELS if name in found] + sorted(found - set(LABELS))


def _reach(estimates: Sequence[Estimate]) -> FloatArray:
    """Distance in percent from each estimate to the ends of its interval, (2, K)."""
    ends = [
        (e.value, e.value) if e.low is None or e.high is None else (e.low, e.high)
        for e in estimates
    ]
    value = np.array([e.value for e in estimates])
    low, high = np.array(ends).T
    return 100 * np.stack([value - low, high - value]).clip(0)


def _sorted(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    order = np.argsort(x, kind="stable")
    return x[order], y[order]


def _power(spectrum: Spectrum, position: float) -> str:
    """Resolving power of the peak of a spectrum that holds a position; a dash for none."""
    for peak in spectrum.peaks:
        if peak.low <= position <= peak.high and peak.resolving_power is not None:
            return f"{peak.resolving_power.value:.1f}"
    return "–"


def _axis(unit: str) -> str:
    return "Mass (kDa)" if unit == "kDa" else "−Contrast (10⁻³)"
