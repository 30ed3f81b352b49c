"""Kinds of motion: likelihoods against plain ones, numbers against the truth, names and columns."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from perrin.diffusion import kinds
from perrin.diffusion.gaussian_evidence import (
    at_rest,
    drift_surface,
    fbm_row,
    innovations,
    memory,
    trapped,
)
from perrin.diffusion.kind_evidence import evidence, lagged, remembered
from perrin.diffusion.kind_numbers import confinement, speed, two_states
from perrin.diffusion.motion_kinds import KINDS
from perrin.diffusion.standard import Prediction
from perrin.diffusion.switching_evidence import switching
from perrin.diffusion.windows import Track
from perrin.simulate.kind_sets import PRIOR, simulate_kinds
from perrin.simulate.walk_kinds import simulate_kind

NOISE = 0.2


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def tracks_of(kind: str, count: int = 40, length: int = 200) -> tuple[list[Track], dict]:
    walks = simulate_kind(kind, count=count, length=length, rng=rng(3))
    positions = walks.positions + NOISE * rng(4).standard_normal(walks.positions.shape)
    seen = np.ones(length, dtype=bool)
    return [Track(k, 0, x, seen, noise=NOISE) for k, x in enumerate(positions)], vars(walks)


def test_innovations_have_the_likelihood_of_the_whole_covariance() -> None:
    steps = rng().standard_normal((12, 2))
    row = fbm_row(0.6, 0.1, 11)
    past, variance = memory(row, 11)
    new, total = innovations(np.ascontiguousarray(steps[::-1].T), np.arange(12), past, variance)
    covariance = row[np.abs(np.subtract.outer(np.arange(12), np.arange(12)))]
    plain = sum(multivariate_normal.logpdf(steps[:, axis], cov=covariance) for axis in (0, 1))
    ours = -0.5 * ((new**2).sum() + 24 * np.log(2 * np.pi) + 2 * total)
    assert ours == pytest.approx(plain, abs=1e-9)


def test_a_trap_has_the_likelihood_of_the_whole_covariance() -> None:
    times = np.array([0.0, 1.0, 2.0, 5.0, 6.0, 9.0])
    positions = rng().standard_normal((6, 2))
    square, total, known = trapped(positions, times, 4.0, 1.5, 0.3)
    covariance = 1.5 * np.exp(-np.abs(np.subtract.outer(times, times)) / 4) + 0.3 * np.eye(6)
    inverse, ones = np.linalg.inv(covariance), np.ones(6)
    information = ones @ inverse @ ones
    center = ones @ inverse @ positions / information
    away = positions - center
    assert square == pytest.approx(np.einsum("ia,ij,ja->", away, inverse, away), abs=1e-9)
    assert total == pytest.approx(np.linalg.slogdet(covariance)[1], abs=1e-9)
    assert known == pytest.approx(np.log(information), abs=1e-9)


def test_rest_is_noise_around_one_place() -> None:
    positions = 0.5 * rng().standard_normal((400, 2))
    likely = [at_rest(positions, noise, 1.0) for noise in (0.15, 0.25, 0.4)]
    assert np.argmax(likely) == 1
    assert at_rest(positions, -1.0, 1.0) >= max(likely)


def test_a_drift_is_found_with_its_error() -> None:
    walks = np.cumsum(rng().standard_normal((300, 50, 2)) + np.array((0.3, 0.0)), axis=1)
    times = np.arange(50.0)
    drifts = np.array([drift_surface(x, times, 0.0, 1.0)[1] for x in walks])
    error = np.sqrt(1 / 49 / 300)  # of the mean of 300 drifts over 49 frames
    assert drifts.mean(axis=0) == pytest.approx([0.3, 0.0], abs=4 * error)


def test_levels_that_last_are_told_from_levels_without_order() -> None:
    lasting = np.repeat([0.2, 2.0, 0.2, 2.0], 25)
    mixed = rng(1).permutation(lasting)
    exponential = rng().standard_exponential(100) * 2
    kept, without = (switching(exponential * size, 2) for size in (lasting, mixed))
    assert kept[:3].max() - kept[6] > 5  # with stays over without order
    assert without[:3].max() - without[6] < 2
    assert switching(exponential, 2)[:3].max() < 2


def test_memory_starts_afresh_after_a_gap() -> None:
    near = np.array([True, True, False, True, True, True])
    assert remembered(near, 2).tolist() == [0, 1, 0, 1, 2]
    assert remembered(np.ones(4, dtype=bool), 9).tolist() == [0, 1, 2, 3]


def test_displacements_over_a_lag_are_those_of_pairs_that_are_there() -> None:
    positions, times = rng().standard_normal((9, 2)), np.array([0.0, 1, 2, 4, 5, 8, 9, 10, 11])
    second, fourth, known = lagged(positions, times, np.array([1, 3]))
    for k, lag in enumerate((1, 3)):
        moved = [
            ((positions[j] - positions[i]) ** 2).sum()
            for i in range(9)
            for j in range(9)
            if times[j] - times[i] == lag
        ]
        assert second[k] == pytest.approx(np.mean(moved))
        assert fourth[k] == pytest.approx(np.mean(np.square(moved)))
    assert known.tolist() == [True, True]


def test_confinement_has_its_radius() -> None:
    tracks, truth = tracks_of("confined")
    radius = truth["radius"]
    tight = (truth["boxed"] == 1) & (radius < 5)  # at least ten relaxations in the track
    assert tight.sum() > 5
    found = [confinement(tracks[k], walls=1.0).radius for k in np.flatnonzero(tight)]
    ratio = np.array(found) / radius[tight][:, None]
    assert np.median(ratio[:, 1]) == pytest.approx(1.0, abs=0.1)
    assert ((ratio[:, 0] < 1) & (ratio[:, 2] > 1)).mean() > 0.8


def test_a_trap_that_a_short_track_hardly_sees_has_its_radius() -> None:
    """Five relaxation times: a flat prior of the time reaches to traps that are wide and slow."""
    draw, stay, found = rng(12), np.exp(-1 / 18), []
    for _ in range(100):
        places = 3.0 * draw.standard_normal((100, 2))
        for t in range(1, 100):
            places[t] = stay * places[t - 1] + np.sqrt(1 - stay**2) * places[t]
        places += NOISE * draw.standard_normal(places.shape)
        track = Track(0, 0, places, np.ones(100, bool), noise=NOISE)
        found.append(confinement(track, walls=0.0).radius)
    low, middle, high = np.array(found).T
    assert np.median(middle) == pytest.approx(3, rel=0.15)
    assert ((low < 3) & (high > 3)).mean() >= 0.9 - 2 * np.sqrt(0.9 * 0.1 / 100)


def test_the_speed_of_a_drift_is_free_of_diffusion() -> None:
    tracks, truth = tracks_of("directed")
    found, true = np.array([speed(track) for track in tracks]), truth["speed"]
    assert np.median(found[:, 1] / true) == pytest.approx(1.0, abs=0.1)
    assert ((found[:, 0] <= true) & (true <= found[:, 2])).mean() > 0.8


def test_two_states_have_their_diffusivities() -> None:
    tracks, truth = tracks_of("changing_diffusivity")
    known = np.flatnonzero(truth["D_fast"] / truth["D_slow"] > 10)
    found = [two_states(tracks[k]) for k in known]
    assert len(found) > 5
    slow = np.array([two.slow[1] for two in found]) / truth["D_slow"][known]
    fast = np.array([two.fast[1] for two in found]) / truth["D_fast"][known]
    assert np.median(fast) == pytest.approx(1.0, abs=0.25)
    assert np.median(slow) == pytest.approx(1.0, abs=0.5)


class Says:
    """A model of kinds that gives the same answer for every track."""

    reach = None

    def __init__(self, kind: str, p: float) -> None:
        rest = (1 - p) / (len(KINDS) - 1)
        self.p = np.where(np.array(KINDS) == kind, p, rest)

    def predict(self, tracks, prediction):
        return kinds.KindsPrediction(np.tile(self.p, (len(tracks), 1)), np.ones(len(tracks)))


def columns(kind: str, p: float, model: bool = True):
    tracks, _ = tracks_of("brownian", count=3, length=50)
    still = Track(3, 0, np.ones((50, 2)), np.ones(50, dtype=bool))
    said = Prediction(np.zeros((3, 10, 3)), [np.zeros((49, 2))] * 3)
    return kinds.kind_columns(
        [*tracks, still],
        np.arange(3),
        said,
        model=Says(kind, p) if model else None,
        length=2.0,
        frame_interval=0.5,
    )


def test_the_most_probable_kind_is_named_where_it_is_probable_enough() -> None:
    assert columns("fbm", 0.6)["kind"].tolist() == ["fbm"] * 3 + ["immobile"]
    assert columns("fbm", 0.4)["kind"].tolist() == ["undetermined"] * 3 + ["immobile"]
    assert columns("fbm", 0.6, model=False)["kind"].tolist() == [""] * 4


def test_numbers_are_those_of_the_kind_in_its_units() -> None:
    found = columns("directed", 0.9)
    tracks, _ = tracks_of("brownian", count=3, length=50)
    plain = np.array([speed(track) for track in tracks])
    given = found[["speed_low", "speed", "speed_high"]].to_numpy()
    assert given[:3] == pytest.approx(plain * 2.0 / 0.5)
    assert np.isnan(given[3]).all()
    assert found[["D_fast", "confinement_radius", "p_walls"]].isna().to_numpy().all()
    p = found[[f"p_{kind}" for kind in KINDS]].to_numpy()
    assert p.sum(axis=1) == pytest.approx(1.0)


def test_every_kind_is_simulated_with_steps_of_one() -> None:
    counts = dict.fromkeys(PRIOR, 6)
    drawn = simulate_kinds(counts, length=60, dims=2, rng=rng())
    assert np.bincount(drawn.kind).tolist() == [6] * len(KINDS)
    for kind in KINDS:
        walks = simulate_kind(kind, count=30, length=100, rng=rng(1)).positions
        square = (np.diff(walks, axis=1) ** 2).mean()
        expected = {"immobile": (0.0, 0.0), "directed": (1.0, 3.0)}.get(kind, (0.6, 1.4))
        assert expected[0] <= square <= expected[1], kind


def test_a_straight_line_at_one_speed_is_no_division_by_zero() -> None:
    """Nothing is left over by a drift: without noise told, scales of exactly zero are possible."""
    line = np.arange(20.0)[:, None] * np.array([2.0**50, 2.0**49])
    track = Track(0, 0, line, np.ones(20, dtype=bool))
    said = Prediction(np.full((1, 10, 3), 0.5), [np.full((19, 2), 0.5)])
    looked = evidence([track], said)
    assert np.isfinite(looked).all()
