"""Figures of motion that changes: fractions and exponents in time, regimes, transitions."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from perrin.report import style as look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perrin.diffusion.time_course import TimeCourse

COLORS = {"fbm": look.BLUE, "ctrw": look.VERMILLION, "undecided": look.GRAY}
NAMES = {"fbm": "FBM-like", "ctrw": "CTRW-like", "undecided": "undecided"}
_SHOWN = 3
_ROWS, _COLUMNS = 2, 6


def time_course_figure(time_course: TimeCourse, *, time_unit: str) -> Figure:
    """Return fraction of CTRW and exponents against time, of the tracks that change most."""
    chosen = _chosen(time_course.regimes, _SHOWN)
    with look.style():
        figure = look.new_figure(width_mm=look.PAGE_MM, height_mm=20 + 30 * len(chosen))
        grid = figure.subplots(len(chosen), 2, squeeze=False, sharex="row", sharey="col")
        for (left, right), particle in zip(grid, chosen, strict=True):
            along = time_course.time_course[time_course.time_course["particle"] == particle]
            regimes = time_course.regimes[time_course.regimes["particle"] == particle]
            _fraction(left, along, regimes)
            _exponents(right, along)
            left.set_title(f"Particle {particle}", loc="left")
        for axes in grid[-1]:
            axes.set_xlabel(f"time ({time_unit})")
        _explain(figure)
    return figure


def regimes_figure(tracks: pd.DataFrame, time_course: TimeCourse) -> Figure:
    """Return paths of tracks in the colors of their regimes, each scaled to its size."""
    chosen = _chosen(time_course.regimes, _ROWS * _COLUMNS)
    with look.style():
        figure = look.new_figure(width_mm=look.PAGE_MM, height_mm=75)
        axes = figure.subplots()
        for number, particle in enumerate(chosen):
            track = tracks[tracks["particle"] == particle]
            frame = track["frame"].to_numpy()
            x = track["x"].to_numpy(float)
            y = track["y"].to_numpy(float) if "y" in track else frame.astype(float)
            size = max(np.ptp(x), np.ptp(y), 1e-12)
            x = (x - x.min() - np.ptp(x) / 2) / size + 1.2 * (number % _COLUMNS)
            y = (y - y.min() - np.ptp(y) / 2) / size - 1.3 * (number // _COLUMNS)
            own = time_course.time_course[time_course.time_course["particle"] == particle]
            label = own.set_index("frame")["label"].reindex(frame).to_numpy()
            turns = np.flatnonzero(label[1:] != label[:-1]) + 1
            for first, last in pairwise([0, *turns, len(x) - 1]):
                part = slice(first, last + 1)
                axes.plot(x[part], y[part], lw=0.7, color=COLORS[label[first]])
            axes.plot(x[:1], y[:1], "o", ms=2.5, color=look.BLACK)
            middle = 1.2 * (number % _COLUMNS), -1.3 * (number // _COLUMNS) - 0.58
            axes.text(*middle, f"{particle}", ha="center", va="top")
        for name, color in COLORS.items():
            axes.plot([], [], color=color, label=NAMES[name])
        axes.plot([], [], "o", ms=2.5, color=look.BLACK, label="start")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4)
        axes.set_aspect("equal")
        axes.axis("off")
    return figure


def transitions_figure(time_course: TimeCourse, *, time_unit: str) -> Figure:
    """Return the map of transitions, with numbers and rates, and how long regimes last."""
    with look.style():
        figure = look.new_figure(width_mm=look.PAGE_MM, height_mm=70)
        left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
        _map(left, time_course, time_unit)
        _survival(right, time_course, time_unit)
    return figure


def _chosen(regimes: pd.DataFrame, count: int) -> list[int]:
    """Return particles: those with most changes first, then those with most regimes."""
    of = regimes.groupby("particle")
    order = pd.DataFrame({"changes": of["start_low"].count(), "regimes": of.size()})
    ranked = order.sort_values(["changes", "regimes"], ascending=False, kind="stable")
    return [int(particle) for particle in ranked.index[:count]]


def _fraction(axes: Axes, along: pd.DataFrame, regimes: pd.DataFrame) -> None:
    time = along["time"].to_numpy(float)
    frame_time = np.diff(time).mean() if len(time) > 1 else 1.0
    first = time[0] - along["frame"].iloc[0] * frame_time
    numbers = regimes[["time_start", "residence_time", "start_low", "start_high"]].to_numpy(float)
    for label, (start, residence_time, low, high) in zip(regimes["label"], numbers, strict=True):
        axes.axvspan(start, start + residence_time, color=COLORS[label], alpha=0.12, lw=0)
        if np.isfinite(low):
            band = first + low * frame_time, first + high * frame_time
            axes.axvspan(*band, color=look.BLACK, alpha=0.18, lw=0)
            axes.axvline(start, color=look.BLACK, lw=0.8)
    axes.fill_between(
        time, along["ctrw_near_low"], along["ctrw_near_high"], color=look.ORANGE, alpha=0.35, lw=0
    )
    axes.plot(time, along["ctrw_near"], color=look.ORANGE, lw=1.2)
    axes.set(ylim=(-0.03, 1.03), ylabel="fraction of CTRW", xlim=(time[0], time[-1]))


def _exponents(axes: Axes, along: pd.DataFrame) -> None:
    """Draw the exponent of the label of each regime; both where it is undecided."""
    for name, label in (("alpha_fbm", "fbm"), ("alpha_ctrw", "ctrw")):
        shown = along["label"].isin([label, "undecided"])
        low, middle, high = (along[name + end].where(shown) for end in ("_low", "", "_high"))
        axes.fill_between(
            along["time"], low, high, step="post", color=COLORS[label], alpha=0.2, lw=0
        )
        axes.step(along["time"], middle, where="post", color=COLORS[label], lw=1.2)
    axes.axhline(1, color=look.GRAY, lw=0.5, ls=":")
    axes.set(ylim=(0, 1.5), ylabel="exponent α")


def _explain(figure: Figure) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        *(Patch(color=color, alpha=0.2, label=NAMES[name]) for name, color in COLORS.items()),
        Line2D([], [], color=look.ORANGE, label="fraction of CTRW within ±10 frames, 90% band"),
        Line2D([], [], color=look.BLACK, label="change point, 90% band"),
        Line2D([], [], color=COLORS["fbm"], label="α of FBM"),
        Line2D([], [], color=COLORS["ctrw"], label="α of CTRW"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)


_PLACES = {"fbm": (0.0, 0.0), "ctrw": (3.2, 0.0), "undecided": (1.6, -2.0)}


def _map(axes: Axes, time_course: TimeCourse, time_unit: str) -> None:
    from matplotlib.patches import FancyArrowPatch

    frames = time_course.time_course["label"].value_counts(normalize=True)
    most = max(int(time_course.transitions["number"].max()), 1)
    for name, (x, y) in _PLACES.items():
        fraction = float(frames.get(name, 0.0))
        axes.scatter([x], [y], s=2000, color=COLORS[name], alpha=0.25, lw=0)
        axes.text(x, y, f"{NAMES[name]}\n{fraction:.0%}", ha="center", va="center")
    seen = time_course.transitions[time_course.transitions["number"] > 0]
    for before, after, number, rate in zip(
        seen["before"], seen["after"], seen["number"], seen["rate"], strict=True
    ):
        a, b = (np.array(_PLACES[name], dtype=float) for name in (before, after))
        along = (b - a) / np.linalg.norm(b - a)
        aside = np.array([-along[1], along[0]])
        start, end = a + 0.68 * along + 0.07 * aside, b - 0.68 * along + 0.07 * aside
        axes.add_patch(
            FancyArrowPatch(
                tuple(start),
                tuple(end),
                arrowstyle="-|>",
                mutation_scale=8,
                lw=0.5 + 2 * number / most,
                color=COLORS[before],
                connectionstyle="arc3,rad=-0.12",
            )
        )
        x, y = (start + end) / 2 + (0.3 if along[1] == 0 else 0.42) * aside
        axes.text(x, y, f"{number}\n{rate:.2g}", ha="center", va="center")
    axes.set(xlim=(-0.7, 3.9), ylim=(-2.65, 0.65))
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title(f"Fraction of frames; transitions: number, rate per {time_unit}")


def _survival(axes: Axes, time_course: TimeCourse, time_unit: str) -> None:
    longest = 0.0
    for label in ("fbm", "ctrw"):
        curve = time_course.survival[time_course.survival["label"] == label]
        if curve.empty:
            continue
        time = np.concatenate([[0.0], curve["time"]])
        left = {
            end: np.concatenate([[1.0], curve["survival" + end]]) for end in ("", "_low", "_high")
        }
        axes.fill_between(
            time, left["_low"], left["_high"], step="post", color=COLORS[label], alpha=0.15, lw=0
        )
        spells, ended = int(curve["at_risk"].iloc[0]), int(curve["ended"].sum())
        name = f"{NAMES[label]}: {ended} of {spells} seen to end"
        axes.step(time, left[""], where="post", color=COLORS[label], label=name)
        lost = curve[curve["censored"] > 0]
        axes.plot(lost["time"], lost["survival"], "|", ms=4, color=COLORS[label])
        longest = max(longest, float(time[-1]))
    if longest:
        axes.legend(loc="lower left")
    else:
        axes.text(0.5, 0.5, "no regime with a seen start", ha="center", transform=axes.transAxes)
    axes.set(
        xlim=(0, longest or 1.0),
        ylim=(0, 1.05),
        xlabel=f"residence time ({time_unit})",
        ylabel="fraction that lasts longer",
        title="Kaplan-Meier, 90% band; ticks: lost from sight",
    )
