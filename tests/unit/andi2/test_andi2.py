"""The second AnDi challenge: folders in, segments and states, submissions out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perrin
from perrin.andi2.folder import read_experiments
from perrin.andi2.prediction import FREE, IMMOBILE, predict
from perrin.andi2.submission import model_of, write_submission
from perrin.diffusion.segmentation import grid, learn, segment
from perrin.errors import PerrinError
from perrin_benchmarks.piecewise import piecewise_fbm

NOISE, LENGTH = 0.12, 150


def track(parts: list[tuple[int, float, float]], rng: np.random.Generator) -> np.ndarray:
    """Segments (steps, alpha, K), joined, with the challenge's noise."""
    path = piecewise_fbm(parts, rng=rng)
    return path + NOISE * rng.standard_normal(path.shape)


@pytest.fixture(scope="module")
def two_states() -> tuple[list[np.ndarray], list[int]]:
    """Tracks that change once, from alpha 1.2 and K 1 to alpha .5 and K .1, and where."""
    rng = np.random.default_rng(2)
    changes = [int(rng.integers(40, 110)) for _ in range(40)]
    return [track([(c, 1.2, 1.0), (LENGTH - c, 0.5, 0.1)], rng) for c in changes], changes


def test_changes_and_both_states_are_found(two_states) -> None:
    tracks, changes = two_states
    found = predict(tracks)
    first = [int(own.stop[0]) for own in found.tracks if len(own.stop) == 2]
    assert len(first) >= 36  # of 40
    off = [own.stop[0] - c for own, c in zip(found.tracks, changes, strict=True) if len(own.K) == 2]
    assert np.abs(off).mean() < 3
    assert len(found.states.K) == 2
    assert pytest.approx([1.0, 0.1], rel=0.25) == found.states.K
    assert found.states.alpha == pytest.approx([1.2, 0.5], abs=0.1)
    assert found.states.occupancy.sum() == pytest.approx(1.0)
    assert model_of(found) == "multi_state"


def test_a_change_point_is_the_first_position_of_a_new_segment() -> None:
    """The step that leads from it is the first of the new kind; one frame off would be seen."""
    rng = np.random.default_rng(7)
    off = []
    for change in range(40, 60):
        path = piecewise_fbm([(change, 1.0, 3.0), (100 - change, 1.0, 0.01)], rng=rng)
        (found,) = predict([path + 1e-3 * rng.standard_normal(path.shape)], noise=0.01).tracks
        off.append(found.stop[0] - change)
    assert np.median(off) == 0
    assert abs(np.mean(off)) < 0.5


def test_tracks_of_one_state_do_not_change() -> None:
    rng = np.random.default_rng(3)
    found = predict([track([(LENGTH, 0.8, 0.5)], rng) for _ in range(40)])
    assert sum(len(own.stop) - 1 for own in found.tracks) <= 1
    alpha = np.array([own.alpha[0] for own in found.tracks])
    assert np.abs(alpha - 0.8).mean() < 0.1
    assert model_of(found) == "single_state"
    assert {int(state) for own in found.tracks for state in own.state} == {FREE}


def test_rest_is_immobile() -> None:
    rng = np.random.default_rng(4)
    tracks = [track([(75, 1.0, 1.0), (75, 1.0, 1e-9)], rng) for _ in range(20)]
    found = predict(tracks)
    last = [own for own in found.tracks if len(own.K) == 2]
    assert len(last) >= 18
    assert {int(own.state[1]) for own in last} == {IMMOBILE}
    assert all(own.K[1] == own.alpha[1] == 0 for own in last)
    assert model_of(found) == "immobile_traps"


def test_what_is_learned_finds_more_changes() -> None:
    rng = np.random.default_rng(5)
    steps = [np.diff(track([(75, 1.1, 0.5), (75, 0.6, 0.3)], rng), axis=0) for _ in range(40)]
    before = grid(NOISE, ks=(0.01, 5.0))
    after = learn(steps, before)
    changes = [sum(len(segment(own, s).starts) - 1 for own in steps) for s in (before, after)]
    assert changes[1] > changes[0]
    assert len(after.K) < len(before.K)


