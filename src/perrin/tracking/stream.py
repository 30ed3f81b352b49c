"""A movie to located particles: background and locating in turn, a block of frames at a time.

Particles are first found in the samples of the running median (`perrin.tracking.samples`) and
divided out of them. Memory is that of a window of samples and a block of frames, however long
the movie is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from perrin.io.movie import Movie
from perrin.optics.psf import Psf
from perrin.settings.tracking import TrackingSettings
from perrin.threads import in_threads
from perrin.tracking.appearance import Appearance
from perrin.tracking.background import Block, backgrounds
from perrin.tracking.clean import cleaner, free_of_particles, refuse_crowds
from perrin.tracking.crossings import through_crossings
from perrin.tracking.drift import Drift, Registration
from perrin.tracking.found import LocalizationResult, join
from perrin.tracking.locate import locate
from perrin.tracking.samples import Studied, prepared, study
from perrin.tracking.support import relief, without_edges
from perrin.types import Array, Float32Array, FloatArray, Progress

_AT_ONCE = 1 << 21  # pixels located at once: few, for the cache
_FRACTION_OF_CLEANING = 0.15  # of the time, for the progress bar
_GHOST = 0.6  # of the usual contrast, with the opposite sign


@dataclass(frozen=True)
class Seen:
    """All located particles of a movie.

    Attributes
    ----------
    located : LocalizationResult
        In order of frames.
    appearance : Appearance or None
        What they look like; None where none was found.
    mean : (Y, X)
        Mean background of the movie, relative.
    ghosts : int
        Molecules: spots of the opposite contrast, in all frames together. One is left where a
        molecule that was taken for background goes away.
    unsettled : float
        Molecules: relative change of their contrast in the last round of cleaning.
    drift : Drift or None
        Of the stage, where there is structure to see it by.

    """

    located: LocalizationResult
    appearance: Appearance | None
    mean: Float32Array
    ghosts: int
    unsettled: float
    drift: Drift | None


def see(
    movie: Movie, settings: TrackingSettings, *, psf: Psf | None, progress: Progress | None = None
) -> Seen:
    """Locate the particles of every frame.

    Raises `PerrinError` for frames without light, frames that do not change at all, and for
    more particles than the field can hold.
    """
    studied = study(
        movie,
        settings,
        psf=psf,
        progress=lambda done: _say(progress, _FRACTION_OF_CLEANING * done),
    )
    if studied is None:
        return _nothing(movie, settings)
    appearance = studied.appearance
    mean, change = np.zeros((2, movie.height, movie.width))
    registration = Registration()
    behind: list[Block] = []
    stretches = _stretches(movie, settings, studied, mean, change, registration, behind)
    parts: list[LocalizationResult] = []
    ghosts = 0

    def work(stretch: _Stretch) -> tuple[LocalizationResult, int, int]:
        frames = prepared(stretch.raw, stretch.background, appearance)
        found = locate(frames, seen=appearance, threshold=settings.locate.threshold)
        numbers = stretch.first + np.arange(len(frames))
        refuse_crowds(found, numbers, movie, appearance)
        others = 0
        if settings.kind == "molecules" and len(found):
            others = _ghosts(frames, found, appearance, settings)
        return replace(found, frame=numbers[found.frame]), others, int(numbers[-1]) + 1

    for part, others, stop in in_threads(work, stretches):
        parts.append(part)
        ghosts += others
        _say(progress, _FRACTION_OF_CLEANING + (1 - _FRACTION_OF_CLEANING) * stop / movie.n_frames)
    located = join(parts)
    if settings.kind != "molecules":
        located = without_edges(located, change, appearance)
        located = _told_apart(located, movie, behind, appearance)
    return Seen(
        located=located,
        appearance=appearance,
        mean=mean.astype(np.float32),
        ghosts=ghosts,
        unsettled=studied.unsettled,
        drift=registration.drift() or _of_support(studied),
    )


def _told_apart(
    located: LocalizationResult, movie: Movie, behind: list[Block], seen: Appearance
) -> LocalizationResult:
    """Return what was located, with particles that lie across each other told apart."""

    def frame_of(frame: int) -> Float32Array:
        block = next(block for block in behind if frame < block.stop)
        return prepared(movie.frames[frame : frame + 1], block.image, seen)

    field = (movie.height, movie.width)
    return through_crossings(located, frame_of, field=field, seen=seen)


def _of_support(studied: Studied) -> Drift | None:
    """Return the drift by the support with whatever rests in it.

    Edges that move look like particles, and debris is divided out as such: without them nothing
    of the support may be left.
    """
    registration = Registration()
    for image, frame in studied.support:
        registration.add(image, free=np.ones(image.shape, bool), frame=frame)
    return registration.drift()


def _nothing(movie: Movie, settings: TrackingSettings) -> Seen:
    """No particle, and the mean background."""
    mean = np.zeros((movie.height, movie.width), np.float32)
    for block in backgrounds(movie, settings.median):
        mean += block.image * np.float32((block.stop - block.first) / movie.n_frames)
    return Seen(join([]), None, mean, 0, 0.0, None)


@dataclass(frozen=True)
class _Stretch:
    """Frames from `first` on, (T, Y, X), and their background (Y, X)."""

    first: int
    raw: Array
    background: Float32Array


def _stretches(
    movie: Movie,
    settings: TrackingSettings,
    studied: Studied,
    mean: FloatArray,
    change: FloatArray,
    registration: Registration,
    behind: list[Block],
) -> Iterator[_Stretch]:
    """Yield the movie, a few frames at a time.

    The mean background, the largest change of the backgrounds nearby, the drift and the backgrounds
    themselves (of gold) are taken in.
    """
    step = max(1, _AT_ONCE // mean.size)
    seen, known = studied.appearance, studied.known
    for block in backgrounds(movie, settings.median, clean=cleaner(known, seen)):
        mean += block.image * ((block.stop - block.first) / movie.n_frames)
        if settings.kind != "molecules":
            np.maximum(change, relief(block.image, seen), out=change)
            behind.append(replace(block, own=None))
        if block.own is not None:
            inside = [found for frame, found in known.items() if block.first <= frame < block.stop]
            if settings.kind == "molecules":  # fainter than the structure of the glass
                inside = []
            free = free_of_particles(inside, block.image.shape, seen)
            registration.add(block.own, free=free, frame=block.middle)
        for first in range(block.first, block.stop, step):
            raw = movie.frames[first : min(block.stop, first + step)]
            yield _Stretch(first, raw, block.image)


def _ghosts(
    frames: Float32Array, found: LocalizationResult, seen: Appearance, settings: TrackingSettings
) -> int:
    """Count the spots with the opposite of the usual contrast."""
    usual = float(np.median(np.abs(found.contrast)))
    other = locate(-frames, seen=seen, threshold=settings.locate.threshold)
    return int((np.abs(other.contrast) > _GHOST * usual).sum())


def _say(progress: Progress | None, done: float) -> None:
    if progress is not None:
        progress(done)
