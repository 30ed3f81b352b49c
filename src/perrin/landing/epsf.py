"""An empirical point-spread function (ePSF) from the landings of a movie.

Paper 002, Training Data Generation: thumbnails of one species with a good signal are
interpolated and centered, the 80% most similar are kept, and their mean is the PSF of the
instrument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.ratiometric import ratiometric
from perrin.landing.thumbnails import iter_stacks, places_of
from perrin.optics.psf import HALF_WIDTH_PX, SAMPLES_PER_PIXEL, Psf
from perrin.types import BoolArray, FloatArray

if TYPE_CHECKING:
    import pandas as pd

_MARGIN_PX = 2  # interpolation needs some pixels beyond the PSF's grid
_SIZE = 2 * (HALF_WIDTH_PX + _MARGIN_PX) + 1
_CORE_PX = 6.0  # similarity counts within this radius
_TAPER_FROM_PX = 9.0  # beyond, the mean is mostly noise: brought to zero smoothly
MIN_EVENTS = 30


@dataclass(frozen=True)
class EpsfResult:
    """An empirical PSF and how it came about."""

    psf: Psf
    """The mean of the kept events, value 1 at the center."""
    used: int
    offered: int
    """used, offered: events kept as similar, and isolated events in the contrast range."""
    similarity: FloatArray
    """(offered,): correlation of each event with the mean, within 6 px."""


def build_epsf(
    movie: Movie,
    events: pd.DataFrame,
    *,
    contrast_range: tuple[float, float],
    n_avg: int,
    keep: float = 0.8,
) -> EpsfResult:
    """Average the landings of one species into a point-spread function.

    Parameters
    ----------
    movie : Movie
        The movie the events were fitted in.
    events : DataFrame
        Fitted events: ``frame``, ``x_px``, ``y_px``, ``contrast``, ``neighbor_px``.
    contrast_range : (low, high)
        Contrasts (negative for landings) of the species to use. Events with a neighbor within
        12 px and 2 n_avg frames do not take part.
    n_avg : int
        Frames averaged on each side.
    keep : float
        Fraction of the events to keep, the most similar ones; 0.8 in the paper.

    Raises
    ------
    PerrinError
        If fewer than 30 events qualify, or the range is empty.

    """
    low, high = sorted(contrast_range)
    if not 0 < keep <= 1:
        raise PerrinError(f"keep is {keep}; it is a fraction of the events, above 0 and up to 1")
    images, seen = _centered(movie, _chosen(events, low=low, high=high), n_avg=n_avg)
    _check_number(len(images), low=low, high=high)
    core = _radius() <= _CORE_PX
    similarity = _correlation(images[:, core], images.mean(axis=0)[core])
    best = np.argsort(-similarity, kind="stable")[: max(MIN_EVENTS, round(keep * len(images)))]
    card = {
        "kind": "empirical",
        "instrument": movie.instrument,
        "source": None if movie.path is None else movie.path.name,
        "events": len(best),
        "events_offered": len(images),
        "contrast_range": [low, high],
        "n_avg": n_avg,
    }
    mean = _tapered_mean(images[best], seen[best])
    psf = Psf.from_samples(mean, pixel_nm=movie.pixel_nm, card=card)
    return EpsfResult(psf, len(best), len(images), similarity)


def _chosen(events: pd.DataFrame, *, low: float, high: float) -> pd.DataFrame:
    """Fitted events with a contrast in the range and no neighbor."""
    alone = ~(events["neighbor_px"] < HALF_WIDTH_PX)
    return events[events["contrast"].between(low, high) & alone & (events["label"] == "")]


def _check_number(count: int, *, low: float, high: float) -> None:
    if count < MIN_EVENTS:
        raise PerrinError(
            f"only {count} isolated events have a contrast between {low:g} and "
            f"{high:g}; an ePSF needs {MIN_EVENTS}. Widen the range or use a longer movie."
        )


def _tapered_mean(images: FloatArray, seen: BoolArray) -> FloatArray:
    """Mean of (N, 97, 97) images where they are seen, brought to zero at its edge."""
    mean: FloatArray = (images * seen).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    mean -= mean[_radius() > _TAPER_FROM_PX].mean()
    ramp = np.clip((_radius() - _TAPER_FROM_PX) / (HALF_WIDTH_PX - _TAPER_FROM_PX), 0, 1)
    mean *= 0.5 * (1 + np.cos(np.pi * ramp))
    return mean


def _grid_px() -> FloatArray:
    half = HALF_WIDTH_PX * SAMPLES_PER_PIXEL
    grid: FloatArray = np.arange(-half, half + 1) / SAMPLES_PER_PIXEL
    return grid


def _radius() -> FloatArray:
    radius: FloatArray = np.hypot(_grid_px()[:, None], _grid_px()[None, :])
    return radius


def _centered(movie: Movie, events: pd.DataFrame, *, n_avg: int) -> tuple[FloatArray, BoolArray]:
    """Each event on the grid of a quarter pixel around its fitted center, contrast 1.

    Returns (N, 97, 97) images, and where they lie in the field of view. The core always does:
    events nearer to the edge than half the fit window are not detected.
    """
    from scipy.ndimage import map_coordinates

    x_px = events["x_px"].to_numpy(float)
    y_px = events["y_px"].to_numpy(float)
    contrast = events["contrast"].to_numpy(float)
    grid = _grid_px() + HALF_WIDTH_PX + _MARGIN_PX
    images: list[FloatArray] = []
    seen: list[BoolArray] = []
    for batch in iter_stacks(
        movie,
        **places_of(events),
        before=n_avg,
        after=n_avg,
        size=_SIZE,
    ):
        frames = ratiometric(batch.stacks, n_avg=n_avg)[:, 0] * -movie.landing_sign
        for row, frame, inside in zip(batch.rows, frames, batch.inside, strict=True):
            rows = grid + y_px[row] - np.rint(y_px[row])
            columns = grid + x_px[row] - np.rint(x_px[row])
            places = np.meshgrid(rows, columns, indexing="ij")
            image = map_coordinates(frame.astype(float), places, order=3, mode="nearest")
            images.append((image - np.median(frame[inside])) / contrast[row])
            near = np.rint(places).astype(np.int64)
            seen.append(inside[near[0], near[1]])
    shape = (-1, len(grid), len(grid))
    return np.array(images).reshape(shape), np.array(seen, bool).reshape(shape)


def _correlation(values: FloatArray, reference: FloatArray) -> FloatArray:
    """Correlation of each row of (N, M) with (M,)."""
    centered = values - values.mean(axis=1, keepdims=True)
    target = reference - reference.mean()
    norm = np.linalg.norm(centered, axis=1) * np.linalg.norm(target)
    correlation: FloatArray = centered @ target / norm
    return correlation
