from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.io.movie import Movie
from perrin.simulate.matching import is_accepted, is_isolated, match_landings


def places(*rows: tuple[float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["frame", "y_px", "x_px"])


def test_isolated_is_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    truth = places(*zip(rng.integers(0, 400, 150), *rng.uniform(0, 60, (2, 150)), strict=True))
    t, y, x = truth.to_numpy(float).T
    near = np.abs(t[:, None] - t) <= 20
    near &= np.hypot(y[:, None] - y, x[:, None] - x) <= 6
    np.testing.assert_array_equal(is_isolated(truth, n_avg=10), near.sum(axis=1) == 1)


def test_accepted_leaves_out_edges_and_ends() -> None:
    movie = Movie.from_array(np.full((100, 30, 40), 9, np.uint16), frame_interval_s=1, pixel_nm=72)
    truth = places((50, 15, 20), (50, 5, 20), (50, 15, 34), (5, 15, 20), (89, 15, 20))
    accepted = is_accepted(truth, movie, n_avg=10)
    np.testing.assert_array_equal(accepted, [True, False, False, False, False])


def test_each_landing_finds_the_nearest_event() -> None:
    truth = places((50, 15, 20), (50, 15, 23), (80, 15, 20), (50, 25, 20))
    events = places((51, 15, 20.4), (48, 15, 22.8), (90, 15, 20), (50, 25, 20))
    events["contrast"] = [-1e-3, -1e-3, -1e-3, 1e-3]
    np.testing.assert_array_equal(match_landings(truth, events), [0, 1, -1, -1])
    np.testing.assert_array_equal(match_landings(truth, events.iloc[:0]), [-1] * 4)
