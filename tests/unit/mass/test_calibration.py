"""The calibration line, its uncertainty, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from perrin.errors import PerrinError
from perrin.mass.calibration import (
    Calibration,
    Recorded,
    apply_calibration,
    apply_embedded,
    calibrate,
    check_recorded,
    extrapolated,
)

MASSES = np.array([66.0, 146.0, 480.0])
GRADIENT, OFFSET = -4.0e-5, 1.5e-4
EXACT = GRADIENT * MASSES + OFFSET

gradients = st.floats(-8e-5, -2e-5)
offsets = st.floats(-6e-4, 6e-4)
contrasts = st.floats(-0.2, 0.2)


def events_table(contrast: Any, **more: Any) -> pd.DataFrame:
    n = len(contrast)
    return pd.DataFrame(
        {"measurement": ["m"] * n, "event": np.arange(n), "contrast": contrast, **more}
    )


# conversion


@given(gradient=gradients, offset=offsets, contrast=contrasts)
def test_masses_are_odd_in_contrast_exactly(
    gradient: float, offset: float, contrast: float
) -> None:
    line = Calibration(gradient_per_kda=gradient, offset=offset)
    assert line.mass_kda(-contrast) == -line.mass_kda(contrast)


@given(gradient=gradients, offset=offsets, mass=st.floats(-5000, 5000))
def test_contrast_and_mass_are_inverse(gradient: float, offset: float, mass: float) -> None:
    line = Calibration(gradient_per_kda=gradient, offset=offset)
    beyond = abs(mass) > 1.001 * abs(offset / gradient)
    if beyond:
        assert line.mass_kda(line.contrast(mass)) == pytest.approx(mass, rel=1e-9, abs=1e-9)


def test_the_plain_inverse_would_be_wrong_for_unbinding() -> None:
    line = Calibration(gradient_per_kda=GRADIENT, offset=OFFSET)
    landing, leaving = line.mass_kda([EXACT[0], -EXACT[0]])
    assert landing == pytest.approx(66.0, abs=1e-12)
    assert leaving == -landing
    assert (-EXACT[0] - OFFSET) / GRADIENT == pytest.approx(-66.0 + 2 * 3.75)  # 7.5 kDa off


# the fit


@given(
    masses=st.lists(st.integers(20, 2000), min_size=2, max_size=8, unique=True),
    gradient=gradients,
    offset=st.floats(-3e-4, 3e-4),
)
def test_points_on_a_line_give_the_line(masses: list[int], gradient: float, offset: float) -> None:
    c = gradient * np.array(masses) + offset
    line = calibrate(masses, c)
    assert line.gradient_per_kda == pytest.approx(gradient, rel=1e-9)
    assert line.offset == pytest.approx(offset, abs=1e-12)
    assert line.r2 == pytest.approx(1.0)
    assert line.max_relative_residual < 1e-9


def test_equal_weights_are_those_of_polyfit() -> None:
    c = np.array([-0.00359, -0.00862, -0.0289])
    line = calibrate(MASSES, c)
    assert (line.gradient_per_kda, line.offset) == pytest.approx(tuple(np.polyfit(MASSES, c, 1)))
    expected = np.polyfit(MASSES, c, 1, cov=True)[1]  # scatter over n - 2
    assert np.allclose(np.array(line.covariance), expected, rtol=1e-9, atol=0)


def test_given_errors_weigh_the_points() -> None:
    c = EXACT + np.array([1e-4, -1e-4, 2e-4])
    se = np.array([5e-5, 1e-4, 4e-4])
    line = calibrate(MASSES, c, contrast_se=se)
    expected = np.polyfit(MASSES, c, 1, w=1 / se)
    assert (line.gradient_per_kda, line.offset) == pytest.approx(tuple(expected))


def test_covariance_of_given_errors_is_that_of_repeated_fits() -> None:
    se = np.array([6e-5, 1e-4, 2e-4, 3e-4])
    masses = np.array([66.0, 146.0, 242.0, 480.0])
    exact = GRADIENT * masses + OFFSET
    rng = np.random.default_rng(4)
    repeats = 4000
    lines = [np.polyfit(masses, exact + rng.normal(0, se), 1, w=1 / se) for _ in range(repeats)]
    seen = np.cov(np.array(lines).T)
    stated = np.array(calibrate(masses, exact, contrast_se=se).covariance)
    # a variance from n repeats has a relative standard error of sqrt(2 / n) = 2.2%
    assert np.allclose(stated, seen, rtol=4 * np.sqrt(2 / repeats), atol=0)


def test_covariance_without_errors_is_right_on_average() -> None:
    masses = np.array([66.0, 146.0, 242.0, 480.0, 720.0])
    exact = GRADIENT * masses + OFFSET
    rng = np.random.default_rng(5)
    repeats = 3000
    fits = [calibrate(masses, exact + rng.normal(0, 1e-4, 5)) for _ in range(repeats)]
    seen = np.cov([[fit.gradient_per_kda, fit.offset] for fit in fits], rowvar=False)
    stated = np.mean([fit.covariance for fit in fits], axis=0)
    # the stated one scatters by sqrt(2 / 3) a fit, the seen one by sqrt(2 / n)
    assert np.allclose(stated, seen, rtol=4 * np.sqrt((2 + 2 / 3) / repeats), atol=0)


def test_errors_grow_where_the_points_scatter_more_than_they_allow() -> None:
    se = np.full(3, 1e-6)
    calm = np.array(calibrate(MASSES, EXACT, contrast_se=se).covariance)
    rough = EXACT + np.array([1e-4, -1e-4, 1e-5])
    scattered = calibrate(MASSES, rough, contrast_se=se)
    rest = rough - (scattered.gradient_per_kda * MASSES + scattered.offset)
    assert np.allclose(np.array(scattered.covariance), calm * np.sum((rest / se) ** 2), atol=0)


def test_mass_errors_are_those_of_repeated_calibrations_and_events() -> None:
    se_points = np.array([6e-5, 1e-4, 2e-4])
    line = calibrate(MASSES, EXACT, contrast_se=se_points)
    rng = np.random.default_rng(6)
    repeats, se_event = 4000, 1.9e-4
    for truth in (-0.0026, -0.03, 0.0026, 0.03):
        masses = [
            Calibration(gradient_per_kda=g, offset=o).mass_kda(truth + rng.normal(0, se_event))
            for g, o in (
                np.polyfit(MASSES, EXACT + rng.normal(0, se_points), 1, w=1 / se_points)
                for _ in range(repeats)
            )
        ]
        stated = float(line.mass_se_kda(truth, se_event))
        # standard error of a standard deviation 1 / sqrt(2 n) = 1.1%; beyond first order < 1%
        assert np.std(masses) == pytest.approx(stated, rel=4 / np.sqrt(2 * repeats) + 0.01)


def test_two_points_without_errors_leave_the_covariance_open() -> None:
    line = calibrate(MASSES[:2], EXACT[:2])
    assert line.covariance is None
    assert float(line.mass_se_kda(-0.003, 2e-4)) == pytest.approx(5.0)  # 2e-4 / 4e-5
    events = apply_calibration(events_table([-0.003], contrast_se=[2e-4]), line)
    assert any("contrast alone" in note for note in events.attrs["notes"])
    assert calibrate(MASSES[:2], EXACT[:2], contrast_se=[1e-5, 1e-5]).covariance is not None


@pytest.mark.parametrize(
    ("masses", "contrasts", "more", "match"),
    [
        ([66, 66], [-0.003, -0.004], {}, "same mass"),
        ([66], [-0.003], {}, "2 points or more; got 1"),
        ([], [], {}, "2 points or more; got 0"),
        ([66, np.nan], [-0.003, -0.004], {}, "NaN"),
        ([66, 132], [-0.003, np.nan], {}, "NaN"),
        ([66, 132], [0.003, 0.006], {}, "read_events"),
        ([66, 132], [-0.003, 0.006], {}, "negative contrast"),
        ([66, 132], [-0.006, -0.003], {}, "more negative with mass"),
        ([66, 132, 198], [-0.003, -0.007, -0.006], {}, "198 kDa has the contrast -0.006"),
        ([66, 132], [-0.003, -0.003], {}, "more negative with mass"),
        ([-66, 132], [-0.003, -0.006], {}, "above 0"),
        ([66, 132, 198], [-0.003, -0.006], {}, "differ in shape"),
        ([66, 132], [-0.003, -0.006], {"contrast_se": [1e-4]}, "differ in shape"),
        ([66, 132], [-0.003, -0.006], {"contrast_se": [1e-4, 0]}, "above 0"),
        ([66, 132], [-0.003, -0.006], {"labels": ["a"]}, "1 labels for 2 points"),
        ([66, 132], [-0.003, -0.006], {"recorded": {"navg": 10}}, "navg"),
    ],
)
def test_bad_points(
    masses: list[float], contrasts: list[float], more: dict[str, Any], match: str
) -> None:
    with pytest.raises(PerrinError, match=match):
        calibrate(masses, contrasts, **more)


# files


def test_a_saved_calibration_is_loaded(tmp_path: Path) -> None:
    line = calibrate(
        MASSES,
        EXACT + np.array([1e-5, -1e-5, 2e-5]),
        contrast_se=[1e-5, 2e-5, 3e-5],
        labels=["BSA", "LDH", "ferritin"],
        recorded={"n_avg": 10, "pixel_nm": 70.8},
        source="ladder.mp",
        source_sha256="ab" * 32,
    )
    line.save(tmp_path / "cal.json")
    assert Calibration.load(tmp_path / "cal.json") == line
    assert line.created.endswith("+00:00")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{}", "gradient_per_kda"),
        ("no json", "not valid: it is no calibration"),
        ('{"gradient_per_kda": 4e-5, "offset": 0}', "gradient_per_kda"),
        ('{"gradient_per_kda": -4e-5, "offset": 0, "slope": 1}', "slope"),
        ('{"gradient_per_kda": -4e-5, "offset": 0, "format_version": 2}', "format_version"),
        ('{"gradient_per_kda": -4e-5, "offset": 0, "covariance": [[1, 2], [3, 4]]}', "symmetric"),
    ],
)
def test_files_that_hold_no_calibration(text: str, match: str, tmp_path: Path) -> None:
    (tmp_path / "cal.json").write_text(text)
    with pytest.raises(PerrinError, match=match):
        Calibration.load(tmp_path / "cal.json")


def test_an_absent_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match="no readable calibration"):
        Calibration.load(tmp_path / "absent.json")


# embedded


def embedded(**more: Any) -> dict[str, Any]:
    points = [
        {"mass_kda": m, "contrast": c, "label": f"NM {i}"}
        for i, (m, c) in enumerate(zip(MASSES, [-0.00359, -0.00862, -0.0289], strict=True))
    ]
    gradient, offset = np.polyfit(MASSES, [-0.00359, -0.00862, -0.0289], 1)
    return {"gradient_per_kda": gradient, "offset": offset, "points": points, **more}


def test_the_scatter_of_embedded_points_gives_a_covariance() -> None:
    line = Calibration.from_embedded(embedded())
    again = calibrate(MASSES, [-0.00359, -0.00862, -0.0289])
    assert line.gradient_per_kda == embedded()["gradient_per_kda"]
    assert np.allclose(np.array(line.covariance), np.array(again.covariance), atol=0)


def test_points_that_do_not_give_back_the_line_give_no_covariance() -> None:
    assert Calibration.from_embedded(embedded(gradient_per_kda=-5e-5)).covariance is None


def test_an_impossible_embedded_calibration_is_refused() -> None:
    with pytest.raises(PerrinError, match="the calibration in the file"):
        Calibration.from_embedded(embedded(gradient_per_kda=5e-5))


def test_embedded_calibrations_are_applied_to_their_own_movies() -> None:
    events = events_table([-0.004, -0.004, -0.004])
    events["measurement"] = ["a", "b", "a"]
    events.attrs["calibrations"] = {
        "a": {"gradient_per_kda": -4e-5, "offset": 0.0},
        "b": {"gradient_per_kda": -5e-5, "offset": 0.0},
    }
    assert apply_embedded(events)["mass_kda"].tolist() == pytest.approx([100, 80, 100])
    del events.attrs["calibrations"]["b"]
    with pytest.raises(PerrinError, match="no calibration for b"):
        apply_embedded(events)
    events.attrs = {}
    with pytest.raises(PerrinError, match="embeds no calibration"):
        apply_embedded(events)
    events.attrs = {"calibration": {"gradient_per_kda": -4e-5, "offset": 0.0}}
    assert apply_embedded(events)["mass_kda"].tolist() == pytest.approx([100, 100, 100])


# applied


def test_applying_gives_masses_and_their_errors() -> None:
    line = calibrate(MASSES, EXACT, contrast_se=[1e-5, 1e-5, 1e-5])
    contrast = np.array([EXACT[1], -EXACT[1], np.nan])
    events = apply_calibration(events_table(contrast, contrast_se=[2e-4] * 3), line)
    assert events["mass_kda"].tolist()[:2] == pytest.approx([146, -146])
    assert np.isnan(events["mass_kda"][2])
    assert events["mass_se_kda"][0] == pytest.approx(5.0, rel=0.01)
    assert events["mass_se_kda"][0] == events["mass_se_kda"][1]
    assert events.attrs["calibration"]["gradient_per_kda"] == line.gradient_per_kda
    assert Calibration.model_validate(events.attrs["calibration"]) == line


def test_without_contrast_errors_there_are_no_mass_errors() -> None:
    line = calibrate(MASSES, EXACT)
    events = apply_calibration(events_table([-0.003], mass_se_kda=[1.0]), line)
    assert "mass_se_kda" not in events.columns


def test_masses_alone_cannot_be_calibrated() -> None:
    with pytest.raises(PerrinError, match="masses only"):
        apply_calibration(events_table([np.nan, np.nan]), calibrate(MASSES, EXACT))


def test_a_table_without_events_is_calibrated() -> None:
    events = apply_calibration(events_table(np.empty(0)), calibrate(MASSES, EXACT))
    assert events["mass_kda"].dtype == np.float64


def test_extrapolation_is_measured_and_said() -> None:
    line = calibrate(MASSES, EXACT)
    assert extrapolated(line, [33, 720, -480, 66]) == 0
    assert extrapolated(line, [32, 721, -721, 66]) == 0.75
    assert np.isnan(extrapolated(line, []))
    assert np.isnan(extrapolated(Calibration(gradient_per_kda=-4e-5, offset=0), [66]))
    said = apply_calibration(events_table(line.contrast([66.0, 2000.0])), line)
    assert "50% of the events" in said.attrs["notes"][0]
    assert apply_calibration(events_table(line.contrast([66.0])), line).attrs["notes"] == []


# settings


def test_other_settings_are_refused_one_by_one() -> None:
    line = calibrate(
        MASSES,
        EXACT,
        recorded={"n_avg": 10, "frame_interval_s": 4.13e-3, "pixel_nm": 72.0, "instrument": "A"},
    )
    check_recorded(line, {"n_avg": 10, "frame_interval_s": 4.132e-3, "pixel_nm": 72.0})
    check_recorded(line, Recorded(instrument="A"))
    check_recorded(line, {})
    with pytest.raises(PerrinError) as caught:
        check_recorded(
            line, {"n_avg": 5, "frame_interval_s": 5e-3, "pixel_nm": 84.4, "instrument": "B"}
        )
    for part in ("n_avg 10 there, 5 here", "0.005 here", "pixel_nm", "instrument A there, B here"):
        assert part in str(caught.value)
    assert "--allow-calibration-mismatch" in str(caught.value)


def test_what_one_side_does_not_know_is_not_compared() -> None:
    check_recorded(calibrate(MASSES, EXACT), {"n_avg": 5, "pixel_nm": 84.4})
