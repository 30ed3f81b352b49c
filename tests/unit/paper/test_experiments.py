from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from perrin.paper import protein_a, selection
from perrin.paper.core import AUTO, CLASSIFIER, Context, Findings
from perrin.paper.run import EXPERIMENTS
from perrin.paper.settings import ExperimentSettings


def analyzed(name: str, make_up: Any, context: Context, **how: Any) -> Findings:
    one = EXPERIMENTS[name]
    measured = [make_up(planned, **how) for planned in one.plan(context.settings)]
    if one.then is not None:
        measured += [make_up(planned, **how) for planned in one.then(measured, context)]
    return one.analyze(measured, context)


@pytest.mark.parametrize("name", ["bsa", "dynamin", "antibody", "density", "integration"])
def test_who_knows_the_truth_reaches_the_bound(name: str, make_up: Any, context: Context) -> None:
    found = analyzed(name, make_up, context)
    comparison = found.tables["comparison"]
    at = comparison[comparison["filter"].isin([CLASSIFIER, AUTO])]
    told = at["gain_fraction"].dropna()
    assert len(told)
    assert (abs(told - 1) < 0.5).all()  # the same events, thinned differently
    kept = found.tables["kept"]
    assert (kept["retention"] == 1).all()
    assert not any(goal.met == "no" for goal in found.goals if "residual" not in goal.what)
    assert set(found.figures)


def test_who_knows_nothing_gains_nothing(make_up: Any, context: Context) -> None:
    found = analyzed("dynamin", make_up, context, knows=False, count=1500)
    at = found.tables["comparison"].set_index(["filter", "quantity"])
    told = at.loc[CLASSIFIER]["gain_fraction_low"].dropna()  # not told: the truth gains too little
    assert len(told)
    assert (told < 0.3).all()
    kept = found.tables["kept"]
    fraction = kept[(kept["filter"] == CLASSIFIER) & (kept["species"] == "all")]["retention"]
    assert (abs(fraction - 0.1) < 0.04).all()  # a random score passes 0.9 once in ten
    assert any(goal.met == "no" for goal in found.goals)


def test_valleys_of_hsp27(make_up: Any, context: Context) -> None:
    found = analyzed("hsp27", make_up, context)
    comparison = found.tables["comparison"]
    mean = comparison[comparison["quantity"] == "mean valley"].set_index("filter")
    assert mean.loc[CLASSIFIER, "value"] < mean.loc["before", "value"]
    assert mean.loc["residual at its best", "value"] > mean.loc["perfect", "value"]
    assert set(comparison["paper"].dropna()) >= {0.69, 0.06}
    (pairs,) = [goal for goal in found.goals if "pairs" in goal.what]
    assert pairs.met == ("yes" if pairs.ours.startswith("5 of 5") else "no")


def test_protein_a(make_up: Any, context: Context) -> None:
    found = analyzed("protein-a", make_up, context)
    again = found.tables["persistence"].set_index("group")
    assert again.loc["retained", "fraction"] == 1
    assert again.loc["discarded", "fraction"] == 0
    assert set(found.tables["titration"]["density"]) == {0.0, *protein_a.DENSITIES}
    buffer = found.tables["titration_lines"].set_index("filter")["buffer"]
    assert buffer["perfect"] == 0
    assert buffer["before"] > 0


def test_corrected_shares_hold_the_truth(make_up: Any, context: Context) -> None:
    found = analyzed("selection", make_up, context)
    coverage = found.tables["coverage"]
    each = coverage[(coverage["filter"] == CLASSIFIER) & (coverage["species"] != "all")]
    assert (each["intervals"] == selection.REPEATS).all()
    assert (each["coverage"] > 0.87).all()  # 95% of 100, four standard errors
    assert found.goals[0].met == ("yes" if (each["coverage_high"] >= 0.95).all() else "no")


def test_what_corrects_is_a_sample_as_it_was_measured(make_up: Any, context: Context) -> None:
    one = EXPERIMENTS["selection"]
    measured = [make_up(planned) for planned in one.plan(context.settings)]
    assert one.then is not None
    pool = one.then(measured, context)
    assay = pool[0].assay
    assert len(pool) == selection.POOL
    fraction = np.array([species.abundance for species in assay.species])
    np.testing.assert_allclose(fraction / fraction.sum(), selection.TRUE_FRACTIONS, atol=0.05)
    assert assay.motions == {"binder": 0.5, "unbinder": 0.0, "roller": 0.0, "wobbler": 0.5}


def test_plans_have_names_and_seeds_of_their_own() -> None:
    settings = ExperimentSettings()
    for one in EXPERIMENTS.values():
        plan = one.plan(settings)
        assert len({planned.name for planned in plan}) == len(plan)
    movies = {planned.seed for planned in EXPERIMENTS["integration"].plan(settings)}
    assert len(movies) == 5  # the same movies at every integration
    other = EXPERIMENTS["bsa"].plan(ExperimentSettings(seed=2))
    assert {p.seed for p in other}.isdisjoint(p.seed for p in EXPERIMENTS["bsa"].plan(settings))
