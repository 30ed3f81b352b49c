"""A movie to located particles: background and locating in turn, a block of frames at a time.

Gold is bulky and its support smooth: the first background is that of its surroundings, so that
particles at rest are seen like all others. Molecules are fainter than the speckle of the glass:
only what moves is seen, against a median over time. Then the particles found in the samples of
the running median are divided out of them, and the median is taken again. Memory is that of a
window of samples and a block of frames, however long the movie is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.optics.psf import HALF_WIDTH_PX, Psf, evaluate
from perrin.settings.tracking import TrackingSettings
from perrin.threads import in_threads
from perrin.tracking.appearance import Appearance, learn
from perrin.tracking.background import (
    Block,
    Clean,
    backgrounds,
    contrast,
    sample_frames,
    surroundings,
    tiles_of,
)
from perrin.tracking.drift import Drift, Registration
from perrin.tracking.locate import LocalizationResult, join, locate
from perrin.tracking.shape import ANGLE, FLAT, HALF, WIDTH, A, X, Y, add_shapes
from perrin.types import Array, BoolArray, Float32Array, FloatArray, IntArray, Progress

_MOST_CLEANINGS = 8
_SETTLED = 0.005  # relative change of the contrast, or of the number, that is little enough
_LEARNED_FROM = 24  # frames
_FEW_SAMPLES = 5
_AT_ONCE = 1 << 21  # pixels located at once: few, for the cache
_FRACTION_OF_CLEANING = 0.15  # of the time, for the progress bar
_SIGMA_OF_WIDTH = 0.3
_FULL = 0.9  # of the field covered by particles: nobody tells them apart
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
    tiles = _tiles(movie, settings)
    appearance = _learn(movie, settings, psf, tiles)
    if appearance is None:
        nothing = np.zeros((movie.height, movie.width), np.float32)
        for block in backgrounds(movie, settings.median):
            nothing += block.image * np.float32((block.stop - block.first) / movie.n_frames)
        return Seen(join([]), None, nothing, 0, 0.0, None)
    known, unsettled = _known(movie, settings, appearance, tiles, progress)
    mean = np.zeros((movie.height, movie.width))
    registration = Registration()
    stretches = _stretches(movie, settings, appearance, known, mean, registration)
    parts: list[LocalizationResult] = []
    ghosts = 0

    def work(stretch: _Stretch) -> tuple[LocalizationResult, int, int]:
        frames = contrast(stretch.raw, stretch.background, sign=appearance.sign)
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
    return Seen(
        located=join(parts),
        appearance=appearance,
        mean=mean.astype(np.float32),
        ghosts=ghosts,
        unsettled=unsettled,
        drift=registration.drift(),
    )


@dataclass(frozen=True)
class _Stretch:
    """Frames from `first` on, (T, Y, X), and their background (Y, X)."""

    first: int
    raw: Array
    background: Float32Array


def _stretches(
    movie: Movie,
    settings: TrackingSettings,
    appearance: Appearance,
    known: dict[int, LocalizationResult],
    mean: FloatArray,
    registration: Registration,
) -> Iterator[_Stretch]:
    """Yield the movie, a few frames at a time; the mean background and the drift are taken in."""
    step = max(1, _AT_ONCE // mean.size)
    for block in backgrounds(movie, settings.median, clean=_cleaner(known, appearance)):
        mean += block.image * ((block.stop - block.first) / movie.n_frames)
        if block.own is not None:
            free = _free_of_particles(known, block, appearance)
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


@dataclass(frozen=True)
class _Tiles:
    """Of gold: medians (J, I) of the tiles of the background of frames first to stop."""

    first: int
    stop: int
    medians: FloatArray


def _tiles(movie: Movie, settings: TrackingSettings) -> list[_Tiles]:
    """Look at the surroundings of gold once for all; none for molecules."""
    if settings.kind == "molecules":
        return []
    few = min(settings.median.samples, _FEW_SAMPLES)  # they are smooth: little noise is left
    blocks = backgrounds(movie, settings.median.model_copy(update={"samples": few}))
    return list(
        in_threads(lambda block: _Tiles(block.first, block.stop, tiles_of(block.image)), blocks)
    )


def _first_backgrounds(
    movie: Movie, settings: TrackingSettings, tiles: list[_Tiles], clean: Clean | None = None
) -> Iterator[tuple[range, Float32Array]]:
    """Yield frames and what particles are first seen against: surroundings, or the median."""
    for part in tiles:
        image = surroundings(part.medians, (movie.height, movie.width))
        yield range(part.first, part.stop), image
    if settings.kind == "molecules":
        for block in backgrounds(movie, settings.median, clean=clean):
            yield range(block.first, block.stop), block.image


def _learn(
    movie: Movie, settings: TrackingSettings, psf: Psf | None, tiles: list[_Tiles]
) -> Appearance | None:
    """Look at some frames, spread over the movie."""
    step = max(1, len(sample_frames(movie.n_frames, settings.median)) // _LEARNED_FROM)
    wanted = set(sample_frames(movie.n_frames, settings.median)[::step].tolist())
    images: list[Float32Array] = []
    for here, image in _first_backgrounds(movie, settings, tiles):
        images += [
            contrast(movie.frames[frame : frame + 1], image, sign=1)[0]
            for frame in sorted(wanted & set(here))
        ]
    frames = np.stack(images)
    if not frames.any():
        raise PerrinError(
            f"{movie.name}: the frames are all alike, down to the last count. "
            "A recorded movie has noise; is this a picture that was repeated?"
        )
    sign = {"dark": -1, "bright": 1, None: None}[settings.contrast]
    width = settings.locate.width_nm
    return learn(
        frames,
        kind=settings.kind,
        sign=sign if sign or settings.kind != "molecules" else movie.landing_sign,
        threshold=settings.locate.threshold,
        psf=psf,
        sigma_px=None if width is None else _SIGMA_OF_WIDTH * width / movie.pixel_nm,
    )


def _known(
    movie: Movie,
    settings: TrackingSettings,
    appearance: Appearance,
    tiles: list[_Tiles],
    progress: Progress | None,
) -> tuple[dict[int, LocalizationResult], float]:
    """Locate the particles of the samples, again and again until their contrast settles.

    Returns them, and the relative change in the last round. A slow molecule biases its own
    background; each round takes most of the bias away. Against its surroundings gold is seen
    without bias at once.
    """
    known, total = _in_samples(movie, settings, appearance, tiles)
    if settings.kind != "molecules":
        return known, 0.0
    change = 1.0
    for cleaning in range(_MOST_CLEANINGS):
        before = total
        clean = _cleaner(known, appearance)
        known, total = _in_samples(movie, settings, appearance, tiles, clean)
        _say(progress, _FRACTION_OF_CLEANING * (cleaning + 1) / _MOST_CLEANINGS)
        change = abs(total - before) / max(before, np.finfo(float).tiny)
        if change <= _SETTLED:
            break
    return known, change


def _in_samples(
    movie: Movie,
    settings: TrackingSettings,
    appearance: Appearance,
    tiles: list[_Tiles],
    clean: Clean | None = None,
) -> tuple[dict[int, LocalizationResult], float]:
    """Locate the particles of the samples; return them by frame, and their contrasts' sum."""
    wanted = sample_frames(movie.n_frames, settings.median)

    def samples() -> Iterator[tuple[list[int], Array, Float32Array]]:
        for frames, image in _first_backgrounds(movie, settings, tiles, clean):
            here = [int(frame) for frame in wanted if frame in frames]
            if here:
                yield here, np.concatenate([movie.frames[k : k + 1] for k in here]), image

    def work(sample: tuple[list[int], Array, Float32Array]) -> dict[int, LocalizationResult]:
        here, raw, image = sample
        frames = contrast(raw, image, sign=appearance.sign)
        found = locate(frames, seen=appearance, threshold=settings.locate.threshold)
        refuse_crowds(found, here, movie, appearance)
        return {frame: found[found.frame == k] for k, frame in enumerate(here)}

    known: dict[int, LocalizationResult] = {}
    for part in in_threads(work, samples()):
        known |= part
    return known, float(sum(np.abs(found.contrast).sum() for found in known.values()))


