"""What networks see: histories and standardized thumbnails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perrin.errors import PerrinError
from perrin.landing.thumbnails import frames_around
from perrin.landing.views import EDGES, HISTORY_CHANNELS, histories, look, standardized

BINS = len(EDGES) - 1


def step(n_avg: int, *, contrast: float, size: int = 3) -> np.ndarray:
    """A stack that changes by `contrast` in the middle of the landing frame."""
    before, after = frames_around(n_avg)
    stack = np.ones((1, before + 1 + after, size, size), np.float32)
    stack[:, before] += contrast / 2
    stack[:, before + 1 :] += contrast
    return stack


@pytest.mark.parametrize("n_avg", [5, 10, 17, 40])
@pytest.mark.parametrize("landing_sign", [-1, 1])
def test_a_landing_is_a_negative_step(n_avg: int, landing_sign: int) -> None:
    stack = step(n_avg, contrast=0.01 * landing_sign)
    seen = look(
        stack, np.ones((1, 3, 3), bool), view="history", n_avg=n_avg, landing_sign=landing_sign
    )
    assert seen.shape == (1, HISTORY_CHANNELS, 3, 3)
    _, after = frames_around(n_avg)
    values = seen[0, :, 1, 1]
    reached = np.array(EDGES[:-1]) <= after
    np.testing.assert_allclose(values[:BINS], 0, atol=1e-4)
    then = values[BINS + 1 : 2 * BINS + 1]
    np.testing.assert_allclose(then[reached], then[0], rtol=1e-4)
    assert then[0] < 0
    np.testing.assert_allclose(values[BINS], then[0] / 2, rtol=1e-3)
    np.testing.assert_array_equal(then[~reached], 0)


def test_stretches_are_means_over_their_frames() -> None:
    before, after = frames_around(10)
    rng = np.random.default_rng(0)
    stack = (1 + 0.01 * rng.standard_normal((1, before + 1 + after, 2, 2))).astype(np.float32)
    seen = histories(stack, np.ones((1, 2, 2), bool), before=before, landing_sign=-1)[0]
    trace = stack[0, :, 0, 1].astype(float)
    change = trace / trace[:before].mean() - 1
    for k in range(10):  # the first ten stretches are complete at n_avg = 10
        first, last = EDGES[k], EDGES[k + 1]
        earlier = change[before - last + 1 : before - first + 1].mean()
        later = change[before + first : before + last].mean()
        assert earlier / later == pytest.approx(seen[k, 0, 1] / seen[BINS + 1 + k, 0, 1], rel=1e-3)


def test_the_integration_changes_nothing_but_the_reach() -> None:
    """What two integrations both see is the same, up to scale."""
    rng = np.random.default_rng(1)
    long = (1 + 0.01 * rng.standard_normal((1, 160, 2, 2))).astype(np.float32)
    inside = np.ones((1, 2, 2), bool)
    long[:, :80] = 1.0  # the reference of both
    wide = look(long, inside, view="history", n_avg=40, landing_sign=-1)[0]
    near = look(long[:, 50:110], inside, view="history", n_avg=10, landing_sign=-1)[0]
    ratio = wide[BINS + 1 : BINS + 11] / near[BINS + 1 : BINS + 11]
    np.testing.assert_allclose(ratio, ratio[0, 0, 0], rtol=1e-3)


def test_what_lies_beyond_the_field_is_zero_and_does_not_count() -> None:
    stack = step(10, contrast=-0.01, size=4)
    inside = np.ones((1, 4, 4), bool)
    inside[:, 0] = False
    whole = look(stack[:, :, 1:], inside[:, 1:], view="history", n_avg=10, landing_sign=-1)
    stack[:, :, 0] = 7.0
    seen = look(stack, inside, view="history", n_avg=10, landing_sign=-1)
    assert (seen[0, :-1, 0] == 0).all()
    np.testing.assert_allclose(seen[:, :, 1:], whole, rtol=1e-5)
    thumb = look(stack, inside, view="thumbnail", n_avg=10, landing_sign=-1)
    assert (thumb[0, 0, :, 0] == 0).all()
    assert np.isfinite(seen).all()


@given(st.floats(1e-4, 1e3), st.integers(0, 10_000))
def test_standardized_thumbnails_have_no_mean_and_unit_spread(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = (scale * (3 + rng.standard_normal((2, 5, 4, 4)))).astype(np.float32)
    inside = rng.random((2, 4, 4)) < 0.8
    inside[:, 0, 0] = True
    out = standardized(values, inside)
    for event, mask in zip(out, inside, strict=True):
        assert event[:, mask].mean() == pytest.approx(0, abs=1e-3)
        assert event[:, mask].std() == pytest.approx(1, abs=1e-3)
        assert (event[:, ~mask] == 0).all()


def test_stacks_of_another_length_are_refused() -> None:
    with pytest.raises(PerrinError, match="n_avg = 20 needs 80"):
        look(
            step(10, contrast=0.1),
            np.ones((1, 3, 3), bool),
            view="history",
            n_avg=20,
            landing_sign=-1,
        )
