"""The results folder of a tracked movie: tables, figures, pictures of its frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.io.csv_writing import write_csv
from perrin.io.track_formats import write_napari, write_trackmate, write_tracks_csv
from perrin.mass.calibration import Calibration
from perrin.optics.psf import Psf
from perrin.report import tracking_figures as figures
from perrin.report.page.folders import OVERLAY
from perrin.results.folder import save_figures
from perrin.results.stored import read_table, restore, schema_of, store
from perrin.settings.tracking import LinkSettings, LocateSettings, MedianSettings, TrackingSettings
from perrin.tracking.appearance import Appearance
from perrin.tracking.clip import Clip
from perrin.tracking.drift import Drift
from perrin.tracking.errors import ErrorScale
from perrin.tracking.found import LABELS, SHAPE_COLUMNS, LocalizationResult, join
from perrin.tracking.lineage import lineage
from perrin.tracking.link import LinkingResult, Steps
from perrin.tracking.msd import msd_table
from perrin.tracking.noise import Noise
from perrin.tracking.shape import Shape
from perrin.tracking.stream import Seen
from perrin.tracking.track import TrackingResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KIND = "tracks"
_KNOWN = (
    Appearance,
    Calibration,
    Drift,
    ErrorScale,
    LinkingResult,
    LinkSettings,
    LocalizationResult,
    LocateSettings,
    MedianSettings,
    Noise,
    Psf,
    Seen,
    Shape,
    Steps,
    TrackingResult,
    TrackingSettings,
)
_TABLES = ("tracks", "particles", "positions")


def write_tracks(folder: Path, found: TrackingResult, *, draw: bool = True) -> None:
    """Write what came out of one movie into a folder.

    ``tracks.csv`` (for `perrin diffusion` and trackpy), ``tracks.xml`` (TrackMate),
    ``tracks.napari.npy``, ``particles.csv`` (a row a track), ``positions.csv`` (all located
    particles), ``lineage.csv``, ``msd.csv``, ``drift.csv``, figures, ``overlay.npz``
    (the pictures that the page draws the tracks on).
    """
    write_tracks_csv(found.tracks, folder / "tracks.csv")
    write_napari(found.tracks, folder / "tracks.napari.npy")
    write_trackmate(
        found.tracks,
        folder / "tracks.xml",
        pixel_nm=found.recorded["pixel_nm"],
        frame_interval_s=found.recorded["frame_interval_s"],
    )
    write_csv(found.particles, folder / "particles.csv")
    write_csv(found.positions, folder / "positions.csv")
    _lineage(found).to_csv(folder / "lineage.csv", index=False)
    msd = msd_table(
        found.tracks,
        pixel_nm=found.recorded["pixel_nm"],
        frame_interval_s=found.recorded["frame_interval_s"],
    )
    msd.to_csv(folder / "msd.csv", index=False)
    if found.drift is not None:
        np.savetxt(
            folder / "drift.csv",
            np.stack([found.drift.frame, found.drift.x, found.drift.y, found.drift.se], axis=1),
            delimiter=",",
            header="frame,x_px,y_px,se_px",
            comments="",
        )
    bare: dict[str, Any] = {name: schema_of(getattr(found, name)) for name in _TABLES}
    seen = replace(found.seen, located=join([]))  # the positions say the same
    store(folder, KIND, replace(found, **bare, seen=seen, clip=None), _KNOWN)
    if draw:
        save_figures(folder, _figures(found, msd))
    if found.clip is not None:
        np.savez(folder / OVERLAY, **vars(found.clip))


def read_tracks_folder(folder: Path) -> TrackingResult:
    """Return the result that was written."""
    bare: TrackingResult = restore(folder, _KNOWN)
    tables: dict[str, Any] = {
        name: read_table(folder / f"{name}.csv", getattr(bare, name)) for name in _TABLES
    }
    seen = replace(bare.seen, located=_located(tables["positions"]))
    return replace(bare, **tables, seen=seen, clip=_clip(folder / OVERLAY))


def _clip(path: Path) -> Clip | None:
    """Return the pictures of the movie; None where none were kept."""
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        return Clip(
            frame=stored["frame"],
            averaged=int(stored["averaged"]),
            low=float(stored["low"]),
            high=float(stored["high"]),
            start=stored["start"],
            data=stored["data"],
        )


def _located(positions: pd.DataFrame) -> LocalizationResult:
    """Return the located particles that a table of positions was made of."""
    label = [LABELS.index(one) for one in positions["label"]]
    columns = {
        name: positions[name].to_numpy(float)
        for name in ("x", "y", "x_se", "y_se", "contrast", "contrast_se", "noise")
    }
    return LocalizationResult(
        frame=positions["frame"].to_numpy(np.int64),
        angle=np.radians(positions["angle_deg"].to_numpy(float)),
        angle_se=np.radians(positions["angle_se_deg"].to_numpy(float)),
        label=np.array(label, np.int64),
        shape=positions[list(SHAPE_COLUMNS)].to_numpy(float),
        **columns,
    )


def summarize_tracks(found: TrackingResult) -> dict[str, Any]:
    """Return all figures of a tracked movie, units in the names."""
    seen, linked = found.seen.appearance, found.linked
    labels = found.positions["label"].replace("", "single").value_counts()
    changes = _lineage(found)["kind"]
    summary: dict[str, Any] = {
        "name": found.name,
        "read_as": found.read_as,
        "recorded": dict(found.recorded),
        "tracks": len(found.particles),
        "tracked_positions": len(found.tracks),
        "positions": {str(name): int(count) for name, count in labels.items()},
        "lineage": {kind: int((changes == kind).sum()) for kind in ("merge", "split")},
        "settings": found.settings.model_dump(mode="json"),
        "notes": list(found.notes),
    }
    if seen is not None:
        summary["appearance"] = {
            "sign": seen.sign,
            "radius_px": seen.radius_px,
            "length_px": None if seen.shape is None else 2 * seen.extent_px,
            "size_spread": seen.spread,
            "noise_grows_with_contrast": seen.kappa,
            "noise_correlation_of_neighbors": seen.noise.neighbors,
            "noise_correlation_in_time": seen.noise.in_time,
            "errors_over_those_of_white_noise": seen.scale.of_positions,
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


def _lineage(found: TrackingResult) -> pd.DataFrame:
    """Return the merges and splits of tracks."""
    reach = found.linked.search_px if found.linked is not None else 0.0
    return lineage(found.positions, within_px=reach)


def _figures(found: TrackingResult, msd: pd.DataFrame) -> dict[str, Figure]:
    pixel, interval = (float(found.recorded[name]) for name in ("pixel_nm", "frame_interval_s"))
    drawn = {"tracks": figures.tracks_over_mean(found, pixel_nm=pixel)}
    if (found.positions["label"] == "").any():
        drawn["errors"] = figures.errors_figure(found, pixel_nm=pixel)
    if found.linked is not None:
        drawn["links"] = figures.links_figure(found)
    if len(msd):
        drawn["msd"] = figures.msd_figure(msd)
    if found.drift is not None:
        drawn["drift"] = figures.drift_figure(found, pixel_nm=pixel, frame_interval_s=interval)
    if "mass_kda" in found.particles and len(found.particles):
        drawn["mass_and_diffusion"] = figures.mass_figure(found)
    return drawn
