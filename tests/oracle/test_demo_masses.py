"""Masses that DiscoverMP stored, made again from contrast and calibration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.io.tables import read_events
from perrin.mass.calibrants import calibrate_from_events
from perrin.mass.calibration import Calibration, apply_embedded, calibrate
from perrin.mass.ladders import contradicting, ladder, match_ladder


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "mass-photometry"


def test_every_mass_of_the_demo_file_is_given_back(folder: Path) -> None:
    stored = read_events(folder / "demo.h5")
    assert len(stored) == 2069
    made = apply_embedded(stored)
    assert (stored["contrast"] > 0).sum() == 641
    assert np.abs(made["mass_kda"] - stored["mass_kda"]).max() < 1e-9


def test_the_embedded_line_is_the_fit_through_its_points(folder: Path) -> None:
    line = Calibration.from_embedded(read_events(folder / "demo.h5").attrs["calibration"])
    again = calibrate(
        [point.mass_kda for point in line.points], [point.contrast for point in line.points]
    )
    assert again.gradient_per_kda == pytest.approx(line.gradient_per_kda, rel=1e-9)
    assert again.offset == pytest.approx(line.offset, rel=1e-9)
    assert line.covariance is not None
    assert again.r2 == pytest.approx(0.9999680438208348, abs=1e-9)  # r2 in the file


def test_the_points_of_the_demo_file_are_found_on_the_whole_ladder(folder: Path) -> None:
    line = Calibration.from_embedded(read_events(folder / "demo.h5").attrs["calibration"])
    matches = match_ladder([point.contrast for point in line.points], ladder("nativemark"))
    assert matches[0].masses_kda == (66.0, 146.0, 480.0)
    assert contradicting(matches) == []


def test_csv_and_h5_of_one_measurement_agree(folder: Path) -> None:
    h5, csv = read_events(folder / "demo.h5"), read_events(folder / "demo.csv")
    for name in ("contrast", "mass_kda", "event", "measurement"):
        pd.testing.assert_series_equal(h5[name], csv[name], check_exact=True)


def test_one_odd_line_gives_every_mass_of_events_fitted(folder: Path) -> None:
    """The CSV holds no calibration; the line through its landings holds for its unbindings."""
    events = read_events(folder / "eventsFitted.csv")
    assert len(events) == 330
    landing = events["contrast"] < 0
    gradient, offset = np.polyfit(events["mass_kda"][landing], events["contrast"][landing], 1)
    line = Calibration(gradient_per_kda=gradient, offset=offset)
    assert (~landing).sum() == 18
    assert np.abs(line.mass_kda(events["contrast"]) - events["mass_kda"]).max() < 1e-9


def test_fitres_masses_follow_the_line_for_landings_only(folder: Path) -> None:
    """That program uses the plain inverse, which shifts unbinding by twice the offset."""
    events = read_events(folder / "fitres_10_11_2_rep1.parquet")
    assert len(events) == 1402
    assert (np.sign(events["contrast"]) == -np.sign(events["mass_kda"])).all()
    landing = events["contrast"] < 0
    gradient, offset = np.polyfit(events["mass_kda"][landing], events["contrast"][landing], 1)
    line = Calibration(gradient_per_kda=gradient, offset=offset)
    made = line.mass_kda(events["contrast"])
    rounding = 4 * 2**-11 * events["mass_kda"].abs()  # contrast and mass have 11 bits each
    assert (np.abs(made - events["mass_kda"])[landing] < rounding[landing]).all()
    shift = 2 * offset / gradient
    assert shift == pytest.approx(5.1, abs=0.1)
    assert (np.abs(made - shift - events["mass_kda"])[~landing] < rounding[~landing]).all()


def test_the_vendors_calibration_is_found_from_its_events(folder: Path) -> None:
    """DiscoverMP's points are rounded to three digits: 66 kDa at -0.00359, and so on."""
    events = read_events(folder / "demo.h5")
    vendor = Calibration.from_embedded(events.attrs["calibration"])
    result = calibrate_from_events(events, ladder("66,146,480"))
    assert result.alternatives == ()
    for ours, theirs in zip(result.calibration.points, vendor.points, strict=True):
        assert ours.mass_kda == theirs.mass_kda
        assert ours.contrast == pytest.approx(theirs.contrast, rel=0.005)
    whole = calibrate_from_events(events, ladder("nativemark"))
    assert whole.match.masses_kda[:3] == (66.0, 146.0, 480.0)
    assert whole.alternatives == ()
