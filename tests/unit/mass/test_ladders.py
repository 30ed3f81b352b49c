"""Which peak of a calibrant is which mass."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from perrin.errors import PerrinError
from perrin.mass.ladders import LADDERS, contradicting, ladder, match_ladder


def peaks(masses: Any, gradient: float = -4e-5, offset: float = 0.0) -> np.ndarray[Any, Any]:
    return gradient * np.asarray(masses, dtype=np.float64) + offset


@given(
    name=st.sampled_from(sorted(LADDERS)),
    gradient=st.floats(-6.1e-5, -2.55e-5),
    offset_kda=st.floats(-6, 6),
    seed=st.integers(0, 2**31),
)
def test_a_whole_ladder_is_recognized(
    name: str, gradient: float, offset_kda: float, seed: int
) -> None:
    masses = np.array(LADDERS[name])
    errors = np.random.default_rng(seed).uniform(-0.01, 0.01, len(masses))
    c = peaks(masses, gradient, -gradient * offset_kda) * (1 + errors)
    best = match_ladder(c, masses)[0]
    assert best.masses_kda == tuple(masses)
    assert best.unmatched_peaks == ()
    assert best.gradient_per_kda == pytest.approx(gradient, rel=0.05)


def test_part_of_a_ladder_is_found_without_contradiction() -> None:
    # NativeMark as mass photometry shows it: not every band has a peak
    c = np.array([-0.00359, -0.00862, -0.0289])
    matches = match_ladder(c, ladder("nativemark"))
    assert matches[0].masses_kda == (66.0, 146.0, 480.0)
    assert matches[0].absent_masses_kda == (242.0,)
    assert contradicting(matches) == []


def test_the_order_of_the_peaks_is_that_of_the_caller() -> None:
    best = match_ladder(peaks([344, 86, 172]), ladder("massference-p1"))[0]
    assert dict(zip(best.peaks, best.masses_kda, strict=True)) == {0: 344.0, 1: 86.0, 2: 172.0}


def test_two_readings_are_both_shown() -> None:
    # a monomer and dimer at 8e-5 per kDa, or a dimer and tetramer at 4e-5
    matches = match_ladder(peaks([178, 356]), ladder("dynamin"))
    assert matches[0].masses_kda == (180.0, 360.0)
    others = contradicting(matches)
    assert (90.0, 180.0) in [match.masses_kda for match in others]
    assert "peak 1 = 180 kDa, peak 2 = 360 kDa" in str(matches[0])


def test_a_third_peak_settles_it() -> None:
    matches = match_ladder(peaks([89, 181, 359]), ladder("dynamin"))
    assert matches[0].masses_kda == (90.0, 180.0, 360.0)
    assert contradicting(matches) == []


def test_a_small_stray_peak_is_left_out() -> None:
    c = peaks([66, 105, 146, 480])
    matches = match_ladder(c, (66, 146, 480), counts=[500, 20, 300, 200])
    assert matches[0].masses_kda == (66.0, 146.0, 480.0)
    assert matches[0].unmatched_peaks == (1,)


def test_leaving_out_a_small_peak_costs_little() -> None:
    c = peaks([66, 132, 80])  # 80 stands for a contaminant
    for counts, cost in (([500, 400, 20], 9 * (20 / 500) ** 0.5), ([500, 400, 500], 9.0)):
        best = match_ladder(c, (66, 132), counts=counts)[0]
        assert best.peaks == (0, 1)
        assert best.misfit == pytest.approx(cost)


def test_errors_of_the_peaks_widen_the_match() -> None:
    c = peaks([66, 146, 480]) * [1, 1.15, 1]
    assert match_ladder(c, (66, 146, 480))[0].misfit > 9
    wide = match_ladder(c, (66, 146, 480), contrast_se=[1e-5, 1e-3, 1e-5])[0]
    assert wide.masses_kda == (66.0, 146.0, 480.0)
    assert wide.misfit < 3


@pytest.mark.parametrize(
    ("c", "masses", "more", "match"),
    [
        ([-0.003], (66, 132), {}, "two peaks or more"),
        ([-0.003, 0.006], (66, 132), {}, "below 0"),
        ([-0.003, np.nan], (66, 132), {}, "below 0"),
        ([-0.003, -0.006], (66,), {}, "two or more different masses"),
        ([-0.003, -0.006], (66, 66), {}, "two or more different masses"),
        ([-0.003, -0.006], (66, 132), {"counts": [0, 0]}, "numbers of 0 or more"),
        ([-0.003, -0.006], (66, 132), {"counts": [1]}, "one count for each"),
        ([-0.3, -0.6], (66, 132), {}, "no line has a gradient"),
        ([-0.003, -0.003], (66, 132), {}, "no line has a gradient"),
    ],
)
def test_what_cannot_be_matched(
    c: list[float], masses: tuple[float, ...], more: dict[str, Any], match: str
) -> None:
    with pytest.raises(PerrinError, match=match):
        match_ladder(c, masses, **more)


def test_ladders_by_name_and_by_list() -> None:
    assert ladder("NativeMark") == LADDERS["nativemark"]
    assert ladder("480, 66,146") == (66.0, 146.0, 480.0)


@pytest.mark.parametrize("text", ["markers", "66", "66,66", "66,-1", "66,,146", ""])
def test_what_is_no_ladder(text: str) -> None:
    with pytest.raises(PerrinError):
        ladder(text)
