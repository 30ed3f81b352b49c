"""Sizes of single spheres against a simulator that shares no code with perrin's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from perrin.tracking.track import TrackingResult, track
from perrin_benchmarks import worlds
from perrin_benchmarks.tracking import match_positions
from perrin_benchmarks.worlds import (
    factors_of,
    half_contrast_radius,
    half_contrast_size,
    make,
    radii_of,
    score,
)

RODS = worlds.of("rods, spread 30%", frames=30)
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
    z, off = [], []
    for true, one in paired(found, truth):
        expected = half_contrast_radius(WORLD, radii_of(WORLD, seed=6)[true])
        z.append((one["radius_nm"] - expected) / one["radius_se_nm"])
        off.append(one["radius_nm"] / expected - 1)
    assert len(z) >= 6
    assert np.abs(np.median(off)) < 0.01
    check_cover(z)


def test_lengths_widths_and_angles_of_rods_lie_within_their_errors() -> None:
    """Some meet: what is left of their tracks has a size within its error, or none."""
    z = []
    for seed in (5, 8):
        movie, truth = make(RODS, seed=seed)
        found = track(movie, "rods", overlay_frames=0)
        for true, one in paired(found, truth):
            expected = half_contrast_size(RODS, factors_of(RODS, seed=seed)[true])
            for name, size in zip(("length", "width"), expected, strict=True):
                z.append((one[f"{name}_nm"] - size) / one[f"{name}_se_nm"])
        got = score(truth, found.positions, found.tracks)
        assert 0.8 < got.angle_ratio < 1.15 + 3 / np.sqrt(2 * len(truth))
    assert len(z) >= 16
    check_cover(z)


def paired(found: TrackingResult, truth: pd.DataFrame) -> Iterator[tuple[int, pd.Series]]:
    """Yield the true particle of each track that has a size, with its row of particles."""
    row = match_positions(truth, found.tracks)
    true = truth["particle"].to_numpy()[row >= 0]
    owner = found.tracks["particle"].to_numpy()[row[row >= 0]]
    sized = found.particles.dropna(subset=[c for c in found.particles if c.endswith("_se_nm")])
    for _, one in sized.iterrows():
        mine = true[owner == one["particle"]]
        if mine.size:
            yield int(np.bincount(mine).argmax()), one


def check_cover(z: list[float]) -> None:
    """Check that 95% intervals hold the truth, within three standard deviations of chance."""
    slack = 3 * np.sqrt(0.05 * 0.95 / len(z))
    assert (np.abs(z) < 1.96).mean() >= 0.95 - slack
    assert np.abs(z).max() < 4


def test_one_size_for_all_is_no_size_of_each() -> None:
    movie, _ = make(worlds.of("clean", frames=12, size=128, count=3), seed=1)
    found = track(movie, "spheres", overlay_frames=0)
    assert found.particles["radius_nm"].isna().all()
