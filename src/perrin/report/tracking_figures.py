"""Figures of tracking: tracks over the mean image, errors, steps and links, drift, mass and D."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perrin.report import style as look

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from perrin.tracking.track import TrackingResult
    from perrin.types import FloatArray

_MOST_POINTS = 4000
_MOST_CURVES = 200
_SIGNIFICANT = 0.05


def tracks_over_mean(found: TrackingResult, *, pixel_nm: float) -> Figure:
    """Return all tracks, in the camera's pixels, over the mean background."""
    from matplotlib.collections import LineCollection

    image = found.seen.mean
    height, width = image.shape
    wide = look.PAGE_MM * 0.62
    tall = float(np.clip(wide * height / width, 40, 150))
    with look.style():
        figure = look.new_figure(width_mm=wide, height_mm=tall + 8)
        axes = figure.subplots()
        low, high = np.percentile(image, (0.5, 99.5))
        axes.imshow(image, cmap="gray", vmin=low, vmax=high)
        colors = look.SERIES[:-1]
        axes.add_collection(  # one for all tracks: each by itself is slow to draw
            LineCollection(_paths(found), colors=list(colors), lw=0.7), autolim=False
        )
        _scale_bar(axes, width, height, pixel_nm)
        _bare(axes)
        axes.set_title(f"{found.particles.shape[0]} tracks over the mean background")
    return figure


def _paths(found: TrackingResult) -> list[FloatArray]:
    """Return the places (L, 2) of each track in the camera's pixels, in order of particles."""
    table = found.tracks
    places = np.stack([table[axis] + table[f"drift_{axis}"] for axis in "xy"], axis=1)
    first = np.flatnonzero(np.diff(table["particle"].to_numpy(np.int64)))
    return np.split(places, first + 1) if len(table) else []


