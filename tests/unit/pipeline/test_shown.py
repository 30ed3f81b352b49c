"""What is shown of a movie besides its events: density over time, examples, the busiest frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.io.movie import Movie
from perrin.landing.matched import MARGIN_PX
from perrin.pipeline.shown import EXAMPLES_PER_SIGN, busiest_frame, cut_examples, density_of
from perrin.settings.landing import LandingSettings

SETTINGS = LandingSettings(n_avg=5)


def movie(landing_sign: int = -1) -> Movie:
    """200 frames of 40 x 50 pixels, darker by 10% from frame 100 on in one of them."""
    rng = np.random.default_rng(2)
    frames = rng.normal(10_000, 10, (200, 40, 50))
    frames[100:, 20, 20] *= 1 + 0.1 * landing_sign
    return Movie.from_array(
        frames.astype(np.uint16), frame_interval_s=0.01, pixel_nm=100.0, landing_sign=landing_sign
    )


def events(frame: list[int], contrast: list[float]) -> pd.DataFrame:
    at = np.array(frame)
    return pd.DataFrame(
        {
            "frame": at,
            "time_s": at * 0.01,
            "contrast": contrast,
            "x_px": 20.0,
            "y_px": 20.0,
            "thumbnail_index": np.int64(-1),
        }
    )


def test_density_counts_landings_over_accepted_area_and_time() -> None:
    found = density_of(movie(), events([5, 50, 51, 150], [-0.1, -0.1, 0.1, -0.1]), SETTINGS)
    area = (40 - 2 * MARGIN_PX) * (50 - 2 * MARGIN_PX) * 0.1**2
    assert found.mean == pytest.approx(3 / (area * 1.9))
    assert found.counts.sum() == 3
    assert len(found.counts) == 20
    np.testing.assert_allclose(found.edges_s[[0, -1]], [0.05, 1.95])


@pytest.mark.parametrize("landing_sign", [-1, 1])
def test_the_busiest_frame_shows_a_landing_as_negative(landing_sign: int) -> None:
    table = events([40, 99, 100, 101, 160], [-0.1] * 5)
    shown = busiest_frame(movie(landing_sign), table, SETTINGS)
    assert 99 <= shown.frame <= 101
    values = np.asarray(shown.values)
    assert values.shape == (40, 50)
    assert values[20, 20] == pytest.approx(-0.1, abs=0.03)


def test_examples_are_so_many_of_each_sign_and_rows_of_their_events() -> None:
    count = 2 * EXAMPLES_PER_SIGN
    table = events([30 + k % 130 for k in range(count)], [-0.1] * (count - 3) + [0.1] * 3)
    shown = cut_examples(movie(), table, SETTINGS)
    assert len(shown.rows) == EXAMPLES_PER_SIGN + 3
    assert set(range(count - 3, count)) <= set(shown.rows.tolist())
    index = table["thumbnail_index"].to_numpy()
    np.testing.assert_array_equal(index[shown.rows], np.arange(len(shown.rows)))
    assert (index >= 0).sum() == len(shown.rows)
