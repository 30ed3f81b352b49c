"""What event classifiers reach on fresh events: the tables and figures of paper 002, and ours.

Every model answers the same events. Class figures come by two scores: ``score``, the model's own
for a class (the paper's: sigmoid of the logit), and ``probability``, of the class given that the
event is of one of the protocol's classes. Errors are events whose most probable class is wrong.
Definitions of both protocols: `perrin.evaluate.predictions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.evaluate.card_rows import card_rows
from perrin.evaluate.embedding import MAP_COST, Shown, show
from perrin.evaluate.predictions import (
    ALL_MASSES,
    RANGES,
    Predictions,
    drawn,
    fresh_seed,
    predict_on,
)
from perrin.evaluate.protein_a import MASS, ProteinA, detections
from perrin.evaluate.tables import (
    EventSet,
    confusion_rows,
    figures_of,
    reliability_rows,
    roc_rows,
    table,
    threshold_rows,
    trade_off_rows,
)
from perrin.events import CLASSES, PAPER_CLASSES
from perrin.models.classifier import ClassifierModel
from perrin.settings.evaluation import ClassifierEvaluation
from perrin.settings.simulation import MassPrior, ThumbnailSettings
from perrin.simulate.thumbnail_simulator import ThumbnailSimulator

_SPEED_EVENTS, _SPEED_BLOCK, _SPEED_S = 4000, 500, 20.0
_MOVIE_COST = 2000


@dataclass(frozen=True)
class Evaluation:
    """What was measured, as tables."""

    settings: ClassifierEvaluation
    """What it was measured with."""
    figures: pd.DataFrame
    """AUC, errors, precision at 23% recall, calibration error: one row a protocol, n_avg, range of
    mass, model, quantity, score and class, with 95% intervals and the paper's figure."""
    differences: pd.DataFrame
    """Of every two models on the same events, by paired bootstrap: model minus against, and
    relative to it."""
    confusion: pd.DataFrame
    """Fraction of each predicted class among the events of a true one."""
    thresholds: pd.DataFrame
    """Precision, recall and F1 of binders at thresholds on their score. The best F1 is looked for
    on one half of the events and judged on the other."""
    trade_off: pd.DataFrame
    """The same for many thresholds."""
    reliability: pd.DataFrame
    """In bins of the predicted probability, how often it was that class."""
    roc: pd.DataFrame
    """ROC curves, thinned."""
    protein_a: pd.DataFrame
    """What became of the molecules and detections in the simulated movies."""
    shown: Shown | None
    """t-SNE and example events."""
    events_per_s: dict[str, float]
    """Events that each model answers in a second, on all cores."""

    def for_card(self, model: str) -> dict[str, Any]:
        """Return the figures of one model as its card holds them: rounded, None for no number."""

        def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
            return card_rows(table[table["model"] == model].drop(columns="model"))

        return {
            "protocol": "paper: centered on the truth, five classes in equal parts; use: centered "
            "by the permissive detector, six classes in equal parts; simulator's own instrument; "
            "95% intervals by bootstrap",
            "settings": self.settings.model_dump(mode="json"),
            "figures": rows(self.figures),
            "thresholds": rows(self.thresholds),
            "protein_a": self.protein_a.sum().to_dict(),
            "events_per_s": round(self.events_per_s[model], 1),
        }


def evaluate_classifier(
    models: Sequence[ClassifierModel],
    *,
    settings: ClassifierEvaluation,
    simulated: ThumbnailSettings | None = None,
    progress: Callable[[float], None] | None = None,
) -> Evaluation:
    """Return what `models` reach, all on the same events.

    Parameters
    ----------
    models, settings
        With different names; each must cover `settings.n_avg` and the instrument.
        In the comparison of integrations a model is left out where its card does not go.
    simulated : ThumbnailSettings, optional
        Instrument, surface and motions of the events, by default the simulator's own; classes,
        masses and n_avg are replaced.
    progress : callable, optional
        Called with the fraction done, 0 to 1.

    Raises `PerrinError` for no model, two of one name, or one that does not cover the data.

    """
    _check_names(models)
    work = _Work(models, settings, simulated or ThumbnailSettings(), progress)
    sets = list(work.paper_sets())
    if settings.use_count:
        sets.append(work.use_set())
    movies = [work.movie(number) for number in range(settings.movies)]
    if any(len(movie.predictions.labels) for movie in movies):
        predictions = Predictions.joined([movie.predictions for movie in movies])
        sets.append(work.event_set("protein A movies", MASS, ("binder",), predictions))
    shown = work.shown() if settings.shown else None
    figures, differences = figures_of(
        sets, resamples=settings.resamples, seed=fresh_seed(settings.seed, 8)
    )
    cards = {model.name: model.bundle.card.thresholds for model in models}
    return Evaluation(
        settings=settings,
        figures=figures,
        differences=differences,
        confusion=table(sets, confusion_rows),
        thresholds=table(sets, lambda test: threshold_rows(test, cards)),
        trade_off=table(sets, trade_off_rows),
        reliability=table(sets, reliability_rows),
        roc=table(sets, roc_rows),
        protein_a=pd.DataFrame([movie.counts for movie in movies]),
        shown=shown,
        events_per_s={model.name: work.events_per_s(model) for model in models},
    )


