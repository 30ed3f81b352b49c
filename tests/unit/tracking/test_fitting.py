"""Fits of images of gold, alone and together."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.tracking.fitting import fit_shapes
from perrin.tracking.shape import (
    ANGLE,
    EVERYTHING,
    FLAT,
    HALF,
    WIDTH,
    WITH_ANGLE,
    A,
    B,
    Shape,
    X,
    Y,
    add_shapes,
)

ROD = Shape(half=6.0, width=2.4, flat=2.0)


def row(**changes: float) -> np.ndarray:
    q = np.zeros(8)
    q[A], q[X], q[Y], q[ANGLE] = 0.4, 20.3, 19.6, 0.7
    q[HALF], q[WIDTH], q[FLAT] = ROD.half, ROD.width, ROD.flat
    for name, value in changes.items():
        q[globals()[name]] = value
    return q


def drawn(values: np.ndarray, *, size: int = 41, frames: int | None = None) -> np.ndarray:
    count = len(values) if frames is None else frames
    images = np.zeros((count, size, size), np.float32)
    add_shapes(images, np.arange(len(values)) % count, values, 30, 1.0)
    return images


def test_fits_without_noise_give_back_every_parameter() -> None:
    rng = np.random.default_rng(0)
    true = np.stack([row(ANGLE=angle, FLAT=1.5) for angle in rng.uniform(0, np.pi, 6)])
    true[:, [X, Y]] += rng.uniform(-0.5, 0.5, (6, 2))
    starts = true + rng.normal(0, 0.1, true.shape)
    fits = fit_shapes(drawn(true), np.arange(6), starts, free=EVERYTHING, half_window=15, kappa=0.0)
    np.testing.assert_allclose(
        fits.values[:, [A, X, Y, ANGLE]], true[:, [A, X, Y, ANGLE]], atol=3e-3
    )
    np.testing.assert_allclose(
        fits.values[:, [HALF, WIDTH, FLAT]], true[:, [HALF, WIDTH, FLAT]], atol=0.1
    )
    assert np.abs(fits.values[:, B]).max() < 1e-3


def test_stated_errors_are_the_scatter() -> None:
    count, noise = 400, 0.08
    rng = np.random.default_rng(1)
    true = np.tile(row(), (count, 1))
    frames = drawn(true) + noise * rng.standard_normal((count, 41, 41)).astype(np.float32)
    fits = fit_shapes(frames, np.arange(count), true, free=WITH_ANGLE, half_window=14, kappa=0.0)
    assert np.isfinite(fits.values).all()
    for name in (A, X, Y, ANGLE):
        missed = (fits.values[:, name] - true[:, name]) / fits.errors[:, name]
        assert abs(missed.mean()) < 4 / np.sqrt(count)
        assert abs(missed.std() - 1) < 4 / np.sqrt(2 * count)
    assert np.sqrt(fits.variance.mean()) == pytest.approx(noise, rel=0.02)


def test_weights_follow_the_shot_noise() -> None:
    """Where dark pixels are quiet, weights that know it give smaller true errors."""
    count = 400
    rng = np.random.default_rng(2)
    true = np.tile(row(A=0.8), (count, 1))
    clean = drawn(true)
    frames = clean + 0.1 * np.sqrt(1 - clean) * rng.standard_normal(clean.shape)
    scatter = {}
    for kappa in (-1.0, 0.0):
        fits = fit_shapes(
            frames.astype(np.float32),
            np.arange(count),
            true,
            free=WITH_ANGLE,
            half_window=14,
            kappa=kappa,
        )
        scatter[kappa] = fits.values[:, X].std()
        if kappa == -1.0:
            missed = (fits.values[:, X] - true[:, X]) / fits.errors[:, X]
            assert abs(missed.std() - 1) < 4 / np.sqrt(2 * count)
    assert scatter[-1.0] < scatter[0.0]


def test_what_passes_through_two_is_divided_out() -> None:
    one, other = row(X=18.0, ANGLE=0.0), row(X=24.0, ANGLE=1.5)
    light = (1 - drawn(one[None])) * (1 - drawn(other[None]))
    fits = fit_shapes(
        1 - light,
        np.zeros(1, np.int64),
        one[None],
        free=WITH_ANGLE,
        half_window=14,
        kappa=0.0,
        neighbors=(np.array([0, 1]), other[None]),
    )
    np.testing.assert_allclose(fits.values[0, [X, Y]], one[[X, Y]], atol=5e-3)
    alone = fit_shapes(
        1 - light, np.zeros(1, np.int64), one[None], free=WITH_ANGLE, half_window=14, kappa=0.0
    )
    assert not abs(alone.values[0, X] - one[X]) < 0.2


def test_a_window_at_the_edge_counts_only_what_is_in_the_field() -> None:
    true = row(X=3.0, Y=20.0)
    fits = fit_shapes(
        drawn(true[None]),
        np.zeros(1, np.int64),
        true[None],
        free=WITH_ANGLE,
        half_window=12,
        kappa=0.0,
    )
    np.testing.assert_allclose(fits.values[0, [X, Y]], true[[X, Y]], atol=1e-2)


def test_the_opposite_contrast_is_no_particle() -> None:
    fits = fit_shapes(
        -drawn(row()[None]),
        np.zeros(1, np.int64),
        row()[None],
        free=WITH_ANGLE,
        half_window=12,
        kappa=0.0,
    )
    assert np.isnan(fits.values).all()


def overlapping(first: np.ndarray, second: np.ndarray, *, count: int) -> np.ndarray:
    """Return the contrast of two particles that light passes through one after the other."""
    light = (1 - drawn(np.tile(first, (count, 1)))) * (1 - drawn(np.tile(second, (count, 1))))
    return np.asarray(1 - light, np.float32)


def test_particles_that_touch_are_fitted_together() -> None:
    one, other = row(X=18.0, ANGLE=0.3), row(X=24.0, ANGLE=1.5, A=0.3)
    starts = np.stack([one, other])
    starts[:, [X, Y]] += [[0.8, -0.6], [-0.7, 0.5]]
    starts[:, A] *= [1.2, 0.8]
    touching = (np.array([0, 1, 2]), starts[::-1])
    frames = 0.02 + overlapping(one, other, count=1)
    at = np.zeros(2, np.int64)
    fits = fit_shapes(
        frames, at, starts, free=WITH_ANGLE, half_window=14, kappa=0.0, touching=touching
    )
    np.testing.assert_allclose(
        fits.values[:, [A, X, Y, ANGLE]], np.stack([one, other])[:, [A, X, Y, ANGLE]], atol=2e-3
    )
    np.testing.assert_allclose(fits.values[:, B], 0.02, atol=1e-3)


def test_errors_of_particles_that_touch_hold_what_each_takes_from_the_other() -> None:
    count, noise = 400, 0.08
    one, other = row(Y=17.5, ANGLE=0.0), row(Y=22.0, ANGLE=0.2)
    rng = np.random.default_rng(4)
    frames = overlapping(one, other, count=count)
    frames += noise * rng.standard_normal(frames.shape, dtype=np.float32)
    given = (frames, np.arange(count), np.tile(one, (count, 1)))
    first, images = np.arange(count + 1), np.tile(other, (count, 1))
    together = fit_shapes(
        *given, free=WITH_ANGLE, half_window=14, kappa=0.0, touching=(first, images)
    )
    for name in (A, B, X, Y, ANGLE):
        true = one[name] if name != B else 0.0
        missed = (together.values[:, name] - true) / together.errors[:, name]
        assert abs(missed.mean()) < 4 / np.sqrt(count)
        assert abs(missed.std() - 1) < 4 / np.sqrt(2 * count)
    own = (frames - overlapping(one, other, count=1))[:, 4:33, 6:35].std()  # of this noise
    left, free = 29**2 - 11, 11  # pixels less parameters: what these take scatters
    scatter = np.sqrt(2 * free / count) / (2 * left)
    assert np.sqrt(together.variance.mean()) == pytest.approx(own, rel=4 * scatter)
    known = fit_shapes(
        *given, free=WITH_ANGLE, half_window=14, kappa=0.0, neighbors=(first, images)
    )
    assert (together.errors[:, Y] > 1.2 * known.errors[:, Y]).all()


def test_one_that_leaves_its_window_is_not_found() -> None:
    true = row(X=30.0, Y=20.0)
    start = row(X=25.0, Y=20.0)
    given = (drawn(true[None]), np.zeros(1, np.int64), start[None])
    near = fit_shapes(*given, free=WITH_ANGLE, half_window=9, kappa=0.0)
    far = fit_shapes(*given, free=WITH_ANGLE, half_window=4, kappa=0.0)
    assert near.values[0, X] == pytest.approx(30.0, abs=0.05)
    assert np.isnan(far.values).all()
