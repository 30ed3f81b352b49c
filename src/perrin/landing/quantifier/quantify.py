"""Mass, residence time and motion of each landing, bad landings too.

The network (an argument: anything with the members of `perrin.landing.networks.Quantifier`) reads
the whole thumbnail, at its own integration. Unbindings, and events too near the start or end of
the movie, have NaN. It looks through the first layers of a classifier, and hands on what that
says of the event.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perrin.events import MOVERS
from perrin.io.movie import Movie
from perrin.landing.classifier.classify import Sorted
from perrin.landing.exchange import PsfExchange
from perrin.landing.networks import Classifier, Quantifier, QuantityPrediction
from perrin.landing.quantifier.quantities import LONGEST_RESIDENCE, TARGETS
from perrin.landing.thumbnails import iter_event_stacks, places_of
from perrin.stats import normal_quantile
from perrin.types import FloatArray, IntArray, Progress

if TYPE_CHECKING:
    import pandas as pd

SE_OF_90 = 2 * normal_quantile(0.9)
"""Width of a 90% interval over its standard error, for a normal distribution."""
RIGHT_CENSORED = LONGEST_RESIDENCE - 0.5
"""Frames from which on a molecule is said to stay."""


def sorts_as(model: Quantifier, classifier: Classifier, *, n_avg: int) -> bool:
    """Return whether what a model says of events is what this classifier says at `n_avg`."""
    return model.classifier == classifier.identity and model.integration == n_avg


@dataclass(frozen=True)
class QuantificationResult:
    """Landings as a quantifier sees them."""

    events: pd.DataFrame
    """See `quantify`."""
    sorted: Sorted
    """What the model's classifier says of them, at the integration of the model."""


def quantify(
    movie: Movie,
    events: pd.DataFrame,
    *,
    model: Quantifier,
    exchange: PsfExchange | None = None,
    progress: Progress | None = None,
) -> QuantificationResult:
    """Predict the mass of every landing of a movie.

    Parameters
    ----------
    movie, events
        Read once, in blocks; with ``frame``, ``x_px``, ``y_px`` and ``contrast``.
    model, exchange, progress
        What looks at them; what brings stacks to its PSF; called with the fraction done, 0 to 1.

    Returns
    -------
    QuantificationResult
        Its ``events`` have ``contrast_pred`` (median; negative), ``contrast_pred_se``, the ends
        ``contrast_pred_low`` and ``contrast_pred_high`` of its 90% interval (by size: low is the
        lighter one), ``residence_time_ms`` (infinite where the molecule stays beyond what is seen),
        ``path_length_nm``, ``displacement_nm``, ``speed_nm_per_ms`` (of rollers and wobblers), each
        with ``_low`` and ``_high``, and ``out_of_distribution``.

    Raises
    ------
    PerrinError
        If the movie is out of the model's range.

    """
    model.check_range(pixel_nm=movie.pixel_nm, frame_interval_s=movie.frame_interval_s)
    landing = np.flatnonzero(events["contrast"].to_numpy(float) < 0)
    found = np.full((len(events), len(TARGETS), 3), np.nan)
    predicted = Sorted.nothing(len(events), len(model.classes))
    out_of_distribution = np.zeros(len(events), np.bool_)
    for rows, prediction in _predictions(
        movie, events, landing, model=model, exchange=exchange, progress=progress
    ):
        found[rows] = prediction.quantiles
        out_of_distribution[rows] = prediction.out_of_distribution
        predicted.add(rows, prediction)
    probability = np.nan_to_num(predicted.balanced)
    moves = np.isin(np.array(model.classes)[probability.argmax(axis=1)], MOVERS)
    found[~moves, TARGETS.index("speed")] = np.nan
    return QuantificationResult(
        events.assign(**_columns(found, movie), out_of_distribution=out_of_distribution), predicted
    )


def _predictions(
    movie: Movie,
    events: pd.DataFrame,
    landing: IntArray,
    *,
    model: Quantifier,
    exchange: PsfExchange | None,
    progress: Progress | None,
) -> Iterator[tuple[IntArray, QuantityPrediction]]:
    """Yield which of the landings, and what the model says of them."""
    asked, done = events.iloc[landing], 0
    for batch in iter_event_stacks(
        movie,
        places_of(asked),
        n_avg=model.integration,
        exchange=exchange,
    ):
        prediction = model.predict(batch.stacks, batch.inside, landing_sign=movie.landing_sign)
        yield landing[batch.rows], prediction
        done += len(batch.rows)
        if progress is not None:
            progress(done / len(landing))


def _columns(found: FloatArray, movie: Movie) -> dict[str, FloatArray]:
    """Quantiles (N, 5, 3) of contrast, frames and pixels as columns in the units of a table."""
    interval_ms = movie.frame_interval_s * 1e3
    units = {
        "residence_time_ms": ("residence_time", interval_ms),
        "path_length_nm": ("path_length", movie.pixel_nm),
        "displacement_nm": ("displacement", movie.pixel_nm),
        "speed_nm_per_ms": ("speed", movie.pixel_nm / interval_ms),
    }
    residence_time = found[:, TARGETS.index("residence_time")]
    residence_time[residence_time >= RIGHT_CENSORED] = (
        np.inf
    )  # the interval of a molecule that stays has no upper end
    contrast = found[:, TARGETS.index("contrast")]
    columns = {
        "contrast_pred": -contrast[:, 1],
        "contrast_pred_se": (contrast[:, 2] - contrast[:, 0]) / SE_OF_90,
        "contrast_pred_low": -contrast[:, 0],
        "contrast_pred_high": -contrast[:, 2],
    }
    for name, (target, unit) in units.items():
        low, middle, high = unit * found[:, TARGETS.index(target)].T
        columns |= {name: middle, f"{name}_low": low, f"{name}_high": high}
    return columns
