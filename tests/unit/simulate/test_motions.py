"""Every drawn parameter against Table 1 of paper 002 and the truncations of the settings."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, kstest, truncnorm, uniform

from perrin.settings.simulation import BackgroundSettings, InstrumentSettings, MotionSettings
from perrin.simulate.motions import Landings, Motions, Particles, draw_motions, place

COUNT = 20_000
LEAST_P = 1e-3
TABLE = MotionSettings()


def _draw(name: str) -> Motions:
    names = np.full(COUNT, name)
    return draw_motions(names, settings=TABLE, rng=np.random.default_rng(20))


def _place(motions: Motions, instrument: InstrumentSettings) -> Particles:
    count = len(motions.names)
    landings = Landings(
        frames=np.full(count, 3.25),
        x_px=np.full(count, 10.0),
        y_px=np.full(count, 20.0),
        mass_kda=np.full(count, -5e-3 / instrument.contrast_per_kda),
        focus=np.full(count, 0.01),
    )
    return place(motions, landings, BackgroundSettings(widening=-0.25), instrument)


def _uniform_integers(values: np.ndarray, low: int, high: int) -> float:
    observed = np.bincount(values.astype(int) - low, minlength=high - low + 1)
    assert len(observed) == high - low + 1
    return float(chisquare(observed).pvalue)


def test_binders_stay_where_they_are(instrument: InstrumentSettings) -> None:
    motions = _draw("binder")
    assert np.isinf(motions.residence_time_frames).all()
    assert not motions.unbinds.any()
    particles = _place(motions, instrument)
    assert np.isinf(particles.leave).all()
    assert (particles.steps == 0).all()
    assert particles.contrast[0] == pytest.approx(-5.05e-3)
    assert particles.widening[0] == pytest.approx(-0.0025)


def test_unbinders(instrument: InstrumentSettings) -> None:
    motions = _draw("unbinder")
    law = truncnorm((1 - 10) / 5, (20 - 10) / 5, loc=10, scale=5)
    assert kstest(motions.residence_time_frames, law.cdf).pvalue > LEAST_P
    assert motions.residence_time_frames.min() >= 1
    assert motions.residence_time_frames.max() <= 20
    assert motions.unbinds.all()
    particles = _place(motions, instrument)
    np.testing.assert_allclose(particles.leave, 3.25 + motions.residence_time_frames)


def test_rollers(instrument: InstrumentSettings) -> None:
    motions = _draw("roller")
    assert kstest(motions.residence_time_frames, uniform(4, 4).cdf).pvalue > LEAST_P
    assert kstest(motions.speed_nm_per_ms[:, 0], uniform(1.7, 16.9).cdf).pvalue > LEAST_P
    assert kstest(motions.direction_rad[:, 0], uniform(0, 2 * np.pi).cdf).pvalue > LEAST_P
    assert np.isnan(motions.speed_nm_per_ms[:, 1:]).all()
    _is_fraction(motions.unbinds, 0.75)
    particles = _place(motions, instrument)
    moved = np.hypot(particles.x[:, -1] - 10, particles.y[:, -1] - 20) * 72
    milliseconds = motions.residence_time_frames * 3 / 726 * 1000
    np.testing.assert_allclose(moved, motions.speed_nm_per_ms[:, 0] * milliseconds)


def test_wobblers(instrument: InstrumentSettings) -> None:
    motions = _draw("wobbler")
    assert _uniform_integers(motions.residence_time_frames, 2, 15) > LEAST_P
    taken = np.isfinite(motions.speed_nm_per_ms)
    assert (taken.sum(axis=1) == motions.residence_time_frames).all()
    law = truncnorm(-8.5 / 3.5, np.inf, loc=8.5, scale=3.5)
    assert kstest(motions.speed_nm_per_ms[taken], law.cdf).pvalue > LEAST_P
    assert kstest(motions.direction_rad[taken], uniform(0, 2 * np.pi).cdf).pvalue > LEAST_P
    _is_fraction(motions.unbinds, 0.5)
    particles = _place(motions, instrument)
    steps = np.hypot(np.diff(particles.x), np.diff(particles.y)) * 72 / (3 / 726 * 1000)
    np.testing.assert_allclose(steps[taken], motions.speed_nm_per_ms[taken])
    assert (steps[~taken] == 0).all()


def test_wobbler_speeds_of_one_molecule_are_independent() -> None:
    speed = _draw("wobbler").speed_nm_per_ms
    first, second = speed[:, 0], speed[:, 1]
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(COUNT)


def test_8_5_nm_per_ms_is_half_a_pixel_a_frame(instrument: InstrumentSettings) -> None:
    motions = Motions(
        np.array(["roller"]),
        np.array([1.0]),
        np.array([False]),
        np.array([[8.5]]),
        np.array([[0.0]]),
    )
    assert _place(motions, instrument).x[0, -1] - 10 == pytest.approx(0.488, abs=1e-3)


def _is_fraction(chosen: np.ndarray, fraction: float) -> None:
    assert chosen.mean() == pytest.approx(
        fraction, abs=4 * np.sqrt(fraction * (1 - fraction) / COUNT)
    )