def test_changes_are_looked_for_at_each_so_many_steps() -> None:
    """Every third start only: the best chain of those, within two steps of the true change."""
    rng = np.random.default_rng(8)
    states = grid(NOISE, ks=(0.01, 5.0))
    near = 0
    for change in range(60, 80):
        steps = np.diff(track([(change, 1.0, 3.0), (150 - change, 1.0, 0.02)], rng), axis=0)
        starts = segment(steps, states, every=3).starts
        assert (starts % 3 == 0).all()
        near += len(starts) == 2 and abs(starts[1] - change) <= 2
    assert near >= 18


def test_what_lies_between_the_points_of_the_first_rounds_is_learned() -> None:
    """They take every second alpha of the grid (.1, .3 ...) and K; .8 and e^(.3 odd) are beside."""
    rng = np.random.default_rng(11)
    k = 0.01 * np.exp(0.3 * 13)
    steps = [np.diff(track([(LENGTH, 0.8, k)], rng), axis=0) for _ in range(40)]
    after = learn(steps, grid(NOISE, ks=(0.01, 5.0)))
    top = after.weight.argmax()
    assert (after.alpha[top], after.K[top]) == pytest.approx((0.8, k), rel=1e-6)
    assert after.weight.sum() == pytest.approx(1)


def folder_of(tracks: list[np.ndarray], where: Path) -> Path:
    rows = [
        pd.DataFrame({"traj_idx": k, "frame": np.arange(len(x)) + 3, "x": x[:, 0], "y": x[:, 1]})
        for k, x in enumerate(tracks)
    ]
    where.mkdir(parents=True)
    pd.concat(rows).to_csv(where / "trajs_fov_0.csv", index=False)
    return where


def test_a_folder_becomes_a_submission(two_states, tmp_path: Path) -> None:
    tracks = two_states[0][:12]
    folder_of(tracks, tmp_path / "set" / "data" / "track_2" / "exp_4")
    experiments = read_experiments(tmp_path / "set")
    assert list(experiments) == [4]
    np.testing.assert_allclose(experiments[4][0].tracks[3], tracks[3])
    found = predict(experiments[4][0].tracks)
    write_submission(tmp_path, experiments, {4: found})
    lines = (tmp_path / "track_2" / "exp_4" / "fov_0.txt").read_text().splitlines()
    assert [float(line.split(",")[0]) for line in lines] == list(range(12))
    assert {float(line.split(",")[-1]) for line in lines} == {LENGTH + 1}
    assert all(len(line.split(",")) % 4 == 1 for line in lines)
    states = (tmp_path / "track_2" / "exp_4" / "ensemble_labels.txt").read_text().splitlines()
    assert states[0] == f"model: multi_state; num_state: {len(found.states.K)} "
    table = np.array([[float(v) for v in row.split(";")] for row in states[1:]])
    assert table.shape == (5, len(found.states.K))
    assert table[2] == pytest.approx(found.states.K, rel=1e-5)


def test_the_command_submits_what_the_function_does(two_states, tmp_path: Path, typed) -> None:
    folder_of(two_states[0][:6], tmp_path / "set" / "track_2" / "exp_4")
    said = typed("andi2", tmp_path / "set", "--out", tmp_path / "a")
    found = perrin.submit_andi2(tmp_path / "set", tmp_path / "b")
    assert "exp_4: 6 tracks" in said
    assert len(found[4].tracks) == 6
    for name in ("fov_0.txt", "ensemble_labels.txt"):
        a, b = (tmp_path / out / "track_2" / "exp_4" / name for out in "ab")
        assert a.read_bytes() == b.read_bytes()
    with pytest.raises(PerrinError, match="already holds results"):
        perrin.submit_andi2(tmp_path / "set", tmp_path / "b")


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match="trajs_fov_F"):
        read_experiments(tmp_path)
    where = folder_of([np.zeros((5, 2))], tmp_path / "track_2" / "exp_0")
    path = where / "trajs_fov_0.csv"
    table = pd.read_csv(path)
    table.drop(index=2).to_csv(path, index=False)
    with pytest.raises(PerrinError, match="missing or repeated frames"):
        read_experiments(tmp_path)
    table.rename(columns={"x": "X"}).to_csv(path, index=False)
    with pytest.raises(PerrinError, match="no column x"):
        read_experiments(tmp_path)
    table.assign(x=np.nan).to_csv(path, index=False)
    with pytest.raises(PerrinError, match="NaN"):
        read_experiments(tmp_path)
