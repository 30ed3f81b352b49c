"""A calibration from the events of a calibrant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.mass.calibrants import calibrate_from_events
from perrin.mass.ladders import ladder
from perrin.pipeline.calibrant import calibrate

GRADIENT, OFFSET, NOISE = -3.5e-5, 1.2e-4, 2e-4


def calibrant(masses: Any, counts: Any, *, seed: int = 0) -> pd.DataFrame:
    """Events of each mass with the noise of a fitted contrast, a tenth of them leaving again."""
    rng = np.random.default_rng(seed)
    mass = np.repeat(np.asarray(masses, dtype=np.float64), counts)
    contrast = GRADIENT * mass + OFFSET + rng.normal(0, NOISE + 0.015 * 3.5e-5 * mass)
    contrast = np.r_[contrast, -rng.choice(contrast, len(contrast) // 10)]
    return pd.DataFrame(
        {"measurement": "ladder", "event": np.arange(len(contrast)), "contrast": contrast}
    )


def test_the_spectrum_is_kept_with_the_peaks_that_belong_to_no_mass() -> None:
    events = calibrant([90, 180, 270, 360], [400, 600, 300, 300])
    kept = calibrate_from_events(events, (90, 180, 360)).calibration.spectrum
    assert kept is not None
    (unread,) = kept.unread
    assert unread == pytest.approx(GRADIENT * 270 + OFFSET, rel=0.02)
    landed = -events["contrast"][events["contrast"] < 0]
    edges = kept.bin_width * np.arange(len(kept.counts) + 1)
    assert kept.counts == tuple(np.histogram(landed, edges)[0])
    assert edges[-1] > landed.max()


def test_the_line_is_recovered_within_its_errors() -> None:
    result = calibrate_from_events(
        calibrant([90, 180, 360, 540], [400, 600, 300, 100]),
        ladder("dynamin"),
        recorded={"n_avg": 10},
        source="ladder.mp",
    )
    line = result.calibration
    assert result.match.masses_kda == (90.0, 180.0, 360.0, 540.0)
    assert result.alternatives == ()
    assert line.covariance is not None
    assert abs(line.gradient_per_kda - GRADIENT) < 3 * line.covariance[0][0] ** 0.5
    assert abs(line.offset - OFFSET) < 3 * line.covariance[1][1] ** 0.5
    assert [point.label for point in line.points][:2] == ["90 kDa", "180 kDa"]
    assert (line.recorded.n_avg, line.source) == (10, "ladder.mp")


def test_an_ambiguous_calibrant_shows_the_other_reading() -> None:
    result = calibrate_from_events(calibrant([180, 360], [500, 400]), ladder("dynamin"))
    assert result.match.masses_kda == (180.0, 360.0)
    assert (90.0, 180.0) in [match.masses_kda for match in result.alternatives]


def test_a_sample_given_as_another_ladder_is_refused_with_the_better_one() -> None:
    events = calibrant([66, 132, 198], [800, 300, 120])
    with pytest.raises(PerrinError, match=r"is it this ladder\? Only 2 of its 5 .* bsa would read"):
        calibrate_from_events(events, ladder("dynamin"))
    right = calibrate_from_events(events, ladder("bsa"))
    assert right.match.masses_kda == (66.0, 132.0, 198.0)
    assert right.calibration.gradient_per_kda == pytest.approx(GRADIENT, rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_a_right_ladder_of_which_masses_are_absent_is_taken(seed: int) -> None:
    for name in ("dynamin", "massference-p1", "nativemark", "bsa"):
        masses = ladder(name)[:4]
        made = calibrate_from_events(
            calibrant(masses, [400, 600, 300, 100][: len(masses)], seed=seed), ladder(name)
        )
        assert set(made.match.masses_kda) <= set(masses)
    stray = calibrant([66, 146, 242, 480, 320], [400, 600, 300, 100, 30], seed=seed)
    made = calibrate_from_events(stray, ladder("nativemark"))
    assert made.match.masses_kda == (66.0, 146.0, 242.0, 480.0)


def test_rejected_events_do_not_count() -> None:
    events = calibrant([90, 180, 250], [400, 600, 500])
    events["retained"] = np.abs(events["contrast"] - (GRADIENT * 250 + OFFSET)) > 1e-3
    result = calibrate_from_events(events, (90, 180))
    assert len(result.spectrum.peaks) == 2


@pytest.mark.parametrize(("masses", "counts"), [([90], [500]), ([90], [0])])
def test_fewer_than_two_peaks_are_no_calibration(masses: Any, counts: Any) -> None:
    with pytest.raises(PerrinError, match="needs two or more"):
        calibrate_from_events(calibrant(masses, counts), ladder("dynamin"))


def test_a_table_of_masses_alone_makes_no_calibration() -> None:
    events = calibrant([90, 180], [40, 40]).assign(contrast=np.nan, mass_kda=90.0)
    with pytest.raises(PerrinError, match="holds masses and no contrasts"):
        calibrate_from_events(events, (90, 180))


def test_a_table_of_calibrants_is_told_from_one_of_events() -> None:
    events = calibrant([90, 180, 360], [1, 1, 1]).assign(mass_kda=[90.0, 180.0, 360.0])
    events["contrast"] = [-0.0034, -0.0068, -0.0136]
    with pytest.raises(PerrinError, match=r"--pair 90:-0\.0034 --pair 180:-0\.0068 --pair 3"):
        calibrate_from_events(events, (90, 180, 360))


def test_a_ladder_beside_pairs_is_refused() -> None:
    with pytest.raises(PerrinError, match="leave --ladder away"):
        calibrate(None, "dynamin", pairs=[(90.0, -0.0034), (180.0, -0.0068)])
