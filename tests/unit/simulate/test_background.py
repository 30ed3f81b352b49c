"""Each part of the background has the statistics its setting names."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import correlate2d

from perrin.optics.psf import Psf
from perrin.settings.simulation import BackgroundSettings, InstrumentSettings
from perrin.simulate.background import (
    KEY_EVERY,
    Texture,
    draw_focus,
    draw_laser,
    draw_stage,
    dynamic_keys,
    fill_light,
    illumination,
    ornstein_uhlenbeck,
    tilt,
)

OFF = BackgroundSettings.none()


@pytest.fixture(scope="module")
def texture(psf: Psf) -> Texture:
    return Texture.of(psf, rng=np.random.default_rng(7))


def _only(**part: float) -> BackgroundSettings:
    return OFF.model_copy(update=part)


def _still(texture: Texture, *, origin: tuple[float, float], shift: float = 0.0) -> np.ndarray:
    stage = np.zeros((1, 2, 2))
    stage[0, 1, 1] = shift
    return fill_light(
        texture=texture,
        speckle_contrast=0.01,
        origin=np.array([origin]),
        stage=stage,
        keys=np.zeros((1, 2, 40, 60), np.float32),
    )[0]


def test_speckle_has_unit_variance_and_the_correlation_of_the_psf(
    texture: Texture, psf: Psf
) -> None:
    values = texture.values.astype(float)
    assert values.std() == pytest.approx(1, abs=1e-5)
    image = psf.image(25)
    expected = correlate2d(image, image)[24, 24:33] / (image**2).sum()
    found = [np.mean(values * np.roll(values, lag, axis=1)) for lag in range(9)]
    # independent areas: the pixels over the correlation area, the sum of the squared function
    area = (correlate2d(image, image) ** 2).sum() / (image**2).sum() ** 2
    np.testing.assert_allclose(found, expected, atol=5 * np.sqrt(2 * area / values.size))


def test_speckle_is_the_texture_times_its_contrast(texture: Texture) -> None:
    light = _still(texture, origin=(10.0, 1000.0))
    wrapped = np.take(texture.values, np.arange(1000, 1060) % 1024, axis=1)[10:50]
    np.testing.assert_allclose(light[0] - 1, 0.01 * wrapped, atol=1e-6)


def test_the_stage_carries_the_speckle_along(texture: Texture) -> None:
    light = _still(texture, origin=(10.0, 20.0), shift=3.0)
    np.testing.assert_allclose(light[1, :, 3:], light[0, :, :-3], atol=1e-6)


def test_a_shift_by_part_of_a_pixel_is_exact_in_fourier_space(texture: Texture) -> None:
    spectrum = np.fft.fft2(texture.values)
    frequency = np.fft.fftfreq(1024)
    shifted = np.fft.ifft2(spectrum * np.exp(-2j * np.pi * 0.4 * frequency)).real
    light = _still(texture, origin=(0.0, 0.0), shift=0.4)
    np.testing.assert_allclose(light[1] - 1, 0.01 * shifted[:40, :60], atol=0.01 * 0.01)


def test_drift_is_a_random_walk(instrument: InstrumentSettings) -> None:
    stage = draw_stage(
        _only(drift_nm_per_sqrt_s=7.0),
        instrument,
        count=2000,
        n_frames=243,
        rng=np.random.default_rng(0),
    )
    nm = stage * instrument.pixel_nm
    assert (nm[:, 0] == 0).all()
    seconds = 242 * instrument.frame_interval_s
    assert nm[:, -1].std() == pytest.approx(7 * np.sqrt(seconds), rel=4 / np.sqrt(2 * 4000))
    assert nm[:, 60].std() == pytest.approx(7 * np.sqrt(seconds * 60 / 242), rel=0.045)


def test_steady_drift_has_its_speed(instrument: InstrumentSettings) -> None:
    stage = draw_stage(
        _only(drift_nm_per_s=6.0), instrument, count=5, n_frames=243, rng=np.random.default_rng(0)
    )
    way = np.hypot(*(stage[:, -1] - stage[:, 0]).T) * instrument.pixel_nm
    np.testing.assert_allclose(way, 6.0 * 242 * instrument.frame_interval_s)


def test_vibration_has_its_size_and_frequency(instrument: InstrumentSettings) -> None:
    stage = draw_stage(
        _only(vibration_nm=0.5, vibration_hz=45.0),
        instrument,
        count=1,
        n_frames=2420,
        rng=np.random.default_rng(0),
    )[0]
    nm = stage * instrument.pixel_nm
    assert np.sqrt((nm**2).sum(axis=1).mean()) == pytest.approx(0.5, rel=0.01)
    power = (np.abs(np.fft.rfft(nm, axis=0)) ** 2).sum(axis=1)
    frequency = np.fft.rfftfreq(2420, instrument.frame_interval_s)
    assert frequency[power.argmax()] == pytest.approx(45.0, abs=0.2)


def test_slow_processes_are_stationary_with_their_correlation_time() -> None:
    process = ornstein_uhlenbeck(20_000, 61, time_frames=20.0, rng=np.random.default_rng(0))
    tolerance = 5 / np.sqrt(20_000)
    np.testing.assert_allclose(process.var(axis=0), 1, atol=tolerance * np.sqrt(2))
    for lag in (1, 20, 60):
        assert np.mean(process[:, 0] * process[:, lag]) == pytest.approx(
            np.exp(-lag / 20), abs=tolerance
        )


def test_dynamic_speckle_has_its_size_and_time(
    texture: Texture, instrument: InstrumentSettings
) -> None:
    background = _only(dynamic_contrast=4e-4, dynamic_time_s=0.5)
    patches = {"texture": texture, "shape": (17, 17), "rng": np.random.default_rng(0)}
    keys = dynamic_keys(background, instrument, n_frames=400, count=600, **patches)
    assert keys.shape == (600, 101, 17, 17)
    # 17 x 17 pixels hold about 9 independent areas
    tolerance = 4 * np.sqrt(2 / (600 * 9))
    assert keys[:, 0].var() == pytest.approx(1.6e-7, rel=tolerance)
    assert keys[:, -1].var() == pytest.approx(1.6e-7, rel=tolerance)
    for lag in (5, 30):
        expected = np.exp(-lag * KEY_EVERY * instrument.frame_interval_s / 0.5)
        found = np.mean(keys[:, 20] * keys[:, 20 + lag]) / 1.6e-7
        assert found == pytest.approx(expected, abs=tolerance)


def test_dynamic_speckle_continues_from_block_to_block(
    texture: Texture, instrument: InstrumentSettings
) -> None:
    previous = np.full((1, 17, 17), 3e-4, np.float32)
    patches = {"texture": texture, "shape": (17, 17), "rng": np.random.default_rng(0)}
    keys = dynamic_keys(
        _only(dynamic_contrast=4e-4), instrument, n_frames=8, count=1, previous=previous, **patches
    )
    np.testing.assert_array_equal(keys[:, 0], previous)
    light = fill_light(
        texture=texture,
        speckle_contrast=0.0,
        origin=np.zeros((1, 2)),
        stage=np.zeros((1, 8, 2)),
        keys=keys,
    )[0]
    np.testing.assert_allclose(light[2] - 1, (keys[0, 0] + keys[0, 1]) / 2, atol=2e-7)


def test_laser_noise_has_its_size_and_falls_with_frequency(instrument: InstrumentSettings) -> None:
    rng = np.random.default_rng(0)
    white = draw_laser(_only(laser_white=1e-3), instrument, count=1, n_frames=9999, rng=rng)
    assert white.std() == pytest.approx(1e-3, rel=4 / np.sqrt(2 * 9999))
    pink = draw_laser(_only(laser_pink=1e-3), instrument, count=400, n_frames=2420, rng=rng)
    assert pink[:, 0].std() == pytest.approx(1e-3, rel=4 / np.sqrt(800))
    power = (np.abs(np.fft.rfft(pink - 1, axis=1)) ** 2).mean(axis=0)
    frequency = np.fft.rfftfreq(2420, instrument.frame_interval_s)
    between = (frequency > 0.3) & (frequency < 20)
    slope = np.polyfit(np.log(frequency[between]), np.log(power[between]), 1)[0]
    assert slope == pytest.approx(-1, abs=0.25)


def test_focus_wanders_and_tilts(instrument: InstrumentSettings) -> None:
    background = _only(focus_contrast=0.02, focus_time_s=5.0, tilt_contrast=0.01)
    wander = draw_focus(
        background, instrument, count=4000, n_frames=2, rng=np.random.default_rng(0)
    )
    assert wander.std() == pytest.approx(0.02, rel=4 / np.sqrt(8000))
    y, x = np.mgrid[:38, :151].astype(float)
    for direction in (0.0, 0.7, 1.6):
        plane = tilt(background, instrument, direction_rad=direction, x_px=x, y_px=y)
        assert plane.std() == pytest.approx(0.01, rel=0.03)
        assert plane.mean() == pytest.approx(0, abs=1e-12)


def test_illumination_falls_to_the_corners(instrument: InstrumentSettings) -> None:
    light = illumination(_only(illumination_falloff=0.2), instrument)
    assert light.mean() == pytest.approx(1, abs=1e-6)
    assert light[0, 0] / light.max() == pytest.approx(0.8, abs=0.01)


def test_nothing_is_left_when_all_parts_are_off(
    texture: Texture, instrument: InstrumentSettings
) -> None:
    rng = np.random.default_rng(0)
    stage = draw_stage(OFF, instrument, count=2, n_frames=9, rng=rng)
    keys = dynamic_keys(
        OFF, instrument, texture=texture, n_frames=9, shape=(17, 17), count=2, rng=rng
    )
    light = fill_light(
        texture=texture, speckle_contrast=0.0, origin=np.ones((2, 2)), stage=stage, keys=keys
    )
    assert light.shape == (2, 9, 17, 17)
    assert (light == 1).all()
    assert (draw_laser(OFF, instrument, count=2, n_frames=9, rng=rng) == 1).all()
    assert (draw_focus(OFF, instrument, count=2, n_frames=9, rng=rng) == 0).all()
    assert (illumination(OFF, instrument) == 1).all()
