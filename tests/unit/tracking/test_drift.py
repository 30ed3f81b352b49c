"""Registration of the support."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

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
