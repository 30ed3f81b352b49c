"""The out-of-model check: statistics, replicates of an answer, and what is told apart."""

from __future__ import annotations

import numpy as np
import pytest

import perrin
from perrin.diffusion import classical
from perrin.diffusion.standard import TARGETS, to_unit
from perrin.diffusion.windows import Track
from perrin.models import predictive
from perrin.models.bundle import Bundle
from perrin.models.cards import Discrepancies
from perrin.models.mixture import MixtureModel
from perrin.simulate.walk_tables import tracks_table
from perrin.simulate.walks import fbm
from perrin.train.mixture.discrepancies import own_distances
from perrin_benchmarks.misspecified_walks import MISSPECIFIED_WALKS

NAMES = [name for name, _, _ in TARGETS]


def prediction(**values: float) -> np.ndarray:
    """Quantiles (10, 3) that are sure of `values`."""
    told = {"alpha_fbm": 0.7, "alpha_ctrw": 0.6} | values
    unit = [float(to_unit(np.array(told.get(name, 0.0)), k)) for k, name in enumerate(NAMES)]
    return np.repeat(np.array(unit)[:, None], 3, axis=1)


def as_track(positions: np.ndarray, *, missing: float = 0.0, noise: float = np.nan) -> Track:
    rng = np.random.default_rng(0)
    seen = rng.random(len(positions)) >= missing
    seen[[0, -1]] = True
    return Track(0, 0, np.where(seen[:, None], positions, 0.0), seen, noise=noise)


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_statistics_are_the_classical_ones(missing: float) -> None:
    walk = fbm([0.6], length=200, rng=np.random.default_rng(1), dims=1)[0]
    track = as_track(walk, missing=missing)
    found = predictive.statistics(track.positions[None], track.seen)[0]
    lags = [1, *(lag for lag in predictive.LAGS if lag <= 50)]
    msd, _ = classical.tamsd(track.positions, track.seen, lags=lags)
    np.testing.assert_allclose(found[: len(lags) - 1], np.log(msd[1:] / msd[0]))
    rest = found[len(lags) - 1 :]
    kurtosis = [classical.step_kurtosis(track.positions, track.seen, lag=lag) for lag in (1, 4)]
    np.testing.assert_allclose(rest[:2], np.log(kurtosis))
    memory = classical.velocity_autocorrelation(track.positions, track.seen, lags=predictive.MEMORY)
    np.testing.assert_allclose(rest[2:5], memory)


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("dims", [2, 3])
def test_memory_shape_and_return_are_what_they_are_defined_as(missing: float, dims: int) -> None:
    walk = fbm([0.8], length=150, rng=np.random.default_rng(6), dims=dims)[0]
    track = as_track(walk, missing=missing)
    both = track.seen[1:] & track.seen[:-1]
    step = np.diff(track.positions, axis=0) * both[:, None]
    mean = (step**2).sum() / both.sum()
    memory = [
        (step[lag:] * step[:-lag]).sum() / (both[lag:] & both[:-lag]).sum()
        for lag in predictive.LONG_MEMORY
    ]
    parts = step[: 149 // predictive.BLOCK * predictive.BLOCK].reshape(-1, predictive.BLOCK, dims)
    tensors = [part.T @ part for part in parts]
    free = [tensor - np.trace(tensor) / dims * np.eye(dims) for tensor in tensors]
    length = sum(np.sqrt((tensor**2).sum() * dims / (dims - 1)) for tensor in free)
    anisotropy = length / sum(np.trace(tensor) for tensor in tensors)
    size = np.sqrt((step**2).sum(axis=1))
    back = ((step * size[:, None]).sum(axis=0) ** 2).sum() / (size**4).sum()
    found = predictive.statistics(track.positions[None], track.seen)[0]
    expected = [np.mean(memory) / mean, np.log(anisotropy), np.log(back)]
    np.testing.assert_allclose(found[-3:], expected, rtol=1e-6)  # 1e-9 keeps both sums above 0


def test_statistics_do_not_change_with_rotation_and_unit() -> None:
    walks = fbm([0.4, 1.2], length=120, rng=np.random.default_rng(2), dims=3)
    seen = np.ones(120, dtype=bool)
    turn, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))
    np.testing.assert_allclose(
        predictive.statistics(walks, seen), predictive.statistics(7 * walks @ turn, seen)
    )


def test_replicates_have_the_shares_of_the_answer() -> None:
    track = as_track(fbm([0.5], length=400, rng=np.random.default_rng(4))[0])
    jump = np.zeros((399, 2))
    jump[::8, 0] = 1.0
    made = predictive.replicates(
        track,
        prediction(fraction_fbm=0.3, fraction_ctrw=0.5, fraction_noise=0.2, alpha_fbm=0.5),
        jump,
        count=200,
        rng=np.random.default_rng(5),
    )
    step = np.diff(made, axis=1)
    square = (step**2).mean(axis=(0, 2))
    # without a jump a step holds FBM and noise, with one the fraction of CTRW over the rate beside
    still, moved = square[jump[:, 0] == 0].mean(), square[jump[:, 0] == 1].mean()
    assert still == pytest.approx(0.5, rel=0.05)
    assert moved == pytest.approx(0.5 + 0.5 * 399 / 50, rel=0.05)
    # memory of neighboring steps: FBM's, and -1/2 of the noise
    memory = (step[:, 1:] * step[:, :-1]).mean()
    assert memory == pytest.approx(0.3 * (2**-0.5 - 1) - 0.1, abs=0.01)


