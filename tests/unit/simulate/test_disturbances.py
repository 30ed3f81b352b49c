"""Each disturbance has the moments that its setting names, in movies as in patches."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.landing.light import light_field, values
from perrin.optics.psf import Psf
from perrin.settings.disturbances import DisturbanceSettings
from perrin.settings.simulation import (
    BackgroundSettings,
    CameraSettings,
    InstrumentSettings,
    LandingAssay,
)
from perrin.simulate.background import Texture
from perrin.simulate.disturbances import Disturbances
from perrin.simulate.movie import simulate_movie

FIELD = (38, 151)


@pytest.fixture(scope="module")
def texture(psf: Psf) -> Texture:
    return Texture.of(psf, rng=np.random.default_rng(7))


def _light(
    texture: Texture, psf: Psf, *, count: int = 1, n_frames: int = 400, **settings: float
) -> tuple[np.ndarray, Disturbances]:
    drawn = Disturbances.draw(
        DisturbanceSettings(**settings),
        InstrumentSettings(),
        psf=psf,
        texture=texture,
        shape=FIELD,
        count=count,
        n_frames=n_frames,
        rng=np.random.default_rng(3),
    )
    light = np.ones((count, n_frames, *FIELD), np.float32)
    drawn.multiply(light, corner=np.zeros((count, 2), np.int64))
    return light, drawn


def test_a_gradient_has_its_slope_at_the_edges_and_is_what_a_plane_takes_off(
    texture: Texture, psf: Psf
) -> None:
    light, drawn = _light(texture, psf, count=40, n_frames=200, gradient=2e-3, gradient_time_s=0.02)
    edge = light[:, :, FIELD[0] // 2, -1] - 1
    # slopes of 5 frames' memory: the number of those that are independent
    independent = edge.size / 10
    assert edge.std() == pytest.approx(2e-3, rel=4 / np.sqrt(2 * independent))
    taken = drawn.planes()[0]
    taken[:, 0] += 1
    np.testing.assert_allclose(light[0], values(taken, height=38, width=151), atol=1e-6)
    np.testing.assert_allclose(taken, light_field(light[0]), atol=1e-6)


def test_fringes_have_their_contrast_and_period_and_move(texture: Texture, psf: Psf) -> None:
    light, drawn = _light(
        texture, psf, count=30, n_frames=100, fringe_contrast=1e-3, fringe_period_um=1.5
    )
    assert (light - 1).std() == pytest.approx(1e-3, rel=0.05)
    period_px = 2 * np.pi / np.hypot(*drawn.wave.T)
    np.testing.assert_allclose(period_px * 0.072, 1.5)
    taken = drawn.planes()
    taken[..., 0] += 1
    for b in range(3):
        np.testing.assert_allclose(taken[b], light_field(light[b]), atol=2e-7)
    still, _ = _light(texture, psf, fringe_contrast=1e-3, fringe_hz=0.0, n_frames=20)
    np.testing.assert_allclose(still[0], np.broadcast_to(still[0, :1], still[0].shape), atol=1e-6)
    assert np.abs(light[:, 0] - light[:, -1]).max() > 1e-3


def test_the_further_speckle_has_its_contrast_and_goes_on_from_stretch_to_stretch(
    texture: Texture, psf: Psf
) -> None:
    _, drawn = _light(texture, psf, speckle_contrast=5e-4, speckle_time_s=1.0, n_frames=8)
    dark = np.zeros((1, 3, *FIELD), np.float32)
    stretches = [drawn.add_speckle(dark, n_frames=8) for _ in range(60)]
    np.testing.assert_array_equal(stretches[0][:, -1], stretches[1][:, 0])
    assert np.std(stretches) == pytest.approx(5e-4, rel=0.1)


@pytest.mark.parametrize("um2_per_s", [0.05, 0.5])
def test_debris_is_as_dense_as_asked_and_diffuses(
    texture: Texture, psf: Psf, um2_per_s: float
) -> None:
    _, drawn = _light(
        texture, psf, count=20, n_frames=50, debris_per_um2=1.0, debris_um2_per_s=um2_per_s
    )
    there = np.abs(drawn.grains[..., 2]).max(axis=2) > 0
    area_um2 = (FIELD[0] + 24) * (FIELD[1] + 24) * 0.072**2
    assert there.sum() == pytest.approx(20 * area_um2, abs=4 * np.sqrt(20 * area_um2))
    steps = np.diff(drawn.grains[there][..., :2], axis=1)
    steps = steps[np.abs(steps) < 10] * 0.072  # without those that come in on the other side
    expected = 2 * um2_per_s * InstrumentSettings().frame_interval_s
    assert np.mean(steps**2) == pytest.approx(expected, rel=4 * np.sqrt(2 / steps.size))


def test_debris_is_seen_in_the_light_with_its_contrast(texture: Texture, psf: Psf) -> None:
    light, drawn = _light(
        texture, psf, debris_per_um2=0.02, debris_contrast=0.02, debris_um2_per_s=0.0, n_frames=2
    )
    grains = drawn.grains[0, :, 0]
    inside = (grains[:, 0] > 1) & (grains[:, 0] < 36) & (grains[:, 1] > 1) & (grains[:, 1] < 149)
    assert inside.any()
    for y, x, contrast in grains[inside]:
        found = light[0, 0, round(y), round(x)] - 1
        assert abs(found) > 0.5 * abs(contrast)
        assert np.sign(found) == np.sign(contrast)


def test_a_movie_shows_what_is_asked_and_nothing_changes_without() -> None:
    quiet = LandingAssay(
        background=BackgroundSettings.none(),
        camera=CameraSettings(shot_noise=0.0, fixed_pattern=0.0),
    )
    wrong = DisturbanceSettings(
        gradient=1e-2, fringe_contrast=1e-3, speckle_contrast=1e-3, debris_per_um2=0.5
    )
    seconds = 140 * quiet.instrument.frame_interval_s  # more than one block of frames
    movie, _ = simulate_movie(quiet, seconds=seconds, seed=1)
    assert np.ptp(movie.frames.astype(int)) == 0
    disturbed, _ = simulate_movie(
        quiet.model_copy(update={"disturbances": wrong}), seconds=seconds, seed=1
    )
    frames = disturbed.frames.astype(float) - quiet.camera.offset_counts
    even = frames / values(light_field(frames), height=38, width=151) - 1
    assert frames.std() / frames.mean() > 2e-3
    assert 1e-3 < even.std() < 3e-3
    changes = np.diff(even, axis=0).std(axis=(1, 2))  # frames 127 and 128 are of two blocks
    assert changes[127] < 1.5 * np.median(changes)