def refuse_crowds(
    found: LocalizationResult,
    frames: Sequence[int] | IntArray,
    movie: Movie,
    seen: Appearance,
) -> None:
    """Raise `PerrinError` where the particles of a frame cover the field."""
    if not len(found):
        return
    counts = np.bincount(found.frame)
    most = int(counts.argmax())
    covers = 4 * seen.radius_px * seen.extent_px  # what encloses one
    if counts[most] * covers > _FULL * movie.height * movie.width:
        raise PerrinError(
            f"{movie.name}: frame {frames[most]} holds {counts[most]} particles of "
            f"{covers:.0f} px^2 in {movie.height} x {movie.width} px: more than can be told "
            "apart. Dilute the sample, magnify more, or raise --threshold if this is noise."
        )


def _free_of_particles(
    known: dict[int, LocalizationResult], block: Block, seen: Appearance
) -> BoolArray:
    """Return the pixels (Y, X) that no particle covers in the samples of a block of frames."""
    free = np.ones(block.image.shape, bool)
    if seen.kind == "molecules":  # fainter than the structure: what is left of them is nothing
        return free
    reach = int(np.ceil(1.5 * seen.extent_px)) + 1
    for frame, found in known.items():
        if block.first <= frame < block.stop:
            for x, y in zip(np.rint(found.x), np.rint(found.y), strict=True):
                rows = slice(max(0, int(y) - reach), int(y) + reach + 1)
                free[rows, max(0, int(x) - reach) : int(x) + reach + 1] = False
    return free


