"""Tracks that are fragments of one particle are told from tracks that begin nearby by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.tracking.fragments import MOST_FRAMES, _volume, continues

SIZE, FRAMES, STEP = 200, 120, 1.0


def cut_tracks(count: int, *, gap: int, size: int = SIZE, seed: int = 1) -> pd.DataFrame:
    """Brownian particles, each seen for the first and the last part of the movie: 2 k, 2 k + 1."""
    rng = np.random.default_rng(seed)
    steps = STEP * rng.standard_normal((count, FRAMES, 2))
    place = rng.uniform(0, size, (count, 1, 2)) + np.cumsum(steps, axis=1)
    particle, frame = np.indices((count, FRAMES)).reshape(2, -1)
    stop = 40 + 7 * (particle % 5)
    table = pd.DataFrame({"particle": 2 * particle + (frame >= stop), "frame": frame})
    table[["x", "y"]] = place.reshape(-1, 2)
    return table[(frame < stop) | (frame >= stop + gap)].reset_index(drop=True)


def found(table: pd.DataFrame, *, size: int = SIZE) -> np.ndarray:
    particles = pd.DataFrame({"particle": np.unique(table["particle"])})
    return continues(table, particles, step_px=STEP, area_px=float(size**2))


def test_pieces_of_a_particle_are_found() -> None:
    count = 12
    pieces = found(cut_tracks(count, gap=8))
    assert np.isnan(pieces[::2]).all()
    assert (pieces[1::2] == np.arange(0, 2 * count, 2)).mean() > 0.8
    known = pieces[1::2][~np.isnan(pieces[1::2])]
    assert np.isin(known, np.arange(0, 2 * count, 2)).all()


def test_what_is_gone_too_long_is_not_recognized() -> None:
    assert np.isnan(found(cut_tracks(12, gap=MOST_FRAMES + 3))).mean() > 0.9


def test_in_a_crowd_nothing_is_claimed() -> None:
    """Sixty tracks that begin within 30 px: another begins as near by chance."""
    pieces = found(cut_tracks(60, gap=20, size=30), size=30)
    assert np.isfinite(pieces).mean() < 0.1


def test_tracks_of_unrelated_particles_are_joined_as_rarely_as_stated() -> None:
    claimed, ends = 0, 20 * 20
    for seed in range(20):
        table = cut_tracks(20, gap=8, seed=seed)
        other = table["particle"] % 2 == 1
        table.loc[other, ["x", "y"]] = (table.loc[other, ["x", "y"]] + 77.7) % SIZE
        claimed += int(np.isfinite(found(table)).sum())
    chance = 3 * np.sqrt(0.05 * ends)
    assert claimed < 0.05 * ends + chance


def test_no_track_continues_none() -> None:
    assert len(found(cut_tracks(1, gap=2)[:0])) == 0


def test_what_is_no_less_likely_is_counted_as_points_of_a_grid_are() -> None:
    """Frames times area: cells of a tenth of a step where Brownian motion is as likely or more."""
    at = np.arange(-25, 25, 0.1) + 0.05
    square = at[:, None] ** 2 + at**2
    unlikely = np.array([1.5, 3.0, 5.0])
    counted = [
        sum(
            np.count_nonzero(square / (2 * later) + np.log(later) <= limit) * 0.01
            for later in range(2, MOST_FRAMES + 2)
        )
        for limit in unlikely
    ]
    np.testing.assert_allclose(_volume(unlikely), counted, rtol=0.01)
