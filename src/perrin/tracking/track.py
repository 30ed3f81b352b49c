"""The steps composed: from a movie of moving particles to tracks, and what each track says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.binned import binned
from perrin.io.given import MOVIE, check_opened
from perrin.io.held import held
from perrin.io.movie import Movie
from perrin.mass.calibration import Calibration, check_recorded
from perrin.notebook import Shown, rounded
from perrin.optics.psf import Psf
from perrin.settings.base import settings_from
from perrin.settings.tracking import ParticleKind, TrackingSettings
from perrin.tracking.appearance import Appearance
from perrin.tracking.clip import Clip, shown_clip
from perrin.tracking.common_motion import checked
from perrin.tracking.drift import Drift
from perrin.tracking.extent import extents
from perrin.tracking.found import EDGE, LABELS, MERGED, SHAPE_COLUMNS
from perrin.tracking.fragments import continues
from perrin.tracking.gaps import mark_neighbors_of_gaps
from perrin.tracking.likeness import Marks, marks_of
from perrin.tracking.link import LinkingResult, link
from perrin.tracking.notes import notes_of
from perrin.tracking.particles import describe_tracks, resting, with_masses, without
from perrin.tracking.shape import FLAT, HALF, WIDTH
from perrin.tracking.stream import Seen, see
from perrin.tracking.table import Recorded, of_tracks, tracks_of
from perrin.tracking.track_sizes import with_sizes
from perrin.types import Progress

_RECORDED = ("frame_interval_s", "pixel_nm", "instrument")  # what a calibration must share
_LEAST_PIXEL_NM = 22.0  # of a movie of molecules: with smaller ones no window holds their PSF
_CLEAR = 0.5  # of the positions of a track: with fewer above the threshold it is noise


@dataclass(frozen=True, repr=False)
class TrackingResult(Shown):
    """What came out of one movie.

    Attributes
    ----------
    name : str
        Name of the measurement.
    tracks : DataFrame
        A row a position: `perrin.diffusion.tables.TRACKS`, drift removed unless it was to be
        kept or is not significant (then `drift_x`, `drift_y` are 0).
    particles : DataFrame
        A row a track: how it moves, its contrast or mass (docs/tracking.md lists the columns).
    positions : DataFrame
        All located particles, linked or not, in the camera's pixels. Where two look like one,
        ``particle`` is the track that goes on there, and that track has a gap.
    linked : LinkingResult or None
        How they were linked; None where nothing was located.
    seen : Seen
        Appearance, mean background and drift.
    notes : tuple of str
        What a user should know.
    recorded : mapping
        ``frames``, ``frame_interval_s``, ``pixel_nm``, ``exposure`` and ``instrument``.
    read_as : str
        What was understood of the movie.
    source : Path or None
        The movie's file.
    seed : int
        Of the random numbers.
    clip : Clip or None
        Pictures of the movie, to draw tracks on.

    """

    name: str
    tracks: pd.DataFrame
    particles: pd.DataFrame
    positions: pd.DataFrame
    linked: LinkingResult | None
    seen: Seen
    settings: TrackingSettings
    calibration: Calibration | None
    notes: tuple[str, ...]
    recorded: Mapping[str, Any] = field(default_factory=dict)
    read_as: str = ""
    source: Path | None = None
    seed: int = 0
    clip: Clip | None = None

    def _facts(self) -> dict[str, str]:
        facts = {
            "name": self.name,
            "tracks": f"{len(self.particles)} of {self.settings.kind}",
            "positions": f"{len(self.tracks)} in tracks, {len(self.positions)} located",
        }
        if len(self.particles):
            error = float(self.particles["localisation_se_nm"].median())
            facts["localization error"] = rounded(error, "nm")
        return facts

    @property
    def drift(self) -> Drift | None:
        """Drift of the stage, where there was something to see it by."""
        return self.seen.drift


def track(
    movie: Movie,
    settings: TrackingSettings | ParticleKind,
    *,
    calibration: Calibration | None = None,
    check_calibration: bool = True,
    psf: Psf | None = None,
    seed: int = 0,
    overlay_frames: int = 500,
    progress: Progress | None = None,
) -> TrackingResult:
    """Turn a movie of moving particles into tracks: what `perrin track` does.

    Raises `PerrinError` for movies that cannot be tracked, for a calibration that does not fit.

    Parameters
    ----------
    movie : Movie
        Frames with their frame interval and pixel size. For molecules its landing sign says
        whether they are dark.
    settings : TrackingSettings or str
        What moves (``"rods"``, ``"spheres"``, ``"molecules"``), and how it is found and linked.
    calibration, check_calibration
        Turns the contrast of molecules into mass; one of another pixel, frame interval or
        instrument is refused, unless `check_calibration` is False.
    psf, seed : optional
        Of molecules: an empirical PSF instead of the analytic one. Of the random numbers: same
        movie, settings and seed, same result.
    overlay_frames : int
        Most frames that are kept, compressed, to draw the tracks on; 0: none.
    progress : callable, optional
        Called with the fraction done, 0 to 1.

    """
    check_opened(movie, MOVIE)
    if isinstance(settings, str):
        settings = settings_from(TrackingSettings, kind=settings)
    if calibration is not None:
        _check_calibration(calibration, movie, settings, recorded=check_calibration)
    movie = held(binned(movie, settings.bin))
    if settings.kind == "molecules":
        _check_optical(movie, given=psf is not None)
        psf = psf or Psf.analytic(pixel_nm=movie.pixel_nm)
        psf.check_pixel(movie.pixel_nm)
    seen = see(movie, settings, psf=psf, progress=progress)
    clip = shown_clip(movie, seen.mean, frames=overlay_frames)
    result = _tracks_of_what_was_seen(movie, seen, settings, calibration, seed=seed, clip=clip)
    if progress is not None:
        progress(1.0)
    return result


def _check_optical(movie: Movie, *, given: bool) -> None:
    """Raise `PerrinError` for pixels so small that these are no molecules seen by light."""
    if not given and movie.pixel_nm < _LEAST_PIXEL_NM:
        raise PerrinError(
            f"{movie.name}: molecules are seen by light, some 290 nm wide; pixels of "
            f"{movie.pixel_nm:.3g} nm are those of an electron microscope. Track with kind "
            "'spheres' or 'rods', or give the pixel size that it has."
        )


def _check_calibration(
    calibration: Calibration, movie: Movie, settings: TrackingSettings, *, recorded: bool
) -> None:
    if recorded:
        check_recorded(calibration, {name: getattr(movie, name) for name in _RECORDED})
    if settings.kind != "molecules":
        raise PerrinError(
            f"a calibration was given, but {settings.kind} are no molecules: contrast of gold is "
            "no mass. Leave the calibration out, or track with kind 'molecules'."
        )


def _tracks_of_what_was_seen(
    movie: Movie,
    seen: Seen,
    settings: TrackingSettings,
    calibration: Calibration | None,
    *,
    seed: int,
    clip: Clip | None,
) -> TrackingResult:
    """Link the positions, take the drift off, describe each track."""
    positions = _positions(seen)
    linked = None
    if len(positions):
        linked = _link(positions, movie, settings, seen)
        positions = _without_noise(positions, settings)
        mark_neighbors_of_gaps(positions, seen)
    if linked is not None:
        seen = replace(seen, drift=checked(seen.drift, of_tracks(positions)))
    drift = seen.drift
    removed = drift is not None and drift.significant and not settings.keep_drift
    tracks = tracks_of(positions, movie, settings, drift if removed else None)
    particles = described(tracks, positions, movie, settings, seen, linked, seed=seed)
    if not settings.keep_immobile:
        tracks = without(tracks, particles)
    if calibration is not None:
        tracks, particles = with_masses(tracks, particles, calibration)
    notes = [*movie.provenance.get("notes", ())] if settings.kind == "molecules" else []
    notes += notes_of(movie, settings, seen, positions, linked, tracks, particles, removed=removed)
    return TrackingResult(
        name=movie.measurement,
        tracks=tracks,
        particles=particles,
        positions=positions,
        linked=linked,
        seen=seen,
        settings=settings,
        calibration=calibration,
        notes=tuple(notes),
        recorded={
            "frames": movie.n_frames,
            "exposure": settings.exposure,
            **{name: getattr(movie, name) for name in _RECORDED},
        },
        read_as=movie.read_as,
        source=movie.path,
        seed=seed,
        clip=clip,
    )


def described(
    tracks: pd.DataFrame,
    positions: pd.DataFrame,
    movie: Recorded,
    settings: TrackingSettings,
    seen: Seen,
    linked: LinkingResult | None,
    *,
    seed: int,
) -> pd.DataFrame:
    """Return a row a track: how it moves, whether it rests, what it goes on from, its size."""
    rng = np.random.default_rng(seed)
    particles = describe_tracks(tracks, movie, settings, seen, rng=rng)
    particles["stationary"] = resting(tracks, particles, movie, seen)
    step = linked.steps.step_px if linked is not None else 0.0
    area = float(seen.mean.size)
    particles["continues"] = continues(tracks, particles, step_px=step, area_px=area)
    return with_sizes(particles, positions, seen, pixel_nm=movie.pixel_nm)


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
    table[list(SHAPE_COLUMNS)] = located.shape
    table["link_confidence"] = np.nan
    table["particle"] = np.int64(-1)
    return table


def _link(
    positions: pd.DataFrame, movie: Movie, settings: TrackingSettings, seen: Seen
) -> LinkingResult | None:
    """Fill in the track of each position.

    Two that look like one hold the place of one of them, so that its track does not go on
    elsewhere; they do not count towards its length. Edges of the support are linked to nothing.
    """
    label = positions["label"].to_numpy()
    rows = np.flatnonzero(label != LABELS[EDGE])
    single = label[rows] != LABELS[MERGED]
    if not single.any():
        return None
    linked = link(
        positions["frame"].to_numpy(np.int64)[rows],
        positions["x"].to_numpy(float)[rows],
        positions["y"].to_numpy(float)[rows],
        area_px=float(movie.height * movie.width),
        settings=settings.link,
        marks=_marks(positions.iloc[rows], seen.appearance),
    )
    counts = np.bincount(linked.particle, weights=single)
    kept = np.flatnonzero(counts >= settings.link.min_positions)
    number = np.full(len(counts), -1, np.int64)
    number[kept] = np.arange(len(kept))
    positions.loc[rows, "particle"] = number[linked.particle]
    positions.loc[rows, "link_confidence"] = 1 - linked.ambiguity
    return linked


def _marks(positions: pd.DataFrame, look: Appearance | None) -> Marks:
    """Return what tells the particles of N positions apart: direction, contrast, size."""
    assert look is not None  # noqa: S101 - something was located
    extent = None
    if look.varied:
        values = np.zeros((len(positions), 8))
        values[:, [HALF, WIDTH, FLAT]] = positions[list(SHAPE_COLUMNS)]
        extent = extents(values)
    return marks_of(
        positions["contrast"].to_numpy(float),
        np.radians(positions["angle_deg"].to_numpy(float)),
        extent,
        known=(positions["label"] != LABELS[MERGED]).to_numpy(),
    )


def _without_noise(positions: pd.DataFrame, settings: TrackingSettings) -> pd.DataFrame:
    """Return the positions without those that are weak and in no track of clear ones."""
    clear = positions["contrast"].abs() > settings.locate.threshold * positions["contrast_se"]
    fraction = clear.groupby(positions["particle"]).transform("mean")
    positions.loc[fraction < _CLEAR, "particle"] = -1
    kept = positions[clear | (positions["particle"] >= 0)].reset_index(drop=True)
    known, number = np.unique(kept["particle"], return_inverse=True)
    kept["particle"] = number - int((known < 0).any())
    return kept
