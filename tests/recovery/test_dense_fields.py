"""Spheres so dense that many overlap: the stated errors of positions are true."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.settings.motion import MotionMovie
from perrin.settings.tracking import TrackingSettings
from perrin.simulate.moving import simulate_motion
from perrin.tracking.track import track
from perrin_benchmarks.tracking import match_positions


@pytest.fixture(scope="module")
def compared() -> tuple[np.ndarray, np.ndarray, float]:
    """Errors over stated errors (2, N), labels (N,) and recall: as dense as 560 in 424 x 640 px."""
    settings = MotionMovie.of(
        "spheres", frames=20, count=140, height_px=212, width_px=320, step_nm=3.0
    )
    movie, truth, _ = simulate_motion(settings, seed=3)
    found = track(movie, settings=TrackingSettings(kind="spheres"), overlay_frames=0).positions
    row = match_positions(truth, found)
    part = found.iloc[row[row >= 0]].reset_index(drop=True)
    true = truth[row >= 0].reset_index(drop=True)
    z = np.stack([(part[name] - true[name]) / part[f"{name}_se"] for name in "xy"])
    return z, part["label"].to_numpy(str), float((row >= 0).mean())


def test_errors_of_positions_without_label_are_those_stated(compared) -> None:
    """The standard error of a root mean square of 3,000 is 1.3%; one hidden pair adds 2%."""
    z, label, recall = compared
    own = z[:, label == ""]
    assert recall > 0.92
    assert 0.9 < np.sqrt((own**2).mean()) < 1.15 + 3 * 0.02
    assert 0.90 < (np.abs(own) < 1.96).mean() < 0.98


def test_intervals_of_touching_and_merged_positions_hold_the_truth(compared) -> None:
    """Fitted alone with the others divided out they covered 60%, and merged ones 20%."""
    z, label, _ = compared
    inside = np.abs(z) < 1.96
    chance = 3 * np.sqrt(0.95 * 0.05 / (label == "touching").sum())
    assert 0.90 - chance < inside[:, label == "touching"].mean()
    assert inside[:, label == "merged"].mean() > 0.9
