"""How far w's interval reaches: a test inverted, on hand-made distances and with what ships."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.diffusion.ratio_reach import RatioReach, reaching
from perrin.models.kinds import KindsModel
from perrin.pipeline import characterize
from perrin.settings.diffusion import MixtureSettings, WindowSettings
from perrin.simulate.mixtures import simulate_mixture
from perrin.simulate.walk_tables import tracks_table

PLAIN = (1.0, 1.0, 1.0)
REACH = RatioReach(
    lengths=(50, 200), w=(0.2, 0.5, 0.8), below=(PLAIN, PLAIN), above=((1.0, 2.0, 1.0), PLAIN)
)


def test_an_interval_reaches_what_its_distance_does_not_exclude() -> None:
    intervals = np.array([[0.1, 0.2, 0.4], [0.1, 0.2, 0.4], [0.5, 0.7, 0.8]])
    found = reaching(intervals, np.array([60, 300, 60]), REACH)
    # beyond .5, (w - .2) / .2 is what is allowed, 2 - (w - .5) / .3, at w = .56
    assert found[0] == pytest.approx([0.1, 0.2, 0.56], abs=0.006)
    assert found[1] == pytest.approx(intervals[1])  # a longer track has no more
    assert found[2] == pytest.approx(intervals[2], abs=0.006)  # w = .8 has no more


def test_intervals_never_become_narrower_and_keep_their_middle() -> None:
    rng = np.random.default_rng(0)
    intervals = np.sort(rng.random((200, 3)), axis=1)
    found = reaching(intervals, rng.integers(10, 500, 200), REACH)
    assert (found[:, 0] <= intervals[:, 0]).all()
    assert (found[:, 2] >= intervals[:, 2]).all()
    np.testing.assert_array_equal(found[:, 1], intervals[:, 1])
    assert ((found >= 0) & (found <= 1)).all()


def test_a_superposition_of_equal_parts_is_held_as_often_as_said() -> None:
    """Networks that ship, tracks of another seed than the reach was measured with."""
    assert KindsModel.load().reach is not None
    settings = MixtureSettings(length=100, w=(0.5, 0.5), noise=(0.2, 0.2))
    drawn = simulate_mixture(settings, count=120, rng=np.random.default_rng(977))
    found = characterize(
        tracks_table(drawn.positions, drawn.seen),
        units="unknown",
        settings=WindowSettings(frames=100, stride=100),
    ).trajectories
    given = found[found["w"].notna()]
    inside = (given["w_low"] <= 0.5) & (given["w_high"] >= 0.5)
    assert inside.mean() > 0.9 - 4 * np.sqrt(0.9 * 0.1 / len(given))
    assert (given["w_high"] - given["w_low"]).median() < 0.6
