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


def test_a_window_is_as_wide_as_eight_radii_and_no_wider_than_the_field(
    made: tuple[perrin.Movie, TrackingResult],
) -> None:
    movie, found = made
    particle = int(found.particles["particle"].iloc[0])
    assert found.seen.appearance is not None
    reach = 4 * found.seen.appearance.extent_px
    side = track_stack(movie, found, particle).movie.height
    assert 2 * reach < side <= 2 * reach + 3
    whole = track_stack(movie, found, particle, side_px=500)
    assert whole.movie.frames.shape[1:] == (128, 128)
    assert (whole.places[["left", "top"]] == 0).all(axis=None)


def test_a_gap_has_frames_and_is_said(made: tuple[perrin.Movie, TrackingResult]) -> None:
    movie, found = made
    particle = int(found.particles["particle"].iloc[0])
    own = np.flatnonzero(found.tracks["particle"] == particle)
    gap = own[3:5]
    stack = track_stack(
        movie,
        replace(found, tracks=found.tracks.drop(found.tracks.index[gap])),
        particle,
        side_px=25,
    )
    full = track_stack(movie, found, particle, side_px=25)
    assert len(stack.movie.frames) == len(full.movie.frames)
    assert np.flatnonzero(~stack.places["located"]).tolist() == [3, 4]
    ends = stack.places["x"] + stack.places["left"]
    assert ends[3] == pytest.approx(ends[2] + (ends[5] - ends[2]) / 3)


def test_a_window_follows_the_particle_as_it_drifts_to_the_edge_of_a_wide_field(
    made: tuple[perrin.Movie, TrackingResult],
) -> None:
    movie, found = made
    wide = replace(movie, frames=np.concatenate([movie.frames, movie.frames], axis=2))
    seen = replace(found.seen, mean=np.concatenate([found.seen.mean] * 2, axis=1))
    part = found.tracks[found.tracks["particle"] == found.tracks["particle"].iloc[0]]
    tracks = part.assign(x=200.0, y=40.0, drift_x=np.arange(len(part)) * 2.0, drift_y=-1.0)
    result = replace(found, seen=seen, tracks=tracks)
    places = track_stack(wide, result, int(part["particle"].iloc[0]), side_px=25).places
    x = 200 + 2.0 * np.arange(len(part))
    np.testing.assert_allclose(places["left"] + places["x"], x)
    np.testing.assert_array_equal(places["left"], np.minimum(x - 12, 256 - 25))
    np.testing.assert_array_equal(places["top"], 39 - 12)


def test_a_movie_that_was_binned_to_be_tracked_is_binned_here(
    made: tuple[perrin.Movie, TrackingResult],
) -> None:
    movie, found = made
    large = replace(movie, frames=movie.frames.repeat(2, axis=1).repeat(2, axis=2))
    settings = found.settings.model_copy(update={"bin": 2})
    particle = int(found.particles["particle"].iloc[0])
    stack = track_stack(large, replace(found, settings=settings), particle)
    plain = track_stack(movie, found, particle)
    pd.testing.assert_frame_equal(stack.places, plain.places)
    ratio = stack.movie.frames / plain.movie.frames
    np.testing.assert_allclose(ratio, ratio.flat[0])


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
