"""Two particles of gold that look like one: fitted as two, where that explains what is seen.

Several arrangements are tried; in each, both particles are fitted in turn with the other's
image divided out, and the arrangement that leaves least is kept if it leaves little more than
the noise. What cannot be told apart stays one position, marked as merged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perrin.tracking.appearance import Appearance, free_of
from perrin.tracking.fitting import ShapeFits, fit_shapes
from perrin.tracking.shape import ANGLE, A, Shape, X, Y
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

_ROUNDS = 4
_KEPT = 2  # arrangements that are fitted to the end
_CONTRAST = (0.6, 1.6)  # of the usual: what both must have
_APART = 0.7  # radii: nearer than that they are not two


@dataclass(frozen=True)
class Pairs:
    """M pairs: the fit (row of those given) that each replaces, and the fits of both.

    left (N,): variance that the best pair leaves of each of the N given; inf where there is none.
    """

    replaced: IntArray
    one: ShapeFits
    other: ShapeFits
    left: FloatArray

    def only(self, kept: BoolArray) -> Pairs:
        """Return those that replace one of the given fits that is `kept` (N,)."""
        rows = np.flatnonzero(kept[self.replaced])
        one, other = self.one[rows], self.other[rows]
        return Pairs(self.replaced[rows], one, other, self.left)


def split(
    frames: Float32Array,
    frame: IntArray,
    values: FloatArray,
    half: FloatArray,
    *,
    allowed: FloatArray,
    near: tuple[IntArray, FloatArray],
    seen: Appearance,
    shape: Shape,
) -> Pairs:
    """Try to explain N fits `values` (N, 8) by two particles each.

    half (N,): half the length of the region that each was found as; allowed (N,): variance up to
    which a fit counts as good; near: further particles around each, divided out
    (`perrin.tracking.fitting.fit_shapes`).
    """
    starts = _arrangements(values, half, shape, rods=seen.kind == "rods")
    count = len(values)
    one, other = starts[:, :, 0], starts[:, :, 1]
    for rounds in (1, _ROUNDS):  # all arrangements once, then the best of them to the end
        tries = len(one)
        at = np.tile(frame, tries)
        one, other = one.reshape(-1, 8), other.reshape(-1, 8)
        around = _repeated(near, tries)
        for _ in range(rounds):
            first = _fit(frames, at, one, _with_first(around, other), seen, shape)
            one = _or(first.values, one)
            second = _fit(frames, at, other, _with_first(around, one), seen, shape)
            other = _or(second.values, other)
        left = np.maximum(first.variance, second.variance)
        left = np.where(np.isfinite(left), left, np.inf).reshape(tries, count)
        order = np.argsort(left, axis=0)[:_KEPT]
        chosen = order * count + np.arange(count)
        if rounds == 1:
            one, other = one[chosen], other[chosen]
    plausible = _plausible(first.values, second.values, seen, shape)
    left[~plausible.reshape(tries, count)] = np.inf
    best = left.argmin(axis=0)
    least = left[best, np.arange(count)]
    good = np.flatnonzero(least <= allowed)
    rows = best[good] * count + good
    return Pairs(good, first[rows], second[rows], least)


def _arrangements(values: FloatArray, half: FloatArray, shape: Shape, *, rods: bool) -> FloatArray:
    """Return starts (K, N, 2, 8) around the one particle that was fitted."""
    ways: list[tuple[FloatArray, float, tuple[float, float]]] = []
    if rods:
        apart = np.maximum(half - shape.half, shape.radius)
        quarter, eighth = np.pi / 2, np.pi / 4
        ways += [
            (apart, 0.0, (0.0, 0.0)),
            (np.full(len(half), 1.0), 0.0, (eighth, -eighth)),
            (np.full(len(half), shape.radius), quarter, (0.0, 0.0)),
            (apart / 2, 0.0, (0.0, quarter)),
            (apart / 2, 0.0, (quarter, 0.0)),
            (apart / 2, 0.0, (eighth, -eighth)),
            (apart / 2, 0.0, (-eighth, eighth)),
        ]
    else:
        reach = np.full(len(half), 0.8 * shape.radius)
        ways += [(reach, k * np.pi / 4, (0.0, 0.0)) for k in range(4)]
    starts = np.empty((len(ways), len(values), 2, 8))
    for k, (distance, direction, turns) in enumerate(ways):
        for n, side in enumerate((1.0, -1.0)):
            start = values.copy()
            toward = values[:, ANGLE] + direction
            start[:, X] += side * distance * np.cos(toward)
            start[:, Y] += side * distance * np.sin(toward)
            start[:, ANGLE] += turns[n]
            starts[k, :, n] = start
    return starts


def _fit(
    frames: Float32Array,
    frame: IntArray,
    starts: FloatArray,
    others: tuple[IntArray, FloatArray],
    seen: Appearance,
    shape: Shape,
) -> ShapeFits:
    return fit_shapes(
        frames,
        frame,
        starts,
        free=free_of(seen),
        half_window=shape.half_window,
        kappa=seen.kappa,
        neighbors=others,
        sign=seen.sign,
    )


def _repeated(near: tuple[IntArray, FloatArray], times: int) -> tuple[IntArray, FloatArray]:
    """Return the lists of neighbors of N particles so many times over."""
    first, values = near
    starts = [first[:-1] + k * len(values) for k in range(times)]
    return np.append(np.concatenate(starts), times * len(values)), np.tile(values, (times, 1))


def _with_first(
    near: tuple[IntArray, FloatArray], partners: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return the lists of neighbors with a partner (N, 8) of each in front."""
    first, values = near
    joined = np.insert(values, first[:-1], partners, axis=0)
    return first + np.arange(len(first)), joined


def _plausible(one: FloatArray, other: FloatArray, seen: Appearance, shape: Shape) -> BoolArray:
    low, high = (factor * seen.amplitude for factor in _CONTRAST)
    ok: BoolArray = np.isfinite(one[:, A]) & np.isfinite(other[:, A])
    for values in (one, other):
        ok &= (values[:, A] > low) & (values[:, A] < high)
    far = np.hypot(one[:, X] - other[:, X], one[:, Y] - other[:, Y])
    turned = np.abs(np.sin(one[:, ANGLE] - other[:, ANGLE])) * (shape.half + shape.radius)
    return ok & (np.hypot(far, turned if shape.half else 0.0) > _APART * shape.radius)


def _or(values: FloatArray, before: FloatArray) -> FloatArray:
    """Return the rows of `values` that are there, else those before."""
    return np.where(np.isfinite(values[:, [A]]), values, before)
