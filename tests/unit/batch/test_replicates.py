"""What replicates agree on, and which one does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perrin.batch import run_batch
from perrin.batch.replicates import _distance, _interval, _outlier

from .conftest import Plate


def test_a_mean_over_replicates_with_the_conditions_that_they_share(
    plate: Plate, tmp_path: Path
) -> None:
    wells = [{"A": 300, "AB": 100}, {"A": 300, "AB": 140}, {"A": 200}]
    sheet = plate(*wells, A_nM=["1", "1", "2"], day=["mon", "tue", "mon"])
    found = run_batch(sheet, tmp_path / "out", species="A:20-120,AB:120-300", resamples=0)
    table = found.replicates.set_index(["sample", "species"])
    both = table.loc[("s0", "AB")]
    assert both["replicates"] == 2
    assert both["fraction_mean"] == pytest.approx((100 / 400 + 140 / 440) / 2)
    assert both["fraction_sd"] == pytest.approx(np.std([100 / 400, 140 / 440], ddof=1))
    assert both["A_nM"] == "1"
    assert "day" not in table.columns or both["day"] != both["day"]
    assert table.loc[("s1", "AB"), "fraction_mean"] == 0
    assert 0 < table.loc[("s1", "AB"), "fraction_high"] < 0.05


def test_the_replicate_that_does_not_fit_is_named() -> None:
    totals = np.full(4, 2000.0)
    name, why = _outlier(["1", "2", "3", "4"], np.array([0.30, 0.31, 0.12, 0.305]), totals)
    assert name == "3"
    assert "0.120, the others 0.300 to 0.310" in why
    assert _outlier(["1", "2"], np.array([0.30, 0.31]), totals[:2]) == ("", "")
    name, why = _outlier(["1", "2"], np.array([0.30, 0.5]), totals[:2])
    assert name == ""
    assert "cannot be said" in why
    assert _outlier(["1"], np.array([0.3]), totals[:1]) == ("", "")


def test_counting_alone_names_an_outlier_as_rarely_as_it_should() -> None:
    rng = np.random.default_rng(4)
    named = 0
    for _ in range(400):
        counts = rng.binomial(2000, 0.3, 3)
        name, _ = _outlier(["1", "2", "3"], counts / 2000, np.full(3, 2000.0))
        named += bool(name)
    assert named <= 2  # 3 x 6e-5 each were it normal


def test_an_interval_is_never_narrower_than_counting_allows() -> None:
    assert _interval(np.array([0.0, 0.0]), 0, 400)["fraction_high"] == pytest.approx(
        0.0095, abs=1e-3
    )
    wide = _interval(np.array([0.2, 0.4]), 240, 800)
    assert wide["fraction_low"] == 0.0  # t of one degree of freedom is 12.7
    assert _interval(np.zeros(0), 0, 0) == {"fraction_low": 0.0, "fraction_high": 1.0}


def test_the_distance_of_a_replicate_is_in_standard_errors_of_both_sides() -> None:
    """By hand: of the others' spread alone, then of counting alone."""
    many = np.full(4, 1e12)
    fractions = np.array([0.30, 0.34, 0.26, 0.50])
    by_spread = 0.20 / np.sqrt(0.0016 * (1 + 1 / 3))
    assert _distance(fractions, many, 3) == pytest.approx(by_spread, rel=1e-5)
    fractions = np.array([0.30, 0.30, 0.30, 0.36])
    by_counting = 0.06 / np.sqrt(0.315 * 0.685 / 2000 * (1 + 1 / 3))
    assert _distance(fractions, np.full(4, 2000.0), 3) == pytest.approx(by_counting)
