"""Locating: every particle of a stretch of frames, sub-pixel, with its standard errors.

Gold is fitted with the shape learned from the movie, molecules with the PSF. Particles near
others are fitted again with the others' images divided out; those that touch are marked. One
that leaves more than the noise may be larger or smaller than usual, or two that look like one;
only if two explain it better is it marked as merged: then the position belongs to neither.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perrin.stats import robust_sd
from perrin.tracking.appearance import Appearance, free_of, starts_of
from perrin.tracking.extent import windows
from perrin.tracking.find import Candidates, find, noise_of
from perrin.tracking.fitting import ShapeFits, fit_shapes
from perrin.tracking.found import MERGED, TOUCHING, LocalizationResult, nothing
from perrin.tracking.molecules import molecules
from perrin.tracking.pairs import first_of_same, inside, listed, neighbors, pairs_within, touching
from perrin.tracking.shape import ANGLE, FLAT, HALF, WIDTH, A, Shape, X, Y
from perrin.tracking.sizes import with_own_sizes, within_another
from perrin.tracking.split import Pairs, split
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

_PASSES = 2  # over what looks odd: of three in one, two are seen first
_ROUNDS = 2  # fits of particles near others, after the first
_MERGED_AREA = 1.6  # times the usual area of a region
_MERGED_MISFIT = 0.12  # of the contrast: what is left beyond the noise
_SPLIT_MISFIT = 0.08  # the same, for a pair or another size that explains it
_MISFIT_SDS = 5.0
_SAME = 0.6  # radii: two fits so near are one particle
WEAK = 0.75
"""Of the threshold: what is so weak is a particle only if others of its track are stronger."""
_LEAST_SIGMA = 0.8  # px
_LEAST_ALONE = 30  # particles without others near, to know how strong one is
_MOST_ALONE = 0.8  # of all fits: beyond, a strong one is likelier of another kind than two
_LEAST_SPREAD = 0.03  # of contrasts, relative
_STRONG_SDS = 4.0  # beyond the usual contrast
_SOMEWHAT_SDS, _BOTH_SDS = 1.5, 4.5  # in contrast, and with what is left: 1 in 30,000 by chance
_PERHAPS_SDS = 3.0  # the same, where others are known to touch
_MOST_STRONG = 0.15  # of all fits: more are particles of another kind
_CLEARLY = 0.05  # of the variance of the noise: 6 in twice the log-likelihood of some 120 pixels
_HALVED = 0.5  # of what one particle leaves beyond the noise: two leave less, or are not there


def locate(frames: Float32Array, *, seen: Appearance, threshold: float) -> LocalizationResult:
    """Return the particles in frames (T, Y, X) of contrast, positive for a particle.

    Frames are counted from the first of the stretch. Gold down to `WEAK` of the threshold.
    """
    return _located_in(frames, seen, threshold, passes=_PASSES)


def covered(frames: Float32Array, *, seen: Appearance, threshold: float) -> LocalizationResult:
    """Return what particles cover in frames, as `locate` does, two that look like one as one."""
    return _located_in(frames, seen, threshold, passes=0)


def _located_in(
    frames: Float32Array, seen: Appearance, threshold: float, *, passes: int
) -> LocalizationResult:
    found = _candidates(frames, seen, threshold)
    if not len(found):
        return nothing()
    noise = noise_of(frames)
    if seen.shape is not None:
        return _gold(frames, found, noise, seen, seen.shape, threshold, passes)
    assert seen.psf is not None  # noqa: S101 - molecules
    return molecules(frames, found, noise, seen.psf, seen.scale)


def _candidates(frames: Float32Array, seen: Appearance, threshold: float) -> Candidates:
    """Find what to fit; where sizes vary what is smaller than usual too.

    A fit knows the contrast better than a smoothed pixel does, and decides in the end.
    """
    regions = seen.kind == "rods"
    threshold *= 1.0 if seen.shape is None else WEAK
    found, _ = find(frames, sigma_px=seen.sigma_px, threshold=threshold, regions=regions)
    sizes = [found]
    small = seen.sigma_px / 2
    while seen.varied and small >= _LEAST_SIGMA:
        sizes.append(find(frames, sigma_px=small, threshold=threshold, regions=regions)[0])
        small /= 2
    if len(sizes) == 1:
        return found
    every = [np.concatenate(c) for c in zip(*(vars(one).values() for one in sizes), strict=True)]
    return Candidates(*(column[np.argsort(every[0], kind="stable")] for column in every))


@dataclass(frozen=True)
class _Fitted:
    """N particles: frame, label, the region each was found as, fit, what noise alone may leave.

    expected, allowed: variance of the residual of a good fit, and its highest by chance; tried:
    whether it was looked at again.
    """

    frame: IntArray
    label: IntArray
    region: FloatArray
    area: FloatArray
    fits: ShapeFits
    expected: FloatArray
    allowed: FloatArray
    tried: BoolArray

    def explained(self, fits: ShapeFits, misfit: float) -> BoolArray:
        """Whether fits (N,) leave no more than noise, or `misfit` of the contrast."""
        more = self.expected + (misfit * fits.values[:, A]) ** 2
        found: BoolArray = fits.variance <= np.maximum(self.allowed, more)
        return found

    def __getitem__(self, rows: IntArray | BoolArray) -> _Fitted:
        columns = {name: column[rows] for name, column in vars(self).items() if name != "fits"}
        return _Fitted(**columns, fits=self.fits[rows])


def _gold(
    frames: Float32Array,
    found: Candidates,
    noise: FloatArray,
    seen: Appearance,
    shape: Shape,
    threshold: float,
    passes: int,
) -> LocalizationResult:
    given = _first_fits(frames, found, noise, seen, shape)
    near = _near(given, shape)
    for _ in range(_ROUNDS if len(near) else 0):
        given = replace(given, fits=_again(frames, given.frame, given.fits, near, seen))
    for _ in range(passes if np.isfinite(seen.amplitude) else 0):
        odd = _odd(given, near, seen) & ~given.tried
        if odd.any():
            given = _one_or_two(frames, given, np.flatnonzero(odd), near, seen, shape)
            near = _near(given, shape)
            if len(near):
                given = replace(given, fits=_again(frames, given.frame, given.fits, near, seen))
        if len(near):
            given = _together(frames, given, near, seen, shape)
        if not odd.any():
            break
    located = _located(given, seen)
    located = _widened(located, given, near, seen)
    located = located[np.isfinite(located.contrast_se)]
    return located[located.significance > WEAK * threshold]


def _odd(given: _Fitted, near: IntArray, seen: Appearance) -> BoolArray:
    """Return which fits (N,) do not look like one usual particle."""
    odd = ~given.explained(given.fits, _MERGED_MISFIT) | _too_strong(given, near, seen)
    if seen.kind == "rods" and not seen.varied:
        odd |= given.area > _MERGED_AREA * seen.area_px
    return odd


def _widened(
    located: LocalizationResult, given: _Fitted, near: IntArray, seen: Appearance
) -> LocalizationResult:
    """Return what was located, with wider errors where it may be two in one.

    What is not merged is marked as touching. Two that look like one are at most two radii
    apart, anywhere within: the middle between them is off by half a radius in each axis, as
    root mean square.
    """
    odd = _odd(given, near, seen)
    if seen.varied or seen.kind != "spheres" or odd.mean() > _MOST_STRONG:
        odd = np.zeros_like(odd)
    else:
        more, left = _strength(given, near, seen)
        beyond = np.hypot(np.maximum(more, 0), np.maximum(left, 0))
        odd |= (located.label == TOUCHING) & (beyond > _PERHAPS_SDS)
    merged = located.label == MERGED
    x_se, y_se = (
        np.where(odd | merged, np.hypot(errors, seen.extent_px / 2), errors)
        for errors in (located.x_se, located.y_se)
    )
    label = np.where(odd & ~merged, TOUCHING, located.label)
    return replace(located, x_se=x_se, y_se=y_se, label=label)


def _near(given: _Fitted, shape: Shape) -> IntArray:
    """Return the pairs (M, 2) that are so near that one image reaches into the other's."""
    x, y = given.fits.values[:, X], given.fits.values[:, Y]
    return pairs_within(given.frame, x, y, within=2 * shape.reach)


