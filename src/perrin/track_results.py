"""A results folder of tracks: tables, figures and a summary, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perrin.io.movie import Movie
from perrin.io.output_folder import SUMMARY, output_folder, written_folder
from perrin.io.plain import plain
from perrin.io.track_formats import write_napari, write_trackmate, write_tracks_csv
from perrin.provenance import provenance
from perrin.report import tracking_figures as figures
from perrin.report.style import save_figure
from perrin.report.track_movie import write_track_movie
from perrin.tracking.track import TrackingResult


def write_tracking_results(
    folder: str | os.PathLike[str],
    found: TrackingResult,
    *,
    movie: Movie,
    inputs: Sequence[str | Path] = (),
    run: Mapping[str, Any] | None = None,
    overlay_frames: int = 50,
    overwrite: bool = False,
) -> Path:
    """Write everything that came out of one movie into a folder.

    ``tracks.csv`` (for `perrin diffusion` and trackpy), ``tracks.xml`` (TrackMate),
    ``tracks.napari.npy``, ``particles.csv`` (a row a track), ``positions.csv`` (all located
    particles), ``drift.csv``, ``summary.json``, ``figures/`` SVG and PNG, and a short movie with
    overlays. Nothing appears until everything is written.

    Raises `PerrinError` if the folder exists (`perrin.io.output_folder`).
    """
    target = output_folder(folder, overwrite=overwrite, inputs=inputs)
    with written_folder(target) as partial:
        write_tracks_csv(found.tracks, partial / "tracks.csv")
        write_napari(found.tracks, partial / "tracks.napari.npy")
        write_trackmate(
            found.tracks,
            partial / "tracks.xml",
            pixel_nm=movie.pixel_nm,
            frame_interval_s=movie.frame_interval_s,
        )
        found.particles.to_csv(partial / "particles.csv", index=False)
        found.positions.to_csv(partial / "positions.csv", index=False)
        if found.drift is not None:
            np.savetxt(
                partial / "drift.csv",
                np.stack([found.drift.frame, found.drift.x, found.drift.y, found.drift.se], axis=1),
                delimiter=",",
                header="frame,x_px,y_px,se_px",
                comments="",
            )
        _figures(partial / "figures", found, movie)
        if overlay_frames and len(found.positions):
            write_track_movie(partial / "figures", movie, found, frames=overlay_frames)
        summary = summarize_tracked(found, movie=movie, inputs=inputs, run=run)
        text = json.dumps(plain(summary), indent=2, allow_nan=False)
        (partial / SUMMARY).write_text(text + "\n", encoding="utf-8")
    return target.shown


def summarize_tracked(
    found: TrackingResult,
    *,
    movie: Movie,
    inputs: Sequence[str | Path] = (),
    run: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All figures of a tracked movie, with what is needed to make them again."""
    seen, linked = found.seen.appearance, found.linked
    labels = found.positions["label"].replace("", "single").value_counts()
    summary: dict[str, Any] = {
        **provenance(inputs, run),
        "name": found.name,
        "read_as": movie.read_as,
        "recorded": {
            "frames": movie.n_frames,
            "frame_interval_s": movie.frame_interval_s,
            "pixel_nm": movie.pixel_nm,
            "exposure": found.settings.exposure,
            "instrument": movie.instrument,
        },
        "tracks": len(found.particles),
        "tracked_positions": len(found.tracks),
        "positions": {str(name): int(count) for name, count in labels.items()},
        "settings": found.settings.model_dump(mode="json"),
        "notes": list(found.notes),
    }
    if seen is not None:
        summary["appearance"] = {
            "sign": seen.sign,
            "radius_px": seen.radius_px,
            "length_px": None if seen.shape is None else 2 * seen.extent_px,
            "noise_grows_with_contrast": seen.kappa,
        }
    if linked is not None:
        summary["linking"] = {
            "search_px": linked.search_px,
            "memory_frames": linked.memory_frames,
            "step_px": linked.steps.step_px,
            "spacing_px": linked.steps.spacing_px,
            "expected_wrong_fraction": linked.wrong_fraction,
        }
    if len(found.particles):
        summary["median_localisation_se_nm"] = float(found.particles["localisation_se_nm"].median())
    if found.calibration is not None:
        summary["calibration"] = found.calibration.model_dump(mode="json")
    return summary


def _figures(folder: Path, found: TrackingResult, movie: Movie) -> None:
    folder.mkdir()
    pixel, interval = movie.pixel_nm, movie.frame_interval_s
    drawn = {"tracks": figures.tracks_over_mean(found, pixel_nm=pixel)}
    if (found.positions["label"] == "").any():
        drawn["errors"] = figures.errors_figure(found, pixel_nm=pixel)
    if found.linked is not None:
        drawn["links"] = figures.links_figure(found)
    if found.drift is not None:
        drawn["drift"] = figures.drift_figure(found, pixel_nm=pixel, frame_interval_s=interval)
    if "mass_kda" in found.particles and len(found.particles):
        drawn["mass_and_diffusion"] = figures.mass_figure(found)
    for name, figure in drawn.items():
        save_figure(figure, folder / name)
