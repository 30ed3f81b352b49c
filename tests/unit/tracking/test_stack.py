"""The movie around one track."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perrin
from perrin.errors import PerrinError
from perrin.settings.motion import MotionMovie
from perrin.tracking.stack import track_stack
from perrin.tracking.track import TrackingResult


@pytest.fixture(scope="module")
def made() -> tuple[perrin.Movie, TrackingResult]:
    settings = MotionMovie.of("spheres", frames=40, count=4, height_px=128, width_px=128)
    movie, _, _ = perrin.simulate_motion(settings, seed=2)
    return movie, perrin.track(movie, "spheres", overlay_frames=0)


def test_every_window_is_the_movie_at_its_place(made: tuple[perrin.Movie, TrackingResult]) -> None:
    movie, found = made
    for particle in found.particles["particle"]:
        stack = track_stack(movie, found, particle)
        side = stack.movie.height
        frames = found.tracks.loc[found.tracks["particle"] == particle, "frame"]
        assert stack.places["frame"].tolist() == list(range(frames.min(), frames.max() + 1))
        assert stack.places.loc[stack.places["located"], "frame"].tolist() == frames.tolist()
        for image, place in zip(stack.movie.frames, stack.places.itertuples(), strict=True):
            whole = movie.frames[place.frame]
            part = whole[place.top : place.top + side, place.left : place.left + side]
            np.testing.assert_array_equal(image, part)
            # dark around the place that is given, unless another particle is in the window
        assert (stack.movie.pixel_nm, stack.movie.frame_interval_s) == (
            movie.pixel_nm,
            movie.frame_interval_s,
        )


def test_the_particle_is_where_the_table_says(made: tuple[perrin.Movie, TrackingResult]) -> None:
    movie, found = made
    stack = track_stack(movie, found, int(found.particles["particle"].iloc[0]), side_px=25)
    y, x = np.mgrid[:25, :25]
    near = [
        float(image[np.hypot(x - place.x, y - place.y) < 2].mean() / np.median(image))
        for image, place in zip(stack.movie.frames, stack.places.itertuples(), strict=True)
    ]
    assert np.median(near) < 0.8
    middle = stack.places.loc[stack.places["left"].between(1, 128 - 26), "x"]
    assert (middle - 12).abs().max() <= 0.5


def test_no_such_track_and_another_movie_are_refused(
    made: tuple[perrin.Movie, TrackingResult],
) -> None:
    movie, found = made
    with pytest.raises(PerrinError, match="no track 999"):
        track_stack(movie, found, 999)
    with pytest.raises(PerrinError, match="Give the movie that was tracked"):
        track_stack(replace(movie, frames=movie.frames[:30]), found, 0)


def test_as_a_user_types_it(
    typed, made: tuple[perrin.Movie, TrackingResult], tmp_path: Path
) -> None:
    movie, found = made
    from perrin.io.movies.tiff_write import write_tiff

    write_tiff(tmp_path / "movie.tif", movie)
    perrin.write_results(tmp_path / "results", found)
    out = tmp_path / "one.tif"
    typed("stack", tmp_path / "movie.tif", tmp_path / "results", "--particle", 0, "--out", out)
    stack = track_stack(movie, found, 0)
    with perrin.open_movie(out, contents="moving") as again:
        np.testing.assert_array_equal(again.frames[:], stack.movie.frames)
        assert again.pixel_nm == pytest.approx(movie.pixel_nm)
        assert again.frame_interval_s == pytest.approx(movie.frame_interval_s)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "one.csv"), stack.places)
