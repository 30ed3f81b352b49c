"""Walks in parts have what each part was given."""

from __future__ import annotations

import numpy as np
import pytest

from perrin_benchmarks.piecewise import piecewise_fbm


def test_parts_of_piecewise_fbm_have_their_own_diffusivity_and_are_joined() -> None:
    rng = np.random.default_rng(7)
    walks = [piecewise_fbm([(400, 1.0, 4.0), (300, 0.6, 0.25)], rng=rng) for _ in range(40)]
    assert all(walk.shape == (701, 2) for walk in walks)
    steps = np.diff(np.array(walks), axis=1)
    for part, k in ((slice(0, 400), 4.0), (slice(400, 700), 0.25)):
        values = steps[:, part]
        # MSD of an axis in one frame is 2 K; of n steps it is known to sqrt(2 / n), correlated ones
        # of alpha .6 (rho 1 of -.24, rho k of -.02 and less) to 6% more
        assert (values**2).mean() == pytest.approx(2 * k, rel=5 * np.sqrt(2.2 / values.size))
