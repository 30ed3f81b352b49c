"""What each event is: a classifier's scores, its probabilities, a label.

The network (an argument: anything with the members of `perrin.landing.networks.Classifier`) sees
the same stacks as the fit and the examples. Nothing is filtered here:
`perrin.landing.classifier.filtering` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.events import UNSCORED
from perrin.io.movie import Movie
from perrin.landing.classifier.prevalence import class_prevalence, correct_prior_shift, prevalence
from perrin.landing.exchange import PsfExchange
from perrin.landing.networks import Classifier, ClassPrediction
from perrin.landing.thumbnails import iter_event_stacks, places_of
from perrin.types import BoolArray, FloatArray, IntArray, Progress

if TYPE_CHECKING:
    import pandas as pd

BINDER = "binder"


@dataclass(frozen=True)
class Sorted:
    """What a classifier has said of the N events of a table; NaN where it predicts nothing."""

    score: FloatArray
    balanced: FloatArray
    """score, balanced (N, C): scores, and probabilities on a balanced mix."""

    @classmethod
    def nothing(cls, events: int, classes: int) -> Self:
        """Return what is known before a classifier predicts."""
        return cls(np.full((events, classes), np.nan), np.full((events, classes), np.nan))

    @property
    def known(self) -> BoolArray:
        """Of which events it has said something, (N,)."""
        return np.asarray(np.isfinite(self.score).all(axis=1))

    def add(self, rows: IntArray, prediction: ClassPrediction) -> None:
        """Take note of the prediction of some events."""
        self.score[rows], self.balanced[rows] = prediction.score, prediction.probability


@dataclass(frozen=True)
class ClassificationResult:
    """Events with their scores, and what the class prevalence was estimated from."""

    events: pd.DataFrame
    """See `classify`."""
    balanced: FloatArray
    """(M, C): probabilities on a balanced mix, of the M scored landings."""


def classify(
    movie: Movie,
    events: pd.DataFrame,
    *,
    model: Classifier,
    n_avg: int,
    known: Sorted | None = None,
    exchange: PsfExchange | None = None,
    progress: Progress | None = None,
) -> ClassificationResult:
    """Score every event of a movie.

    Parameters
    ----------
    movie, events
        Read once, in blocks; with ``frame``, ``x_px``, ``y_px``, ``contrast`` and ``label``.
    model, n_avg
        What looks at them; frames averaged on each side in thumbnails, as in the detection.
    known : Sorted, optional
        What this model has said of some of the events: it is not asked for these again.
    exchange, progress : optional
        Brings stacks to the PSF of the model; called with the fraction done, 0 to 1.

    Returns
    -------
    ClassificationResult
        Its ``events`` have ``score_*`` and ``p_*`` for each class of the model. A score is the
        model's own. ``p_*`` are its balanced probabilities at the measurement's own prevalence
        (`perrin.landing.classifier.prevalence`); landings and unbindings have one each, because a
        molecule that leaves is never a binder. ``label`` is the class with the highest ``p_*``,
        where the fit left it empty; events too near the start or end for a thumbnail are
        ``unscored`` and have NaN.

    Raises
    ------
    PerrinError
        If the movie is out of the model's range, or the model knows no binders.

    """
    check_model(model, movie, n_avg=n_avg)
    found = _chosen(
        movie, events, known, model=model, n_avg=n_avg, exchange=exchange, progress=progress
    )
    landing = events["contrast"].to_numpy(float) < 0
    own = _at_own_prevalence(found, landing, confusion=model.confusion)
    predicted = _labels(events["label"].to_numpy(object), own, found.known, model.classes)
    columns = _columns("score", found.score, model.classes) | _columns("p", own, model.classes)
    scored = events.assign(**columns, label=predicted)
    return ClassificationResult(scored, found.balanced[found.known & landing])


def _columns(kind: str, values: FloatArray, classes: Sequence[str]) -> dict[str, FloatArray]:
    return {f"{kind}_{name}": values[:, c] for c, name in enumerate(classes)}


def _at_own_prevalence(found: Sorted, landing: BoolArray, *, confusion: FloatArray) -> FloatArray:
    """Probabilities (N, C) at the measurement's own prevalence: of landings, and of the others."""
    own = np.full_like(found.balanced, np.nan)
    landed, left = found.known & landing, found.known & ~landing
    own[landed] = correct_prior_shift(
        found.balanced[landed], prevalence(found.balanced[landed], confusion)
    )
    own[left] = correct_prior_shift(  # the confusion is one of landings
        found.balanced[left], class_prevalence(found.balanced[left])
    )
    return own


def check_model(model: Classifier, movie: Movie, *, n_avg: int) -> None:
    """Raise `PerrinError` where a model cannot classify the events of a movie."""
    if BINDER not in model.classes:
        raise PerrinError(
            f"the model {model.name} tells {', '.join(model.classes)}; without a class "
            f"{BINDER!r} no landing can be retained. Use another model."
        )
    model.check_range(n_avg=n_avg, pixel_nm=movie.pixel_nm, frame_interval_s=movie.frame_interval_s)


def _chosen(
    movie: Movie,
    events: pd.DataFrame,
    known: Sorted | None,
    *,
    model: Classifier,
    n_avg: int,
    exchange: PsfExchange | None,
    progress: Progress | None,
) -> Sorted:
    """Return what the model says of all events: what is known, and the others asked for now.

    NaN where there is no thumbnail.
    """
    found = Sorted.nothing(len(events), len(model.classes))
    if known is not None:
        found = Sorted(known.score.copy(), known.balanced.copy())
    waiting = np.flatnonzero(~found.known)
    chosen, done = events.iloc[waiting], 0
    for batch in iter_event_stacks(
        movie,
        places_of(chosen),
        n_avg=n_avg,
        exchange=exchange,
    ):
        prediction = model.predict(
            batch.stacks, batch.inside, n_avg=n_avg, landing_sign=movie.landing_sign
        )
        found.add(waiting[batch.rows], prediction)
        done += len(batch.rows)
        if progress is not None:
            progress(done / len(waiting))
    return found


def _labels(
    said: NDArray[np.object_],
    probability: FloatArray,
    scored: BoolArray,
    classes: Sequence[str],
) -> NDArray[np.object_]:
    """The most probable class where nothing was said before, or that there is none."""
    labels = said.copy()
    silent = said == ""
    labels[silent & ~scored] = UNSCORED
    rows = np.flatnonzero(silent & scored)
    labels[rows] = np.array(classes, object)[probability[rows].argmax(axis=1)]
    return labels
