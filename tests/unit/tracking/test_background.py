"""The running median and what light is taken off."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.settings.tracking import MedianSettings
from perrin.tracking.background import (
    backgrounds,
    contrast,
    median,
    sample_frames,
    surroundings,
    tiles_of,
)


def movie(frames: np.ndarray) -> Movie:
    return Movie(frames=frames, frame_interval_s=0.01, pixel_nm=1.0, landing_sign=-1)


class Counting:
    """Frames that remember which of them were read."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames = frames
        self.shape, self.dtype = frames.shape, frames.dtype
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, key):
        self.read += list(range(len(self)))[key]
        return self.frames[key]


@pytest.mark.parametrize("count", [5, 8, 31])
def test_median_is_the_mean_of_the_middle_fifth(count: int) -> None:
    images = np.random.default_rng(0).normal(1, 0.1, (count, 12, 17)).astype(np.float32)
    middle = np.sort(images, axis=0)[2 * count // 5 : count - 2 * count // 5]
    np.testing.assert_allclose(median(list(images)), middle.mean(axis=0), rtol=1e-6)


def test_median_of_few_counts_is_no_count() -> None:
    """The median of Poisson counts of mean 5 is 5 or off by a whole count or half of one."""
    images = list(np.random.default_rng(1).poisson(4.6, (31, 60, 60)).astype(np.float32))
    assert median(images).std() < np.median(images, axis=0).std()


def test_every_sample_is_read_once_and_blocks_cover_the_movie() -> None:
    rng = np.random.default_rng(1)
    frames = Counting(rng.poisson(100, (300, 16, 16)).astype(np.uint16))
    settings = MedianSettings(window_frames=101, samples=11)
    blocks = list(backgrounds(movie(frames), settings))
    assert [block.first for block in blocks[1:]] == [block.stop for block in blocks[:-1]]
    assert (blocks[0].first, blocks[-1].stop) == (0, 300)
    assert sorted(frames.read) == sample_frames(300, settings).tolist()
    for block in blocks:
        assert block.image.mean() == pytest.approx(1, abs=0.02)


def test_a_background_that_changes_is_followed() -> None:
    level = np.linspace(1, 2, 400)[:, None, None]
    slope = np.where(np.arange(16) < 8, 1.0, level)
    frames = np.broadcast_to(1000 * slope, (400, 16, 16)).astype(np.uint16)
    last = list(backgrounds(movie(frames), MedianSettings(window_frames=41, samples=11)))[-1]
    ratio = last.image[:, 12] / last.image[:, 2]
    np.testing.assert_allclose(ratio, level[last.first : last.stop].mean(), rtol=0.05)


def test_flicker_and_wandering_light_are_no_contrast() -> None:
    y, x = np.mgrid[0:60, 0:80] / 80 - 0.5
    background = (1 + 0.2 * np.random.default_rng(2).random((60, 80))).astype(np.float32)
    light = 1 + 0.03 * x - 0.05 * y + 0.04 * x * y + 0.06 * x**2
    frames = np.stack([700 * background, 1300 * background * light])
    frames[1, 30:34, 40:44] *= 0.7
    seen = contrast(frames, background, sign=-1)
    assert np.abs(seen[0]).max() < 1e-5
    assert seen[1, 31, 41] == pytest.approx(0.3, abs=0.01)
    outside = np.ones((60, 80), bool)
    outside[30:34, 40:44] = False
    assert np.abs(seen[1][outside]).max() < 0.01


def test_a_dead_pixel_has_no_contrast_and_disturbs_no_other() -> None:
    rng = np.random.default_rng(4)
    frames = rng.poisson(1000, (3, 64, 64)).astype(np.uint16)
    background = np.full((64, 64), 1000, np.float32)
    whole = contrast(frames, background, sign=1)
    frames[:, ::8, ::8], background[::8, ::8] = 0, 0
    found = contrast(frames, background, sign=1)
    assert (found[:, ::8, ::8] == 0).all()
    alive = background > 0
    np.testing.assert_allclose(found[:, alive], whole[:, alive], atol=0.01)


def test_surroundings_hold_nothing_small() -> None:
    y, x = np.mgrid[0:128, 0:128]
    smooth = 1 - 0.1 * ((x - 64) ** 2 + (y - 64) ** 2) / 90**2
    image = smooth.copy()
    image[20:32, 50:62] *= 0.5
    found = surroundings(tiles_of(image.astype(np.float32)), image.shape)
    np.testing.assert_allclose(found, smooth, atol=0.03)


def test_a_black_frame_is_refused_by_its_number() -> None:
    frames = np.full((50, 16, 16), 100, np.uint16)
    frames[20:] = 0
    with pytest.raises(PerrinError, match=r"frame 2\d is black"):
        list(backgrounds(movie(frames), MedianSettings(window_frames=21, samples=5)))
