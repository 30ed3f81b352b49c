"""What event classifiers reach on fresh events: the tables and figures of paper 002, and ours.

Every model answers the same events. Class figures come by two scores: ``score``, the model's own
for a class (the paper's: sigmoid of the logit), and ``probability``, of the class given that the
event is of one of the protocol's classes. Errors are events whose most probable class is wrong.
Definitions of both protocols: `perrin.evaluate.answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.evaluate import roc
from perrin.evaluate.answers import ALL_MASSES, RANGES, Answers, answers_on, drawn
from perrin.evaluate.embedding import Shown, show
from perrin.evaluate.protein_a import MASS, ProteinA, detections
from perrin.models.classifier import ClassifierModel
from perrin.settings.classifier import CLASSES, PAPER_CLASSES
from perrin.settings.evaluation import ClassifierEvaluation
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.studio import Studio

FloatArray = NDArray[np.float64]

PAPER_AUC: dict[str, tuple[float, ...]] = {
    "30 to 800 kDa": (0.985, 0.999, 0.995, 0.996, 0.985),
    "30 to 55 kDa": (0.841, 0.995, 0.882, 0.968, 0.868),
    "55 to 100 kDa": (0.932, 0.999, 0.978, 0.998, 0.950),
    "100 to 800 kDa": (0.998, 0.999, 0.995, 1.00, 0.995),
}
"""Paper 002, Table 2, in the order of `PAPER_CLASSES`: its own data, background and networks."""
PAPER_ERRORS = 0.055
PAPER_PRECISION = 0.61  # at that recall, 30 to 55 kDa
RECALL = 0.23
"""Of binders, where the paper gives its precision (its threshold for protein A)."""
RECOMMENDED = 0.9
"""Threshold that the paper recommends to start with."""

_OWN_ENTROPY = 20_020_807  # no training, whatever its seed, draws the events of an evaluation
_MOST_POINTS = 400  # of a ROC curve that is kept
_SPEED_EVENTS, _SPEED_S = 4000, 20.0


@dataclass(frozen=True)
class Evaluation:
    """What was measured, as tables.

    Attributes
    ----------
    settings : ClassifierEvaluation
        What it was measured with.
    figures : DataFrame
        AUC, errors, precision at 23% recall, calibration error: one row a protocol, n_avg, range
        of mass, model, quantity, score and class, with 95% intervals and the paper's figure.
    differences : DataFrame
        Of every two models on the same events, by paired bootstrap: model minus against, and
        relative to it.
    confusion : DataFrame
        Share of each told class among the events of a true one.
    thresholds : DataFrame
        Precision, recall and F1 of binders at thresholds on their score. The best F1 is looked
        for on one half of the events and judged on the other.
    trade_off : DataFrame
        The same for many thresholds.
    reliability : DataFrame
        In bins of the told probability, how often it was that class.
    roc : DataFrame
        ROC curves, thinned.
    protein_a : DataFrame
        What became of the molecules and detections in the simulated movies.
    shown : Shown or None
        t-SNE and example events.
    events_per_s : dict
        Events that each model answers in a second, on all cores.

    """

    settings: ClassifierEvaluation
    figures: pd.DataFrame
    differences: pd.DataFrame
    confusion: pd.DataFrame
    thresholds: pd.DataFrame
    trade_off: pd.DataFrame
    reliability: pd.DataFrame
    roc: pd.DataFrame
    protein_a: pd.DataFrame
    shown: Shown | None
    events_per_s: dict[str, float]

    def for_card(self, model: str) -> dict[str, Any]:
        """Return the figures of one model as its card holds them: rounded, None for no number."""

        def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
            own = table[table["model"] == model].drop(columns="model")
            rounded = own.round(4).astype(object)
            return [
                {str(name): value for name, value in row.items()}
                for row in rounded.where(own.notna(), None).to_dict("records")
            ]

        return {
            "protocol": "paper: centred on the truth, five classes in equal parts; use: centred by "
            "the permissive detector, six classes in equal parts; simulator's own instrument; 95% "
            "intervals by bootstrap",
            "settings": self.settings.model_dump(mode="json"),
            "figures": rows(self.figures),
            "thresholds": rows(self.thresholds),
            "events_per_s": round(self.events_per_s[model], 1),
        }


class _Set(NamedTuple):
    """One set of test events and what the models, by name, say of them."""

    protocol: str
    n_avg: int
    range: str
    models: tuple[str, ...]
    classes: tuple[str, ...]
    answers: Answers

    @property
    def about(self) -> dict[str, Any]:
        """The columns of tables that say which set it is."""
        return {"protocol": self.protocol, "n_avg": self.n_avg, "range": self.range}


def evaluate_classifier(
    models: Sequence[ClassifierModel],
    *,
    settings: ClassifierEvaluation,
    progress: Callable[[float], None] | None = None,
) -> Evaluation:
    """Return what `models` reach, all on the same events.

    Parameters
    ----------
    models : sequence of ClassifierModel
        With different names; each must cover `settings.n_avg` and the simulator's instrument.
        In the comparison of integrations a model is left out where its card does not go.
    settings : ClassifierEvaluation
        Numbers of events, integrations, seed.
    progress : callable, optional
        Called with the share done, 0 to 1.

    Raises
    ------
    PerrinError
        For no model, two of one name, or one that does not cover the data.

    """
    _check_names(models)
    meter = _Meter(settings, models, progress)
    sets: list[_Set] = []
    movies: list[ProteinA] = []
    sets.extend(_paper_sets(models, settings, meter))
    if settings.use_count:
        sets.append(_use_set(models, settings, meter))
    for k in range(settings.movies):
        movies.append(_movie(models, settings, k))
        meter.add(meter.movie)
    if movies:
        names = tuple(model.name for model in models)
        answers = Answers.joined([movie.answers for movie in movies])
        sets.append(_Set("protein A movies", settings.n_avg, MASS, names, ("binder",), answers))
    shown = None
    if settings.shown:
        shown = show(
            models,
            n_avg=settings.n_avg,
            count=settings.shown,
            seed=_seed(settings, 4),
            report=meter.add,
        )
    speeds = {model.name: events_per_s(model, settings) for model in models}
    figures, differences = _figures(sets, settings)
    cards = {model.name: model.bundle.card.thresholds for model in models}
    return Evaluation(
        settings=settings,
        figures=figures,
        differences=differences,
        confusion=_table(sets, _confusion),
        thresholds=_table(sets, lambda s: _thresholds(s, cards)),
        trade_off=_table(sets, _trade_off),
        reliability=_table(sets, _reliability),
        roc=_table(sets, _roc),
        protein_a=pd.DataFrame([movie.counts for movie in movies]),
        shown=shown,
        events_per_s=speeds,
    )


def confusion_use(
    model: ClassifierModel, *, count: int, seed: int
) -> tuple[tuple[float, ...], ...]:
    """Return the confusion matrix of a card: its classes in equal parts, protocol *use*.

    Rows are true classes, columns told ones, in the order of the model's classes; rows sum to 1.
    """
    answers = answers_on(
        [model],
        classes=model.classes,
        n_avg=usual_n_avg(model),
        count=count,
        centring="detector",
        seed=np.random.SeedSequence([_OWN_ENTROPY, seed], spawn_key=(6,)),
    )
    told = answers.among(model.classes)[0].argmax(axis=1)
    true = np.array([model.classes.index(name) for name in answers.labels])
    shares = roc.confusion(true, told, classes=len(model.classes))
    return tuple(tuple(round(float(x), 5) for x in row) for row in shares)


def best_thresholds(model: ClassifierModel, *, count: int, seed: int) -> dict[str, float]:
    """Return the thresholds of a card: on the score of binders, highest F1, by range of mass.

    `count` events in each range, protocol *paper*; no evaluation draws the same ones.
    """
    found = {}
    for k, (name, masses) in enumerate(RANGES.items()):
        answers = answers_on(
            [model],
            masses=masses,
            n_avg=usual_n_avg(model),
            count=count,
            seed=np.random.SeedSequence([_OWN_ENTROPY, seed], spawn_key=(7, k)),
        )
        found[name] = roc.best_threshold(answers.score[0, :, 0], answers.true == 0)
    return found


def usual_n_avg(model: ClassifierModel) -> int:
    """Return the integration that a card's figures are for: 10, or the nearest that it covers."""
    low, high = model.bundle.card.n_avg
    return min(max(10, low), high)


