"""A simulated protein A movie, as the paper's hardest sample: which detections are binders.

The movie is detected permissively, as for any mass near the limit. A detection is a binder where
it is the one nearest to a molecule that stays, with no other within 6 px and 2 n_avg frames
(`perrin.simulate.matching`). All else is not: molecules that move or leave, crowded ones, second
detections of one landing, unbindings, and what is nothing but background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perrin.evaluate.predictions import Predictions, predict
from perrin.events import CLASSES
from perrin.io.movie import Movie
from perrin.landing.detect import detect
from perrin.landing.thumbnails import iter_event_stacks, places_of
from perrin.models.classifier import ClassifierModel
from perrin.optics.pupil import psf_of
from perrin.settings.landing import DetectionSettings
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.matching import is_accepted, is_isolated, match_landings
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

if TYPE_CHECKING:
    import pandas as pd

MASS = "42 kDa"
_OTHER = next(name for name in CLASSES if name != "binder")


@dataclass(frozen=True)
class ProteinA:
    """One movie."""

    predictions: Predictions
    """Of the detections that have a whole thumbnail; the label is ``binder`` or another class,
    which one says nothing."""
    counts: dict[str, int]
    """``binders``: isolated molecules that stay, in the part of the movie where events are looked
    for; ``binders_detected`` of them; ``detections``, all; ``detections_scored``."""


def detections(
    models: Sequence[ClassifierModel],
    *,
    simulated: ThumbnailSettings,
    seconds: float,
    seed: np.random.SeedSequence,
) -> ProteinA:
    """Simulate the preset ``protein-a``, detect permissively, and ask `models` for all events.

    `simulated` says with which instrument, on which surface, with which motions and n_avg.
    """
    n_avg = simulated.n_avg
    movie, truth = _movie(simulated, seconds, seed)
    psf = psf_of(simulated.instrument)
    events = detect(movie, n_avg=n_avg, psf=psf, settings=DetectionSettings.permissive())
    stays = (truth["motion"] == "binder").to_numpy()
    wanted = stays & is_isolated(truth, n_avg=n_avg) & is_accepted(truth, movie, n_avg=n_avg)
    matched = match_landings(truth[wanted], events)
    binder = np.zeros(len(events), np.bool_)
    binder[matched[matched >= 0]] = True
    predictions = _predictions(models, movie, events, binder=binder, n_avg=n_avg)
    return ProteinA(
        predictions,
        {
            "binders": int(wanted.sum()),
            "binders_detected": int((matched >= 0).sum()),
            "detections": len(events),
            "detections_scored": len(predictions.labels),
        },
    )


def _movie(
    simulated: ThumbnailSettings, seconds: float, seed: np.random.SeedSequence
) -> tuple[Movie, pd.DataFrame]:
    """Return a movie of the preset on this instrument and surface, and its truth."""
    same = ("instrument", "camera", "background", "motion")
    changes = {name: getattr(simulated, name) for name in same}
    assay = preset("protein-a").model_copy(update=changes)
    number = int(seed.generate_state(1, np.uint64)[0])
    return simulate_movie(assay, seconds=seconds, seed=number)


def _predictions(
    models: Sequence[ClassifierModel],
    movie: Movie,
    events: pd.DataFrame,
    *,
    binder: NDArray[np.bool_],
    n_avg: int,
) -> Predictions:
    """Predict all detections that have a whole thumbnail; `binder` (N,) says what is true."""
    rows, score, probability = [np.empty(0, np.int64)], [], []
    for batch in iter_event_stacks(movie, places_of(events), n_avg=n_avg):
        predicted = [
            predict(model, batch.stacks, batch.inside, n_avg=n_avg, landing_sign=movie.landing_sign)
            for model in models
        ]
        rows.append(batch.rows)
        score.append(np.stack([prediction for prediction, _ in predicted]))
        probability.append(np.stack([prediction for _, prediction in predicted]))
    scored = np.concatenate(rows)
    return Predictions(
        labels=np.where(binder[scored], "binder", _OTHER),
        mass_kda=np.full(len(scored), np.nan),
        score=_joined(score, len(models)),
        probability=_joined(probability, len(models)),
    )


def _joined(parts: list[NDArray[np.float64]], models: int) -> NDArray[np.float64]:
    return np.concatenate([np.empty((models, 0, len(CLASSES))), *parts], axis=1)