def test_known_noise_is_taken_as_known() -> None:
    walk = fbm([1.0], length=600, rng=np.random.default_rng(6))[0]
    noisy = walk + 0.5 * np.random.default_rng(7).standard_normal(walk.shape)
    made = predictive.replicates(
        as_track(noisy, noise=0.5),
        prediction(fraction_fbm=0.9, fraction_noise=0.1, alpha_fbm=1.0),
        np.zeros((599, 2)),
        count=100,
        rng=np.random.default_rng(8),
    )
    step = np.diff(made, axis=1)
    memory = (step[:, 1:] * step[:, :-1]).mean() / (step**2).mean()
    assert memory == pytest.approx(-0.25 / 1.5, abs=0.02)


def test_fbm_moves_a_switching_track_in_its_regimes_only() -> None:
    steps = np.zeros((200, 2))
    steps[100:, 1] = 1.0
    made = predictive.replicates(
        as_track(fbm([0.7], length=201, rng=np.random.default_rng(9))[0]),
        prediction(fraction_fbm=1.0),
        steps,
        count=20,
        rng=np.random.default_rng(10),
    )
    step = np.diff(made, axis=1)
    assert (step[:, :100] != 0).all()
    assert (step[:, 100:] == 0).all()


def distances(walks: np.ndarray, **told: float) -> np.ndarray:
    quantiles, steps = prediction(fraction_fbm=1.0, **told), np.zeros((walks.shape[1] - 1, 2))
    return np.array([predictive.distance(as_track(walk), quantiles, steps) for walk in walks])


def test_what_the_answer_does_not_hold_is_far_from_its_replicates() -> None:
    rng = np.random.default_rng(11)
    own = distances(fbm(np.full(15, 0.7), length=200, rng=rng), alpha_fbm=0.7)
    levy = MISSPECIFIED_WALKS["Levy walk"](8, length=200, rng=rng)
    rods = MISSPECIFIED_WALKS["rod, 4 times faster along"](8, length=200, rng=rng)
    disc = MISSPECIFIED_WALKS["confined, radius 3 steps"](8, length=200, rng=rng)
    assert np.median(own) < 2
    assert np.median(distances(levy, alpha_fbm=1.5)) > 1.5 * np.median(own)
    assert np.median(distances(rods, alpha_fbm=1.0)) > 1.5 * np.median(own)
    assert np.median(distances(disc, alpha_fbm=0.4)) > 1.5 * np.median(own)


def test_the_check_is_repeatable_and_works_where_little_is_there() -> None:
    walk = fbm([0.7], length=10, rng=np.random.default_rng(12), dims=1)
    assert distances(walk)[0] == distances(walk)[0]
    assert np.isfinite(distances(walk)).all()


@pytest.fixture(scope="module")
def table() -> Discrepancies:
    found = MixtureModel.load("mixture").bundle.card.discrepancies
    assert found is not None
    return found


def test_p_falls_with_distance_and_is_that_of_the_card(table: Discrepancies) -> None:
    for length, edges in zip(table.lengths, table.distances, strict=True):
        at = predictive.p_values(np.array(edges), np.full(len(edges), length), table)
        np.testing.assert_allclose(at, table.levels)
    far = np.linspace(0, 50, 200)
    p = predictive.p_values(far, np.full(200, 100), table)
    assert (np.diff(p) <= 0).all()
    assert p[0] == 1
    assert p[-1] == pytest.approx(table.levels[-1] / 2)


def test_a_card_without_a_table_gives_no_flag_and_says_so() -> None:
    walks = fbm([0.5, 0.9], length=60, rng=np.random.default_rng(13))
    tracks = tracks_table(walks, np.ones(walks.shape[:2], bool))
    bundle = MixtureModel.load("mixture").bundle
    bare = Bundle(bundle.card.model_copy(update={"discrepancies": None}), bundle._session)
    whole = perrin.characterize(tracks, units="unknown")
    found = perrin.characterize(tracks, model=MixtureModel(bare), units="unknown")
    assert whole.trajectories["posterior_predictive_p"].notna().all()
    assert found.trajectories["posterior_predictive_p"].isna().all()
    assert not found.trajectories["out_of_model"].any()
    assert any("no track was checked" in note for note in found.notes)
    assert not any("no track was checked" in note for note in whole.notes)


def test_the_shipped_table_is_that_of_fresh_tracks(table: Discrepancies) -> None:
    """Counts beyond two levels, within three standard errors of a binomial."""
    count, length = 150, 1
    model = MixtureModel.load("mixture")
    frames = table.lengths[length]
    found = own_distances(model, length=frames, count=count, rng=np.random.default_rng(14))
    for level, edge in zip(table.levels[:2], table.distances[length][:2], strict=True):
        allowed = 3 * np.sqrt(level * (1 - level) / count)
        assert np.mean(found > edge) == pytest.approx(level, abs=allowed)