def errors_figure(found: TrackingResult, *, pixel_nm: float) -> Figure:
    """Return standard errors of the positions (and angles) against signal-to-noise."""
    table = found.positions[found.positions["label"] == ""]
    table = table.iloc[:: max(1, len(table) // _MOST_POINTS)]
    signal = (table["contrast"] / table["noise"]).abs()
    rods = bool(np.isfinite(table["angle_se_deg"]).any())
    with look.style():
        figure = look.new_figure(width_mm=look.PAGE_MM if rods else look.COLUMN_MM, height_mm=65)
        panels = figure.subplots(1, 2 if rods else 1, squeeze=False)[0]
        shown = [("x_se", pixel_nm, "position error (nm)")]
        shown += [("angle_se_deg", 1.0, "angle error (°)")] if rods else []
        for axes, (name, unit, label) in zip(panels, shown, strict=True):
            error = table[name] * unit
            axes.plot(signal, error, ".", ms=2, color=look.BLUE, alpha=0.4, rasterized=True)
            middle = float((error * signal).median())
            low, high = (float(value) for value in signal.quantile((0.02, 0.98)))
            at = np.linspace(0.9 * low, 1.1 * high, 50)
            axes.plot(at, middle / at, color=look.VERMILLION, label="∝ 1 / signal")
            axes.set(
                xlabel="contrast over the noise of a pixel",
                ylabel=label,
                xlim=(at[0], at[-1]),
                ylim=(0, 1.5 * float(error.quantile(0.98))),
            )
            axes.legend()
    return figure


def links_figure(found: TrackingResult) -> Figure:
    """Return the steps by counting, with the search range, and how sure the links are."""
    linked = found.linked
    assert linked is not None  # noqa: S101 - the caller looks
    steps = linked.steps
    with look.style():
        figure = look.new_figure(width_mm=look.PAGE_MM, height_mm=60)
        left, right = figure.subplots(1, 2)
        left.plot(steps.r_px, steps.fraction, color=look.BLUE, label="steps, by counting pairs")
        left.axvline(
            linked.search_px,
            color=look.VERMILLION,
            ls="--",
            label=f"search range {linked.search_px:.3g} px",
        )
        left.axvline(
            steps.spacing_px,
            color=look.GRAY,
            ls=":",
            label=f"from particle to particle {steps.spacing_px:.3g} px",
        )
        left.set(
            xlabel="step from frame to frame (px)",
            ylabel="fraction of particles within",
            ylim=(0, 1.1),
            xlim=(0, min(1.05 * max(steps.r_px[-1], steps.spacing_px), 4 * linked.search_px)),
        )
        left.legend(loc="lower right")
        doubt = linked.ambiguity[np.isfinite(linked.ambiguity)]
        edges = np.linspace(0, 1, 41)
        right.hist(doubt, bins=edges, color=look.PALE_BLUE, edgecolor=look.BLUE, log=True)
        right.set(
            xlabel="probability that a link is wrong",
            ylabel="links",
            xlim=(0, 1),
            title=f"{linked.wrong_fraction:.2%} of {len(doubt)} links expected to be wrong",
        )
    return figure


def msd_figure(table: pd.DataFrame) -> Figure:
    """Return the mean squared displacement of single tracks and of all together, with its error.

    table: of `perrin.tracking.msd.msd_table`.
    """
    from matplotlib.collections import LineCollection

    single, both = (table[sign] for sign in (table["particle"] >= 0, table["particle"] < 0))
    shown = single["particle"].unique()
    shown = shown[:: max(1, -(-len(shown) // _MOST_CURVES))]
    curves = [
        part[["lag_s", "msd_um2"]].to_numpy()
        for _, part in single[single["particle"].isin(shown)].groupby("particle")
    ]
    with look.style():
        figure = look.new_figure(width_mm=look.COLUMN_MM, height_mm=65)
        axes = figure.subplots()
        axes.add_collection(LineCollection(curves, colors=look.PALE_BLUE, lw=0.6))
        axes.plot([], [], color=look.PALE_BLUE, label=f"{len(curves)} tracks")
        if len(both):
            error = np.minimum(both["msd_se_um2"], 0.95 * both["msd_um2"])
            axes.errorbar(
                both["lag_s"], both["msd_um2"], error, fmt=".-", color=look.BLUE, label="all"
            )
        axes.axhline(
            float(single["noise_um2"].median()),
            color=look.VERMILLION,
            ls="--",
            label="localization errors",
        )
        axes.autoscale_view()
        axes.set(xscale="log", yscale="log", xlabel="lag (s)", ylabel="mean squared displ. (µm²)")
        look.label_log_axis(axes.xaxis)
        axes.legend()
    return figure


def drift_figure(found: TrackingResult, *, pixel_nm: float, frame_interval_s: float) -> Figure:
    """Return the measured drift of the stage over time."""
    drift = found.drift
    assert drift is not None  # noqa: S101 - the caller looks
    time = drift.frame * frame_interval_s
    with look.style():
        figure = look.new_figure(width_mm=look.COLUMN_MM, height_mm=55)
        axes = figure.subplots()
        for values, name, color in (
            (drift.x, "x", look.BLUE),
            (drift.y, "y", look.VERMILLION),
        ):
            axes.errorbar(
                time, values * pixel_nm, yerr=drift.se * pixel_nm, fmt=".-", color=color, label=name
            )
        off = bool(len(found.tracks)) and bool(found.tracks[["drift_x", "drift_y"]].any(axis=None))
        said = "taken off the tracks" if off else "left in the tracks"
        axes.set(xlabel="time (s)", ylabel=f"drift by the {drift.by} (nm)", title=f"Drift, {said}")
        axes.legend()
    return figure


def mass_figure(found: TrackingResult) -> Figure:
    """Return the map of mass and diffusion coefficient, and the significant changes of mass."""
    table = found.particles.dropna(subset=["mass_kda", "D_um2_per_s"])
    moving = table[table["D_um2_per_s"] > 0]
    with look.style():
        figure = look.new_figure(width_mm=look.PAGE_MM, height_mm=65)
        left, right = figure.subplots(1, 2)
        left.errorbar(
            moving["mass_kda"],
            moving["D_um2_per_s"],
            xerr=moving["mass_se_kda"],
            yerr=np.minimum(moving["D_se_um2_per_s"], 0.95 * moving["D_um2_per_s"]),
            fmt="o",
            ms=2.5,
            lw=0.4,
            color=look.BLUE,
            ecolor=look.GRAY,
        )
        still = len(table) - len(moving)
        left.set(
            xlabel="mass (kDa)",
            ylabel="D (µm²/s)",
            title=f"{len(moving)} tracks"
            + (f"; {still} without motion not shown" if still else ""),
        )
        if len(moving):
            left.set_yscale("log")
        _changes(right, found)
    return figure


def _changes(axes: Axes, found: TrackingResult) -> None:
    """Draw the mass along the track with the clearest change of mass."""
    table = found.particles.dropna(subset=["step_p"])
    axes.set(xlabel="frame", ylabel="mass (kDa)")
    if not len(table):
        axes.set_title("no track is long enough to look for a change of mass")
        return
    changed = int((table["step_p"] < _SIGNIFICANT).sum())
    row = table.sort_values(["step_p", "positions"], ascending=[True, False]).iloc[0]
    part = found.tracks[found.tracks["particle"] == row["particle"]]
    axes.plot(part["frame"], part["mass_kda"], ".", ms=2, color=look.PALE_BLUE)
    before = part[part["frame"] < row["step_frame"]]
    after = part[part["frame"] >= row["step_frame"]]
    for tracklet in (before, after):
        axes.hlines(
            tracklet["mass_kda"].mean(),
            tracklet["frame"].min(),
            tracklet["frame"].max(),
            color=look.VERMILLION,
            lw=1.5,
        )
    axes.set_title(
        f"{changed} of {len(table)} tracks change mass (p < .05, corrected)\n"
        f"clearest: track {row['particle']:.0f}, {row['step_kda']:+.0f} ± {row['step_se_kda']:.0f} "
        f"kDa, p = {row['step_p']:.1g}"
    )


def _scale_bar(axes: Axes, width: int, height: int, pixel_nm: float) -> None:
    """Draw a bar of a round length, about a fifth of the width."""
    wanted = 0.2 * width * pixel_nm
    power = 10.0 ** np.floor(np.log10(wanted))
    length = max(power * factor for factor in (1, 2, 5) if power * factor <= wanted)
    x0, y0 = 0.05 * width, 0.95 * height
    axes.plot([x0, x0 + length / pixel_nm], [y0, y0], color="white", lw=2.5, solid_capstyle="butt")
    text = f"{length:g} nm" if length < 1000 else f"{length / 1000:g} µm"
    axes.text(
        x0 + length / pixel_nm / 2,
        y0 - 0.02 * height,
        text,
        color="white",
        ha="center",
        va="bottom",
    )


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
