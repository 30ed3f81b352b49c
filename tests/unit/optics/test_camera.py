"""The camera: shot noise, gain, offset, rounding."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import kstest

from perrin.optics.camera import few_electrons, fixed_pattern, record
from perrin.settings.simulation import CameraSettings, InstrumentSettings


def _record(
    camera: CameraSettings, *, light: float = 1.0, power: float = 1.0, seed: int = 0
) -> np.ndarray:
    shape = (1, 200, 17, 17)
    noise = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return record(
        np.full(shape, light, np.float32),
        electrons=camera.electrons,
        exposure=power,
        noise=noise,
        **camera.of_record(),
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


@pytest.mark.parametrize("mean", [0.3, 20.0, 900.0])
def test_few_electrons_are_those_of_poisson(mean: float) -> None:
    """With one electron a count, counts are the electrons themselves: mean, variance, skewness."""
    expected = np.full((1, 50, 40, 40), mean, np.float32)
    noise = few_electrons(expected, rng=np.random.default_rng(4))
    light = np.ones_like(expected)
    counts = record(
        light, electrons=mean, noise=noise, electrons_per_count=1.0, offset_counts=3.0
    ).ravel()
    assert np.array_equal(counts, 3 + np.random.default_rng(4).poisson(expected).ravel())
    error = np.sqrt(mean / counts.size)
    assert counts.mean() - 3 == pytest.approx(mean, abs=5 * error)
    # the variance of a sample variance of a Poisson distribution: (mean + 2 mean^2) / N
    spread = np.sqrt((mean + 2 * mean**2) / counts.size)
    assert counts.var() == pytest.approx(mean, abs=5 * spread)


def test_in_the_dark_there_is_no_shot_noise() -> None:
    assert (few_electrons(np.zeros((2, 3), np.float32), rng=np.random.default_rng(0)) == 0).all()


def test_the_pattern_of_the_gain_is_that_of_each_pixel() -> None:
    gain = np.float32([[[0.9, 1.0], [1.1, 0.5]]])
    light, none = np.ones((1, 3, 2, 2), np.float32), np.zeros((1, 3, 2, 2), np.float32)
    counts = record(
        light, electrons=1e4, gain=gain, noise=none, electrons_per_count=10.0, offset_counts=0.0
    )
    assert (counts == np.array([[900, 1000], [1100, 500]])).all()


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