@dataclass
class _Work:
    """The parts of an evaluation, and how much of it is done: in events, all taken as equal."""

    models: Sequence[ClassifierModel]
    settings: ClassifierEvaluation
    simulated: ThumbnailSettings
    progress: Callable[[float], None] | None
    done: int = 0

    def paper_sets(self) -> Iterator[EventSet]:
        """Yield the ranges of mass at one integration, and all masses at the others."""
        for n_avg, name in self._wanted():
            chosen = self._chosen(n_avg)
            predictions = predict_on(
                chosen,
                simulated=self._of(n_avg, RANGES[name]),
                count=self.settings.count,
                seed=fresh_seed(self.settings.seed, 0, n_avg, list(RANGES).index(name)),
                report=self._add,
            )
            names = tuple(model.name for model in chosen)
            yield EventSet("paper", n_avg, name, names, PAPER_CLASSES, predictions)

    def use_set(self) -> EventSet:
        """Return all six classes over all masses, as the detector sees them."""
        predictions = predict_on(
            self.models,
            simulated=self._of(self.settings.n_avg),
            classes=CLASSES,
            count=self.settings.use_count,
            centering="detector",
            seed=fresh_seed(self.settings.seed, 2),
            report=self._add,
        )
        return self.event_set("use", ALL_MASSES, CLASSES, predictions)

    def event_set(
        self, protocol: str, masses: str, classes: tuple[str, ...], predictions: Predictions
    ) -> EventSet:
        """Return a set that all models have answered."""
        names = tuple(model.name for model in self.models)
        return EventSet(protocol, self.settings.n_avg, masses, names, classes, predictions)

    def movie(self, number: int) -> ProteinA:
        """Return the detections of one movie."""
        found = detections(
            self.models,
            simulated=self._of(self.settings.n_avg),
            seconds=self.settings.movie_s,
            seed=fresh_seed(self.settings.seed, 3, number),
        )
        self._add(_MOVIE_COST)
        return found

    def shown(self) -> Shown:
        """Return t-SNE and examples."""
        return show(
            self.models,
            simulated=self._of(self.settings.n_avg),
            count=self.settings.shown,
            seed=fresh_seed(self.settings.seed, 4),
            report=self._add,
        )

    def events_per_s(self, model: ClassifierModel) -> float:
        """Return how many events a model gives scores and probabilities for in 1 s, warm."""
        shared, events = fresh_seed(self.settings.seed, 5).spawn(2)
        simulated = self._of(self.settings.n_avg)
        simulator = ThumbnailSimulator.of(
            simulated, centering="truth", background=None, psf=None, seed=shared
        )
        labels = np.resize(np.array(PAPER_CLASSES), _SPEED_BLOCK)
        ((_, part),) = drawn(simulator, labels, seed=events)

        def predict(rows: slice) -> None:
            model.predict(
                part.stacks[rows],
                part.inside[rows],
                n_avg=simulated.n_avg,
                landing_sign=simulator.landing_sign,
            )

        predict(slice(0, 64))
        count, started = 0, perf_counter()
        while count < _SPEED_EVENTS and perf_counter() - started < _SPEED_S:
            predict(slice(None))
            count += _SPEED_BLOCK
        return count / (perf_counter() - started)

    def _wanted(self) -> list[tuple[int, str]]:
        own = self.settings.n_avg
        others = [n for n in self.settings.n_avgs if n != own and self._chosen(n)]
        return [(own, name) for name in RANGES] + [(n, ALL_MASSES) for n in others]

    def _chosen(self, n_avg: int) -> Sequence[ClassifierModel]:
        """All models at the main integration (one that does not cover it is an error there)."""
        if n_avg == self.settings.n_avg:
            return self.models
        cards = [model.bundle.card for model in self.models]
        covering = [card.n_avg[0] <= n_avg <= card.n_avg[1] for card in cards]
        return [model for model, covers in zip(self.models, covering, strict=True) if covers]

    def _of(self, n_avg: int, masses: MassPrior = RANGES[ALL_MASSES]) -> ThumbnailSettings:
        return self.simulated.model_copy(update={"n_avg": n_avg, "masses": masses})

    def _add(self, events: int) -> None:
        """Count events as done."""
        maps = len(self.models) + len({model.bundle.card.view for model in self.models})
        total = len(self._wanted()) * self.settings.count + self.settings.use_count
        total += self.settings.movies * _MOVIE_COST
        total += self.settings.shown * (1 + MAP_COST * maps)
        self.done += events
        if self.progress is not None:
            self.progress(self.done / total)


def _check_names(models: Sequence[ClassifierModel]) -> None:
    names = [model.name for model in models]
    if not names:
        raise PerrinError("no model to evaluate; name at least one (see perrin model list)")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PerrinError(
            f"two models have the name {twice[0]} on their card; they cannot be told apart in "
            "the results. Evaluate them one after the other."
        )
