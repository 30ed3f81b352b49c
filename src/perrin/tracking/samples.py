"""What is learned from the samples of the background: how particles look, and where they are.

Gold is seen against a median over time, where the support with its edges and stains drops out,
and against its surroundings in space, where a particle at rest is seen like any other. The look
is that of what moves. Molecules are fainter than the speckle of the glass: only what moves is
seen. The particles that are found are divided out of the samples; against the clean background
the look is learned again, with the noise as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.optics.psf import Psf
from perrin.settings.tracking import MedianSettings, TrackingSettings
from perrin.threads import in_threads
from perrin.tracking.appearance import Appearance, learn
from perrin.tracking.background import (
    Block,
    Clean,
    backgrounds,
    blocks_of,
    contrast,
    flattened,
    sample_frames,
    surroundings,
    tiles_of,
    unevenness,
)
from perrin.tracking.clean import add_gold, cleaner, free_of_particles, refuse_crowds
from perrin.tracking.find import noise_of
from perrin.tracking.found import MERGED, LocalizationResult, join
from perrin.tracking.locate import covered, locate
from perrin.tracking.noise import measure_noise
from perrin.types import Array, BoolArray, Float32Array, FloatArray, Progress

_MOST_CLEANINGS = 8
_SETTLED = 0.005  # relative change of the contrast, or of the number, that is little enough
_LEARNED_FROM = 24  # frames, fewer large ones
_LEARNED_PIXELS = 2_400_000
_LEARNED_BLOCKS = 4
_FEW_SAMPLES = 5
_SIGMA_OF_WIDTH = 0.3
_CLEARER = 0.1  # fraction of what looks as particles do by which the surroundings must be better
_WEAK = 0.2  # of the other's strength: a look at noise
_COMPARED = 4  # frames
_MISFIT = 0.12  # of the contrast, beyond the noise: more is no particle but part of the support
_NOISE = 1.3  # times that of the frame
_CLEAR = 5.0  # standard errors of its contrast
_CONTRAST = (0.4, 2.5)  # of the usual
_SMALL = 4.0  # px, from the center to the edge of a small particle
_UNEVEN = 0.3  # scatter of the level of tiles over the noise of a pixel: clouds
_PERHAPS_UNEVEN = 0.1  # the same: clouds as fine as a tile, or noise that goes on over many pixels
_CLEARER_FLAT = 1.2  # times as clear: then particles are looked for without clouds


@dataclass(frozen=True)
class Studied:
    """How particles look, those of the samples by frame, and how far their contrast settled.

    support: medians (Y, X) of some blocks with whatever rests in them, and their frames.
    """

    appearance: Appearance
    known: dict[int, LocalizationResult]
    unsettled: float
    support: list[tuple[Float32Array, float]]


def study(
    movie: Movie, settings: TrackingSettings, *, psf: Psf | None, progress: Progress
) -> Studied | None:
    """Look at the samples of the background; None where nothing is seen."""
    support: list[tuple[Float32Array, float]] = []
    first = _first_look(movie, settings, psf, support)
    if first is None:
        return None
    seen, slow = first
    known, unsettled = _known(movie, settings, seen, slow=slow, progress=progress)
    seen = _second_look(movie, settings, seen, known)
    return Studied(seen, known, unsettled, support)


def prepared(raw: Array, background: Float32Array, seen: Appearance) -> Float32Array:
    """Return the contrast (T, Y, X) that particles are located in, positive for a particle."""
    frames = contrast(raw, background, sign=seen.sign)
    return flattened(frames, extent_px=seen.extent_px) if seen.uneven else frames


def _looked_at(
    movie: Movie, settings: MedianSettings, clean: Clean | None = None
) -> Iterator[tuple[Block, list[int]]]:
    """Yield some blocks of the movie and the frames of each that are looked at."""
    every = max(1, blocks_of(movie, settings) // _LEARNED_BLOCKS)
    many = min(_LEARNED_FROM, _LEARNED_PIXELS // (movie.height * movie.width))
    each = max(2, many // _LEARNED_BLOCKS)
    for block in backgrounds(movie, settings, clean=clean, every=every):
        stop = min(block.stop, movie.n_frames - 1)
        if stop > block.first:
            frames = np.linspace(block.first, stop, each, endpoint=False).astype(int)
            yield block, np.unique(frames).tolist()


def _frames(movie: Movie, numbers: list[int]) -> Array:
    return np.concatenate([movie.frames[k : k + 1] for k in numbers])


def _first_look(
    movie: Movie,
    settings: TrackingSettings,
    psf: Psf | None,
    support: list[tuple[Float32Array, float]],
) -> tuple[Appearance, bool] | None:
    """Return how particles look, and whether they are too slow for a median over time.

    The medians of the blocks that are looked at are appended to `support`.
    """
    over_time, over_space = [], []
    for block, numbers in _looked_at(movie, settings.median):
        raw = _frames(movie, numbers)
        over_time.append(contrast(raw, block.image, sign=1))
        if settings.kind != "molecules":
            around = surroundings(tiles_of(block.image), block.image.shape)
            over_space.append(contrast(raw, around, sign=1))
            if block.own is not None:
                support.append((block.own, block.middle))
    moving = np.concatenate(over_time)
    if not moving.any():
        raise PerrinError(
            f"{movie.name}: the frames are all alike, down to the last count. "
            "A recorded movie has noise; is this a picture that was repeated?"
        )
    of_moving = _learned(moving, movie, settings, psf)
    if settings.kind == "molecules":
        return None if of_moving is None else (of_moving, False)
    still = np.concatenate(over_space)
    of_still = _learned(still, movie, settings, psf)
    time, space = _alike(moving, of_moving, settings), _alike(still, of_still, settings)
    slow = space[0] > time[0] + _CLEARER and space[1] > _WEAK * time[1]
    if of_moving is None or slow or time[1] < _WEAK * space[1]:
        return None if of_still is None else (of_still, True)
    return of_moving, False


def _alike(
    frames: Float32Array, seen: Appearance | None, settings: TrackingSettings
) -> tuple[float, float]:
    """Return which fraction of what is found in some frames looks as particles do, and how clearly.

    How clearly is the sum of the squares of their contrasts over their errors.
    """
    if seen is None:
        return 0.0, 0.0
    some = np.float32(seen.sign) * frames[:: max(1, len(frames) // _COMPARED)]
    some = flattened(some, extent_px=seen.extent_px) if seen.uneven else some
    found = locate(some, seen=seen, threshold=settings.locate.threshold)
    if not len(found):
        return 0.0, 0.0
    alike = found[_like_particles(found, noise_of(some), seen)]
    strength = float((alike.significance**2).sum())
    return len(alike) / len(found), strength


def _learned(
    frames: Float32Array, movie: Movie, settings: TrackingSettings, psf: Psf | None
) -> Appearance | None:
    """Learn from frames (T, Y, X) of contrast, without clouds where there are some."""
    sign = {"dark": -1, "bright": 1, None: None}[settings.contrast]
    width = settings.locate.width_nm
    look = {
        "kind": settings.kind,
        "sign": sign if sign or settings.kind != "molecules" else movie.landing_sign,
        "threshold": settings.locate.threshold,
        "psf": psf,
        "sigma_px": None if width is None else _SIGMA_OF_WIDTH * width / movie.pixel_nm,
    }
    scatter = 0.0
    if settings.kind != "molecules":
        scatter = unevenness(frames[::3]) / float(np.median(noise_of(frames)))
    plain = learn(frames, **look) if scatter < _UNEVEN else None  # type: ignore[arg-type]
    if plain is None and settings.kind == "molecules" and not sign:  # bright, as of fluorescence
        return learn(frames, **(look | {"sign": -movie.landing_sign}))  # type: ignore[arg-type]
    if scatter < _PERHAPS_UNEVEN:
        return plain
    flat = _learned_flat(frames, movie, settings, look)
    if plain is None or flat is None or scatter > _UNEVEN:
        return flat or plain
    clear = [_alike(frames, seen, settings)[1] for seen in (plain, flat)]
    return flat if clear[1] > _CLEARER_FLAT * clear[0] else plain


def _learned_flat(
    frames: Float32Array, movie: Movie, settings: TrackingSettings, look: dict[str, Any]
) -> Appearance | None:
    """Learn from frames (T, Y, X) of contrast with the clouds taken off."""
    for extent in (_first_extent(movie, settings), _SMALL):  # then clouds as fine as the window
        seen = learn(flattened(frames, extent_px=extent), **look)
        if seen is not None:
            return replace(seen, uneven=True)
    return None


def _first_extent(movie: Movie, settings: TrackingSettings) -> float:
    """Return half the size that clouds are told from particles by, before one was seen."""
    if settings.locate.width_nm is not None:
        return settings.locate.width_nm / movie.pixel_nm
    return float(np.clip(min(movie.height, movie.width) / 24, 4, 12))


def _known(
    movie: Movie,
    settings: TrackingSettings,
    seen: Appearance,
    *,
    slow: bool,
    progress: Progress,
) -> tuple[dict[int, LocalizationResult], float]:
    """Locate the particles of the samples, again and again until their contrast settles.

    Returns them, and the relative change in the last round. A slow molecule biases its own
    background; each round takes most of the bias away. Against its surroundings gold is seen
    without bias at once.
    """
    known, total = _in_samples(movie, settings, seen, slow=slow)
    if settings.kind != "molecules":
        return known, 0.0
    change = 1.0
    for cleaning in range(_MOST_CLEANINGS):
        before = total
        clean = cleaner(known, seen)
        known, total = _in_samples(movie, settings, seen, slow=slow, clean=clean)
        progress((cleaning + 1) / _MOST_CLEANINGS)
        change = abs(total - before) / max(before, np.finfo(float).tiny)
        if change <= _SETTLED:
            break
    return known, change


def _in_samples(
    movie: Movie,
    settings: TrackingSettings,
    seen: Appearance,
    *,
    slow: bool,
    clean: Clean | None = None,
) -> tuple[dict[int, LocalizationResult], float]:
    """Locate the particles of the samples; return them by frame, and their contrasts' sum."""
    wanted = sample_frames(movie.n_frames, settings.median)
    few = settings.median
    if settings.kind != "molecules":
        few = few.model_copy(update={"samples": min(few.samples, _FEW_SAMPLES)})

    def samples() -> Iterator[tuple[list[int], Array, Float32Array]]:
        for block in backgrounds(movie, few, clean=clean):
            here = [int(frame) for frame in wanted if block.first <= frame < block.stop]
            if here:
                yield here, _frames(movie, here), block.image

    def work(sample: tuple[list[int], Array, Float32Array]) -> dict[int, LocalizationResult]:
        here, raw, image = sample
        found = _seen_in(raw, image, seen, settings, slow=slow)
        refuse_crowds(found, here, movie, seen)
        return {frame: found[found.frame == k] for k, frame in enumerate(here)}

    known: dict[int, LocalizationResult] = {}
    for part in in_threads(work, samples()):
        known |= part
    return known, float(sum(np.abs(found.contrast).sum() for found in known.values()))


