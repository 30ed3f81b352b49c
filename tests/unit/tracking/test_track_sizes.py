"""Sizes of single spheres against a simulator that shares no code with perrin's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.tracking.track import TrackingResult, track
from perrin_benchmarks import worlds
from perrin_benchmarks.tracking import match_positions
from perrin_benchmarks.worlds import half_contrast_radius, make, radii_of, score

WORLD = worlds.of("spheres, spread 40%", frames=30)


@pytest.fixture(scope="module")
def of_many_sizes() -> tuple[TrackingResult, pd.DataFrame]:
    movie, truth = make(WORLD, seed=6)
    return track(movie, "spheres", overlay_frames=0), truth


def test_spheres_of_half_the_usual_radius_are_followed(
    of_many_sizes: tuple[TrackingResult, pd.DataFrame],
) -> None:
    found, truth = of_many_sizes
    got = score(truth, found.positions, found.tracks)
    assert got.recall > 0.97
    assert got.precision > 0.97
    smallest = radii_of(WORLD, seed=6).argmin()  # 2.1 px, 6 times the noise
    one = truth[truth["particle"] == smallest]
    assert (match_positions(one, found.tracks) >= 0).mean() > 0.9


def test_radii_of_spheres_of_many_sizes_lie_within_their_errors(
    of_many_sizes: tuple[TrackingResult, pd.DataFrame],
) -> None:
    found, truth = of_many_sizes
    row = match_positions(truth, found.tracks)
    owner = np.where(row >= 0, found.tracks["particle"].to_numpy()[row], -1)
    sizes = found.particles.set_index("particle")[["radius_nm", "radius_se_nm"]].dropna()
    z, off = [], []
    for true, radius in enumerate(radii_of(WORLD, seed=6)):
        mine = owner[(truth["particle"] == true).to_numpy() & (owner >= 0)]
        for one in np.intersect1d(np.unique(mine), sizes.index):
            if (mine == one).sum() > 10:  # not a track that changed over to this one
                size, error = sizes.loc[one]
                expected = half_contrast_radius(WORLD, radius)
                z.append((size - expected) / error)
                off.append(size / expected - 1)
    assert len(z) >= 6
    assert np.abs(np.median(off)) < 0.01
    assert (np.abs(z) < 1.96).mean() >= 0.75  # 95%; of 9 spheres two may be missed by chance
    assert np.abs(z).max() < 4


def test_one_size_for_all_is_no_size_of_each() -> None:
    movie, _ = make(worlds.of("clean", frames=12, size=128, count=3), seed=1)
    found = track(movie, "spheres", overlay_frames=0)
    assert found.particles["radius_nm"].isna().all()
