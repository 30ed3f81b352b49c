"""The image of gold and its fit."""

from __future__ import annotations

import numpy as np
import pytest

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
    fit_shapes,
    profile,
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


def test_radius_and_reach_are_where_the_contrast_is_half_and_nearly_gone() -> None:
    q = row()
    at_half = profile(q, 0.0, ROD.radius, 1.0, 0.0)
    assert at_half == pytest.approx(0.5, abs=1e-9)
    assert profile(q, ROD.reach, 0.0, 1.0, 0.0) < 0.06
    assert profile(q, 0.0, 0.0, 1.0, 0.0) == pytest.approx(1.0)


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
