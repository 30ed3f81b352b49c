from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from perrin.errors import PerrinError
from perrin.landing.ratiometric import ratiometric


def by_definition(frames: np.ndarray, n: int) -> np.ndarray:
    return np.array(
        [
            frames[i + 1 : i + n + 1].mean(axis=0) / frames[i - n : i].mean(axis=0) - 1
            for i in range(n, len(frames) - n)
        ]
    )


@given(
    frames=hnp.arrays(
        np.uint16,
        st.tuples(st.integers(7, 20), st.integers(1, 4), st.integers(1, 5)),
        elements=st.integers(100, 60_000),
    ),
    n=st.integers(1, 3),
)
def test_is_its_definition(frames: np.ndarray, n: int) -> None:
    np.testing.assert_allclose(
        ratiometric(frames, n_avg=n), by_definition(frames.astype(float), n), rtol=1e-5, atol=1e-6
    )


def test_running_sums_do_not_drift_over_a_long_movie() -> None:
    frames = np.random.default_rng(1).integers(40_000, 60_000, (20_000, 1, 2)).astype(np.uint16)
    found = ratiometric(frames, n_avg=10)[-1]
    np.testing.assert_allclose(found, by_definition(frames[-21:].astype(float), 10)[0], atol=1e-7)


def test_stacks_are_independent() -> None:
    stacks = np.random.default_rng(4).uniform(1, 2, (3, 12, 4, 5))
    together = ratiometric(stacks, n_avg=2)
    assert together.shape == (3, 8, 4, 5)
    for stack, expected in zip(stacks, together, strict=True):
        np.testing.assert_array_equal(ratiometric(stack, n_avg=2), expected)


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.99])
def test_a_landing_keeps_its_whole_contrast_whatever_its_phase(phase: float) -> None:
    trace = np.ones(30)
    trace[15] -= 0.01 * (1 - phase)
    trace[16:] -= 0.01
    found = ratiometric(trace.reshape(-1, 1, 1), n_avg=6)[15 - 6]
    np.testing.assert_allclose(found, -0.01, atol=1e-7)


def test_errors_name_the_value_and_the_remedy() -> None:
    with pytest.raises(PerrinError, match="9 frames are too few for n_avg = 5: at least 11"):
        ratiometric(np.ones((9, 2, 2)), n_avg=5)
    with pytest.raises(PerrinError, match="n_avg is 0"):
        ratiometric(np.ones((9, 2, 2)), n_avg=0)
