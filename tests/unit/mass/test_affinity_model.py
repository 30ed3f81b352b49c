"""Reactions by name, and equilibria against root finding, formulas and the balances themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from perrin.errors import PerrinError
from perrin.mass.affinity_model import observed, parse_model


def test_reactions_are_read_with_what_species_are_made_of() -> None:
    model = parse_model("A+B=AB+AB=A2B2")
    assert str(model) == "A+B=AB,AB+AB=A2B2"
    assert (model.species, model.components) == (("A", "B", "AB", "A2B2"), ("A", "B"))
    np.testing.assert_array_equal(model.composition, [[1, 0], [0, 1], [1, 1], [2, 2]])
    np.testing.assert_array_equal(model.made_by, [[0, 0], [0, 0], [1, 0], [2, 1]])
    both = parse_model("competition")
    assert both.components == ("A", "B", "C")
    assert both.species == ("A", "B", "AB", "C", "AC")


@pytest.mark.parametrize(
    "text", ["", "A", "A=B", "A+B", "A+B+C=ABC", "A+B=", "A + 2=B", "A+B=AB+C"]
)
def test_what_is_no_reaction_is_refused(text: str) -> None:
    with pytest.raises(PerrinError, match="no reaction that is known"):
        parse_model(text)


def test_a_species_is_made_once() -> None:
    with pytest.raises(PerrinError, match="makes AB twice"):
        parse_model("A+B=AB,C+D=AB")
    with pytest.raises(PerrinError, match="makes A twice, or from itself"):
        parse_model("A+B=A")


def test_one_complex_is_the_root_of_its_quadratic_equation() -> None:
    totals = np.array([[10.0, b] for b in (0.0, 0.3, 3, 10, 200)])
    kd = 7.0
    found = parse_model("A+B=AB").concentrations(np.log([kd]), totals)
    whole = totals.sum(axis=1) + kd
    bound = (whole - np.sqrt(whole**2 - 4 * totals.prod(axis=1))) / 2
    np.testing.assert_allclose(found[:, 2], bound, rtol=1e-9, atol=1e-12)


def test_dimers_are_those_of_the_formula() -> None:
    total = np.array([0.5, 8.0, 300.0])
    found = parse_model("A+A=AA").concentrations(np.log([8.35]), total[:, None])
    free = (-8.35 + np.sqrt(8.35**2 + 8 * total * 8.35)) / 4
    np.testing.assert_allclose(found, np.stack([free, (total - free) / 2], 1), rtol=1e-9)


def test_competition_against_root_finding_in_one_variable() -> None:
    kd = np.array([5.0, 60.0])
    totals = np.array([[10.0, 20.0, 0.0], [10.0, 20.0, 50.0], [10.0, 20.0, 3000.0]])
    model = parse_model("competition")
    found = model.concentrations(np.log(kd), totals)
    for row, (a, b, c) in zip(found, totals, strict=True):

        def missing(free: float, a: float = a, b: float = b, c: float = c) -> float:
            return free + free * b / (kd[0] + free) + free * c / (kd[1] + free) - a

        free = brentq(missing, 0, a, xtol=1e-14)
        expected = {"A": free, "AB": free * b / (kd[0] + free), "AC": free * c / (kd[1] + free)}
        for name, value in expected.items():
            assert row[model.species.index(name)] == pytest.approx(value, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(
    "text", ["A+B=AB", "A+A=AA", "A+B=AB+AB=A2B2", "competition", "A+A=AA+AA=A4"]
)
def test_balances_and_mass_action_hold_over_many_decades(text: str) -> None:
    model, rng = parse_model(text), np.random.default_rng(5)
    for _ in range(20):
        totals = 10 ** rng.uniform(-4, 5, (8, len(model.components)))
        log_kd = rng.uniform(-12, 12, len(model.reactions))
        found = model.concentrations(log_kd, totals)
        np.testing.assert_allclose(found @ model.composition, totals, rtol=1e-8)
        for number, reaction in enumerate(model.reactions):
            left = [found[:, model.species.index(name)] for name in reaction.left]
            product = found[:, model.species.index(reaction.product)]
            np.testing.assert_allclose(
                np.log(left[0]) + np.log(left[1]) - np.log(product), log_kd[number], atol=1e-7
            )


def test_windows_count_species_of_the_model() -> None:
    seen = observed(parse_model("competition"), [("A", "AC"), ("AB",)])
    np.testing.assert_array_equal(seen, [[1, 0, 0, 0, 1], [0, 0, 1, 0, 0]])
    with pytest.raises(PerrinError, match="no species 'X', but A, B, AB, C, AC"):
        observed(parse_model("competition"), [("X",)])
