from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing import thumbnails as module
from perrin.landing.light import evened, light_field
from perrin.landing.ratiometric import ratiometric
from perrin.landing.thumbnails import cut_stacks, cut_thumbnails, iter_stacks


def noise_movie(n_frames: int = 90, *, sign: int = -1) -> Movie:
    frames = np.random.default_rng(0).integers(40_000, 50_000, (n_frames, 30, 40))
    return Movie.from_array(
        frames.astype(np.uint16), frame_interval_s=0.004, pixel_nm=72.0, landing_sign=sign
    )


def places(*rows: tuple[int, float, float]) -> dict[str, np.ndarray]:
    frame, y, x = np.array(rows).T
    return {"frame": frame.astype(np.int64), "y_px": y, "x_px": x}


def test_thumbnail_is_the_ratiometric_movie_around_the_event() -> None:
    movie = noise_movie()
    frames = movie.frames[0:90]
    whole = ratiometric(evened(frames, light_field(frames)), n_avg=10)
    cut = cut_thumbnails(movie, **places((44, 14.4, 20.6)), n_avg=10)
    assert cut.values.shape == (1, 40, 17, 17)
    expected = whole[44 - 10 - 20 : 44 - 10 + 20, 14 - 8 : 14 + 9, 21 - 8 : 21 + 9]
    np.testing.assert_allclose(cut.values[0], expected, atol=1e-6)
    assert cut.inside.all()


def test_long_integration_has_longer_thumbnails() -> None:
    cut = cut_thumbnails(noise_movie(200), **places((100, 14, 20)), n_avg=40)
    assert cut.values.shape == (1, 80, 17, 17)


def test_beyond_the_field_is_padded_and_marked() -> None:
    cut = cut_thumbnails(noise_movie(), **places((44, 2.0, 38.0)), n_avg=10)
    assert (cut.values[0][:, ~cut.inside[0]] == 0).all()
    assert not cut.inside[0, :6].any()  # rows -6 ... -1
    assert not cut.inside[0, :, 10:].any()  # columns 40 ... 46
    assert cut.inside[0, 6:, :10].all()


def test_events_near_the_ends_have_no_thumbnail() -> None:
    cut = cut_thumbnails(
        noise_movie(), **places((29, 14, 20), (30, 14, 20), (60, 14, 20), (61, 14, 20)), n_avg=10
    )
    np.testing.assert_array_equal(cut.rows, [1, 2])
    none = cut_thumbnails(noise_movie(), **places((3, 14, 20)), n_avg=10)
    assert none.values.shape == (0, 40, 17, 17)


def test_a_bright_landing_comes_out_negative() -> None:
    dark = cut_thumbnails(noise_movie(), **places((44, 14, 20)), n_avg=10)
    bright = cut_thumbnails(noise_movie(sign=1), **places((44, 14, 20)), n_avg=10)
    np.testing.assert_array_equal(bright.values, -dark.values)


@pytest.mark.parametrize(("chunk", "budget"), [(1, 1), (7, 10_000), (1024, 1 << 26)])
def test_reading_in_pieces_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, chunk: int, budget: int
) -> None:
    movie = noise_movie()
    rng = np.random.default_rng(5)
    where = places(*zip(rng.integers(0, 90, 25), rng.uniform(0, 29, 25), rng.uniform(0, 39, 25)))  # noqa: B905
    monkeypatch.setattr(module, "CHUNK_FRAMES", chunk)
    monkeypatch.setattr(module, "_STACK_BYTES", budget)
    seen = []
    for batch in iter_stacks(movie, where, before=6, after=5, size=9):
        seen.extend(batch.rows)
        for row, stack in zip(batch.rows, batch.stacks, strict=True):
            one = {name: values[row : row + 1] for name, values in where.items()}
            frames = movie.frames[0:90]
            alone, _ = cut_stacks(
                frames, **one, before=6, after=5, size=9, light=light_field(frames)
            )
            np.testing.assert_array_equal(stack, alone[0])
    complete = (where["frame"] >= 6) & (where["frame"] + 5 < 90)
    assert sorted(seen) == list(np.flatnonzero(complete))


def test_an_even_stack_has_no_middle() -> None:
    with pytest.raises(PerrinError, match="side of a stack is 8 px"):
        next(iter_stacks(noise_movie(), places((44, 5, 5)), before=1, after=1, size=8))


PlainMovie = Callable[..., Movie]


def test_the_peak_is_at_the_middle(plain_movie: PlainMovie) -> None:
    movie = plain_movie([(40.4, 18.0, 30.0, -0.01)], n_frames=80, seed=None)
    cut = cut_thumbnails(movie, **places((40, 18.0, 30.0)), n_avg=10)
    t, y, x = np.unravel_index(np.argmin(cut.values[0]), cut.values[0].shape)
    assert (t, y, x) == (20, 8, 8)