def _strength(given: _Fitted, near: IntArray, seen: Appearance) -> tuple[FloatArray, FloatArray]:
    """Return how much more contrast fits (N,) have than those that stand alone, and leave.

    In standard deviations; 0 where too few stand alone, where sizes differ, and where most stand
    alone: two at one place are rarer there than a particle that is stronger than the others.
    """
    contrast, errors = given.fits.values[:, A], given.fits.errors[:, A]
    alone = np.isfinite(errors)
    alone[near.ravel()] = False
    if seen.varied or alone.sum() < _LEAST_ALONE or alone.mean() > _MOST_ALONE:
        return np.zeros(len(contrast)), np.zeros(len(contrast))
    usual = float(np.median(contrast[alone]))
    spread = max(robust_sd(contrast[alone]), _LEAST_SPREAD * usual)
    left = given.fits.variance / given.expected
    left = (left - np.median(left[alone])) / robust_sd(left[alone])
    return (contrast - usual) / np.fmax(spread, errors), left


def _too_strong(given: _Fitted, near: IntArray, seen: Appearance) -> BoolArray:
    """Return which fits (N,) are stronger than one particle of these frames is by chance.

    Two at one place look like one of almost twice the contrast; farther apart they leave more
    than one does, and still have more contrast. Where many are stronger than most, or sizes
    differ, strength says nothing.
    """
    more, left = _strength(given, near, seen)
    both = (more > _SOMEWHAT_SDS) & (left > 0) & (np.hypot(more, left) > _BOTH_SDS)
    strong: BoolArray = (more > _STRONG_SDS) | both
    return strong if strong.mean() < _MOST_STRONG else np.zeros_like(strong)


