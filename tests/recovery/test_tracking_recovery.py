"""Tracking recovers the truth: errors at the Cramer-Rao bound, right masses."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.settings.motion import MotionMovie
from perrin.settings.tracking import ParticleKind, TrackingSettings
from perrin.simulate.moving import simulate_motion
from perrin.tracking.track import TrackingResult, track
from perrin_benchmarks.tracking import bounds, position_errors, score_links


def tracked(kind: ParticleKind, *, seed: int, **changes: object):
    settings = MotionMovie.of(kind, **({"height_px": 160, "width_px": 160} | changes))
    movie, truth, _ = simulate_motion(settings, seed=seed)
    found: TrackingResult = track(movie, settings=TrackingSettings(kind=kind))
    return settings, truth, found


@pytest.mark.parametrize("electrons", [60.0, 2000.0])
def test_spheres_are_located_at_the_bound(electrons: float) -> None:
    settings, truth, found = tracked(
        "spheres", seed=11, electrons=electrons, electrons_per_count=0.05, count=5, frames=80
    )
    errors = position_errors(truth, found.positions, isolated_px=20)
    assert errors.count > 150
    # the error of a root mean square of n values is 1 / sqrt(2 n); both axes count
    slack = 3 / np.sqrt(4 * errors.count)
    assert errors.position_px / bounds(settings).position_px < 1.15 + slack
    assert errors.position_cover > 0.95 - 0.03 - 3 * np.sqrt(0.05 / (2 * errors.count))
    assert errors.recall > 0.98


def test_rods_have_angles_at_the_bound() -> None:
    settings, truth, found = tracked("rods", seed=12, count=2, frames=80)
    errors = position_errors(truth, found.positions, isolated_px=34)
    assert errors.count > 60
    slack = 3 / np.sqrt(2 * errors.count)
    assert errors.angle_deg / bounds(settings).angle_deg < 1.3 + slack
    assert errors.angle_cover > 0.95 - 0.03 - 3 * np.sqrt(0.05 / errors.count)


def test_molecules_have_their_contrast_and_place() -> None:
    settings, truth, found = tracked(
        "molecules", seed=13, count=3, frames=200, height_px=96, width_px=96
    )
    errors = position_errors(truth, found.positions, isolated_px=20)
    assert errors.count > 100
    slack = 3 / np.sqrt(4 * errors.count)
    assert errors.position_px / bounds(settings).position_px < 1.15 + slack
    whole = found.particles[found.particles["positions"] >= 80]
    true = settings.contrast_per_kda * settings.mass_kda
    relative = (whole["contrast"] - true) / true
    error = whole["contrast_se"].pow(2).mean() ** 0.5 / abs(true) / np.sqrt(len(whole))
    assert abs(relative.mean()) < 0.02 + 3 * error


def test_links_are_right_where_steps_are_short() -> None:
    _, truth, found = tracked("spheres", seed=14, count=4, frames=60, step_nm=1.5)
    score = score_links(truth, found.tracks)
    assert score.matched > 0.98 * score.found
    assert score.f1 > 0.97
