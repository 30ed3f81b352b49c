"""The movie as it is shown: whole field, bounded bytes, the right frames and gray levels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from perrin.io.movie import Movie
from perrin.tracking.clip import Clip, shown_clip
from perrin.types import Array


def movie_of(frames: Array) -> Movie:
    return Movie.from_array(frames, frame_interval_s=0.01, pixel_nm=1.0, contents="moving")


def noisy(frames: int, height: int, width: int) -> Movie:
    rng = np.random.default_rng(3)
    return movie_of(rng.poisson(400, (frames, height, width)).astype(np.uint16))


def opened(clip: Clip, k: int) -> Array:
    with Image.open(io.BytesIO(clip.picture(k))) as image:
        return np.asarray(image)


def test_a_short_movie_is_shown_in_all_frames_and_pixels() -> None:
    clip = shown_clip(noisy(20, 40, 57), np.ones((40, 57), np.float32), frames=500)
    assert clip is not None
    assert clip.frame.tolist() == list(range(20))
    assert clip.averaged == 1
    assert opened(clip, 19).shape == (40, 57)
    assert len(clip.data) == clip.start[-1]


def test_a_long_and_large_movie_keeps_within_its_bytes() -> None:
    clip = shown_clip(noisy(90, 130, 120), np.ones((130, 120), np.float32), frames=40,
                      most_bytes=60_000)  # fmt: skip
    assert clip is not None
    assert clip.frame.tolist() == list(range(0, 90, 3))
    assert clip.averaged > 1
    assert opened(clip, 0).shape == (130 // clip.averaged, 120 // clip.averaged)
    assert len(clip.data) <= 60_000
    assert len(clip.data) > 15_000  # and not in larger pixels than need be


@pytest.mark.parametrize("averaged", [1, 3])
def test_a_dark_particle_is_dark_at_its_place(averaged: int) -> None:
    frames = np.random.default_rng(1).poisson(4000, (12, 90, 90)).astype(np.uint16)
    frames[5, 30:36, 60:66] //= 2
    most = 10**9 if averaged == 1 else 12 * 700
    clip = shown_clip(movie_of(frames), np.ones((90, 90), np.float32), frames=12, most_bytes=most)
    assert clip is not None
    image, before = (opened(clip, k).astype(float) for k in (5, 4))
    size = clip.averaged
    assert (size > 1) == (averaged > 1)
    rows, columns = (slice(a // size, (a + 6) // size) for a in (30, 60))
    assert image[rows, columns].max() < 40
    image[rows, columns] = before[rows, columns]
    assert abs(image.mean() - before.mean()) < 3  # and nothing else has changed


def test_none_is_kept_of_no_frames() -> None:
    assert shown_clip(noisy(4, 16, 16), np.ones((16, 16), np.float32), frames=0) is None
