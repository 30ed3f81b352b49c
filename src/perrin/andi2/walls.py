"""What positions say of walls around them: likelihood ratios of Gaussian motion in a disk.

Inside reflecting walls a step's density is the free one and that of the step's mirror image at the
wall. Over free motion of the same exponent and K each step so counts 1 plus the odds of the image,
and each position counts by how probable it is that it was seen inside, noise included. The disk's
center lies anywhere that has the first position inside and where the particle was free before
outside: the ratio is averaged over it. Of free motion the average ratio is 1, so that a large one
is rare.

Exact for Brownian motion at a straight wall; the wall is taken as straight over a step, and steps
that a wall turned around are remembered as seen.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from perrin.diffusion.segmentation import States
from perrin.types import FloatArray

_CENTERS = 80  # that are looked at, at most
_TRIES = 1500
_SPREAD = (0.7548776662466927, 0.5698402909980532)  # multiples of these fill a square evenly
_NONE = -50.0  # logarithm of a ratio that is none
_EDGE = (4.0, 5.0)  # noises outside of the wall and inside, between which it counts where one is
_FAR = 8.0  # the image's log-odds from which it is left out


def wall_odds(
    positions: FloatArray,
    outside: FloatArray,
    likely: States,
    radii: FloatArray,
    *,
    noise: float,
) -> FloatArray:
    """Return the log-likelihood ratio (n, m) of walls of radii (m,) over none, in n states.

    positions (L, 2): of one segment. outside (M, 2): where the particle was before it, free; they
    are no part of the ratio, but no disk's center has them inside. likely: the states of free
    motion it is compared with. noise: localization error of one axis, more than 0.
    """
    own = np.ascontiguousarray(positions, np.float64)
    free = np.ascontiguousarray(outside, np.float64).reshape(-1, 2)
    found = np.zeros((len(likely.K), len(radii)))
    reach = _EDGE[0] * noise
    centers = [_centers(own, free, radius, reach, _TRIES, _CENTERS) for radius in radii]
    for row in range(len(found)):
        past, precision = (a[..., row].astype(float) for a in (likely.past, likely.precision))
        expected, sharp = _expected(own, past, precision)
        for k, (where, tried) in enumerate(centers):
            found[row, k] = _averaged(own, expected, sharp, where, tried, radii[k], noise)
    return found


@njit(cache=True, nogil=True)
def _centers(positions, outside, radius, reach, tries, most):  # type: ignore[no-untyped-def]
    """Return centers (c, 2) that may hold all positions, and of how many in all.

    All are spread evenly over where the first position is inside and none of `outside`.
    """
    found, count, tried = np.empty((most, 2)), 0, 0
    high = np.array([positions[:, axis].min() + radius + reach for axis in range(2)])
    low = np.array([positions[:, axis].max() - radius - reach for axis in range(2)])
    square = radius * radius
    for i in range(1, tries + 1):
        right = radius * (2 * ((i * _SPREAD[0]) % 1.0) - 1)
        down = radius * (2 * ((i * _SPREAD[1]) % 1.0) - 1)
        if right * right + down * down > square:
            continue
        x, y = positions[0, 0] + right, positions[0, 1] + down
        kept = True
        for k in range(len(outside) - 1, -1, -1):
            if (outside[k, 0] - x) ** 2 + (outside[k, 1] - y) ** 2 < square:
                kept = False
                break
        if not kept:
            continue
        tried += 1
        if low[0] < x < high[0] and low[1] < y < high[1]:
            found[count, 0], found[count, 1] = x, y
            count += 1
            if count == most:
                break
    return found[:count], tried


@njit(cache=True, nogil=True)
def _expected(positions, past, precision):  # type: ignore[no-untyped-def]
    """Return where each position (L, 2) is expected by those before, and the precision (L,)."""
    found, sharp = positions.copy(), np.zeros(len(positions))
    for t in range(1, len(positions)):
        m = min(t - 1, past.shape[1])
        sharp[t] = precision[m]
        for axis in range(2):
            found[t, axis] = positions[t - 1, axis]
            for j in range(m):
                step = positions[t - 1 - j, axis] - positions[t - 2 - j, axis]
                found[t, axis] += past[m, j] * step
    return found, sharp


@njit(cache=True, nogil=True)
def _averaged(positions, expected, sharp, centers, tried, radius, noise):  # type: ignore[no-untyped-def]
    """Return the log of the ratio's mean over the disk's center; 0 where none may be."""
    top, total = _NONE, 0.0
    for i in range(len(centers)):
        value = _inside(positions, expected, sharp, centers[i, 0], centers[i, 1], radius, noise)
        if value > top:
            total = total * np.exp(top - value) + 1.0
            top = value
        else:
            total += np.exp(value - top)
    if tried == 0:
        return 0.0
    return max(top + np.log(total / tried + 1e-30), _NONE)


@njit(cache=True, nogil=True)
def _inside(positions, expected, sharp, x, y, radius, noise):  # type: ignore[no-untyped-def]
    """Return the log-likelihood ratio of walls around (x, y)."""
    found, product = 0.0, 1.0
    for t in range(1, len(positions)):
        right, down = positions[t, 0] - x, positions[t, 1] - y
        away = np.sqrt(right * right + down * down) + 1e-12
        depth = radius - away
        if depth < _EDGE[1] * noise:
            if depth < -_EDGE[0] * noise:
                return -1e30
            product *= 0.5 * math.erfc(-depth / noise * math.sqrt(0.5))
        off = right * (positions[t, 0] - expected[t, 0]) + down * (positions[t, 1] - expected[t, 1])
        lost = 2 * depth * (depth + off / away) * sharp[t]  # half the image's chi squared beyond
        if lost < _FAR:
            size = (2 * radius - away) / away  # of the image, over that of what it is of
            product *= 1.0 + min(max(size, 0.0), 3.0) * np.exp(-max(lost, -2.0))
        if not 1e-100 < product < 1e100:
            found += np.log(product)
            product = 1.0
    return found + np.log(product)