def _together(
    frames: Float32Array, given: _Fitted, near: IntArray, seen: Appearance, shape: Shape
) -> _Fitted:
    """Fit particles that touch with each other, those that have others near without these."""
    close = touching(given.fits.values, near, 2 * shape.radius + 1.0)
    rows = np.unique(near[close])
    label = given.label.copy()
    label[rows[label[rows] == 0]] = TOUCHING
    given = replace(given, label=label)
    values = given.fits.values
    (first, others), (first_near, beside) = (listed(rows, near[part]) for part in (close, ~close))
    joint = fit_shapes(
        frames,
        given.frame[rows],
        values[rows],
        free=free_of(seen),
        half_window=windows(values[rows]),
        kappa=seen.kappa,
        neighbors=(first_near, values[beside]),
        touching=(first, values[others]),
        sign=seen.sign,
    )
    return replace(given, fits=_renewed(given.fits, rows, joint))


def _first_fits(
    frames: Float32Array, found: Candidates, noise: FloatArray, seen: Appearance, shape: Shape
) -> _Fitted:
    """Fit each candidate, each particle once; with a size of its own where sizes vary."""
    starts = starts_of(found, seen)
    fits = fit_shapes(
        frames,
        found.frame,
        starts,
        free=free_of(seen),
        half_window=shape.half_window,
        kappa=seen.kappa,
    )
    failed = ~np.isfinite(fits.values[:, A])  # no single particle: two may be seen later
    fits.values[failed], fits.variance[failed] = starts[failed], np.inf
    region = starts_of(found, seen)
    region[:, HALF] = found.half
    if seen.kind == "spheres":
        region[:, WIDTH] *= found.sigma / seen.sigma_px
    expected = noise[found.frame] ** 2 * seen.scale.residual
    given = _Fitted(
        frame=found.frame,
        label=np.zeros(len(found), np.int64),
        region=region,
        area=found.area,
        fits=fits,
        expected=expected,
        allowed=expected * (1 + _MISFIT_SDS * np.sqrt(2 / seen.scale.independent)),
        tried=np.zeros(len(found), bool),
    )
    if seen.varied:
        own = with_own_sizes(frames, given.frame, fits, given.region, seen=seen)
        given = replace(given, fits=own)
    x, y = given.fits.values[:, X], given.fits.values[:, Y]
    kept = inside(x, y, frames)
    rods = seen.kind == "rods"
    if rods or not seen.varied:
        kept &= first_of_same(given.frame, x, y, kept, within=_SAME * shape.radius)
    if seen.varied:
        good = given.explained(given.fits, _MERGED_MISFIT)
        kept &= ~within_another(given.frame, given.fits, good=good, kept=kept, rods=rods)
    return given[kept]


