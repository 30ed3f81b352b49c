"""The results folder of moving particles: tables, figures, summary, report; whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perrin.diffusion.summary import ergodicity, msd_curves, summary
from perrin.diffusion.tables import axes_of
from perrin.io.output_folder import output_folder, written_folder
from perrin.io.plain import plain
from perrin.io.track_formats import write_tracks_csv
from perrin.provenance import provenance
from perrin.report import diffusion_figures as figures
from perrin.report import regime_figures
from perrin.report.page import write_report
from perrin.report.style import save_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from perrin.diffusion.characterize import DiffusionResult
    from perrin.settings.diffusion import WindowSettings


def write_motion_results(
    folder: str | os.PathLike[str],
    tracks: pd.DataFrame,
    found: DiffusionResult,
    *,
    model: str,
    settings: WindowSettings,
    inputs: Sequence[str | Path] = (),
    run: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write what `characterize` found into one folder.

    ``tracks.csv`` holds the tracks in the file's own unit, ``trajectories.csv`` and
    ``windows.csv`` what was found, ``time_course.csv``, ``regimes.csv``, ``transitions.csv`` and
    ``survival.csv`` how it changes, ``summary.json`` the ensemble, settings and versions,
    ``figures/`` SVG and PNG, ``report.html`` all of it to look at. Nothing
    appears until everything is written.

    Raises `PerrinError` if the folder exists (`perrin.io.output_folder`).
    """
    target = output_folder(folder, overwrite=overwrite, inputs=inputs)
    axes = axes_of(tracks)
    about: dict[str, Any] = {
        **provenance(inputs, run),
        "model": model,
        "source": Path(tracks.attrs["source"]).name,
        "read_as": tracks.attrs.get("read_as"),
        "track_names": tracks.attrs.get("track_names", {}),
        "scale": {"length": found.scale.length, "frame_interval": found.scale.frame_interval},
        "settings": settings.model_dump(mode="json"),
        **summary(found),
    }
    told = found.trajectories["w"].notna().any()
    curves = msd_curves(tracks, found.trajectories, found.scale) if told else {}
    if curves:
        about["ergodicity_breaking"] = ergodicity(curves)
    with written_folder(target) as partial:
        write_tracks_csv(tracks[["particle", "frame", *axes]], partial / "tracks.csv")
        found.trajectories.to_csv(partial / "trajectories.csv", index=False)
        found.windows.to_csv(partial / "windows.csv", index=False)
        for name, table in vars(found.time_course).items():
            table.to_csv(partial / f"{name}.csv", index=False, float_format="%.5g")
        (partial / "figures").mkdir()
        if curves:
            for name, figure in _figures(tracks, found, curves).items():
                save_figure(figure, partial / "figures" / name)
        text = json.dumps(plain(about), indent=1, allow_nan=False)
        (partial / "summary.json").write_text(text + "\n", encoding="utf-8")
        write_report([partial], partial / "report.html")
    return target.shown


def _figures(
    tracks: pd.DataFrame, found: DiffusionResult, curves: dict[int, Any]
) -> dict[str, Figure]:
    drawn = {
        "ensemble": figures.ensemble_figure(found.trajectories),
        "tracks": figures.tracks_figure(tracks, found.trajectories),
        "msd": figures.msd_figure(
            curves,
            dims=len(axes_of(tracks)),
            length_unit=found.scale.length_unit,
            time_unit=found.scale.time_unit,
        ),
    }
    if found.windows["w"].notna().any():
        drawn["windows"] = figures.windows_figure(found.windows)
    time_course = found.time_course
    if len(time_course.regimes):
        unit = found.scale.time_unit
        drawn["time_course"] = regime_figures.time_course_figure(time_course, time_unit=unit)
        drawn["regimes"] = regime_figures.regimes_figure(tracks, time_course)
        drawn["transitions"] = regime_figures.transitions_figure(time_course, time_unit=unit)
    return drawn
