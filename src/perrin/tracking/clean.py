"""What known particles cover: divided out of a sample, left out, or too much of the field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numba import njit

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.optics.psf import HALF_WIDTH_PX, evaluate
from perrin.tracking.appearance import Appearance
from perrin.tracking.background import Clean
from perrin.tracking.extent import windows
from perrin.tracking.found import LocalizationResult
from perrin.tracking.shape import ANGLE, FLAT, HALF, WIDTH, A, X, Y, add_shapes
from perrin.types import BoolArray, Float32Array, IntArray

_FULL = 0.9  # of the field covered by particles: nobody tells them apart


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


def free_of_particles(
    found: Iterable[LocalizationResult], shape: tuple[int, ...], seen: Appearance
) -> BoolArray:
    """Return the pixels (Y, X) that no particle covers."""
    free = np.ones(shape, bool)
    for one in found:
        sizes = one.shape[:, 0] + 1.5 * one.shape[:, 1] if seen.shape else np.zeros(len(one))
        reach = np.ceil(np.maximum(1.5 * seen.extent_px, np.nan_to_num(sizes))).astype(int) + 1
        for x, y, far in zip(np.rint(one.x), np.rint(one.y), reach, strict=True):
            rows = slice(max(0, int(y) - far), int(y) + far + 1)
            free[rows, max(0, int(x) - far) : int(x) + far + 1] = False
    return free


def cleaner(known: dict[int, LocalizationResult], seen: Appearance) -> Clean:
    """Return what divides the particles found in a sample out of it."""

    def clean(frame: int, image: Float32Array) -> None:
        found = known.get(frame)
        if found is None or not len(found):
            return
        light = np.ones((1, *image.shape), np.float32)
        if seen.shape is not None:
            add_gold(light, replace(found, frame=np.zeros(len(found), np.int64)), seen.sign)
        elif seen.psf is not None:
            change = seen.sign * np.abs(found.contrast)
            _add_molecules(light[0], found.x, found.y, change, seen.psf.coefficients)
        image /= np.maximum(light[0], 0.05)

    return clean


def add_gold(frames: Float32Array, found: LocalizationResult, sign: int) -> None:
    """Add the images of gold, times `sign`, to frames (T, Y, X), in place."""
    if not len(found):
        return
    values = np.zeros((len(found), 8))
    values[:, A], values[:, X], values[:, Y] = np.abs(found.contrast), found.x, found.y
    values[:, ANGLE] = np.nan_to_num(found.angle)
    values[:, [HALF, WIDTH, FLAT]] = found.shape
    add_shapes(frames, found.frame, values, int(windows(values).max()), float(sign))


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
