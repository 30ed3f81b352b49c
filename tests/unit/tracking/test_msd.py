"""Mean squared displacements with their errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.tracking.msd import COLUMNS, msd_table

PIXEL_NM, INTERVAL_S, NOISE = 100.0, 0.02, 0.2


def brownian(count: int, length: int, *, seed: int = 0) -> pd.DataFrame:
    """Return walks of unit steps (px) of each axis, seen with errors."""
    rng = np.random.default_rng(seed)
    place = np.cumsum(rng.normal(size=(count, length, 2)), axis=1)
    place += rng.normal(0, NOISE, place.shape)
    return pd.DataFrame(
        {
            "particle": np.repeat(np.arange(count), length),
            "frame": np.tile(np.arange(length) + 7, count),
            "x": place[..., 0].ravel(),
            "y": place[..., 1].ravel(),
            "x_se": NOISE,
            "y_se": NOISE,
        }
    )


def measured(tracks: pd.DataFrame) -> pd.DataFrame:
    return msd_table(tracks, pixel_nm=PIXEL_NM, frame_interval_s=INTERVAL_S)


def test_errors_are_the_scatter_of_brownian_tracks() -> None:
    count, length = 400, 80
    table = measured(brownian(count, length))
    unit = (PIXEL_NM / 1000) ** 2
    for lag in (1, 5, 20):
        part = table[(table["lag_frames"] == lag) & (table["particle"] >= 0)]
        both = table[(table["lag_frames"] == lag) & (table["particle"] == -1)].iloc[0]
        scatter = part["msd_um2"].std()
        # the sd of a sample of skewed values: kurtosis of up to 9 for the longest lag
        assert part["msd_se_um2"].pow(2).mean() ** 0.5 == pytest.approx(
            scatter, rel=4 * np.sqrt(8 / 4 / count)
        )
        true = (2 * lag + 4 * NOISE**2) * unit
        assert both["msd_um2"] == pytest.approx(true, abs=4 * both["msd_se_um2"])
        assert both["msd_se_um2"] == pytest.approx(scatter / np.sqrt(count), rel=0.05)
        assert both["noise_um2"] == pytest.approx(4 * NOISE**2 * unit)
        assert part["lag_s"].eq(lag * INTERVAL_S).all()


def test_gaps_make_fewer_displacements() -> None:
    tracks = brownian(1, 40)
    whole, gap = measured(tracks), measured(tracks.drop(index=[10, 11]))
    one, other = (table.iloc[0]["displacements"] for table in (whole, gap))
    assert (one, other) == (39, 36)
    assert not (whole["particle"] == -1).any()  # one track has no mean over tracks


def test_no_track_is_an_empty_table() -> None:
    table = measured(brownian(1, 1).iloc[:0])
    assert list(table.columns) == list(COLUMNS)
    assert not len(table)


def test_lags_end_at_a_quarter_of_the_track_and_at_thirty() -> None:
    for length, last in ((3, 1), (40, 10), (200, 30)):
        assert measured(brownian(1, length))["lag_frames"].max() == last
