"""Simulated movies of moving particles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from perrin.diffusion.classical import covariance_estimator
from perrin.errors import PerrinError
from perrin.io import open_movie
from perrin.settings.motion import MotionMovie
from perrin.simulate.moving import _recorded, simulate_motion, write_motion
from perrin.simulate.moving_particles import draw_moving
from perrin.simulate.particles import gold_table, read_table

SMALL = {"frames": 20, "height_px": 64, "width_px": 64, "count": 2}


def moving(kind: str = "spheres", *, seed: int = 1, **changes: object):
    settings = MotionMovie.of(kind, **(SMALL | changes))
    return draw_moving(settings, rng=np.random.default_rng(seed))


def test_same_seed_same_frames_and_another_seed_others() -> None:
    settings = MotionMovie.of("rods", **(SMALL | {"height_px": 96, "width_px": 96}))
    first, second, other = (simulate_motion(settings, seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.frames, second.frames)
    assert (first.frames != other.frames).any()


@pytest.mark.parametrize("contrast", ["dark", "bright"])
def test_a_particle_is_where_the_truth_says(contrast: str) -> None:
    alone = SMALL | {"count": 1, "electrons": 1e4, "texture": 0.0, "falloff": 0.0, "change": 0.0}
    settings = MotionMovie.of("spheres", **alone, contrast=contrast)
    movie, truth, _ = simulate_motion(settings, seed=3)
    sign = -1 if contrast == "dark" else 1
    for _, row in truth[truth["frame"] == 7].iterrows():
        frame = movie.frames[7].astype(float)
        at = frame[round(row["y"]), round(row["x"])] / np.median(frame)
        assert at == pytest.approx(1 + row["contrast"], abs=0.1)
        assert np.sign(row["contrast"]) == sign


def test_noise_is_that_of_the_electrons() -> None:
    settings = MotionMovie.of(
        "spheres", **(SMALL | {"count": 0}), electrons=50, falloff=0, change=0, texture=0
    )
    movie, truth, _ = simulate_motion(settings, seed=0)
    assert len(truth) == 0
    values = movie.frames[:].astype(float)
    assert values.mean() == pytest.approx(50, rel=0.005)
    # the variance of n Poisson counts scatters by about sqrt(2 / n)
    assert values.var() / values.mean() == pytest.approx(1, abs=4 * np.sqrt(2 / values.size))


@pytest.mark.parametrize(("electrons", "gain"), [(400.0, 40.0), (8e5, 2000.0)])
def test_counts_are_rounded_to_the_nearest(electrons: float, gain: float) -> None:
    """Shot noise of both kinds: with truncation the mean would be half a count less."""
    blank = SMALL | {"count": 0, "height_px": 128, "width_px": 128}
    settings = MotionMovie.of(
        "spheres",
        **blank,
        electrons=electrons,
        electrons_per_count=gain,
        offset_counts=7.3,
        falloff=0,
        change=0,
        texture=0,
    )
    values = simulate_motion(settings, seed=2)[0].frames[:].astype(float)
    error = np.sqrt((electrons / gain**2 + 1 / 12) / values.size)
    assert values.mean() == pytest.approx(7.3 + electrons / gain, abs=5 * error + 0.01)


@pytest.mark.parametrize(
    ("electrons", "skewness"), [(5.0, 5**-0.5), (999.0, 999**-0.5), (4e3, 0.0)]
)
def test_few_electrons_are_drawn_as_poisson_counts(electrons: float, skewness: float) -> None:
    """From 1000 on their noise is Gaussian, without the skewness of 1/sqrt(n)."""
    camera = {"electrons": electrons, "electrons_per_count": electrons / 1e4, "offset_counts": 2e4}
    settings = MotionMovie.of("spheres").model_copy(update=camera)
    light = np.ones((1, 400, 500), np.float32)
    counts = _recorded(light, settings, rng=np.random.default_rng(2)).astype(float).ravel()
    found = ((counts - counts.mean()) ** 3).mean() / counts.std() ** 3
    assert abs(found - skewness) < 4 * np.sqrt(6 / counts.size)


def test_steps_have_the_size_that_was_asked_for() -> None:
    found = moving(count=20, frames=200, step_nm=3.0)
    steps = np.diff(found.x, axis=1)
    assert np.sqrt((steps**2).mean()) == pytest.approx(3.0, rel=0.1)


def test_walks_come_with_their_truth() -> None:
    found = moving(walk="superposition", frames=50)
    assert {"fraction_fbm", "w", "alpha_fbm"} <= set(found.walks.columns)
    assert moving(walk="fbm", alpha=0.5).walks["alpha"].eq(0.5).all()


def test_a_stuck_particle_rests_and_then_goes_on() -> None:
    found = moving(count=10, frames=300, sticks_per_s=20.0, stuck_s=0.05)
    assert 0.2 < found.stuck.mean() < 0.8
    moved = np.hypot(np.diff(found.x, axis=1), np.diff(found.y, axis=1))
    assert (moved[found.stuck[:, 1:]] == 0).all()
    assert (moved[~found.stuck[:, 1:]] > 0).mean() > 0.99


def test_particles_leave_and_come_back() -> None:
    found = moving(count=10, frames=300, leaves_per_s=10.0, away_s=0.05)
    gone = ~found.present
    assert 0.1 < gone.mean() < 0.7
    assert (np.diff(gone.astype(int), axis=1) == -1).sum() > 20


def test_immobile_ones_never_move_and_the_stage_carries_all() -> None:
    found = moving(immobile=2, drift_nm_per_s=50.0)
    still = found.x[2:] - found.drift[:, 1]
    np.testing.assert_allclose(still, still[:, :1].repeat(20, axis=1), atol=1e-9)
    assert np.hypot(*found.drift[-1]) == pytest.approx(50.0 * 0.01 * 19, rel=1e-6)


def test_places_within_the_exposure_average_to_the_reported_one() -> None:
    found = moving(exposure=1.0, step_nm=4.0)
    assert found.inside_x.shape == (2, 20, 8)
    np.testing.assert_allclose(found.inside_x.mean(axis=2), found.x, atol=1e-9)
    assert found.inside_x.std(axis=2).mean() > 0.5
    assert moving().inside_x.shape == (2, 20, 1)


@pytest.mark.parametrize("exposure", [0.25, 1.0])
def test_motion_within_the_exposure_is_that_between_frames(exposure: float) -> None:
    """The spread about the mean place is a sixth of 2 D e, D as the steps have it."""
    found = moving(exposure=exposure, step_nm=4.0, count=20, frames=600)
    places = np.stack([found.x, found.y], axis=2)
    seen = np.ones(places.shape[1], dtype=bool)
    D = np.mean([covariance_estimator(one, seen, noise_sigma=0.0).D for one in places])
    spread = np.mean([found.inside_x.var(axis=2).mean(), found.inside_y.var(axis=2).mean()])
    # 8 places an exposure have 1 - 1 / 64 of the spread of all; D is known to 1.6%
    error = np.sqrt(6 / (2 * 20 * 599))
    assert spread == pytest.approx(2 * D * exposure / 6 * (1 - 1 / 64), rel=4 * error + 0.01)


def test_the_image_of_gold_takes_away_what_its_thickness_does() -> None:
    table = gold_table(length=30.0, width=10.0, blur=0.0, absorption=12.0)
    assert table[0, 0] == pytest.approx(1 - np.exp(-10 / 12), rel=0.01)
    # along the cylinder nothing changes; a pixel's own size blurs the edge
    assert read_table(table, 5.0, 0.0) == pytest.approx(table[0, 0], rel=1e-3)
    assert read_table(table, 0.0, 7.0) == 0.0
    assert read_table(table, 100.0, 0.0) == 0.0


@pytest.mark.parametrize("suffix", [".tif", ".mp"])
def test_files_have_frames_numbers_and_truth(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"spheres{suffix}"
    settings = MotionMovie.of("spheres", **SMALL)
    truth = write_motion(settings, seed=5, out=out)
    expected, _, _ = simulate_motion(settings, seed=5)
    with open_movie(out) as movie:
        np.testing.assert_array_equal(movie.frames[:], expected.frames)
        assert movie.frame_interval_s == pytest.approx(0.01)
        assert movie.pixel_nm == pytest.approx(1.0)
    assert len(pd.read_csv(tmp_path / "spheres.truth.csv")) == len(truth) == 40
    assert len(pd.read_csv(tmp_path / "spheres.walks.csv")) == 2
    with pytest.raises(PerrinError, match=r"\.tif or \.mp"):
        write_motion(settings, seed=5, out=tmp_path / "movie.avi")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"walk": "straight"}, "choose one of"),
        ({"width_nm": 0.5}, "less than a pixel"),
        ({"kind": "rods", "length_nm": 4.0}, "longer than wide"),
        ({"electrons": 1e6}, "16 bits"),
        ({"count": 700}, "take fewer"),
        ({"exposure": 1.5}, "exposure"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, object], message: str) -> None:
    kind = str(changes.pop("kind", "spheres"))
    with pytest.raises(ValidationError, match=message):
        MotionMovie.of(kind, **changes)  # type: ignore[arg-type]
