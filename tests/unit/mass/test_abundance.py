from __future__ import annotations

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.mass.abundance import correct_fractions, uneven_note

NAMES = ["42 kDa", "150 kDa", "480 kDa"]


def test_the_truth_is_in_the_interval_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    true, retention, landed = np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.8, 0.9]), 300
    inside = np.zeros(3)
    repeats = 400
    for _ in range(repeats):
        counts = rng.poisson(250 * true * retention)
        kept = rng.binomial(landed, retention)
        found = correct_fractions(
            counts, kept=kept, landed=np.full(3, landed), names=NAMES, rng=rng
        )
        low, high = found["corrected_fraction_low"], found["corrected_fraction_high"]
        inside += (low <= true) & (true <= high)
    error = np.sqrt(0.95 * 0.05 / repeats)
    np.testing.assert_allclose(inside / repeats, 0.95, atol=4 * error)


def test_counts_without_loss_are_the_shares() -> None:
    rng = np.random.default_rng(2)
    found = correct_fractions(
        [600, 300, 100], kept=[900] * 3, landed=[900] * 3, names=NAMES, rng=rng
    )
    np.testing.assert_allclose(found["corrected_fraction"], [0.6, 0.3, 0.1])
    np.testing.assert_allclose(found["fraction"], found["corrected_fraction"])
    assert uneven_note(found) is None


def test_uneven_loss_is_said() -> None:
    rng = np.random.default_rng(2)
    found = correct_fractions(
        [60, 300, 100], kept=[200, 800, 850], landed=[900] * 3, names=NAMES, rng=rng
    )
    note = uneven_note(found)
    assert note is not None
    assert "42 kDa only 22%" in note
    assert found["corrected_fraction"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("counts", "kept", "said"),
    [([0, 0, 0], [5, 5, 5], "no retained"), ([5, 5, 5], [0, 5, 5], "of 42 kDa 0 molecules")],
)
def test_what_cannot_be_corrected(counts: list[int], kept: list[int], said: str) -> None:
    with pytest.raises(PerrinError, match=said):
        correct_fractions(
            counts, kept=kept, landed=[9] * 3, names=NAMES, rng=np.random.default_rng(0)
        )
