"""Registration of the support."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift, zoom

from perrin.tracking.drift import Drift, Registration

SIZE = 160


def images(shifts: np.ndarray, *, texture: float, noise: float, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    structure = gaussian_filter(rng.standard_normal((SIZE + 40, SIZE + 40)), 1.8)
    structure *= texture / structure.std()
    found = []
    for dy, dx in shifts:
        moved = shift(structure, (dy, dx), order=3)[20:-20, 20:-20]
        found.append((1 + moved + noise * rng.standard_normal((SIZE, SIZE))).astype(np.float32))
    return found


def registered(pictures: list[np.ndarray]) -> Drift | None:
    registration = Registration()
    for k, picture in enumerate(pictures):
        registration.add(picture, free=np.ones(picture.shape, bool), frame=10.0 * k)
    return registration.drift()


def test_drift_is_found_within_its_errors() -> None:
    shifts = np.array([[0, 0], [0.3, -0.4], [1.2, 2.6], [-5.4, 8.3]])
    drift = registered(images(shifts, texture=0.01, noise=0.01))
    assert drift is not None
    assert drift.significant
    for found, true in ((drift.y, shifts[:, 0]), (drift.x, shifts[:, 1])):
        assert (np.abs(found - true)[1:] < 4 * drift.se[1:]).all()
    assert (drift.se[1:] < 0.1).all()


def clouded(images_: list[np.ndarray], *, contrast: float, seed: int) -> list[np.ndarray]:
    """Return images behind clouds, 24 px fine, that change from one image to the next."""
    rng = np.random.default_rng(seed)
    slow = gaussian_filter(rng.standard_normal((30, 8, 8)), (8, 1, 1), mode="wrap")
    slow = slow[:: 30 // len(images_)] / slow.std()
    factor = SIZE / 8
    return [
        (image * (1 + contrast * zoom(cloud, factor, order=3, mode="nearest"))).astype(np.float32)
        for image, cloud in zip(images_, slow, strict=False)
    ]


def test_clouds_that_change_are_no_drift() -> None:
    empty = images(np.zeros((4, 2)), texture=1e-9, noise=0.03)
    for seed in range(20):
        assert registered(clouded(empty, contrast=0.15, seed=seed)) is None


def test_a_drift_is_found_behind_clouds() -> None:
    shifts = np.array([[0, 0], [0.5, 1.0], [1.0, 2.0], [1.5, 3.0]])
    pictures = images(shifts, texture=0.03, noise=0.03)
    for seed in range(5):
        drift = registered(clouded(pictures, contrast=0.15, seed=seed))
        assert drift is not None
        assert drift.significant
        assert np.hypot(drift.x[-1] - 3.0, drift.y[-1] - 1.5) < 5 * drift.se[-1]


def test_a_straight_edge_does_not_say_how_far_it_moved_along() -> None:
    x = np.arange(SIZE) - 0.5 * SIZE
    rng = np.random.default_rng(0)
    pictures = [
        (1 - 0.4 / (1 + np.exp(-(x - k))) + 0.03 * rng.standard_normal((SIZE, SIZE))).astype(
            np.float32
        )
        for k in range(4)
    ]
    assert registered(pictures) is None


def test_halves_that_move_apart_are_no_drift() -> None:
    left, right = (
        images(np.array([[0, 0], [0, far]]), texture=0.03, noise=0.01) for far in (-0.7, 0.7)
    )
    half = SIZE // 2
    pairs = zip(left, right, strict=True)
    assert registered([np.hstack([a[:, :half], b[:, half:]]) for a, b in pairs]) is None


def test_no_drift_is_not_significant() -> None:
    drift = registered(images(np.zeros((5, 2)), texture=0.01, noise=0.02))
    assert drift is not None
    assert not drift.significant


def test_noise_alone_is_no_structure() -> None:
    assert registered(images(np.zeros((3, 2)), texture=1e-9, noise=0.01)) is None


def test_drift_goes_on_in_a_straight_line_beyond_its_ends() -> None:
    drift = Drift(np.array([10.0, 20.0]), np.array([0.0, 1.0]), np.zeros(2), np.full(2, 0.01))
    x, y = drift.at(np.array([0, 10, 15, 30]))
    np.testing.assert_allclose(x, [-1, 0, 0.5, 2])
    np.testing.assert_allclose(y, 0)


@pytest.mark.parametrize(("errors", "significant"), [(3.5, False), (4.5, True)])
def test_drift_is_taken_off_from_four_standard_errors_on(errors: float, significant: bool) -> None:
    frame, zero, se = np.arange(5.0), np.zeros(5), np.full(5, 0.02)
    far = errors * 0.02 * np.array([0, 0, 0, 0, 1.0])
    assert Drift(frame, far, zero, se).significant == significant
    assert Drift(frame, zero, -far, se).significant == significant
