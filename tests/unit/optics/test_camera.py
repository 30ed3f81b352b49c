"""The camera: shot noise, gain, offset, rounding."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import kstest

from perrin.optics.camera import fixed_pattern, record
from perrin.settings.simulation import CameraSettings, InstrumentSettings


def _record(
    camera: CameraSettings, *, light: float = 1.0, power: float = 1.0, seed: int = 0
) -> np.ndarray:
    shape = (1, 200, 17, 17)
    noise = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return record(
        np.full(shape, light, np.float32),
        electrons=np.full((1, 17, 17), camera.electrons, np.float32),
        gain=np.ones((1, 17, 17), np.float32),
        exposure=np.full((1, 200), power),
        noise=noise,
        camera=camera,
    )[0]


def test_mean_follows_light_laser_gain_and_offset() -> None:
    camera = CameraSettings(electrons=1e5, electrons_per_count=4.0, offset_counts=100, shot_noise=0)
    assert (_record(camera, light=0.9, power=1.1) == round(100 + 0.99e5 / 4)).all()


def test_counts_are_rounded_to_the_nearest() -> None:
    """Over light that falls anywhere between counts the mean error is 0, not half a count."""
    camera = CameraSettings(electrons=1e5, electrons_per_count=4.0, offset_counts=100, shot_noise=0)
    light = np.linspace(0.9, 0.9004, 101)
    exact = 100 + light * 1e5 / 4
    off = np.concatenate([_record(camera, light=value)[:1, 0, 0] for value in light]) - exact
    # a float32 has 1/500 of a count there
    assert np.abs(off).max() < 0.5 + 0.005
    assert abs(off.mean()) < 4 / np.sqrt(12 * len(off))


def test_shot_noise_is_that_of_the_electrons() -> None:
    camera = CameraSettings(electrons=4e5, electrons_per_count=10.0, offset_counts=0)
    counts = _record(camera).astype(float)
    electrons = counts * 10.0
    # n pixels give the variance to sqrt(2 / n); rounding adds 10^2 / 12, one in 50,000
    assert electrons.mean() == pytest.approx(4e5, abs=5 * np.sqrt(4e5 / counts.size))
    assert electrons.var() == pytest.approx(4e5, rel=5 * np.sqrt(2 / counts.size))


def test_shot_noise_is_normal() -> None:
    camera = CameraSettings(electrons=4e5, electrons_per_count=10.0, offset_counts=0)
    counts = _record(camera, seed=3).ravel()[:20_000].astype(float)
    spread = np.random.default_rng(0).uniform(-0.5, 0.5, counts.size)  # undo the rounding
    assert kstest((counts + spread - 4e4) * 10 / np.sqrt(4e5), "norm").pvalue > 1e-3


def test_clips_instead_of_wrapping() -> None:
    camera = CameraSettings(shot_noise=0)
    assert (_record(camera, light=3.0) == 65535).all()
    assert (_record(camera, light=-1.0) == 10).all()


def test_fixed_pattern_has_the_spread_asked_for() -> None:
    instrument = InstrumentSettings()
    pattern = fixed_pattern(
        CameraSettings(fixed_pattern=0.01), instrument, rng=np.random.default_rng(1)
    )
    assert pattern.shape == (38, 151)
    assert pattern.std() == pytest.approx(0.01, rel=5 / np.sqrt(2 * pattern.size))


def test_refuses_what_16_bits_cannot_hold() -> None:
    with pytest.raises(ValidationError, match="16 bit"):
        CameraSettings(electrons=1e6, electrons_per_count=10)
