"""The steps composed: from a movie of moving particles to tracks, and what each track says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.diffusion.classical import brownian_diffusion
from perrin.diffusion.tables import TRACKS
from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.mass.calibration import Calibration
from perrin.optics.psf import Psf
from perrin.settings.tracking import TrackingSettings
from perrin.tracking.drift import Drift
from perrin.tracking.link import AMBIGUOUS, MOST_MEMORY, Linked, link
from perrin.tracking.locate import LABELS
from perrin.tracking.mass import (
    blur_factor,
    find_step,
    holm,
    mean_contrast,
    motion_blur_px,
)
from perrin.tracking.stream import Progress, Seen, see

FloatArray = NDArray[np.float64]

_MERGED, _TOUCHING = LABELS.index("merged"), LABELS.index("touching")
_SEED = 20_261  # of the orders in which contrasts are shuffled
_SIGNIFICANT = 0.05
_RESTS = 3.0  # localisation errors: a track that stays within them rests


@dataclass(frozen=True)
class Tracked:
    """What came out of one movie.

    Attributes
    ----------
    name : str
        Name of the measurement.
    tracks : DataFrame
        A row a position: `perrin.diffusion.tables.TRACKS`, drift removed unless it was to be
        kept (then `drift_x`, `drift_y` are 0).
    particles : DataFrame
        A row a track: `perrin.tracking.track.PARTICLES`.
    positions : DataFrame
        All located particles, linked or not, in the camera's pixels.
    linked : Linked or None
        How they were linked; None where nothing was located.
    seen : Seen
        Appearance, mean background and drift.
    notes : tuple of str
        What a user should know.

    """

    name: str
    tracks: pd.DataFrame
    particles: pd.DataFrame
    positions: pd.DataFrame
    linked: Linked | None
    seen: Seen
    settings: TrackingSettings
    calibration: Calibration | None
    notes: tuple[str, ...]

    @property
    def drift(self) -> Drift | None:
        """Drift of the stage, where there was structure to see it by."""
        return self.seen.drift


def track(
    movie: Movie,
    *,
    settings: TrackingSettings,
    psf: Psf | None = None,
    calibration: Calibration | None = None,
    progress: Progress | None = None,
) -> Tracked:
    """Turn a movie of moving particles into tracks.

    Parameters
    ----------
    movie : Movie
        Frames with their frame interval and pixel size. For molecules its landing sign says
        whether they are dark.
    settings : TrackingSettings
        What moves, and how it is found and linked.
    psf : Psf, optional
        Of molecules: an empirical one; by default the analytic one.
    calibration : Calibration, optional
        Turns the contrast of molecules into mass.
    progress : callable, optional
        Called with the share done, 0 to 1.

    Raises
    ------
    PerrinError
        For movies that cannot be tracked: without light, without change, with more particles
        than the field can hold, or where trackpy is not installed.

    """
    if calibration is not None and settings.kind != "molecules":
        raise PerrinError(
            f"a calibration was given, but {settings.kind} are no molecules: contrast of gold is "
            "no mass. Leave the calibration out, or track with kind 'molecules'."
        )
    if settings.kind == "molecules":
        psf = psf or Psf.analytic(pixel_nm=movie.pixel_nm)
        psf.check_pixel(movie.pixel_nm)
    seen = see(movie, settings, psf=psf, progress=progress)
    positions = _positions(seen)
    linked = None
    if len(positions):
        linked = _link(positions, movie, settings)
        _mark_neighbors_of_gaps(positions, seen)
    drift = seen.drift
    removed = drift is not None and drift.significant and not settings.keep_drift
    tracks = _tracks(positions, movie, settings, drift if removed else None)
    particles = _particles(tracks, movie, settings, seen)
    if calibration is not None:
        tracks, particles = _weigh(tracks, particles, calibration)
    notes = [*movie.provenance.get("notes", ())] if settings.kind == "molecules" else []
    notes += _notes(movie, settings, seen, positions, linked, tracks, particles, removed=removed)
    if progress is not None:
        progress(1.0)
    return Tracked(
        name=movie.measurement,
        tracks=tracks,
        particles=particles,
        positions=positions,
        linked=linked,
        seen=seen,
        settings=settings,
        calibration=calibration,
        notes=tuple(notes),
    )


def _positions(seen: Seen) -> pd.DataFrame:
    located = seen.located
    table = pd.DataFrame(
        {
            "frame": located.frame,
            "x": located.x,
            "y": located.y,
            "x_se": located.x_se,
            "y_se": located.y_se,
            "contrast": located.contrast,
            "contrast_se": located.contrast_se,
            "angle_deg": np.degrees(located.angle),
            "angle_se_deg": np.degrees(located.angle_se),
            "noise": located.noise,
            "label": np.array(LABELS, dtype=object)[located.label],
        }
    )
    table["particle"] = np.int64(-1)
    return table


def _link(positions: pd.DataFrame, movie: Movie, settings: TrackingSettings) -> Linked | None:
    """Fill in the track of each position; two that look like one belong to none."""
    rows = np.flatnonzero(positions["label"] != LABELS[_MERGED])
    if not rows.size:
        return None
    part = positions.iloc[rows]
    linked = link(
        part["frame"].to_numpy(np.int64),
        part["x"].to_numpy(float),
        part["y"].to_numpy(float),
        area_px=float(movie.height * movie.width),
        settings=settings.link,
    )
    particle = np.full(len(positions), -1, np.int64)
    particle[rows] = linked.particle
    counts = np.bincount(linked.particle)
    kept = np.flatnonzero(counts >= settings.link.min_positions)
    number = np.full(len(counts), -1, np.int64)
    number[kept] = np.arange(len(kept))
    positions["particle"] = np.where(particle >= 0, number[particle], -1)
    return linked


def _mark_neighbors_of_gaps(positions: pd.DataFrame, seen: Seen) -> None:
    """Mark as touching what is where a particle is missing: its image may hold both.

    A missing particle is looked for where the straight line between both ends of a gap has it,
    and for some frames where its track ends or before it begins.
    """
    from scipy.spatial import cKDTree

    assert seen.appearance is not None  # noqa: S101 - something was located
    within = 2 * seen.appearance.extent_px
    tracked = positions[positions["particle"] >= 0]
    last = int(positions["frame"].max())
    gone = [_gap_places(part, last) for _, part in tracked.groupby("particle")]
    places = np.concatenate([part for part in gone if len(part)] or [np.empty((0, 3))])
    if not len(places):
        return
    apart = 2 * within + 1
    here = positions[["x", "y", "frame"]].to_numpy(float) * (1, 1, apart)
    near = cKDTree(here).query_ball_point(places * (1, 1, apart), within)
    rows = np.unique(np.concatenate([np.asarray(found, np.int64) for found in near]))
    rows = rows[(positions["label"].to_numpy()[rows] == "")]
    labels = positions["label"].to_numpy(dtype=object, copy=True)
    labels[rows] = LABELS[_TOUCHING]
    positions["label"] = labels


def _gap_places(part: pd.DataFrame, last: int) -> FloatArray:
    """Return x, y and frame of the frames that a track misses, (M, 3)."""
    frame = part["frame"].to_numpy(np.int64)
    first, stop = max(0, frame[0] - MOST_MEMORY), min(last, frame[-1] + MOST_MEMORY) + 1
    missing = np.setdiff1d(np.arange(first, stop), frame)
    x, y = (np.interp(missing, frame, part[name].to_numpy(float)) for name in "xy")
    return np.stack([x, y, missing.astype(float)], axis=1)


def _tracks(
    positions: pd.DataFrame, movie: Movie, settings: TrackingSettings, drift: Drift | None
) -> pd.DataFrame:
    """Return the table of tracks: sorted, angles continuous, drift taken off."""
    table = positions[positions["particle"] >= 0].sort_values(
        ["particle", "frame"], ignore_index=True
    )
    table["touching"] = table["label"] == LABELS[_TOUCHING]
    moved = drift.at(table["frame"].to_numpy(np.int64)) if drift is not None else (0.0, 0.0)
    table["drift_x"], table["drift_y"] = moved
    table["x"] -= table["drift_x"]
    table["y"] -= table["drift_y"]
    if settings.kind == "rods":
        table["angle_deg"] = _continuous(table)
    table["pixel_nm"] = movie.pixel_nm
    table["frame_interval_s"] = movie.frame_interval_s
    if settings.exposure is not None:
        table["exposure"] = settings.exposure
    known = [column.name for column in TRACKS if column.name in table.columns]
    if settings.kind != "rods":
        known = [name for name in known if not name.startswith("angle")]
    table = table[known]
    table.attrs = {
        "length_unit": "px",
        "pixel_nm": movie.pixel_nm,
        "frame_interval_s": movie.frame_interval_s,
        "exposure": settings.exposure,
    }
    return table


def _continuous(table: pd.DataFrame) -> FloatArray:
    """Return angles without jumps: a rod looks the same after half a turn."""
    angle = table["angle_deg"].to_numpy(float).copy()
    first = np.flatnonzero(np.diff(table["particle"], prepend=-1))
    for a, b in zip(first, [*first[1:], len(table)], strict=True):
        angle[a:b] = np.degrees(np.unwrap(2 * np.radians(angle[a:b]))) / 2
    return angle


def _particles(
    tracks: pd.DataFrame, movie: Movie, settings: TrackingSettings, seen: Seen
) -> pd.DataFrame:
    """Return a row a track: length, errors, diffusion coefficient, contrast and its steps."""
    rng = np.random.default_rng(_SEED)
    rows = [_particle(part, movie, settings, seen, rng) for _, part in tracks.groupby("particle")]
    table = pd.DataFrame(rows, columns=None if rows else ["particle", "positions", "rests"])
    if "step_p" in table:
        known = table["step_p"].notna().to_numpy()
        corrected = np.full(len(table), np.nan)
        corrected[known] = holm(table.loc[known, "step_p"].to_numpy(float))
        table["step_p"] = corrected
    return table


def _particle(
    part: pd.DataFrame,
    movie: Movie,
    settings: TrackingSettings,
    seen: Seen,
    rng: np.random.Generator,
) -> dict[str, object]:
    frame = part["frame"].to_numpy(np.int64)
    places = part[["x", "y"]].to_numpy(float)
    error = float(np.sqrt((part[["x_se", "y_se"]].to_numpy(float) ** 2).mean()))
    index = frame - frame[0]
    seen_frames = np.zeros(index[-1] + 1, bool)
    seen_frames[index] = True
    filled = np.zeros((len(seen_frames), 2))
    filled[index] = places
    found = brownian_diffusion(filled, seen_frames, noise_sigma=error)
    unit = (movie.pixel_nm / 1000) ** 2 / movie.frame_interval_s
    row: dict[str, object] = {
        "particle": int(part["particle"].iloc[0]),
        "frame_start": int(frame[0]),
        "frame_stop": int(frame[-1]) + 1,
        "positions": len(frame),
        "touching": int(part["touching"].sum()),
        "localisation_se_nm": error * movie.pixel_nm,
        "D_um2_per_s": found.D * unit,
        "D_se_um2_per_s": found.D_se * unit,
        "rests": bool((places.std(axis=0) < _RESTS * error).all()),
    }
    clean = part.loc[~part["touching"]]
    values = clean["contrast"].to_numpy(float)
    blur = 1.0
    appearance = seen.appearance
    if settings.exposure is not None and appearance is not None and appearance.psf is not None:
        spread = motion_blur_px(2 * found.D, exposure=settings.exposure)
        blur = blur_factor(appearance.psf, blur_px=spread)
    level = mean_contrast(values, blur=blur)
    row |= {"contrast": level.contrast, "contrast_se": level.contrast_se}
    if settings.kind == "molecules":
        row["blur_factor"] = blur
        step = find_step(clean["frame"].to_numpy(np.int64), values / blur, rng=rng)
        row |= {
            "step_frame": np.nan if step is None else step.frame,
            "step_contrast": np.nan if step is None else step.change,
            "step_contrast_se": np.nan if step is None else step.change_se,
            "step_p": np.nan if step is None else step.p_value,
        }
    return row


def _weigh(
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


def _notes(
    movie: Movie,
    settings: TrackingSettings,
    seen: Seen,
    positions: pd.DataFrame,
    linked: Linked | None,
    tracks: pd.DataFrame,
    particles: pd.DataFrame,
    *,
    removed: bool,
) -> list[str]:
    """Return what a user should know, a sentence each."""
    if seen.appearance is None or linked is None:
        return [
            f"no particle found in {movie.n_frames} frames: nothing stands out by "
            f"{settings.locate.threshold:g} times the noise. Look at the movie, check --contrast "
            "and --kind, or lower --threshold"
        ]
    notes = []
    if settings.contrast is None and settings.kind != "molecules":
        told = "darker" if seen.appearance.sign < 0 else "brighter"
        notes.append(f"particles are {told} than their surroundings, by the look of the movie")
    merged = int((positions["label"] == LABELS[_MERGED]).sum())
    if merged:
        notes.append(
            f"{merged} of {len(positions)} positions look like two particles in one; they belong "
            "to no track (label 'merged' in positions.csv)"
        )
    if linked.wrong_share > AMBIGUOUS:
        notes.append(
            f"linking is ambiguous: about {linked.wrong_share:.0%} of the links are wrong (steps "
            f"of {linked.steps.step_px:.2g} px, {linked.steps.spacing_px:.2g} px from particle to "
            "particle). Record fewer particles or more frames a second"
        )
    short = len(np.unique(linked.particle)) - len(particles)
    if short:
        notes.append(
            f"{short} tracks of fewer than {settings.link.min_positions} positions are left out"
        )
    notes += _background_notes(movie, settings, seen, particles)
    if seen.drift is None:
        notes.append("the support has no structure to see a drift of the stage by")
    elif removed:
        far = float(np.hypot(seen.drift.x, seen.drift.y).max() * movie.pixel_nm)
        notes.append(f"the stage drifts by up to {far:.3g} nm; taken off (--keep-drift leaves it)")
    if settings.exposure is None:
        notes.append("the exposure was not given, so motion blur is not known (--exposure)")
    return notes


def _background_notes(
    movie: Movie, settings: TrackingSettings, seen: Seen, particles: pd.DataFrame
) -> list[str]:
    half = min(settings.median.window_frames, movie.n_frames) // 2
    notes = []
    if settings.kind == "molecules":
        notes.append(
            f"a molecule that rests for more than {half} frames is part of the background and not "
            f"seen; {seen.ghosts} spots of the opposite contrast were left by such"
        )
        if seen.unsettled > 0.01:
            notes.append(
                f"the sum of all contrasts still grew by {seen.unsettled:.1%} in the last round: "
                "molecules are slow against the background's window; raise --window-frames"
            )
    elif len(particles):
        rests = int((particles["rests"] & (particles["positions"] > half)).sum())
        if rests:
            notes.append(
                f"{rests} particles rest for more than {half} frames; they were kept out of the "
                "background and are tracked (column 'rests' in particles.csv)"
            )
    return notes
