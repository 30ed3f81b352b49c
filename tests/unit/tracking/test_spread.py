"""How much sizes differ: seen with few particles, and not seen where they are equal."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.settings.motion import MotionMovie
from perrin.settings.tracking import TrackingSettings
from perrin.simulate.moving import simulate_motion
from perrin.tracking.appearance import Appearance, learn
from perrin.tracking.samples import study
from perrin.tracking.shape import ANGLE, FLAT, HALF, WIDTH, A, X, Y, add_shapes

FRAMES, PLACES_PX = 12, (40.0, 120.0, 200.0)


def looked_at(kind: str, sizes: np.ndarray, *, seed: int = 0, pairs: int = 0) -> Appearance:
    """Learn from six or nine particles of some relative sizes, far apart, in noise.

    pairs: frames in which one more lies across the first.
    """
    rng = np.random.default_rng(seed)
    x, y = (axis.ravel()[: len(sizes)] for axis in np.meshgrid(PLACES_PX, PLACES_PX))
    frames = rng.normal(0, 0.06, (FRAMES, 240, 240)).astype(np.float32)
    for t in range(FRAMES):
        values = np.zeros((len(sizes), 8))
        values[:, A], values[:, FLAT], values[:, WIDTH] = 0.5, 2.0, 2.3 * sizes
        values[:, HALF] = 8.0 * sizes if kind == "rods" else 0.0
        values[:, ANGLE] = rng.uniform(0, np.pi, len(sizes))
        values[:, X], values[:, Y] = x + rng.uniform(-3, 3, x.size), y + rng.uniform(-3, 3, x.size)
        if t < pairs:
            across = values[0].copy()
            across[ANGLE] += 1.0
            values = np.vstack([values, across])
        add_shapes(frames, np.full(len(values), t), values, 40, 1.0)
    seen = learn(-frames, kind=kind, sign=-1, threshold=5.0)  # type: ignore[arg-type]
    assert seen is not None
    return seen


@pytest.mark.parametrize("kind", ["rods", "spheres"])
def test_equal_particles_have_one_size(kind: str) -> None:
    assert looked_at(kind, np.ones(9)).spread < 0.02
    assert not looked_at(kind, np.ones(9), pairs=4).varied


def test_rods_that_cross_often_are_no_rods_of_different_sizes() -> None:
    """One in six regions is of two end to end, which one long rod explains almost."""
    crowd = {"count": 14, "height_px": 200, "width_px": 200}
    movie, _, _ = simulate_motion(MotionMovie.of("rods", frames=30, **crowd), seed=2)
    settings = TrackingSettings(kind="rods")
    studied = study(movie, settings, psf=None, progress=lambda _: None)
    assert studied is not None
    assert not studied.appearance.varied


@pytest.mark.parametrize(
    "sizes",
    [
        [0.70, 1.00, 1.01, 1.00, 1.02, 1.20],  # four of six are alike: their median deviation is
        [0.51, 0.59, 1.01, 1.34, 1.37, 1.38],  # two groups
        [0.56, 1.07, 1.09, 1.24, 1.69, 1.75],
    ],
)
@pytest.mark.parametrize("kind", ["rods", "spheres"])
def test_a_few_sizes_each_many_times_are_many_sizes(kind: str, sizes: list[float]) -> None:
    seen = looked_at(kind, np.array(sizes))
    true = np.std(sizes) / np.median(sizes)
    assert seen.varied
    # tenths at either end are drawn in and made up for as of a Gaussian: within a third for six
    assert 0.6 * true < seen.spread < 1.5 * true
