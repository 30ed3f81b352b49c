"""What was written into a results folder comes back: same class, same tables, same numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import perrin
from perrin.pipeline import track
from perrin.results.stored import FILE, restore, store
from perrin.settings.diffusion import MixtureSettings
from perrin.settings.motion import MotionMovie
from perrin.settings.tracking import TrackingSettings
from perrin.simulate.mixtures import simulate_mixture
from perrin.simulate.moving import simulate_motion
from perrin.simulate.walk_tables import tracks_table
from perrin.tracking.track import TrackingResult


def assert_same(first: Any, second: Any, where: str = "result") -> None:
    """Equal to the last digit, however deep; angles of located particles to rounding."""
    first = first.item() if isinstance(first, np.generic) else first
    assert type(first) is type(second), where
    if isinstance(first, pd.DataFrame):
        pd.testing.assert_frame_equal(first, second, check_exact=True, obj=where)
        assert_same(dict(first.attrs), dict(second.attrs), f"{where}.attrs")
    elif isinstance(first, np.ndarray):
        assert first.dtype == second.dtype, where
        if "located.angle" in where:
            np.testing.assert_allclose(first, second, rtol=1e-14, err_msg=where)
        else:
            np.testing.assert_array_equal(first, second, err_msg=where)
    elif isinstance(first, Path):
        assert first.name == second.name, where
    elif is_dataclass(first):
        for field in fields(first):
            one, two = getattr(first, field.name), getattr(second, field.name)
            assert_same(one, two, f"{where}.{field.name}")
    elif isinstance(first, Mapping):
        assert list(first) == list(second), where
        for key in first:
            assert_same(first[key], second[key], f"{where}[{key}]")
    elif isinstance(first, (tuple, list)):
        assert len(first) == len(second), where
        for k, (one, two) in enumerate(zip(first, second, strict=True)):
            assert_same(one, two, f"{where}[{k}]")
    elif isinstance(first, float) and np.isnan(first):
        assert np.isnan(second), where
    else:
        assert first == second, where


@pytest.fixture(scope="module")
def measured(movie_file: Path, calibration: perrin.Calibration) -> perrin.LandingsResult:
    settings = perrin.LandingSettings(persistence_ms=140)
    with perrin.open_movie(movie_file) as movie:
        found = perrin.analyze_landings(movie, calibration, resamples=5, settings=settings)
    return replace(found, abundances=pd.DataFrame({"species": ["150 kDa"], "fraction": [1.0]}))


def test_a_movie_with_all_there_is(measured: perrin.LandingsResult, tmp_path: Path) -> None:
    for part in ("classification", "quantification", "persistence", "abundances", "snapshot"):
        assert getattr(measured, part) is not None, part
    perrin.write_results(tmp_path / "out", measured)
    assert_same(measured, perrin.read_results(tmp_path / "out"))


def test_what_was_read_is_written_the_same(measured: perrin.LandingsResult, tmp_path: Path) -> None:
    perrin.write_results(tmp_path / "one", measured)
    again = perrin.read_results(tmp_path / "one")
    assert isinstance(again, perrin.LandingsResult)
    perrin.write_results(tmp_path / "two", again)
    for name in ("events.csv", "species.csv", "tradeoff.csv", "thumbnails.npz"):
        first, second = (tmp_path / one / name for one in ("one", "two"))
        assert first.read_bytes() == second.read_bytes()


def test_measurements_of_a_table_that_differ_in_columns(
    measured: perrin.LandingsResult, tmp_path: Path
) -> None:
    bare = pd.DataFrame({"measurement": "b", "event": [0, 1], "contrast": [-0.004, -0.005]})
    bare["mass_kda"] = [105.0, 131.0]
    (other,) = perrin.fit_spectrum(bare, resamples=0)
    perrin.write_results(tmp_path / "out", [measured, other])
    again = perrin.read_results(tmp_path / "out")
    assert isinstance(again, tuple)
    assert_same((measured, other), again)


@pytest.fixture(scope="module")
def tracked(calibration: perrin.Calibration) -> TrackingResult:
    settings = MotionMovie.of("molecules", frames=60, count=2, height_px=64, width_px=64)
    movie, _, _ = simulate_motion(settings, seed=5)
    return track(movie, TrackingSettings(kind="molecules"), calibration=calibration,
                 check_calibration=False, overlay_frames=2)  # fmt: skip


def test_a_tracked_movie(tracked: TrackingResult, tmp_path: Path) -> None:
    assert len(tracked.tracks)
    perrin.write_results(tmp_path / "out", tracked)
    assert tracked.clip is not None
    assert_same(tracked, perrin.read_results(tmp_path / "out"))


def test_nothing_to_track_is_a_result(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).poisson(900, (40, 64, 64)).astype(np.float32)
    movie = perrin.Movie.from_array(frames, frame_interval_s=0.01, pixel_nm=1.0, contents="moving")
    nothing = track(movie, "spheres")
    assert not len(nothing.tracks)
    perrin.write_results(tmp_path / "out", nothing)
    assert_same(nothing, perrin.read_results(tmp_path / "out"))


def test_characterized_tracks(tmp_path: Path) -> None:
    made = simulate_mixture(MixtureSettings(length=60), count=3, rng=np.random.default_rng(2))
    tracks_table(made.positions, made.seen).to_csv(tmp_path / "walks.csv", index=False)
    tracks = perrin.read_tracks(tmp_path / "walks.csv")
    found = perrin.characterize(
        tracks, pixel_nm=100, frame_interval_s=0.1, localization_error=0.05, exposure=0.7,
        settings=perrin.WindowSettings(frames=40, stride=20),
    )  # fmt: skip
    perrin.write_results(tmp_path / "out", found)
    assert_same(found, perrin.read_results(tmp_path / "out"))
    again = perrin.read_tracks(tmp_path / "out" / "tracks.csv")
    said = {name: again.attrs[name] for name in ("pixel_nm", "frame_interval_s", "exposure")}
    assert said == {"pixel_nm": 100, "frame_interval_s": 0.1, "exposure": 0.7}


def test_what_holds_no_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(perrin.PerrinError, match="no results folder"):
        perrin.read_results(tmp_path)
    (tmp_path / FILE).write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(perrin.PerrinError, match="no results folder"):
        perrin.read_results(tmp_path)


def test_only_named_classes_are_made(tmp_path: Path) -> None:
    store(tmp_path, "tracks", perrin.WindowSettings(), [perrin.WindowSettings])
    with pytest.raises(perrin.PerrinError, match="does not fit"):
        restore(tmp_path, [])
    with pytest.raises(TypeError, match="cannot be stored"):
        store(tmp_path, "tracks", object(), [])


def test_a_table_that_was_changed_in_its_columns_is_refused(
    tracked: TrackingResult, tmp_path: Path
) -> None:
    out = perrin.write_results(tmp_path / "out", tracked)
    pd.read_csv(out / "particles.csv").drop(columns="particle").to_csv(out / "particles.csv")
    with pytest.raises(perrin.PerrinError, match=r"particles\.csv changed"):
        perrin.read_results(out)
    (out / "manifest.json").unlink()
    with pytest.raises(perrin.PerrinError, match=r"particles\.csv is not the table"):
        perrin.read_results(out)
