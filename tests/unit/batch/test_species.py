"""Species are windows of mass; without names they are what all samples together show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from perrin.batch.species import landings_of, match_species, parse_species
from perrin.errors import PerrinError


def histogram(masses: np.ndarray[Any, Any]) -> dict[str, Any]:
    bins = np.floor(masses).astype(int)
    first = int(bins.min())
    return {"histogram": {"first": first, "counts": np.bincount(bins - first).tolist()}}


def test_windows_by_mass_reach_20_kda_and_5_percent_and_meet_halfway() -> None:
    a, b, ab = parse_species("AB:216, A:66,B:190")
    assert [one.name for one in (a, b, ab)] == ["A", "B", "AB"]
    assert (a.low, a.high) == (42, 90)
    assert b.high == ab.low == 203


def test_windows_by_bounds() -> None:
    a, shared = parse_species("A:50-85,AB+A2B:200-300")
    assert (a.low, a.high) == (50, 85)
    assert shared.members == ("AB", "A2B")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "give names"),
        ("A", "'A' is no species"),
        ("A:x", "'A:x' is no species"),
        ("A:-5", "is no species"),
        ("A:85-50", "is empty"),
        ("A:66,A:70", "names 'A' twice"),
        ("A:66,A+B:170", "names 'A' twice"),
        ("A:50-85,B:80-120", "overlap"),
        ("A:66,B:66", "one mass"),
    ],
)
def test_what_is_no_species_is_refused(text: str, message: str) -> None:
    with pytest.raises(PerrinError, match=message):
        parse_species(text)


def test_counts_are_those_of_the_masses() -> None:
    rng = np.random.default_rng(2)
    masses = np.concatenate([rng.normal(66, 7, 500), rng.normal(216, 12, 300), [-70, -80.5]])
    found = histogram(masses)
    (a,) = parse_species("A:50-85")
    edges, counts = landings_of(found)
    assert counts[a.bins(edges)].sum() == np.count_nonzero((masses >= 50) & (masses < 85))
    assert edges[0] >= 0
    assert counts.sum() == np.count_nonzero(masses >= 0)


def test_matched_species_are_those_of_all_samples_a_small_sample_counting_the_same() -> None:
    rng = np.random.default_rng(3)
    found = [histogram(rng.normal(66, 7, 20_000)), histogram(rng.normal(66, 7, 15_000))]
    found += [histogram(rng.normal(216, 12, 300))]
    low, high = match_species(found)
    assert low.mass_kda == pytest.approx(66, abs=2)
    assert high.mass_kda == pytest.approx(216, abs=4)
    assert low.name == f"{low.mass_kda:.0f} kDa"
    assert match_species([]) == match_species([{"histogram": None}]) == ()
