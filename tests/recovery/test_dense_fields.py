"""Spheres so dense that many overlap: the stated errors of positions are true."""

from __future__ import annotations

import numpy as np
import pytest

import perrin
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


def test_a_particle_that_is_stronger_than_the_others_is_one_where_most_stand_alone() -> None:
    """A dimer, or an aggregate, among particles that are all alike: followed in every frame."""
    rng = np.random.default_rng(0)
    frames, size, sigma = 20, 256, 2.5
    grid = [(40.0 + 58 * row, 40.0 + 58 * column) for row in range(4) for column in range(4)]
    place = np.array(grid) + rng.normal(0, 0.8, (frames, 16, 2)).cumsum(axis=0)
    strength = np.full(16, 0.3)
    strength[[3, 9]] *= (1.5, 1.9)
    at = np.arange(size)
    bells = np.exp(-((at - place[..., None]) ** 2) / (2 * sigma**2))
    dark = np.einsum("k,tky,tkx->tyx", strength, bells[:, :, 0], bells[:, :, 1])
    counts = np.rint(1000 * (1 - dark) + rng.normal(0, 15, dark.shape)).astype(np.uint16)
    movie = perrin.Movie.from_array(counts, frame_interval_s=0.05, pixel_nm=100)
    tracks = track(movie, settings=TrackingSettings(kind="spheres"), overlay_frames=0).tracks
    for y, x in place[:, [3, 9]].transpose(1, 2, 0):
        now = tracks["frame"].to_numpy()
        near = np.hypot(tracks["x"] - x[now], tracks["y"] - y[now]) < 1
        assert set(now[near]) == set(range(frames))
