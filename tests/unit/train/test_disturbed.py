"""Instruments with something wrong: what is drawn is valid, and its PSF exchanged as in use."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.landing.thumbnails import frames_around
from perrin.optics.psf import Psf
from perrin.optics.pupil import pupil_psf
from perrin.settings.optics import PupilSettings
from perrin.settings.simulation import (
    BackgroundSettings,
    CameraSettings,
    InstrumentSettings,
    MassPrior,
    ThumbnailSettings,
)
from perrin.simulate.thumbnails import threads
from perrin.train.events.disturbed import WAYS, Exchanged, disturbed, draw_pupil, draw_settings
from perrin.train.events.source import Source, no_exchange

PLAIN = ThumbnailSettings()


def test_each_way_is_drawn_as_often_as_it_says_within_its_range() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_settings(PLAIN, rng=rng) for _ in range(400)]
    contrasts = np.array([one.disturbances.fringe_contrast for one in drawn])
    probability, _, ranges = WAYS["fringes"]
    low, high = ranges["fringe_contrast"]
    there = contrasts > 0
    sd = np.sqrt(probability * (1 - probability) / 400)
    assert there.mean() == pytest.approx(probability, abs=4 * sd)
    assert contrasts[there].min() >= low
    assert contrasts[there].max() <= high
    assert np.mean([not one.disturbances.any for one in drawn]) > 0.4
    counts = np.array([one.camera.electrons / one.camera.electrons_per_count for one in drawn])
    assert counts.min() >= 149
    assert counts.max() < 50_000
    heavy = np.array([one.masses.high_kda for one in drawn])
    assert (heavy == 800).mean() == pytest.approx(1 - WAYS["heavy"][0], abs=0.1)


def test_pupils_have_the_widths_and_rings_of_real_frames() -> None:
    rng = np.random.default_rng(1)
    psfs = [pupil_psf(draw_pupil(rng=rng), pixel_nm=72.0) for _ in range(60)]
    widths = np.array([psf.fwhm_px() * 72.0 for psf in psfs])
    rings = np.array([psf.ring() for psf in psfs])
    assert widths.min() > 180
    assert widths.max() < 360
    assert rings.min() > -0.5
    assert (rings < -0.15).sum() >= 5
    assert (rings > -0.08).sum() >= 5


@pytest.mark.parametrize("mask_transmission", [1.0, 0.0])
def test_a_landing_is_seen_with_the_default_psf_after_the_exchange(
    mask_transmission: float,
) -> None:
    """Of a molecule that is alone, without noise: its core is that of the default PSF."""
    settings = ThumbnailSettings(
        masses=MassPrior(low_kda=300, middle_kda=300, high_kda=300),
        background=BackgroundSettings.none(),
        camera=CameraSettings(shot_noise=0.0, fixed_pattern=0.0),
        instrument=InstrumentSettings(pupil=PupilSettings(mask_transmission=mask_transmission)),
    )
    seeds = np.random.SeedSequence(3).spawn(2)
    source = Source(settings=settings, exchange=Exchanged(0.0))
    before, _ = frames_around(10)
    with (
        threads(1) as pool,
        source.simulator(10, centering="truth", seed=seeds[0]) as simulator,
    ):
        (part,) = simulator.events(np.repeat("binder", 30), seed=seeds[1], pool=pool)
    assert part.stacks.shape[2:] == (17, 17)
    whole = part.inside.all(axis=(1, 2))
    assert whole.sum() >= 5
    change = part.stacks[:, before + 2 :].mean(axis=1) - part.stacks[:, :before].mean(axis=1)
    default = Psf.analytic(pixel_nm=72.0)
    for event in np.flatnonzero(whole):
        x, y = (part.truth[name].iloc[event] - 8 for name in ("x_px", "y_px"))
        expected = default.image(17, dx=x, dy=y) * part.truth["contrast"].iloc[event]
        # 3% of the contrast: its plane of light is taken off with the PSF that it came with
        np.testing.assert_allclose(change[event], expected, atol=0.03 * 300 * 3.8e-5)


def test_the_exchange_is_noticed_as_often_as_asked() -> None:
    rng = np.random.default_rng(2)
    found = [disturbed(PLAIN, rng=rng, noticed=0.75).exchange is no_exchange for _ in range(200)]
    assert np.mean(found) == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 200))
    assert no_exchange(Psf.analytic(pixel_nm=72.0)) is None
    assert Exchanged(0.0)(Psf.analytic(pixel_nm=72.0)) is None