def _cleaner(known: dict[int, LocalizationResult], seen: Appearance) -> Clean:
    """Return what divides the particles found in a sample out of it."""

    def clean(frame: int, image: Float32Array) -> None:
        found = known.get(frame)
        if found is None or not len(found):
            return
        light = np.ones((1, *image.shape), np.float32)
        if seen.shape is not None:
            values = np.zeros((len(found), 8))
            values[:, A], values[:, X], values[:, Y] = np.abs(found.contrast), found.x, found.y
            values[:, ANGLE] = np.nan_to_num(found.angle)
            values[:, HALF], values[:, WIDTH], values[:, FLAT] = vars(seen.shape).values()
            reach = seen.shape.half_window
            add_shapes(light, np.zeros(len(found), np.int64), values, reach, float(seen.sign))
        elif seen.psf is not None:
            change = seen.sign * np.abs(found.contrast)
            _add_molecules(light[0], found.x, found.y, change, seen.psf.coefficients)
        image /= np.maximum(light[0], 0.05)

    return clean


@njit(cache=True)
def _add_molecules(light, xs, ys, change, psf):  # type: ignore[no-untyped-def]
    height, width = light.shape
    for n in range(len(xs)):
        left = max(0, int(np.ceil(xs[n] - HALF_WIDTH_PX)))
        right = min(width, int(xs[n] + HALF_WIDTH_PX) + 1)
        top = max(0, int(np.ceil(ys[n] - HALF_WIDTH_PX)))
        bottom = min(height, int(ys[n] + HALF_WIDTH_PX) + 1)
        if left >= right or top >= bottom:
            continue
        image = np.empty((bottom - top, right - left))
        evaluate(psf, xs[n] - left, ys[n] - top, image)
        light[top:bottom, left:right] += change[n] * image


def _say(progress: Progress | None, done: float) -> None:
    if progress is not None:
        progress(done)