def _seen_in(
    raw: Array, image: Float32Array, seen: Appearance, settings: TrackingSettings, *, slow: bool
) -> LocalizationResult:
    """Locate gold that looks as it should against its surroundings, then what else moves."""
    threshold = settings.locate.threshold
    if settings.kind == "molecules":
        return locate(prepared(raw, image, seen), seen=seen, threshold=threshold)
    around = surroundings(tiles_of(image), image.shape)
    frames = prepared(raw, around, seen)
    still = locate(frames, seen=seen, threshold=threshold)
    still = still[_like_particles(still, noise_of(frames), seen)]
    if slow:
        return still
    rest = prepared(raw, image, seen)
    add_gold(rest, still, -1)
    moving = locate(rest, seen=seen, threshold=threshold)
    return _both(still, moving[moving.significance > threshold], seen)


def _like_particles(found: LocalizationResult, noise: FloatArray, seen: Appearance) -> BoolArray:
    """Whether what was found (N,) looks as particles do, and not like an edge of the support."""
    usual = np.abs(found.contrast) / seen.amplitude
    allowed = (_NOISE * noise[found.frame]) ** 2 + (_MISFIT * found.contrast) ** 2
    ok: BoolArray = (
        (found.significance > _CLEAR)
        & (usual > _CONTRAST[0])
        & (usual < _CONTRAST[1])
        & (found.noise**2 < allowed)
    )
    ok &= found.label != MERGED
    return ok


