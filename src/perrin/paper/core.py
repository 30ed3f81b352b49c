"""What the experiments share: what they plan and find, thresholds, what a filter keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
import pandas as pd

from perrin.landing.classifier.filtering import choose_threshold
from perrin.models.classifier import ClassifierModel
from perrin.paper.compare import BEFORE, PERFECT, Quantity, compare, landings_kept, residual_of
from perrin.paper.settings import ExperimentSettings
from perrin.pipeline.simulated import Measured
from perrin.settings.landing import LandingSettings
from perrin.settings.planned import PlannedMeasurement
from perrin.settings.scores import ScoreSettings
from perrin.settings.simulation import LandingAssay
from perrin.simulate.presets import PRESETS
from perrin.stats import fraction_columns
from perrin.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLASSIFIER, AUTO = "classifier", "classifier, auto"
"""Filters: at the threshold of the experiment, and at that of ``--threshold auto``."""

DEFAULT_THRESHOLD = 0.9
KEPT = "true isolated binders kept"
KEPT_GOAL, GAIN_GOAL = 0.7, 0.8

_BINDERS = {"alone in the thumbnail": "perfect", "alone within 6 px": "isolated"}
"""Kinds of true binders, by the column that tells them."""
_LEAST_OF_ONE = 20  # events in the window of a single measurement

Thresholds = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Goal:
    """One line of what the experiments must reach, with what was found.

    ``met``: yes, no, ``auto only`` (at ``--threshold auto``, not at the experiment's own
    threshold), ``not told apart`` (the interval of a difference holds 0), or a dash where there
    was nothing to reach.
    """

    what: str
    paper: str
    goal: str
    ours: str
    perfect: str
    met: str

    def of(self, what: str) -> Goal:
        """Return the same goal, said of something."""
        return replace(self, what=f"{what}: {self.what}")


@dataclass(frozen=True)
class Findings:
    """What an experiment found: tables by file name, figures by file name, goals, remarks."""

    tables: dict[str, pd.DataFrame]
    figures: dict[str, Figure]
    goals: tuple[Goal, ...]
    comparable: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """What the analysis of an experiment gets besides its measurements."""

    settings: ExperimentSettings
    model: ClassifierModel
    rng: np.random.Generator


@dataclass(frozen=True)
class Experiment:
    """An experiment: its name, the measurements that it needs, and what it makes of them.

    ``then`` plans further ones, from what the first ones were.
    """

    name: str
    title: str
    plan: Callable[[ExperimentSettings], tuple[PlannedMeasurement, ...]]
    analyze: Callable[[Sequence[Measured], Context], Findings]
    then: Callable[[Sequence[Measured], Context], tuple[PlannedMeasurement, ...]] | None = None


def planned(
    name: str,
    assay: LandingAssay,
    *,
    seconds: float,
    settings: ExperimentSettings,
    movie: str | None = None,
    landing: LandingSettings | None = None,
    refits: tuple[int, ...] = (),
) -> PlannedMeasurement:
    """Plan a measurement; its seed follows from its name, or that of its `movie` if given."""
    entropy = [settings.seed, crc32((movie or name).encode())]
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    return PlannedMeasurement(
        name=name,
        assay=assay,
        seconds=settings.scale * seconds,
        seed=seed,
        landing=landing or LandingSettings(),
        refits=refits,
    )


def planned_movies(
    name: str, assay: LandingAssay, count: int, *, seconds: float, settings: ExperimentSettings
) -> tuple[PlannedMeasurement, ...]:
    """Plan as many measurements alike, with seeds of their own."""
    return tuple(
        planned(f"{name}-{k}", assay, seconds=seconds, settings=settings) for k in range(count)
    )


def plan_preset(
    name: str, *, movies: int, seconds: float
) -> Callable[[ExperimentSettings], tuple[PlannedMeasurement, ...]]:
    """Return what plans so many movies of a preset."""

    def plan(settings: ExperimentSettings) -> tuple[PlannedMeasurement, ...]:
        return planned_movies(name, PRESETS[name], movies, seconds=seconds, settings=settings)

    return plan


def thresholds(
    measured: Sequence[Measured], model: ClassifierModel, *, least: float = DEFAULT_THRESHOLD
) -> dict[str, list[float]]:
    """Threshold of each measurement: `least`, and what ``--threshold auto`` takes."""
    settings = ScoreSettings(best_f1=model.bundle.card.thresholds)
    auto = []
    for one in measured:
        single = one.events["single"].to_numpy(bool)
        auto.append(choose_threshold(one.events, single=single, settings=settings).value)
    return {CLASSIFIER: [least] * len(measured), AUTO: auto}


def retention_table(
    measured: Sequence[Measured], at: Thresholds, *, confidence: float, by_species: bool = True
) -> pd.DataFrame:
    """How many true binders each filter keeps.

    Returns
    -------
    DataFrame, one row a filter, kind of binder and species (``all`` first)
        ``filter``, ``threshold`` (mean over the measurements), ``binders``: ``alone in the
        thumbnail`` (what the perfect filter keeps) or ``alone within 6 px``; ``species``;
        ``landed``: such molecules in the part of the movie where events are looked for;
        ``found`` of them as an event; ``kept`` of these; ``retention`` = kept / found with
        its interval (Wilson); and, for ``all``, ``retained``: all landings kept, and
        ``precision``: the fraction of such binders among them.

    """
    rows = []
    for name, least in at.items():
        retained = sum(
            int((m.kept(t) & m.landing).sum()) for m, t in zip(measured, least, strict=True)
        )
        for kind, column in _BINDERS.items():
            counted = _counted(measured, least, column)
            groups = {"all": counted}
            if by_species:
                groups |= {str(key): part for key, part in counted.groupby("species", sort=False)}
            about = {"filter": name, "threshold": float(np.mean(least)), "binders": kind}
            rows += [
                about | _retention(species, part, retained, confidence)
                for species, part in groups.items()
            ]
    return pd.DataFrame(rows)


def _retention(
    species: str, part: pd.DataFrame, retained: int, confidence: float
) -> dict[str, object]:
    """How many binders of one species are kept, `retained` landings among all."""
    found, kept = int(part["found"].sum()), int(part["kept"].sum())
    whole = species == "all"
    return {
        "species": species,
        "landed": len(part),
        "found": found,
        "kept": kept,
        **fraction_columns("retention", kept, found, confidence=confidence),
        "retained": retained if whole else np.nan,
        "precision": kept / retained if whole and retained else np.nan,
    }


def _counted(measured: Sequence[Measured], least: Sequence[float], column: str) -> pd.DataFrame:
    """Binders of one kind: species, whether found (fitted), whether kept."""
    parts = []
    for one, threshold in zip(measured, least, strict=True):
        binders = one.molecules[one.molecules[column].to_numpy(bool)]
        event = binders["event"].to_numpy(np.int64)
        safe = np.maximum(event, 0)
        nothing = np.zeros(len(event), bool)
        found = (event >= 0) & one.landing[safe] if len(one.events) else nothing
        kept = found & one.kept(threshold)[safe] if len(one.events) else nothing
        parts.append(
            pd.DataFrame({"species": binders["species"].to_numpy(), "found": found, "kept": kept})
        )
    return pd.concat(parts, ignore_index=True)


def number(value: float, low: float = np.nan, high: float = np.nan, *, digits: int = 1) -> str:
    """Return ``7.1 (6.8 to 7.5)``; a dash for NaN."""
    if not np.isfinite(value):
        return "-"
    text = f"{value:.{digits}f}"
    return f"{text} ({low:.{digits}f} to {high:.{digits}f})" if np.isfinite(low) else text


def percent(value: float, low: float = np.nan, high: float = np.nan) -> str:
    """Return ``71% (66 to 75)``; a dash for NaN."""
    if not np.isfinite(value):
        return "-"
    text = f"{100 * value:.0f}%"
    return f"{text} ({100 * low:.0f} to {100 * high:.0f})" if np.isfinite(low) else text


def value_of(comparison: pd.DataFrame, name: str, *, what: str = "value", digits: int = 1) -> str:
    """A number of one filter (one quantity in the table) with its interval, as text."""
    row = comparison[comparison["filter"] == name].iloc[0]
    ends = row[what], row[f"{what}_low"], row[f"{what}_high"]
    return percent(*ends) if what == "gain_fraction" else number(*ends, digits=digits)


def met(by_filter: pd.Series[float], *, least: float) -> str:
    """Whether the classifier reaches `least`, at its threshold or at the automatic one only."""
    if not np.isfinite(by_filter[CLASSIFIER]) and not np.isfinite(by_filter[AUTO]):
        return "-"
    if by_filter[CLASSIFIER] >= least:
        return "yes"
    return "auto only" if by_filter[AUTO] >= least else "no"


def _better(row: pd.Series[Any]) -> str:
    """Whether a filter is better than the residual filter, by the whole interval."""
    if not np.isfinite(row["over_residual"]):
        return "-"
    if row["over_residual_low"] > 0:
        return "yes"
    return "no" if row["over_residual_high"] < 0 else "not told apart"


def standard_goals(comparison: pd.DataFrame, kept: pd.DataFrame) -> tuple[Goal, ...]:
    """Goals that every experiment has, from a comparison of one quantity and what was kept."""
    by_filter = comparison.set_index("filter")
    gain = by_filter["gain_fraction"]
    predicted = np.isfinite(gain[CLASSIFIER])
    alone = kept[(kept["binders"] == "alone in the thumbnail") & (kept["species"] == "all")]
    fraction = alone.set_index("filter")["retention"]

    def both(text: Callable[[str], str]) -> str:
        return f"{text(CLASSIFIER)}; auto {text(AUTO)}"

    quantity = comparison["quantity"].iloc[0]
    return (
        Goal(
            f"fraction of the perfect filter's gain, {quantity}",
            "-",
            "80% or more",
            both(lambda name: value_of(comparison, name, what="gain_fraction"))
            if predicted
            else "no gain to be had that can be distinguished from noise",
            f"{value_of(comparison, 'before', digits=2)} to "
            f"{value_of(comparison, 'perfect', digits=2)}",
            met(gain, least=GAIN_GOAL),
        ),
        Goal(
            KEPT,
            "-",
            "70% or more",
            both(lambda name: percent(fraction[name])),
            "100%",
            met(fraction, least=KEPT_GOAL),
        ),
        Goal(
            f"better than the residual filter at equal kept counts, {quantity}",
            "-",
            "yes",
            both(
                lambda name: (
                    f"{value_of(comparison, name, digits=2)} against "
                    f"{value_of(comparison, residual_of(name), digits=2)}"
                )
            ),
            "",
            _better(pd.Series(by_filter.loc[CLASSIFIER])),
        ),
    )


def compared(
    measured: Sequence[Measured],
    at: Thresholds,
    quantities: Sequence[Quantity],
    context: Context,
) -> pd.DataFrame:
    """Compare the filters by several quantities, one table; the measurements are pooled."""
    sets = landings_kept(measured, at)
    return pd.concat(
        [compare(sets, one, settings=context.settings, rng=context.rng) for one in quantities],
        ignore_index=True,
    )


def over_repeats(
    measured: Sequence[Measured], at: Thresholds, quantity: Quantity, context: Context
) -> pd.DataFrame:
    """Mean and standard deviation over measurements of a quantity, at each one's equal counts.

    Returns ``filter``, ``repeats`` (those with enough events), ``repeats_mean``, ``repeats_sd``.
    """
    few = context.settings.model_copy(update={"resamples": 1, "thinnings": 4})
    parts = []
    for k, one in enumerate(measured):
        sets = landings_kept([one], {name: [least[k]] for name, least in at.items()})
        parts.append(compare(sets, quantity, settings=few, rng=context.rng, least=_LEAST_OF_ONE))
    by_filter = pd.concat(parts).groupby("filter", sort=False)["value"]
    return pd.DataFrame(
        {
            "repeats": by_filter.count(),
            "repeats_mean": by_filter.mean(),
            "repeats_sd": by_filter.std(),
        }
    ).reset_index()


def masses_of(measured: Sequence[Measured], which: Sequence[BoolArray]) -> FloatArray:
    """Masses (n,) of chosen events, one mask a measurement; unbindings are negative."""
    parts = [
        one.events["mass_kda"].to_numpy(float)[chosen]
        for one, chosen in zip(measured, which, strict=True)
    ]
    return np.concatenate(parts)


def spectra_of(measured: Sequence[Measured], at: Thresholds) -> dict[str, FloatArray]:
    """Masses (n,), both signs, of all fitted events, of those kept, and of the perfect ones."""
    return {
        BEFORE: masses_of(measured, [one.events["fitted"].to_numpy(bool) for one in measured]),
        CLASSIFIER: masses_of(
            measured, [one.kept(t) for one, t in zip(measured, at[CLASSIFIER], strict=True)]
        ),
        PERFECT: masses_of(measured, [one.events["perfect"].to_numpy(bool) for one in measured]),
    }
