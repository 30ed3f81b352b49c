"""An empirical point-spread function (ePSF) from the landings of a movie.

Paper 002, Training Data Generation: thumbnails of one species with a good signal are
interpolated and centered, the 80% most similar are kept, and their mean is the PSF of the
instrument. Here each counts by its signal-to-noise ratio, so that no species has to be named.

`measure_epsf` starts by itself. It looks for landings with three PSFs of a closed form that
differ in their ring (the default of perrin, which has none, finds one in nine landings of an
instrument with a ring of -.46) in the beginning of the movie, takes the one that finds most,
averages what it found, and looks with the average at more of the movie. What is found there is
fitted and averaged, and again with the new average, until width and ring stand still.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.detect import detect
from perrin.landing.fit import fit
from perrin.landing.neighbors import nearest_neighbor_px
from perrin.landing.thumbnails import iter_contrasts
from perrin.optics.psf import (
    HALF_WIDTH_PX,
    SAMPLES_PER_PIXEL,
    Psf,
    profile_width,
    radial_profile,
)
from perrin.types import Array, BoolArray, FloatArray, IntArray, Progress

if TYPE_CHECKING:
    import pandas as pd

_MARGIN_PX = 2  # interpolation needs some pixels beyond the PSF's grid
_SIZE = 2 * (HALF_WIDTH_PX + _MARGIN_PX) + 1
_PAD_PX = 12  # of edge values around an image, so that its end does not show in a spline
_CORE_PX = 6.0  # similarity counts within this radius
_TAPER_FROM_PX = 9.0  # beyond, the mean is mostly noise: brought to zero smoothly
MIN_EVENTS = 30
_LEAST_SNR = 8.0
_MOST_EVENTS = 300  # more add little: what is known of the ring is limited by the taper
_BRIGHTEST = 0.02  # of the events are left out: clumps
_STARTS = ((290.0, 0.0), (260.0, -0.2), (250.0, -0.45))  # width in nm, ring
_SECTION_S = 12.0  # of the movie, for choosing the start
_ROUNDS = 5
_STILL_WIDTH, _STILL_RING = 0.01, 0.01
_TOP_PX = 2.25
_GROUPS = 6  # whose spread gives the standard errors


@dataclass(frozen=True)
class EpsfResult:
    """An empirical PSF and how it came about.

    `psf.card` says what it is like: ``fwhm_nm`` and ``ring`` (lowest value of the mean over
    directions, over the center) with standard errors, ``asymmetry`` (rms of what is not the
    same in all directions over the rms of the core), ``signal_to_noise`` of the center,
    ``width_change_field`` and ``width_change_time`` (relative, right half of the field over the
    left one, second half of the events over the first).
    """

    psf: Psf
    """The mean of the kept events, value 1 at the center."""
    used: int
    offered: int
    """used, offered: events kept as similar, and isolated events in the contrast range."""
    similarity: FloatArray
    """(offered,): correlation of each event with the mean, within 6 px."""
    notes: tuple[str, ...] = ()
    """What a user should know."""


def build_epsf(
    movie: Movie,
    events: pd.DataFrame,
    *,
    contrast_range: tuple[float, float] | None = None,
    n_avg: int,
    keep: float = 0.8,
) -> EpsfResult:
    """Average landings into a point-spread function.

    movie, events: a movie and its fitted events (``frame``, ``x_px``, ``y_px``, ``contrast``,
    ``neighbor_px``, ``label``; without a range ``contrast_se`` too). contrast_range: contrasts
    (negative for landings) of the species to use; by default the 300 landings with the best
    signal, of 8 standard errors or more. Events with a neighbor within 12 px and 2 n_avg frames
    do not take part. n_avg: frames averaged on each side. keep: fraction of the events to keep,
    the most similar ones; 0.8 in the paper.

    Raises `PerrinError` if fewer than 30 events qualify, or the range is empty.
    """
    if not 0 < keep <= 1:
        raise PerrinError(f"keep is {keep}; it is a fraction of the events, above 0 and up to 1")
    chosen = _chosen(events, contrast_range)
    images, seen, rows = _centered(movie, chosen, n_avg=n_avg)
    _check_number(len(images), contrast_range)
    core = _radius() <= _CORE_PX
    size = chosen["contrast"].to_numpy(float)[rows] ** 2
    weight = np.minimum(size, 4 * np.median(size))
    middle = np.average(images[:, core], axis=0, weights=weight)
    similarity = _correlation(images[:, core], middle)
    best = np.argsort(-similarity, kind="stable")[: max(MIN_EVENTS, round(keep * len(images)))]
    used = _Averaged(images[best], seen[best], weight[best], movie.pixel_nm)
    card = {
        "kind": "empirical",
        "instrument": movie.instrument,
        "source": None if movie.path is None else movie.path.name,
        "events": len(best),
        "events_offered": len(images),
        "contrast_range": None if contrast_range is None else sorted(contrast_range),
        "n_avg": n_avg,
        **used.described(chosen.iloc[rows[best]], movie),
    }
    psf = Psf.from_samples(used.mean(), pixel_nm=movie.pixel_nm, card=card)
    return EpsfResult(psf, len(best), len(images), similarity)


def measure_epsf(movie: Movie, *, n_avg: int, progress: Progress | None = None) -> EpsfResult:
    """Find and average the landings of a movie without knowing its PSF.

    Raises `PerrinError` where fewer than 30 landings are clear and alone.
    """
    section = _beginning(movie, _SECTION_S)
    starts = [
        Psf.ringed(fwhm_nm=width, ring=ring, pixel_nm=movie.pixel_nm) for width, ring in _STARTS
    ]
    found = [_clear(section, detect(section, n_avg=n_avg, psf=one), one, n_avg) for one in starts]
    best = int(np.argmax([len(events) for events in found]))
    psf, number = starts[best], len(found[best])
    if number >= MIN_EVENTS:
        psf = build_epsf(section, found[best], n_avg=n_avg).psf
    # as much of the movie as holds enough landings
    wanted = _SECTION_S * 1.5 * _MOST_EVENTS / max(number, 1)
    section = _beginning(movie, max(wanted, _SECTION_S))
    places = detect(section, n_avg=n_avg, psf=psf)
    result = None
    for done in range(_ROUNDS):
        before = psf.fwhm_px(), psf.ring()
        result = build_epsf(section, _clear(section, places, psf, n_avg), n_avg=n_avg)
        psf = result.psf
        if progress is not None:
            progress((done + 1) / _ROUNDS)
        if (
            abs(psf.fwhm_px() / before[0] - 1) < _STILL_WIDTH
            and abs(psf.ring() - before[1]) < _STILL_RING
        ):
            break
    assert result is not None  # noqa: S101 - there is a first round
    return result


def ring_left(movie: Movie, events: pd.DataFrame, *, psf: Psf, n_avg: int) -> tuple[float, float]:
    """Return what landings leave around them when `psf` is taken off, and its standard error.

    Both are fractions of the landings' height: the largest difference, with its sign, of the mean
    over directions from one width of the PSF to three. movie, events, n_avg as `build_epsf` takes
    them, which raises `PerrinError` for fewer than 30 clear landings that are alone.
    """
    found = build_epsf(movie, events, n_avg=n_avg)
    left = radial_profile(found.psf.samples()) - radial_profile(psf.samples())
    width = psf.fwhm_px() * SAMPLES_PER_PIXEL
    around = left[round(width) : round(3 * width)]
    return float(around[np.argmax(np.abs(around))]), float(found.psf.card["ring_se"])


def _beginning(movie: Movie, seconds: float) -> Movie:
    frames = round(seconds / movie.frame_interval_s)
    return movie if frames >= movie.n_frames else replace(movie, frames=movie.frames[:frames])


def _clear(movie: Movie, places: pd.DataFrame, psf: Psf, n_avg: int) -> pd.DataFrame:
    """Those of the detected events, fitted with `psf`, that `build_epsf` would take."""
    events = fit(movie, places, fit_n_avg=n_avg, psf=psf)
    events["neighbor_px"] = nearest_neighbor_px(
        frame=events["frame"].to_numpy(np.int64),
        y_px=events["y_px"].to_numpy(float),
        x_px=events["x_px"].to_numpy(float),
        within_frames=2 * n_avg,
    )
    return _chosen(events, None)


def _chosen(events: pd.DataFrame, contrast_range: tuple[float, float] | None) -> pd.DataFrame:
    """Fitted landings that are alone: those in a range of contrast, or the clearest."""
    alone = ~(events["neighbor_px"] < HALF_WIDTH_PX) & (events["label"] == "")
    if contrast_range is not None:
        low, high = sorted(contrast_range)
        return events[events["contrast"].between(low, high) & alone]
    clear = -events["contrast"] / events["contrast_se"]
    ranked = clear[alone & (clear >= _LEAST_SNR)].sort_values(ascending=False)
    rows = ranked.index[int(_BRIGHTEST * len(ranked)) :][:_MOST_EVENTS]
    return events.loc[np.sort(rows)]


@dataclass(frozen=True)
class _Averaged:
    """Events (N, 97, 97) of contrast 1, where they are seen, and their weights (N,)."""

    images: FloatArray
    seen: BoolArray
    weight: FloatArray
    pixel_nm: float

    def mean(self, rows: Any = slice(None)) -> FloatArray:
        """Weighted mean of some events, brought to zero at its edge."""
        weight = self.weight[rows, None, None] * self.seen[rows]
        total = (weight * self.images[rows]).sum(axis=0)
        mean: FloatArray = total / np.maximum(weight.sum(axis=0), 1e-30)
        mean -= mean[_radius() > _TAPER_FROM_PX].mean()
        ramp = np.clip((_radius() - _TAPER_FROM_PX) / (HALF_WIDTH_PX - _TAPER_FROM_PX), 0, 1)
        mean *= 0.5 * (1 + np.cos(np.pi * ramp))
        return _smooth_top(mean)

    def shape(self, rows: Any = slice(None)) -> tuple[float, float]:
        """Width in nm, and ring, of some events."""
        profile = radial_profile(self.mean(rows))
        return profile_width(profile) * self.pixel_nm, float(profile.min() / profile[0])

    def described(self, events: pd.DataFrame, movie: Movie) -> dict[str, float]:
        """What the mean is like; `events` in the order of the images."""
        mean, number = self.mean(), len(self.images)
        width, ring = self.shape()
        groups = np.array([self.shape(np.arange(k, number, _GROUPS)) for k in range(_GROUPS)])
        width_se, ring_se = groups.std(axis=0, ddof=1) / np.sqrt(_GROUPS)
        along = "x_px" if movie.width >= movie.height else "y_px"
        core = _radius() <= _CORE_PX
        spread = self.images[:, _radius() > _TAPER_FROM_PX].std(axis=0, ddof=1).mean()
        return {
            "fwhm_nm": width,
            "fwhm_se_nm": float(width_se),
            "ring": ring,
            "ring_se": float(ring_se),
            "asymmetry": float(
                np.sqrt(np.mean((mean - _around(mean))[core] ** 2) / np.mean(mean[core] ** 2))
            ),
            "signal_to_noise": float(mean.max() * np.sqrt(number) / max(spread, 1e-12)),
            "width_change_field": self._change(events[along].to_numpy(float)),
            "width_change_time": self._change(events["frame"].to_numpy(float)),
        }

    def _change(self, by: FloatArray) -> float:
        """Width of the half with larger `by` over that of the other half, minus 1."""
        later = by > np.median(by)
        if not later.any():
            return 0.0
        return self.shape(later)[0] / self.shape(~later)[0] - 1


def _smooth_top(mean: FloatArray) -> FloatArray:
    """Replace the middle by a polynomial of degree 4 through what is around it.

    All contrasts are scaled by the value at the center: it must not be one noisy sample.
    """
    y, x = np.meshgrid(_grid_px(), _grid_px(), indexing="ij")
    inside = _radius() <= _TOP_PX
    powers = [(i, j) for i in range(5) for j in range(5 - i)]
    design = np.column_stack([x[inside] ** i * y[inside] ** j for i, j in powers])
    smooth = design @ np.linalg.lstsq(design, mean[inside], rcond=None)[0]
    own = 0.5 * (1 + np.cos(np.pi * np.clip((_radius()[inside] - 1) / (_TOP_PX - 1), 0, 1)))
    changed = mean.copy()
    changed[inside] += own * (smooth - mean[inside])
    return changed


def _around(mean: FloatArray) -> FloatArray:
    """The mean over all directions, on the grid (97, 97)."""
    profile = radial_profile(mean)
    return np.interp(_radius() * SAMPLES_PER_PIXEL, np.arange(len(profile)), profile)


def _check_number(count: int, contrast_range: tuple[float, float] | None) -> None:
    if count >= MIN_EVENTS:
        return
    if contrast_range is None:
        raise PerrinError(
            f"only {count} landings are clear and alone; a PSF needs {MIN_EVENTS}. Use a longer "
            "movie, or one of heavier molecules."
        )
    low, high = sorted(contrast_range)
    raise PerrinError(
        f"only {count} isolated events have a contrast between {low:g} and "
        f"{high:g}; an ePSF needs {MIN_EVENTS}. Widen the range or use a longer movie."
    )


def _grid_px() -> FloatArray:
    half = HALF_WIDTH_PX * SAMPLES_PER_PIXEL
    grid: FloatArray = np.arange(-half, half + 1) / SAMPLES_PER_PIXEL
    return grid


def _radius() -> FloatArray:
    radius: FloatArray = np.hypot(_grid_px()[:, None], _grid_px()[None, :])
    return radius


def _centered(
    movie: Movie, events: pd.DataFrame, *, n_avg: int
) -> tuple[FloatArray, BoolArray, IntArray]:
    """Each event on the grid of a quarter pixel around its fitted center, contrast 1.

    Returns (N, 97, 97) images, where they lie in the field of view, and the rows of the events
    (N,) they are of. The core always lies in the field: events nearer to the edge than half the
    fit window are not detected.
    """
    center = np.stack([events["y_px"].to_numpy(float), events["x_px"].to_numpy(float)])
    contrast = events["contrast"].to_numpy(float)
    grid = _grid_px() + HALF_WIDTH_PX + _MARGIN_PX
    images: list[FloatArray] = [np.empty((0, len(grid), len(grid)))]
    seen: list[BoolArray] = [np.empty((0, len(grid), len(grid)), bool)]
    kept: list[IntArray] = [np.empty(0, np.int64)]
    for batch in iter_contrasts(movie, events, n_avg=n_avg, size=_SIZE):
        rows, columns = grid + (center - np.rint(center))[:, batch.rows, None]
        fine = _interpolated(batch.stacks, rows, columns)
        around = [np.median(f[i]) for f, i in zip(batch.stacks, batch.inside, strict=True)]
        images.append((fine - np.array(around)[:, None, None]) / contrast[batch.rows, None, None])
        near = [np.rint(places).astype(np.int64) for places in (rows, columns)]
        every = np.arange(len(rows))[:, None, None]
        seen.append(batch.inside[every, near[0][:, :, None], near[1][:, None, :]])
        kept.append(batch.rows)
    return np.concatenate(images), np.concatenate(seen), np.concatenate(kept)


def _interpolated(images: Array, rows: FloatArray, columns: FloatArray) -> FloatArray:
    """Values of (N, Y, X) images at rows (N, R) by columns (N, C), by cubic splines: (N, R, C).

    A spline through a grid is a product of two, one along each axis.
    """
    from scipy.ndimage import spline_filter1d

    coefficients = np.pad(
        images.astype(float), ((0, 0), (_PAD_PX, _PAD_PX), (_PAD_PX, _PAD_PX)), mode="edge"
    )
    for axis in (1, 2):
        coefficients = spline_filter1d(coefficients, order=3, axis=axis)
    down, right = (
        _spline_weights(places + _PAD_PX, size)
        for places, size in zip((rows, columns), coefficients.shape[1:], strict=True)
    )
    values: FloatArray = down @ coefficients @ right.transpose(0, 2, 1)
    return values


def _spline_weights(places: FloatArray, size: int) -> FloatArray:
    """What each of `size` coefficients of cubic B-splines counts at places (N, P): (N, P, size)."""
    distance = np.abs(places[..., None] - np.arange(size))
    near = 2 / 3 - distance**2 + distance**3 / 2
    weights: FloatArray = np.where(distance < 1, near, np.maximum(2 - distance, 0) ** 3 / 6)
    return weights


def _correlation(values: FloatArray, reference: FloatArray) -> FloatArray:
    """Correlation of each row of (N, M) with (M,)."""
    centered = values - values.mean(axis=1, keepdims=True)
    target = reference - reference.mean()
    norm = np.linalg.norm(centered, axis=1) * np.linalg.norm(target)
    correlation: FloatArray = centered @ target / norm
    return correlation