def _one_or_two(
    frames: Float32Array,
    given: _Fitted,
    rows: IntArray,
    near: IntArray,
    seen: Appearance,
    shape: Shape,
) -> _Fitted:
    """Look again at particles that the usual image does not explain.

    One of another size, or two, take its place where they explain it. Where neither does it is
    merged if two leave clearly less than one.
    """
    odd = given[rows]
    given.tried[rows] = True
    first, others = listed(rows, near)
    around = first, given.fits.values[others]
    own = with_own_sizes(frames, odd.frame, odd.fits, odd.region, seen=seen, near=around)
    strong = _too_strong(given, near, seen)[rows]
    usual = odd.expected + (_SPLIT_MISFIT * seen.amplitude) ** 2
    two = split(
        frames,
        odd.frame,
        odd.fits.values,
        odd.region[:, HALF],
        allowed=np.maximum(odd.allowed, usual),
        near=around,
        seen=seen,
        shape=shape,
    )
    single = odd.explained(own, _SPLIT_MISFIT) & np.isfinite(own.errors[:, A])
    paired = np.zeros(len(rows), bool)
    paired[two.replaced] = True
    if not seen.varied:
        single &= ~(paired & (two.left < own.variance - _CLEARLY * odd.expected)) & ~strong
    paired &= ~single
    fits = _renewed(given.fits, rows[single], own[single])
    beyond = np.minimum(own.variance, odd.fits.variance) - odd.expected
    merged = ~single & ((two.left - odd.expected < _HALVED * beyond) | strong)
    given.label[rows[merged]] = MERGED
    return _with_pairs(replace(given, fits=fits), two.only(paired), rows)


def _located(given: _Fitted, seen: Appearance) -> LocalizationResult:
    fits, rods = given.fits, seen.kind == "rods"
    errors = fits.errors * seen.scale.at(fits.values[:, ANGLE])
    errors *= seen.scale.steadied(fits.variance, given.expected, given.allowed)[:, None]
    return LocalizationResult(
        frame=given.frame,
        x=fits.values[:, X],
        y=fits.values[:, Y],
        x_se=errors[:, X],
        y_se=errors[:, Y],
        contrast=seen.sign * fits.values[:, A],
        contrast_se=errors[:, A],
        angle=fits.values[:, ANGLE] % np.pi if rods else np.full(len(given.frame), np.nan),
        angle_se=errors[:, ANGLE],
        noise=np.sqrt(fits.variance),
        label=given.label,
        shape=fits.values[:, [HALF, WIDTH, FLAT]],
    )


def _with_pairs(given: _Fitted, two: Pairs, rows: IntArray) -> _Fitted:
    """Put both particles of a pair in the place of the one that they looked like."""
    gone = rows[two.replaced]
    stays = np.setdiff1d(np.arange(len(given.frame)), gone)
    source = np.concatenate([stays, gone, gone])
    order = np.argsort(given.frame[source], kind="stable")
    columns = zip(*(vars(part).values() for part in (given.fits, two.one, two.other)), strict=True)
    joined = ShapeFits(
        *(np.concatenate([single[stays], one, other])[order] for single, one, other in columns)
    )
    found = replace(given[source[order]], fits=joined)
    found.label[order >= len(stays)] = TOUCHING
    found.tried[order >= len(stays)] = False
    return found


def _again(
    frames: Float32Array, frame: IntArray, fits: ShapeFits, pairs: IntArray, seen: Appearance
) -> ShapeFits:
    """Fit particles that have others near again, the others divided out."""
    near, first, others = neighbors(pairs)
    again = fit_shapes(
        frames,
        frame[near],
        fits.values[near],
        free=free_of(seen),
        half_window=windows(fits.values[near]),
        kappa=seen.kappa,
        neighbors=(first, fits.values[others]),
        sign=seen.sign,
    )
    return _renewed(fits, near, again)


def _renewed(fits: ShapeFits, rows: IntArray, new: ShapeFits) -> ShapeFits:
    """Return fits with those of `rows` (K,) replaced by new ones (K,), where these worked."""
    ok = np.isfinite(new.values[:, A])
    renewed = [column.copy() for column in vars(fits).values()]
    for column, other in zip(renewed, vars(new).values(), strict=True):
        column[rows[ok]] = other[ok]
    return ShapeFits(*renewed)
