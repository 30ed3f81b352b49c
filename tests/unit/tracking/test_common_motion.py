"""Drift by what the particles do together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.tracking.common_motion import checked, common_motion
from perrin.tracking.drift import Drift

FRAMES = 100


def walks(seed: int, *, count: int, step: float, drift: np.ndarray) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    place = np.cumsum(rng.normal(0, step, (count, FRAMES, 2)), axis=1) + drift
    place += rng.normal(0, 0.3, place.shape)  # localization errors
    frame, particle = np.tile(np.arange(FRAMES), count), np.repeat(np.arange(count), FRAMES)
    return frame, place[..., 0].ravel(), place[..., 1].ravel(), particle


def test_a_steady_drift_is_seen_with_its_error() -> None:
    count, step, speed = 100, 1.0, np.array([0.08, -0.03])
    missed = []
    for seed in range(40):
        found = common_motion(
            *walks(seed, count=count, step=step, drift=np.arange(FRAMES)[:, None] * speed)
        )
        assert found is not None
        assert found.by == "particles"
        assert found.significant
        last = np.array([found.x[-1], found.y[-1]])
        missed.append((last - speed * (found.frame[-1] - found.frame[0])) / found.se[-1])
    # 80 values of unit scatter: their root mean square is known to 1 / sqrt(160)
    assert np.sqrt(np.mean(np.square(missed))) == pytest.approx(1, abs=4 / np.sqrt(160))


def test_a_drift_that_turns_is_followed() -> None:
    t = np.arange(FRAMES)
    turn = np.stack([np.where(t < 50, 0.2 * t, 20 - 0.2 * t), 0 * t], axis=1)
    found = common_motion(*walks(1, count=80, step=0.5, drift=turn))
    assert found is not None
    assert len(found.frame) > 2
    x, _ = found.at(np.array([50]))
    assert x[0] == pytest.approx(10, abs=4 * found.se.max())


def test_none_is_significant_where_none_is() -> None:
    none = np.zeros((FRAMES, 2))
    seen = [common_motion(*walks(seed, count=30, step=1.0, drift=none)) for seed in range(50)]
    # 4 standard errors of either axis, up to 9 places: well below a tenth of the movies
    assert sum(bool(found and found.significant) for found in seen) <= 2


def test_few_particles_have_no_common_motion() -> None:
    none = np.zeros((FRAMES, 2))
    assert common_motion(*walks(0, count=5, step=1.0, drift=none)) is None
    empty = np.zeros(0)
    assert common_motion(empty.astype(int), empty, empty, empty.astype(int)) is None


def tracks_of(seed: int, *, count: int, step: float, speed: float) -> pd.DataFrame:
    drift = np.stack([speed * np.arange(FRAMES), np.zeros(FRAMES)], axis=1)
    frame, x, y, particle = walks(seed, count=count, step=step, drift=drift)
    table = pd.DataFrame({"frame": frame, "x": x, "y": y, "particle": particle})
    return table.assign(x_se=0.3, y_se=0.3)


def by_support(speed: float) -> Drift:
    frame = np.linspace(0, FRAMES - 1, 5)
    return Drift(frame, speed * frame, np.zeros(5), np.array([0, 0.1, 0.1, 0.1, 0.1]))


@pytest.mark.parametrize("step", [0.0, 0.3])  # at rest, and wandering
def test_a_drift_that_the_particles_do_not_follow_is_doubted(step: float) -> None:
    for seed in range(10):
        drift = checked(by_support(0.3), tracks_of(seed, count=10, step=step, speed=0.0))
        assert drift is not None
        assert drift.seen
        assert not drift.significant


@pytest.mark.parametrize("step", [0.0, 0.3])
def test_a_drift_that_the_particles_follow_is_not(step: float) -> None:
    for seed in range(10):
        drift = checked(by_support(0.3), tracks_of(seed, count=10, step=step, speed=0.3))
        assert drift is not None
        assert drift.significant


def test_no_few_particles_make_a_drift() -> None:
    none = np.zeros((FRAMES, 2))
    seen = [common_motion(*walks(seed, count=6, step=1.0, drift=none)) for seed in range(100)]
    assert sum(bool(found and found.significant) for found in seen) <= 1
