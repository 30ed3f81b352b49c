"""Whole simulated measurements: files, seeds, recorded backgrounds, bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io import open_movie
from perrin.io.movie import Movie
from perrin.landing.detect import detect
from perrin.landing.fit import fit
from perrin.optics.psf import Psf
from perrin.settings.optics import OpticsSettings
from perrin.settings.simulation import (
    BackgroundSettings,
    CameraSettings,
    InstrumentSettings,
    LandingAssay,
    Species,
)
from perrin.simulate.movie import BLOCK_FRAMES, lazy_movie, simulate_landings, simulate_movie
from perrin.simulate.presets import preset

DEFAULT = Psf.analytic(pixel_nm=72.0)
CLEAN = CameraSettings(shot_noise=0, fixed_pattern=0)


def _assay(**changes: object) -> LandingAssay:
    return LandingAssay.model_validate(preset("bsa", density=3.0).model_dump() | changes)


def _buffer(seconds: float = 1.0, *, seed: int = 9, **changes: object) -> Movie:
    movie, _ = simulate_movie(preset("buffer"), seconds=seconds, seed=seed)
    return Movie(
        **{
            "frames": movie.frames,
            "frame_interval_s": movie.frame_interval_s,
            "pixel_nm": movie.pixel_nm,
            "landing_sign": -1,
        }
        | changes
    )


def test_same_seed_same_movie_and_truth() -> None:
    (one, truth), (again, truth_again) = (
        simulate_movie(_assay(), seconds=0.6, seed=4) for _ in range(2)
    )
    np.testing.assert_array_equal(one.frames[:], again.frames[:])
    pd.testing.assert_frame_equal(truth, truth_again)
    other, _ = simulate_movie(_assay(), seconds=0.6, seed=5)
    assert (one.frames[:] != other.frames[:]).mean() > 0.9


def test_frames_do_not_depend_on_how_they_are_read() -> None:
    whole, _ = simulate_movie(_assay(), seconds=1.3, seed=4)
    lazy, _ = lazy_movie(_assay(), seconds=1.3, seed=4)
    assert lazy.frames.shape == whole.frames.shape == (315, 38, 151)
    for first, last in ((0, 100), (100, 300), (290, 315), (7, 9), (BLOCK_FRAMES, 200), (0, 0)):
        np.testing.assert_array_equal(lazy.frames[first:last], whole.frames[first:last])
    np.testing.assert_array_equal(lazy.frames[-1], whole.frames[-1])
    np.testing.assert_array_equal(lazy.frames[10:0:-3], whole.frames[10:0:-3])


def test_file_with_its_truth(tmp_path: Path) -> None:
    seen: list[float] = []
    out = tmp_path / "bsa.mp"
    truth = simulate_landings(_assay(), seconds=0.5, seed=4, out=out, progress=seen.append)
    expected, _ = simulate_movie(_assay(), seconds=0.5, seed=4)
    stored = open_movie(out)
    np.testing.assert_array_equal(stored.frames[:], expected.frames[:])
    assert stored.frame_interval_s == pytest.approx(3 / 726)
    assert stored.pixel_nm == pytest.approx(72.0)
    assert stored.landing_sign == -1
    assert seen[-1] == 1.0
    back = pd.read_csv(tmp_path / "bsa.truth.csv", keep_default_na=False, na_values=["nan"])
    assert list(back.columns) == list(truth.columns)
    assert (back["measurement"] == "bsa").all()
    np.testing.assert_allclose(back["contrast"], truth["contrast"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bsa.mp", "bsa.truth.csv"]


def test_nothing_is_left_behind_when_it_fails(tmp_path: Path) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_landings(_assay(), seconds=0.5, seed=4, out=tmp_path / "bsa.mp", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_light_and_noise_are_those_of_the_camera() -> None:
    quiet = LandingAssay(background=BackgroundSettings.none())
    movie, truth = simulate_movie(quiet, seconds=0.8, seed=1)
    assert len(truth) == 0
    frames = movie.frames[:].astype(float) * 20
    assert frames.mean() == pytest.approx(8e5 + 200, rel=1e-4)
    assert frames.var(axis=0).mean() == pytest.approx(8e5, rel=0.01)


def test_landings_on_a_recorded_buffer() -> None:
    background = _buffer()
    assay = _assay()
    movie, truth = simulate_movie(assay, seconds=1.0, seed=2, background=background)
    again, _ = simulate_movie(assay, seconds=1.0, seed=2, background=background)
    np.testing.assert_array_equal(movie.frames[:], again.frames[:])
    # the same landings on a surface with nothing else give the factor of each pixel
    bare = LandingAssay.model_validate(assay.model_dump() | {"camera": CLEAN})
    ratio = movie.frames[:] / background.frames[:]
    assert ratio[-1].min() < 0.999
    blank, _ = simulate_movie(
        preset("buffer").model_copy(update={"camera": CLEAN}), seconds=1.0, seed=2
    )
    assert bare.density == assay.density
    assert blank.n_frames == movie.n_frames
    late = truth[
        (truth["frame"] > 20) & (truth["motion"] == "binder") & (truth["n_neighbors"] == 0)
    ]
    late = late[late["x_px"].between(8, 142) & late["y_px"].between(8, 29)]
    one = late.iloc[0]
    y, x, frame = round(one["y_px"]), round(one["x_px"]), int(one["frame"])
    step = ratio[frame + 1, y, x] / ratio[frame - 1, y, x] - 1
    assert one["contrast"] * 1.1 < step < one["contrast"] * 0.7


def test_a_buffer_where_landings_are_brighter() -> None:
    dark, bright = _buffer(), _buffer(landing_sign=1)
    one, _ = simulate_movie(_assay(), seconds=1.0, seed=2, background=dark)
    two, _ = simulate_movie(_assay(), seconds=1.0, seed=2, background=bright)
    assert two.landing_sign == 1
    change = one.frames[:] / dark.frames[:] - 1.0
    opposite = two.frames[:] / dark.frames[:] - 1.0
    assert np.corrcoef(change[-1].ravel(), opposite[-1].ravel())[0, 1] < -0.9


def test_a_longer_buffer_starts_at_a_random_frame() -> None:
    background = _buffer(2.0)
    starts = set()
    for seed in range(4):
        movie, _ = simulate_movie(preset("buffer"), seconds=1.0, seed=seed, background=background)
        first = movie.frames[0]
        starts.update(
            k for k in range(background.n_frames) if (background.frames[k] == first).all()
        )
    assert len(starts) > 1


def test_a_buffer_of_another_field_of_view() -> None:
    background = _buffer()
    narrow = Movie(
        frames=background.frames[:, :30, :60],
        frame_interval_s=background.frame_interval_s,
        pixel_nm=72.0,
        landing_sign=-1,
    )
    movie, truth = simulate_movie(_assay(), seconds=1.0, seed=2, background=narrow)
    assert movie.frames.shape == (242, 30, 60)
    assert truth["x_px"].max() < 60 + 12


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_refuses_lengths(seconds: float) -> None:
    with pytest.raises(PerrinError, match="seconds above 0"):
        simulate_movie(_assay(), seconds=seconds, seed=0)


def test_refuses_a_buffer_that_does_not_fit() -> None:
    with pytest.raises(PerrinError, match=r"has 242 frames.*484 are needed"):
        simulate_movie(_assay(), seconds=2.0, seed=0, background=_buffer())
    with pytest.raises(PerrinError, match=r"pixel size of 84 nm.*72 nm"):
        simulate_movie(_assay(), seconds=1.0, seed=0, background=_buffer(pixel_nm=84.0))
    with pytest.raises(PerrinError, match=r"frame interval of 0\.01 s"):
        simulate_movie(_assay(), seconds=1.0, seed=0, background=_buffer(frame_interval_s=0.01))


def test_another_instrument() -> None:
    instrument = InstrumentSettings(pixel_nm=84.4, width_px=40, height_px=30, camera_rate_hz=500)
    movie, _ = simulate_movie(_assay(instrument=instrument), seconds=0.3, seed=0)
    assert movie.frames.shape == (50, 30, 40)
    assert movie.pixel_nm == 84.4


def test_a_psf_of_ones_own_shapes_the_landings() -> None:
    wide = Psf.analytic(OpticsSettings(second_scale=0.4), pixel_nm=72.0)
    assay = LandingAssay(
        species=(Species(mass_kda=800, abundance=1),),
        density=1.0,
        background=BackgroundSettings.none(),
    )
    movie, truth = simulate_movie(assay, seconds=2, seed=3, psf=wide)
    assert movie.provenance["psf"] == wide.card
    events = fit(movie, detect(movie, n_avg=10, psf=wide), fit_n_avg=10, psf=wide)
    narrow = fit(movie, detect(movie, n_avg=10, psf=wide), fit_n_avg=10, psf=DEFAULT)
    assert len(truth) > 20
    assert events["fit_residual"].median() < 0.8 * narrow["fit_residual"].median()
    with pytest.raises(PerrinError, match="pixels of 60 nm"):
        simulate_movie(assay, seconds=2, seed=3, psf=Psf.analytic(pixel_nm=60.0))
