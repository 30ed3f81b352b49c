"""Sizes of units, against how their own standards define them."""

from __future__ import annotations

import math

import pytest

from perrin.io.quantities import bounded, factor, read

INCH_NM = 25.4e6  # international inch, 1959
FOOT_NM = 12 * INCH_NM
ASTRONOMICAL_NM = 149_597_870_700e9  # IAU 2012, resolution B2

DEFINED_NM = {
    "in": INCH_NM,
    "ft": FOOT_NM,
    "yd": 3 * FOOT_NM,
    "mi": 5280 * FOOT_NM,
    "thou": INCH_NM / 1000,
    "li": INCH_NM / 12,
    "pt": INCH_NM / 72,
    "ua": ASTRONOMICAL_NM,
    "ly": 299_792_458e9 * 365.25 * 86_400,
    "pc": ASTRONOMICAL_NM * 648_000 / math.pi,
    "Å": 0.1,
    "angstrom": 0.1,
    "µm": 1000.0,
    "\\u00B5m": 1000.0,
    "micrometer": 1000.0,
    "cm": 1e7,
}
DEFINED_S = {"ms": 1e-3, "µs": 1e-6, "min": 60.0, "hr": 3600.0, "day": 86_400.0, "msec": 1e-3}


@pytest.mark.parametrize("unit", DEFINED_NM)
def test_lengths_are_as_defined(unit: str) -> None:
    assert factor(unit, "length") == pytest.approx(DEFINED_NM[unit], rel=1e-13)


@pytest.mark.parametrize("unit", DEFINED_S)
def test_times_are_as_defined(unit: str) -> None:
    assert factor(unit, "time") == pytest.approx(DEFINED_S[unit], rel=1e-13)


def test_the_case_of_a_prefix_counts() -> None:
    assert factor("Mm", "length") == 1e15  # megameters
    assert factor("mm", "length") == 1e6
    assert factor("furlong", "length") is None
    assert factor("s", "length") is None


def test_what_no_movie_can_have_is_not_used() -> None:
    assert read(0.08, "µm", "length").value == 80.0
    for value, unit in ((0.08, "m"), (1e-9, "nm"), (2.0, "d")):
        quantity = "time" if unit == "d" else "length"
        said = read(value, unit, quantity)  # type: ignore[arg-type]
        assert said.value is None
        assert said.note is not None
        assert "cannot be" in said.note
    assert bounded(86_400.0, "time", said="it says a day").value == 86_400.0