def _both(
    still: LocalizationResult, moving: LocalizationResult, seen: Appearance
) -> LocalizationResult:
    """Return what is seen against the surroundings, and what only moves, each once."""
    from scipy.spatial import cKDTree

    within = seen.radius_px + 1
    apart = 4 * (within + seen.extent_px)
    places = [np.stack([part.x, part.y, part.frame * apart], axis=1) for part in (still, moving)]
    new = np.ones(len(moving), bool)
    if len(still) and len(moving):
        new = np.asarray(cKDTree(places[0]).query(places[1])[0]) > within
    found = join([still, moving[new]])
    return found[np.argsort(found.frame, kind="stable")]


def _second_look(
    movie: Movie,
    settings: TrackingSettings,
    seen: Appearance,
    known: dict[int, LocalizationResult],
) -> Appearance:
    """Return how particles look against the clean background, with the noise as it is."""
    clean, threshold = cleaner(known, seen), settings.locate.threshold
    held: list[tuple[Float32Array, BoolArray]] = []
    for block, numbers in _looked_at(movie, settings.median, clean):
        for number in numbers:
            frames = prepared(movie.frames[number : number + 2], block.image, seen)
            found = covered(frames, seen=seen, threshold=threshold)
            held.append((frames, free_of_particles([found], frames.shape[1:], seen)))
    reach = 2 * (seen.shape.half_window if seen.shape is not None else 8)
    noise, _ = measure_noise(held, reach=reach)
    if settings.kind == "molecules":
        return seen.with_noise(noise)
    again = learn(
        np.stack([frames[0] for frames, _ in held]) * np.float32(seen.sign),
        kind=settings.kind,
        sign=seen.sign,
        threshold=threshold,
        sigma_px=seen.sigma_px,
        noise=noise,
    )
    return seen.with_noise(noise) if again is None else replace(again, uneven=seen.uneven)
