"""What each track says: how it moves, its contrast or mass, and whether that changes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.diffusion.classical import covariance_estimator
from perrin.mass.calibration import Calibration
from perrin.settings.tracking import TrackingSettings
from perrin.tracking.mass import blur_factor, find_step, holm, mean_contrast, motion_blur_px
from perrin.tracking.stream import Seen
from perrin.tracking.table import Recorded
from perrin.types import Array, BoolArray

_LEAST_FRAMES = 20  # of a movie that shows that something rests
_IMMOBILE = 3.0  # localization errors: a track that stays within them rests


def describe_tracks(
    tracks: pd.DataFrame,
    movie: Recorded,
    settings: TrackingSettings,
    seen: Seen,
    *,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return a row a track: length, errors, diffusion coefficient, contrast and its steps.

    rng: of the orders in which contrasts are shuffled to see whether a step is one.
    """
    names = ("particle", "frame", "x", "y", "x_se", "y_se", "contrast", "touching")
    columns = {name: tracks[name].to_numpy() for name in names}
    first = np.flatnonzero(np.diff(columns["particle"], prepend=-1))
    parts = zip(*(np.split(column, first[1:]) for column in columns.values()), strict=True)
    rows = [
        _particle(dict(zip(names, part, strict=True)), movie, settings, seen, rng)
        for part in (parts if len(tracks) else ())
    ]
    table = pd.DataFrame(rows, columns=None if rows else ["particle", "positions", "immobile"])
    if "step_p" in table:
        known = table["step_p"].notna().to_numpy()
        corrected = np.full(len(table), np.nan)
        corrected[known] = holm(table.loc[known, "step_p"].to_numpy(float))
        table["step_p"] = corrected
    return table


def resting(
    tracks: pd.DataFrame, particles: pd.DataFrame, movie: Recorded, seen: Seen
) -> BoolArray:
    """Return which tracks (N,) rest for most of the movie while others move: debris, stuck ones.

    Tracks that rest in one place are one thing, however often it was lost.
    """
    if not len(particles):
        return np.zeros(0, bool)
    still = particles["immobile"].to_numpy(bool)
    if still.all() or seen.appearance is None or movie.n_frames < _LEAST_FRAMES:
        return np.zeros(len(particles), bool)
    places = tracks.groupby("particle")[["x", "y"]].mean().to_numpy()
    counts = np.where(still, particles["positions"].to_numpy(), 0)
    near = np.hypot(*(places[:, None, k] - places[None, :, k] for k in (0, 1)))
    total = (near < seen.appearance.radius_px) @ counts
    found: BoolArray = still & (total > movie.n_frames / 2)
    return found


def without(tracks: pd.DataFrame, particles: pd.DataFrame) -> pd.DataFrame:
    """Return the tracks without those of what rests."""
    gone = (
        particles.loc[particles["stationary"].to_numpy(bool), "particle"] if len(particles) else ()
    )
    kept = tracks[~tracks["particle"].isin(gone)].reset_index(drop=True)
    kept.attrs = tracks.attrs
    return kept


def _particle(
    part: dict[str, Array],
    movie: Recorded,
    settings: TrackingSettings,
    seen: Seen,
    rng: np.random.Generator,
) -> dict[str, object]:
    frame = part["frame"].astype(np.int64)
    places = np.stack([part["x"], part["y"]], axis=1)
    error = float(np.sqrt((np.stack([part["x_se"], part["y_se"]]) ** 2).mean()))
    index = frame - frame[0]
    seen_frames = np.zeros(index[-1] + 1, bool)
    seen_frames[index] = True
    filled = np.zeros((len(seen_frames), 2))
    filled[index] = places
    found = covariance_estimator(filled, seen_frames, noise_sigma=error)
    unit = (movie.pixel_nm / 1000) ** 2 / movie.frame_interval_s
    row: dict[str, object] = {
        "particle": int(part["particle"][0]),
        "frame_start": int(frame[0]),
        "frame_stop": int(frame[-1]) + 1,
        "positions": len(frame),
        "touching": int(part["touching"].sum()),
        "localisation_se_nm": error * movie.pixel_nm,
        "D_um2_per_s": found.D * unit,
        "D_se_um2_per_s": found.D_se * unit,
        "immobile": bool((places.std(axis=0) < _IMMOBILE * error).all()),
    }
    clean = ~part["touching"].astype(bool)
    values = part["contrast"][clean]
    blur = 1.0
    appearance = seen.appearance
    if settings.exposure is not None and appearance is not None and appearance.psf is not None:
        spread = motion_blur_px(2 * found.D, exposure=settings.exposure)
        blur = blur_factor(appearance.psf, blur_px=spread)
    level = mean_contrast(values, blur=blur)
    row |= {"contrast": level.contrast, "contrast_se": level.contrast_se}
    if settings.kind == "molecules":
        row["blur_factor"] = blur
        step = find_step(frame[clean], values / blur, rng=rng)
        row |= {
            "step_frame": np.nan if step is None else step.frame,
            "step_contrast": np.nan if step is None else step.change,
            "step_contrast_se": np.nan if step is None else step.change_se,
            "step_p": np.nan if step is None else step.p_value,
        }
    return row


def with_masses(
    tracks: pd.DataFrame, particles: pd.DataFrame, calibration: Calibration
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add masses to the positions and to the tracks."""
    attrs = tracks.attrs
    contrast = tracks["contrast"].to_numpy(float)
    mass = pd.DataFrame(
        {
            "mass_kda": calibration.mass_kda(contrast),
            "mass_se_kda": calibration.mass_se_kda(contrast, tracks["contrast_se"].to_numpy(float)),
        }
    )
    at = list(tracks.columns).index("contrast_se") + 1
    tracks = pd.concat([tracks.iloc[:, :at], mass, tracks.iloc[:, at:]], axis=1)
    tracks.attrs = attrs
    if not len(particles):
        return tracks, particles
    level = particles["contrast"].to_numpy(float)
    particles = particles.assign(
        mass_kda=calibration.mass_kda(level),
        mass_se_kda=calibration.mass_se_kda(level, particles["contrast_se"].to_numpy(float)),
        step_kda=particles["step_contrast"] / calibration.gradient_per_kda,
        step_se_kda=particles["step_contrast_se"] / abs(calibration.gradient_per_kda),
    )
    return tracks, particles