def events_per_s(model: ClassifierModel, settings: ClassifierEvaluation) -> float:
    """Return how many events `model` gives scores and probabilities for in one second, warm."""
    studio = Studio.of(
        ThumbnailSettings(n_avg=settings.n_avg),
        centring="truth",
        background=None,
        psf=None,
        seed=_seed(settings, 5, 0),
    )
    labels = np.resize(np.array(PAPER_CLASSES), 500)
    ((_, part),) = drawn(studio, labels, seed=_seed(settings, 5, 1))

    def answer(count: int) -> None:
        rows = slice(0, count)
        model.answer(
            part.stacks[rows],
            part.inside[rows],
            n_avg=settings.n_avg,
            landing_sign=studio.landing_sign,
        )

    answer(64)
    done, started = 0, perf_counter()
    while done < _SPEED_EVENTS and perf_counter() - started < _SPEED_S:
        answer(len(labels))
        done += len(labels)
    return done / (perf_counter() - started)


def _paper_sets(
    models: Sequence[ClassifierModel], settings: ClassifierEvaluation, meter: _Meter
) -> Iterator[_Set]:
    """Yield the ranges of mass at one integration, and all masses at the other integrations."""
    wanted = [(settings.n_avg, name) for name in RANGES]
    wanted += [(n_avg, ALL_MASSES) for n_avg in settings.n_avgs if n_avg != settings.n_avg]
    for n_avg, name in wanted:
        asked = list(models) if n_avg == settings.n_avg else _covering(models, n_avg)
        if not asked:
            continue
        answers = answers_on(
            asked,
            masses=RANGES[name],
            n_avg=n_avg,
            count=settings.count,
            seed=_seed(settings, 0, n_avg, list(RANGES).index(name)),
            report=meter.add,
        )
        names = tuple(model.name for model in asked)
        yield _Set("paper", n_avg, name, names, PAPER_CLASSES, answers)


