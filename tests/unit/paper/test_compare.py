from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.paper.compare import (
    Quantity,
    compare,
    resolving_power_at,
    valleys_between,
)
from perrin.paper.settings import ExperimentSettings

SETTINGS = ExperimentSettings(resamples=60)
POWER = resolving_power_at(150.0, peaks=[50.0, 150.0])
FWHM = 2.3548


def peak(sd: float, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(150.0, sd, count)


def by_filter(sets: dict[str, np.ndarray], quantity: Quantity = POWER) -> pd.DataFrame:
    table = compare(sets, quantity, settings=SETTINGS, rng=np.random.default_rng(1))
    return table.set_index("filter")


def test_resolving_power_is_that_of_the_peak_at_equal_counts() -> None:
    found = by_filter({"before": peak(16, 4000), "one": peak(8, 500), "perfect": peak(8, 900)})
    assert (found["equal_counts"] == 500).all()
    for name, sd in (("before", 16), ("one", 8)):
        error = 1 / np.sqrt(2 * 500)  # of a standard deviation; about the same of a fitted one
        assert found.loc[name, "value"] == pytest.approx(150 / (FWHM * sd), rel=4 * error)
        assert (
            found.loc[name, "value_low"] < found.loc[name, "value"] < found.loc[name, "value_high"]
        )
    assert found.loc["one", "gain_fraction"] == pytest.approx(1, abs=0.2)
    assert found.loc["one", "by_chance"] == 0


def test_half_of_the_gain() -> None:
    half = 150 / (FWHM * 16) / 2 + 150 / (FWHM * 8) / 2
    sd = 150 / (FWHM * half)
    found = by_filter(
        {"before": peak(16, 4000), "one": peak(sd, 2000, 5), "perfect": peak(8, 2000)}
    )
    assert found.loc["one", "gain_fraction"] == pytest.approx(0.5, abs=0.2)
    assert found.loc["one", "gain_fraction_low"] < 0.5 < found.loc["one", "gain_fraction_high"]


def test_fewer_events_alone_are_no_gain() -> None:
    everything = peak(12, 3000)
    few = {
        "before": everything,
        "one": everything[:80],
        "perfect": everything[100:200],
    }
    found = by_filter(few)
    assert np.isnan(found.loc["one", "gain_fraction"])
    assert found.loc["one", "by_chance"] > 0.025


def test_valleys_of_few_events_are_no_gain() -> None:
    rng = np.random.default_rng(3)
    masses = rng.choice([100.0, 130.0], 4000) + 9 * rng.standard_normal(4000)
    quantity = valleys_between([100.0, 130.0])
    found = compare(
        {"before": masses, "one": masses[:120], "perfect": masses[200:400]},
        quantity,
        settings=SETTINGS,
        rng=rng,
    )
    assert not quantity.more_is_better
    raw = quantity.of(masses[:120])[0], quantity.of(masses)[0]
    mean = found[found["quantity"] == "mean valley"].set_index("filter")
    assert np.isnan(mean.loc["one", "gain_fraction"])
    assert raw[0] != raw[1]
    assert mean.loc["before", "value_low"] < raw[0] < mean.loc["before", "value_high"]


def test_a_handful_of_events_has_no_number() -> None:
    found = by_filter({"before": peak(12, 3000), "one": peak(8, 20), "perfect": peak(8, 500)})
    assert np.isnan(found.loc["one", "value"])
    assert found.loc["one", "in_window"] == 20
    assert found.loc["perfect", "equal_counts"] == 500


def test_windows_end_in_the_middle_to_the_next_peak() -> None:
    assert resolving_power_at(180.0, peaks=[90.0, 180.0, 360.0]).window == (135.0, 234.0)
    assert valleys_between([100.0, 130.0, 160.0]).window == (85.0, 175.0)
