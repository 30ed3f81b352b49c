"""Locating: two particles so near that they look like one."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.tracking.appearance import Appearance
from perrin.tracking.found import LABELS
from perrin.tracking.locate import locate
from perrin.tracking.shape import FLAT, WIDTH, A, Shape, X, Y, add_shapes

SHAPE = Shape(half=0.0, width=2.3, flat=1.8)
SEEN = Appearance(
    kind="spheres",
    sign=-1,
    sigma_px=2.0,
    shape=SHAPE,
    psf=None,
    kappa=0.0,
    amplitude=0.48,
    area_px=0.0,
)


@pytest.mark.parametrize("apart", [5.6, 6.0, 6.4, 6.8])
@pytest.mark.parametrize("seed", range(5))
def test_both_of_two_that_no_single_shape_fits(apart: float, seed: int) -> None:
    """One maximum of the smoothed frame, from which the fit of one particle may run away."""
    rng = np.random.default_rng([seed, int(10 * apart)])
    angle, middle = rng.uniform(0, np.pi), 30 + rng.uniform(-0.5, 0.5, 2)
    particles = np.zeros((2, 8))
    particles[:, [A, WIDTH, FLAT]] = SEEN.amplitude, SHAPE.width, SHAPE.flat
    way = np.array([[-0.5], [0.5]]) * apart * np.array([np.cos(angle), np.sin(angle)])
    particles[:, [X, Y]] = middle + way
    light = np.ones((1, 60, 60))
    for one in particles[:, None]:
        alone = np.zeros_like(light)
        add_shapes(alone, np.zeros(1, np.int64), one, SHAPE.half_window, 1.0)
        light *= 1 - alone
    frames = (1 - light + rng.normal(0, 0.08, light.shape)).astype(np.float32)
    found = locate(frames, seen=SEEN, threshold=5.0)
    assert sorted(LABELS[k] for k in found.label) == ["touching", "touching"]
    places = np.stack([found.x, found.y], axis=1)
    missed = np.linalg.norm(places[:, None] - particles[:, [X, Y]], axis=2).min(axis=0)
    assert (missed < 0.6).all()  # .08 / .48 of noise: .1 px each alone, more where they overlap