def _use_set(
    models: Sequence[ClassifierModel], settings: ClassifierEvaluation, meter: _Meter
) -> _Set:
    answers = answers_on(
        models,
        classes=CLASSES,
        n_avg=settings.n_avg,
        count=settings.use_count,
        centring="detector",
        seed=_seed(settings, 2),
        report=meter.add,
    )
    names = tuple(model.name for model in models)
    return _Set("use", settings.n_avg, ALL_MASSES, names, CLASSES, answers)


def _movie(
    models: Sequence[ClassifierModel], settings: ClassifierEvaluation, number: int
) -> ProteinA:
    seed = int(_seed(settings, 3, number).generate_state(1)[0])
    return detections(models, n_avg=settings.n_avg, seconds=settings.movie_s, seed=seed)


def _covering(models: Sequence[ClassifierModel], n_avg: int) -> list[ClassifierModel]:
    def covers(model: ClassifierModel) -> bool:
        low, high = model.bundle.card.n_avg
        return low <= n_avg <= high

    return [model for model in models if covers(model)]


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


def _seed(settings: ClassifierEvaluation, *key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([_OWN_ENTROPY, settings.seed], spawn_key=key)


class _Quantity(NamedTuple):
    """What a figure is, by which score, and of which class."""

    quantity: str
    by: str
    of: str


def _figures(
    sets: Sequence[_Set], settings: ClassifierEvaluation
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All figures with intervals, and the differences of every two models."""
    rows: list[dict[str, Any]] = []
    differences: list[dict[str, Any]] = []
    for k, test in enumerate(sets):
        names, statistics = _statistics(test)
        point, drawn_again = roc.bootstrap(
            statistics,
            test.answers.labels,
            resamples=settings.resamples,
            rng=np.random.default_rng(_seed(settings, 8, k)),
        )
        shape = len(test.models), len(names)
        point, again = point.reshape(shape), drawn_again.reshape(-1, *shape)
        for q, name in enumerate(names):
            columns = {"quantity": name.quantity, "by": name.by, "class": name.of}
            for m, model in enumerate(test.models):
                low, high = roc.interval(again[:, m, q])
                value = {"value": point[m, q], "low": low, "high": high}
                rows.append(
                    test.about | {"model": model} | columns | value | {"paper": _paper(test, name)}
                )
            for a, b in combinations(range(len(test.models)), 2):
                differences.append(
                    test.about
                    | {"model": test.models[a], "against": test.models[b]}
                    | columns
                    | _difference(point[[a, b], q], again[:, [a, b], q])
                )
        rows += _calibration_errors(test)
    return pd.DataFrame(rows), pd.DataFrame(differences)


def _statistics(test: _Set) -> tuple[list[_Quantity], roc.Statistics]:
    """Names of the figures of one model, and the function that gives those of all models."""
    classes, true = test.classes, test.answers.true
    several = len(classes) > 1
    names = []
    for by in _scores(test):
        names += [_Quantity("AUC", by, of) for of in classes]
        names.append(_Quantity(f"precision at {RECALL:.0%} recall", by, "binder"))
    if several:
        names.append(_Quantity("errors", "probability", "all"))
        wrong = test.answers.among(classes).argmax(axis=2) != true
    scores = list(_scores(test).values())
    positives = [true == CLASSES.index(of) for of in classes]

    def statistics(weights: FloatArray) -> FloatArray:
        columns = []
        for m in range(len(test.models)):
            for values in scores:
                for c, positive in enumerate(positives):
                    columns.append(roc.weighted_auc(values[m, :, c], positive, weights))
                binder = values[m, :, 0]
                columns.append(roc.precision_at(binder, positives[0], weights, recall=RECALL))
            if several:
                columns.append(weights @ wrong[m] / weights.sum(axis=1))
        return np.stack(columns, axis=1)

    return names, statistics


def _scores(test: _Set) -> dict[str, FloatArray]:
    """Both scores (M, N, C) of the set's classes; NaN for a class that a model does not have."""
    index = [CLASSES.index(name) for name in test.classes]
    score = test.answers.score[:, :, index]
    told = test.answers.among(test.classes) if len(index) > 1 else test.answers.probability
    return {
        "score": score,
        "probability": np.where(np.isnan(score), np.nan, told[:, :, : len(index)]),
    }


def _paper(test: _Set, name: _Quantity) -> float:
    """What the paper reached; NaN where it gives no figure."""
    if test.protocol != "paper" or test.n_avg != 10:
        return float("nan")
    if name.quantity == "AUC":
        return PAPER_AUC[test.range][PAPER_CLASSES.index(name.of)]
    if name.quantity == "errors" and test.range == ALL_MASSES:
        return PAPER_ERRORS
    if name.quantity.startswith("precision") and test.range == "30 to 55 kDa":
        return PAPER_PRECISION
    return float("nan")


def _difference(point: FloatArray, again: FloatArray) -> dict[str, float]:
    """Model (first) minus against (second), and relative to it, with paired intervals."""
    low, high = roc.interval(again[:, 0] - again[:, 1])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = point[0] / point[1] - 1
        relative_low, relative_high = roc.interval(again[:, 0] / again[:, 1] - 1)
    return {
        "difference": point[0] - point[1],
        "low": low,
        "high": high,
        "relative": relative,
        "relative_low": relative_low,
        "relative_high": relative_high,
    }


def _table(sets: Sequence[_Set], rows: Callable[[_Set], Iterator[dict[str, Any]]]) -> pd.DataFrame:
    return pd.DataFrame([test.about | row for test in sets for row in rows(test)])


def _confusion(test: _Set) -> Iterator[dict[str, Any]]:
    if len(test.classes) == 1:
        return
    told = test.answers.among(test.classes).argmax(axis=2)
    for m, model in enumerate(test.models):
        shares = roc.confusion(test.answers.true, told[m], classes=len(test.classes))
        for true, row in zip(test.classes, shares, strict=True):
            for name, share in zip(test.classes, row, strict=True):
                yield {"model": model, "true": true, "told": name, "share": share}


def _thresholds(test: _Set, cards: dict[str, dict[str, float]]) -> Iterator[dict[str, Any]]:
    """What thresholds do to the second half of the events; the best is looked for on the first."""
    positive = test.answers.true == 0
    for m, model in enumerate(test.models):
        score = test.answers.score[m, :, 0]
        chosen = {
            "best F1": roc.best_threshold(score[::2], positive[::2]),
            "recommended": RECOMMENDED,
        }
        if test.range in cards[model]:
            chosen["card"] = cards[model][test.range]
        for how, threshold in chosen.items():
            kept = roc.at_threshold(score[1::2], positive[1::2], threshold)
            yield {"model": model, "chosen": how, "threshold": threshold} | kept._asdict()


def _trade_off(test: _Set) -> Iterator[dict[str, Any]]:
    near_one = 1 - np.geomspace(0.01, 1e-4, 21)
    positive = test.answers.true == 0
    for m, model in enumerate(test.models):
        for threshold in np.concatenate([np.arange(0.01, 0.985, 0.01), near_one]):
            kept = roc.at_threshold(test.answers.score[m, :, 0], positive, threshold)
            yield {"model": model, "threshold": threshold} | kept._asdict()


def _reliability(test: _Set) -> Iterator[dict[str, Any]]:
    if len(test.classes) == 1:
        return
    for m, model in enumerate(test.models):
        for of, found in _reliabilities(test, m):
            edges = np.linspace(0, 1, len(found.events) + 1)
            for k in np.flatnonzero(found.events):
                yield {
                    "model": model,
                    "class": of,
                    "from": edges[k],
                    "to": edges[k + 1],
                    "events": found.events[k],
                    "told": found.told[k],
                    "true": found.true[k],
                }


def _reliabilities(test: _Set, model: int) -> Iterator[tuple[str, roc.Reliability]]:
    """Reliability of each class's probability, and of the most probable class of each event."""
    told = test.answers.among(test.classes)[model]
    true = test.answers.true
    for c, of in enumerate(test.classes):
        if told[:, c].any():
            yield of, roc.reliability(told[:, c], true == c)
    yield "most probable", roc.reliability(told.max(axis=1), told.argmax(axis=1) == true)


def _calibration_errors(test: _Set) -> Iterator[dict[str, Any]]:
    if len(test.classes) == 1:
        return
    for m, model in enumerate(test.models):
        for of, found in _reliabilities(test, m):
            yield test.about | {
                "model": model,
                "quantity": "calibration error",
                "by": "probability",
                "class": of,
                "value": found.error,
                "low": np.nan,
                "high": np.nan,
                "paper": np.nan,
            }


def _roc(test: _Set) -> Iterator[dict[str, Any]]:
    true = test.answers.true
    for by, values in _scores(test).items():
        for m, model in enumerate(test.models):
            for c, of in enumerate(test.classes):
                if np.isnan(values[m, :, c]).any():
                    continue
                found = roc.curve(values[m, :, c], true == CLASSES.index(of))
                rates = np.stack([found.false_rate, found.recall], axis=1)
                length = np.abs(np.diff(rates, axis=0, prepend=0)).sum(axis=1).cumsum()
                at = np.searchsorted(length, np.linspace(0, length[-1], _MOST_POINTS))
                for false_rate, recall in rates[np.unique(np.minimum(at, len(rates) - 1))]:
                    yield {
                        "model": model,
                        "by": by,
                        "class": of,
                        "false_rate": false_rate,
                        "recall": recall,
                    }


class _Meter:
    """How much of the work is done; a movie counts as so many events."""

    movie = 2000

    def __init__(
        self,
        settings: ClassifierEvaluation,
        models: Sequence[ClassifierModel],
        progress: Callable[[float], None] | None,
    ) -> None:
        others = [n for n in settings.n_avgs if n != settings.n_avg and _covering(models, n)]
        sets = len(RANGES) + len(others)
        self._total = sets * settings.count + settings.use_count + settings.shown
        self._total += settings.movies * self.movie
        self._done = 0
        self._progress = progress

    def add(self, events: int) -> None:
        """Count events as done."""
        self._done += events
        if self._progress is not None:
            self._progress(self._done / self._total)
