"""A line that is none, percent with a calibration, and what a calibration cannot be checked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.mass.calibration import Recorded, apply_calibration, calibrate
from perrin.mass.calibration_doubts import doubts_of_line, unchecked


@pytest.mark.parametrize(
    ("contrasts", "errors", "said"),
    [
        ([-3e-3, -6e-3, -9e-3], [1e-4, 1e-4, 1e-4], ()),
        ([-3e-3, -7e-3, -9e-3], [1e-4, 1e-4, 1e-4], ("THE POINTS ARE NOT ON A LINE: ",)),
        ([-3e-3, -7e-3, -9e-3], None, ("THE POINTS ARE NOT ON A LINE: ",)),
        ([-2.7e-3, -6e-3, -9e-3], [3e-4, 3e-5, 3e-5], ("A POINT IS BADLY KNOWN: 100 kDa",)),
        ([-3.6e-3, -6.6e-3, -9.6e-3], [1e-4, 1e-4, 1e-4], ("THE LINE MISSES ZERO by 20 kDa",)),
    ],
)
def test_what_speaks_against_a_line(
    contrasts: list[float], errors: list[float] | None, said: tuple[str, ...]
) -> None:
    found = doubts_of_line(calibrate([100, 200, 300], contrasts, contrast_se=errors))
    assert len(found) == len(said)
    assert all(one.startswith(start) for one, start in zip(found, said, strict=True))


def test_what_speaks_against_a_calibration_goes_on_to_the_samples_once() -> None:
    line = calibrate([100, 200], [-3e-3, -6e-3]).model_copy(update={"notes": ("A DOUBT",)})
    events = pd.DataFrame({"measurement": "a", "event": [0, 1], "contrast": [-4e-3, -5e-3]})
    again = apply_calibration(apply_calibration(events, line), line)
    assert again.attrs["notes"].count("of the calibration: A DOUBT") == 1


def test_percent_is_refused_with_a_calibration_too() -> None:
    line = calibrate([66, 146, 480], [-2.6e-3, -5.8e-3, -1.9e-2])
    masses = np.linspace(60, 72, 50)
    events = pd.DataFrame({"measurement": "bsa", "event": np.arange(50)})
    events = events.assign(contrast=100 * line.contrast(masses))
    with pytest.raises(PerrinError, match=r"median size of 0\.2.*percent"):
        apply_calibration(events, line)
    heavy = calibrate([1000, 5000], [-0.04, -0.2])  # a virus is as heavy, and calibrated so
    assert len(apply_calibration(events, heavy)) == 50


def test_what_a_calibration_of_a_table_cannot_be_checked_for_is_said() -> None:
    here = {"n_avg": 5, "frame_interval_s": 0.004, "pixel_nm": 72.0, "instrument": "one"}
    bare = calibrate([66, 146, 480], [-2.6e-3, -5.8e-3, -1.9e-2])
    said = unchecked(bare, here)
    for part in ("cannot check", "n_avg (5 here)", "frame_interval_s (0.004 here)", "pixel_nm (72"):
        assert part in said
    assert not unchecked(bare.model_copy(update={"recorded": Recorded(**here)}), here)
    assert "pixel_nm" not in unchecked(bare, {"n_avg": 5})
