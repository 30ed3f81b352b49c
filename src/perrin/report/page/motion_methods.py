"""Paragraphs for the methods of a paper: a tracked movie, and what moves its particles.

They say only what the folder holds: a step that was not taken has no sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perrin.diffusion.by_kind import answered
from perrin.diffusion.summary import kinds_in_words
from perrin.report.page.facts import sentence
from perrin.report.page.methods import files_named, network_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from perrin.report.page.folders import MotionFolder, TrackFolder


def tracking_methods(folder: TrackFolder) -> str:
    """Return the paragraph of a tracked movie: recording, steps with their limits, tracks, D."""
    summary = folder.summary
    parts = (
        _recorded(summary),
        _background(summary),
        _located(summary),
        _linked(summary),
        _tracks(folder),
        files_named(summary),
    )
    return " ".join(part for part in parts if part)


def _recorded(summary: Mapping[str, Any]) -> str:
    recorded, settings = summary["recorded"], summary["settings"]
    by = f" ({recorded['instrument']})" if recorded.get("instrument") else ""
    lit = f", light in {settings['exposure']:.0%} of each" if settings["exposure"] else ""
    text = (
        f"A movie of {settings['kind']}{by} of {recorded['frames']:,} frames of "
        f"{recorded['frame_interval_s'] * 1e3:.4g} ms{lit} and {recorded['pixel_nm']:.4g} nm a "
        f"pixel was tracked with perrin {summary['perrin_version']}."
    )
    side = settings["bin"]
    return text + (f" Squares of {side} x {side} pixels were averaged first." if side > 1 else "")


def _background(summary: Mapping[str, Any]) -> str:
    median, frames = summary["settings"]["median"], summary["recorded"]["frames"]
    window = min(median["window_frames"], frames)
    return (
        f"Each frame was divided by a background, the median of {min(median['samples'], window)} "
        f"frames in a window of {window}, and by its own light."
    )


def _located(summary: Mapping[str, Any]) -> str:
    settings = summary["settings"]
    width = settings["locate"]["width_nm"]
    gold = settings["kind"] != "molecules"
    shape = "an image of the particle whose shape was measured on the movie"
    if not gold:
        shape = "the point-spread function"
    elif width is not None:
        shape = f"an image of a particle of {width:g} nm"
    return (
        "Particles were found where the smoothed contrast exceeded "
        f"{settings['locate']['threshold']:g} times its noise, and fitted by weighted least "
        f"squares with {shape}; the errors of their positions hold the correlation of the noise "
        "between pixels."
    )


def _linked(summary: Mapping[str, Any]) -> str:
    found, settings = summary.get("linking"), summary["settings"]
    if found is None:
        return ""
    drift = "left in" if settings["keep_drift"] else "subtracted where one was seen"
    return (
        "Positions were linked by optimal assignment, steps of up to "
        f"{found['search_px']:.3g} pixels and gaps of up to {found['memory_frames']} frames "
        f"allowed; {found['expected_wrong_fraction']:.2%} of the links are expected to be wrong. "
        f"Tracks of fewer than {settings['link']['min_positions']} positions were left out, "
        f"drift of the stage was {drift}."
    )


def _tracks(folder: TrackFolder) -> str:
    summary, table = folder.summary, folder.particles
    if not len(table):
        return "No track was found."
    error = summary.get("median_localisation_se_nm")
    said = "" if error is None else f"; localization error {error:.3g} nm (median)"
    text = (
        f"{summary['tracks']:,} tracks with {summary['tracked_positions']:,} positions were "
        f"found{said}."
    )
    still = table["immobile"].astype(bool)
    if still.all():
        return f"{text} None of them moved beyond its errors."
    low, middle, high = table.loc[~still, "D_um2_per_s"].quantile([0.25, 0.5, 0.75])
    return (
        f"{text} The diffusion coefficient of Brownian motion (covariance-based estimator) of the "
        f"{int((~still).sum()):,} that moved beyond their errors was {middle:.3g} µm²/s (median; "
        f"quartiles {low:.3g} and {high:.3g})."
    )


def motion_methods(folder: MotionFolder) -> str:
    """Return the paragraph of what moves tracks: networks, intervals, kinds, exponents, D."""
    parts = (
        _analyzed(folder),
        _known(folder.trajectories),
        _estimated(folder),
        _moving(folder),
        _checked(folder.summary),
        files_named(folder.summary),
    )
    return " ".join(part for part in parts if part)


def _analyzed(folder: MotionFolder) -> str:
    summary, table = folder.summary, folder.trajectories
    every, unit = summary["scale"]["frame_interval"], summary["units"]["time_unit"]
    time = "" if unit == "frame" else f", one every {every:g} {unit}"
    return (
        f"{len(table):,} trajectories of {table['positions'].median():.0f} positions "
        f"(median){time}, were analyzed with perrin {summary['perrin_version']}."
    )


def _known(table: pd.DataFrame) -> str:
    """What the network was told of the camera."""
    exposure = set(table["exposure"].dropna()) if "exposure" in table.columns else set()
    lit = f"light fell in {exposure.pop():.0%} of each frame" if len(exposure) == 1 else ""
    told = "localisation_se" in table.columns and bool(table["localisation_se"].notna().any())
    known = "were given with the positions" if told else "were not known"
    return sentence(f"localization errors {known}" + (f"; {lit}" if lit else ""))


def _estimated(folder: MotionFolder) -> str:
    summary, window = folder.summary, folder.summary["settings"]
    text = (
        "The fractions of fractional Brownian motion (FBM), continuous-time random walk (CTRW), "
        "Brownian motion and localization noise in the mean squared step, the mixing ratio w, the "
        "exponents and D were estimated by the neural network "
        f"{network_named(summary, 'mixture', summary['model'])}, of whole trajectories and of "
        f"windows of {window['frames']} frames every {window['stride']}, with 90% intervals."
    )
    kinds = next((one["name"] for one in summary["networks"] if one["task"] == "kinds"), None)
    if kinds is None:
        return text
    return (
        f"{text} The kind of motion is that to which the neural network "
        f"{network_named(summary, 'kinds', kinds)} gives a probability above one half."
    )


def _moving(folder: MotionFolder) -> str:
    table, units = folder.trajectories, folder.summary["units"]
    if not answered(table).any():
        return "No trajectory could be characterized."
    changing = folder.summary["regimes"]["tracks_with_change"]
    said = [kinds_in_words(table, changing=changing)]
    said += [
        f"{name} {middle:.2f} (median; quartiles {low:.2f} and {high:.2f}, {count} trajectories)"
        for name, column in (("w", "w"), ("exponent of the FBM", "alpha_fbm"))
        if (count := int(table[column].notna().sum()))
        for low, middle, high in [table[column].quantile([0.25, 0.5, 0.75])]
    ]
    normal = table.loc[table["D_exponent"] == 1, "D"]
    if len(normal):
        low, middle, high = normal.quantile([0.25, 0.5, 0.75])
        of = f"{units['length_unit']}²/{units['time_unit']}"
        said.append(
            f"D {middle:.3g} {of} (median; quartiles {low:.3g} and {high:.3g}, of the "
            f"{len(normal)} whose exponent may be 1)"
        )
    return sentence("; ".join(one for one in said if one))


def _checked(summary: Mapping[str, Any]) -> str:
    checked = summary.get("out_of_model") or {}
    if not checked.get("checked"):
        return ""
    return (
        f"Of {checked['checked']:,} trajectories {checked['flagged']:,} deviate from replicates "
        "simulated with their own estimates (posterior predictive p < 0.05)."
    )
