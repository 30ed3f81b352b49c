"""Figures of the evaluation of event classifiers.

They take the tables of `perrin.evaluate.classifier.Evaluation`: `figures`, `confusion` and so on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from perrin.events import CLASSES, PAPER_CLASSES
from perrin.report import style as look
from perrin.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MODEL_COLORS = look.SERIES
_RANGE_COLORS = (look.BLACK, look.VERMILLION, look.ORANGE, look.BLUE)
_MARKERS = "osD^v"
_MAP = "viridis"
_CLOSEST = 5e-5  # to an AUC of 1 that is drawn


def auc_figure(figures: pd.DataFrame, *, n_avg: int) -> Figure:
    """Return the AUC of every class and range: of each model by both scores, and the paper's.

    The distance from 1 is drawn, on a logarithmic axis: lower is better.
    """
    table = figures[
        (figures["quantity"] == "AUC")
        & (figures["protocol"] == "paper")
        & (figures["n_avg"] == n_avg)
    ]
    ranges, models = list(table["range"].unique()), list(table["model"].unique())
    with look.style():
        figure = look.new_figure(width_mm=look.PAGE_MM, height_mm=72)
        panels = figure.subplots(1, len(ranges), sharey=True, squeeze=False)[0]
        place = np.arange(len(PAPER_CLASSES), dtype=np.float64)
        for axes, name in zip(panels, ranges, strict=True):
            own = table[table["range"] == name]
            _draw_models(axes, own, models, place=place)
            paper = own.dropna(subset="paper").drop_duplicates("class").set_index("class")
            axes.hlines(
                _missing(paper["paper"]),
                place[: len(paper)] - 0.42,
                place[: len(paper)] + 0.42,
                color=look.GRAY,
                lw=1.2,
                label="paper, its own data" if len(paper) else None,
            )
            axes.set_yscale("log")
            axes.set_xticks(place, PAPER_CLASSES, rotation=40, ha="right")
            axes.set(title=name, xlim=(-0.6, len(place) - 0.4))
        bottom, top = panels[0].get_ylim()
        for axes in panels:
            axes.set_ylim(max(bottom, 0.8 * _CLOSEST), min(top, 0.6))
            _as_auc(axes)
        panels[0].set_ylabel("AUC (one class against the rest)")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _draw_models(
    axes: Axes, table: pd.DataFrame, models: Sequence[str], *, place: FloatArray
) -> None:
    """What each model lacks to an AUC of 1 at the `place` of each class, by both scores."""
    series = [(model, by) for model in models for by in ("score", "probability")]
    for k, (model, by) in enumerate(series):
        rows = table[(table["model"] == model) & (table["by"] == by)].set_index("class")
        rows = rows.loc[list(PAPER_CLASSES)]
        color = _MODEL_COLORS[models.index(model) % len(_MODEL_COLORS)]
        axes.errorbar(
            place + 0.7 * ((k + 0.5) / len(series) - 0.5),
            _missing(rows["value"]),
            yerr=_reach(rows),
            fmt=_MARKERS[models.index(model) % len(_MARKERS)],
            ms=3.5,
            lw=0.7,
            color=color,
            mfc=color if by == "score" else "white",
            label=f"{model}, {by}",
        )


def roc_figure(roc: pd.DataFrame, figures: pd.DataFrame, *, model: str, n_avg: int) -> Figure:
    """Return the ROC curves of a model by class and range, of its score, protocol *paper*."""
    table = _own(roc, model, n_avg)
    table = table[(table["protocol"] == "paper") & (table["by"] == "score")]
    values = _own(figures, model, n_avg)
    values = values[
        (values["protocol"] == "paper") & (values["quantity"] == "AUC") & (values["by"] == "score")
    ]
    reached = values.set_index(["range", "class"])["value"]
    ranges = list(table["range"].unique())
    with look.style():
        figure = look.new_figure(width_mm=look.PAGE_MM, height_mm=55)
        panels = figure.subplots(1, len(ranges), sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, ranges, strict=True):
            for of in PAPER_CLASSES:
                line = table[(table["range"] == name) & (table["class"] == of)]
                axes.plot(
                    np.append(0.0, line["false_rate"]),
                    np.append(0.0, line["recall"]),
                    color=look.label_color(of),
                    label=f"{of} {reached[name, of]:.3f}",
                )
            axes.plot([0, 1], [0, 1], color=look.GRAY, lw=0.5, ls=":")
            axes.set(title=name, xlabel="False positive rate", xlim=(0, 1), ylim=(0, 1.005))
            axes.set_aspect("equal")
            axes.set_xticks([0, 0.5, 1])
            axes.legend(loc="lower right", title="AUC", title_fontsize=7, alignment="left")
        panels[0].set_ylabel("True positive rate")
    return figure


def confusion_figure(confusion: pd.DataFrame, *, model: str, n_avg: int) -> Figure:
    """Return the confusion matrices of a model over all masses, in percent of each true class."""
    table = _own(confusion, model, n_avg)
    table = table[table["range"] == table["range"].iloc[0]]
    protocols = list(table["protocol"].unique())
    with look.style():
        figure = look.new_figure(width_mm=85.0 * len(protocols), height_mm=72)
        panels = figure.subplots(1, len(protocols), squeeze=False)[0]
        for axes, protocol in zip(panels, protocols, strict=True):
            own = table[table["protocol"] == protocol]
            names = list(own["true"].unique())
            fractions = own.pivot_table(index="true", columns="predicted", values="fraction")
            values = 100 * fractions.loc[names, names].to_numpy()
            axes.imshow(values, cmap="Blues", vmin=0, vmax=100)
            for (row, column), value in np.ndenumerate(values):
                color = "white" if value > 55 else look.BLACK
                axes.text(column, row, f"{value:.1f}", ha="center", va="center", color=color)
            axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
            axes.set_yticks(range(len(names)), names)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
            right = float(np.diag(values).mean())
            axes.set(
                xlabel="Predicted class (% of the true class)",
                ylabel="True class",
                title=f"protocol {protocol}: {right:.1f}% right",
            )
    return figure


def threshold_figure(
    trade_off: pd.DataFrame, thresholds: pd.DataFrame, *, model: str, n_avg: int
) -> Figure:
    """Return F1 against the threshold on the score of binders, and precision against recall."""
    table, best = _own(trade_off, model, n_avg), _own(thresholds, model, n_avg)
    table, best = (t[t["protocol"] == "paper"] for t in (table, best))
    best = best[best["chosen"] == "best F1"].set_index("range")
    with look.style():
        figure = look.new_figure(width_mm=150.0, height_mm=62)
        left, right = figure.subplots(1, 2)
        for name, color in zip(table["range"].unique(), _RANGE_COLORS, strict=False):
            line = table[table["range"] == name]
            mark = best.loc[name]
            left.plot(line["threshold"], line["f1"], color=color)
            left.plot(mark["threshold"], mark["f1"], "o", ms=4, color=color)
            right.plot(
                line["recall"],
                line["precision"],
                color=color,
                label=f"{name}: best {mark['threshold']:.2f}, F1 {mark['f1']:.3f}",
            )
            right.plot(mark["recall"], mark["precision"], "o", ms=4, color=color)
        left.axvline(0.9, color=look.GRAY, lw=0.6, ls=":")
        left.set(xlabel="Threshold on score_binder", ylabel="F1 of binders")
        left.set(xlim=(0, 1.01), ylim=(0, 1))
        right.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1.01), ylim=(0, 1.02))
        right.legend(loc="lower left")
    return figure


def reliability_figure(
    reliability: pd.DataFrame, figures: pd.DataFrame, *, model: str, n_avg: int
) -> Figure:
    """Return how often events with a predicted probability were that class, over all masses."""
    table, errors = _own(reliability, model, n_avg), _own(figures, model, n_avg)
    everything = table["range"].iloc[0]
    table, errors = (t[t["range"] == everything] for t in (table, errors))
    errors = errors[errors["quantity"] == "calibration error"]
    errors = errors.set_index(["protocol", "class"])["value"]
    protocols = list(table["protocol"].unique())
    with look.style():
        figure = look.new_figure(width_mm=75.0 * len(protocols), height_mm=72)
        panels = figure.subplots(1, len(protocols), squeeze=False)[0]
        for axes, protocol in zip(panels, protocols, strict=True):
            axes.plot([0, 1], [0, 1], color=look.GRAY, lw=0.6, ls=":")
            own = table[table["protocol"] == protocol]
            for of in CLASSES:
                line = own[(own["class"] == of) & (own["events"] >= 10)]
                if len(line):
                    label = f"{of} {errors[protocol, of]:.3f}"
                    axes.plot(
                        line["predicted"],
                        line["true"],
                        "o-",
                        ms=2,
                        color=look.label_color(of),
                        label=label,
                    )
            axes.legend(loc="upper left", title="calibration error", title_fontsize=7)
            axes.set(
                xlabel="Predicted probability of a class",
                ylabel="Fraction of events of that class",
                title=f"protocol {protocol}",
                xlim=(0, 1),
                ylim=(0, 1),
            )
            axes.set_aspect("equal")
    return figure


def integration_figure(figures: pd.DataFrame) -> Figure:
    """Return the AUC of binders over all masses against n_avg, of each model."""
    table = figures[
        (figures["protocol"] == "paper")
        & (figures["quantity"] == "AUC")
        & (figures["class"] == "binder")
        & (figures["range"] == figures["range"].iloc[0])
        & (figures["by"] == "score")
    ]
    with look.style():
        figure = look.new_figure(width_mm=look.COLUMN_MM, height_mm=62)
        axes = figure.subplots()
        for k, (model, rows) in enumerate(table.groupby("model", sort=False)):
            rows = rows.sort_values("n_avg")
            axes.errorbar(
                rows["n_avg"] * 1.04**k,  # beside each other
                rows["value"],
                yerr=np.nan_to_num([rows["value"] - rows["low"], rows["high"] - rows["value"]]),
                fmt=f"{_MARKERS[k % len(_MARKERS)]}-",
                ms=4,
                color=_MODEL_COLORS[k % len(_MODEL_COLORS)],
                label=str(model),
            )
        axes.set_xscale("log", base=2)
        ticks = sorted(table["n_avg"].unique())
        axes.set_xticks(ticks, [str(n) for n in ticks])
        axes.minorticks_off()
        axes.set(xlabel="n_avg (frames on each side)", ylabel="AUC of binders, 30 to 800 kDa")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def protein_a_figure(trade_off: pd.DataFrame, figures: pd.DataFrame, *, recall: float) -> Figure:
    """Return precision against recall of binders among the detections of the movies."""
    table = trade_off[trade_off["protocol"] == "protein A movies"]
    marks = figures[
        (figures["protocol"] == "protein A movies")
        & figures["quantity"].str.startswith("precision")
        & (figures["by"] == "score")
    ].set_index("model")["value"]
    with look.style():
        figure = look.new_figure(width_mm=look.COLUMN_MM, height_mm=65)
        axes = figure.subplots()
        for k, (model, line) in enumerate(table.groupby("model", sort=False)):
            color = _MODEL_COLORS[k % len(_MODEL_COLORS)]
            label = f"{model}: {marks[model]:.0%} at {recall:.0%} recall"
            axes.plot(line["recall"], line["precision"], color=color, label=label)
            axes.plot(recall, marks[model], "o", ms=4, color=color)
        axes.axvline(recall, color=look.GRAY, lw=0.6, ls=":")
        axes.set(
            xlabel="Recall of detected isolated binders",
            ylabel="Precision",
            title="Protein A (42 kDa), detections of simulated movies",
            xlim=(0, 1.01),
            ylim=(0, 1.02),
        )
        axes.legend()
    return figure


def tsne_figure(tsne: pd.DataFrame, *, model: str) -> Figure:
    """Return the maps of raw views (above) and learned features, by class, mass and residual."""
    own = tsne[tsne["model"] == model]
    with look.style():
        figure = look.new_figure(width_mm=look.PAGE_MM, height_mm=112)
        panels = figure.subplots(2, 3)
        for row, space in zip(panels, ("raw", "learned"), strict=True):
            table = own[own["space"] == space]
            for of in PAPER_CLASSES:
                points = table[table["class"] == of]
                row[0].scatter(
                    points["x"], points["y"], s=2, lw=0, c=look.label_color(of), label=of
                )
            _colored(row[1], table, table["mass_kda"], ticks=(30, 50, 100, 200, 400, 800))
            _colored(row[2], table, 1e3 * table["residual"], ticks=(0.5, 1, 2, 4))
            for axes in row:
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[:].set_visible(False)
        panels[0, 0].set_ylabel("What it sees", fontsize=8)
        panels[1, 0].set_ylabel("What it has learned", fontsize=8)
        for axes, title in zip(
            panels[0], ("Class", "Mass (kDa)", "Fit residual (10⁻³)"), strict=True
        ):
            axes.set_title(title)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=5, markerscale=3)
    return figure


def activation_figure(examples: Sequence[Any], *, model: str) -> Figure:
    """Return an event of each class, frame by frame, and the activation of the first layer.

    `examples` are those of `perrin.evaluate.embedding.Shown`.
    """
    steps = examples[0].steps
    named = [f"{step:+d} frames".replace("-", "−") if step else "landing" for step in steps]
    titles = [*named, "activation"]
    with look.style():
        figure = look.new_figure(width_mm=150.0, height_mm=23.0 * len(examples) + 8)
        panels = figure.subplots(len(examples), len(titles), squeeze=False)
        for row, example in zip(panels, examples, strict=True):
            reach = 1e3 * float(np.abs(example.frames).max())
            for axes, frame in zip(row, example.frames, strict=False):
                image = axes.imshow(1e3 * frame, cmap="RdBu", vmin=-reach, vmax=reach)
            figure.colorbar(image, ax=row[len(steps) - 1], label="contrast (10⁻³)")
            shown = row[-1].imshow(example.activations[model], cmap=_MAP)
            figure.colorbar(shown, ax=row[-1])
            row[0].set_ylabel(f"{example.label}\n{example.mass_kda:.0f} kDa")
            for axes in row:
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[:].set_visible(False)
        for axes, title in zip(panels[0], titles, strict=True):
            axes.set_title(title)
    return figure


def _own(table: pd.DataFrame, model: str, n_avg: int) -> pd.DataFrame:
    chosen: pd.DataFrame = table[(table["model"] == model) & (table["n_avg"] == n_avg)]
    return chosen


def _colored(axes: Axes, table: pd.DataFrame, values: pd.Series, *, ticks: Sequence[float]) -> None:
    """Points of a map in the color of their value, logarithmic."""
    from matplotlib.colors import LogNorm

    low, high = np.nanquantile(values, [0.02, 0.98])
    points = axes.scatter(
        table["x"], table["y"], s=2, lw=0, c=values, cmap=_MAP, norm=LogNorm(low, high)
    )
    bar = axes.figure.colorbar(points, ax=axes)
    shown = [tick for tick in ticks if low <= tick <= high]
    bar.set_ticks(shown, labels=[f"{tick:g}" for tick in shown])
    bar.minorticks_off()


def _missing(auc: pd.Series) -> FloatArray:
    """What an AUC lacks to 1; an AUC given as 1.00 stands at the lower end of the axis."""
    lacks: FloatArray = np.maximum(1 - auc.to_numpy(float), _CLOSEST)
    return lacks


def _reach(rows: pd.DataFrame) -> FloatArray:
    """How far the interval reaches, (2, N), where the distance from 1 is drawn."""
    middle, low, high = (_missing(rows[name]) for name in ("value", "low", "high"))
    reach: FloatArray = np.nan_to_num(np.maximum([middle - high, low - middle], 0))
    return reach


def _as_auc(axes: Axes) -> None:
    """Label the distance from 1 as the AUC that it is."""
    ticks: Mapping[float, str] = {
        0.5: ".5", 0.2: ".8", 0.1: ".9", 0.05: ".95", 0.02: ".98", 0.01: ".99",
        0.005: ".995", 0.002: ".998", 0.001: ".999", 0.0001: ".9999",
    }  # fmt: skip
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.minorticks_off()
    axes.invert_yaxis()
