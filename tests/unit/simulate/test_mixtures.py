"""Mixtures: their truth is what the positions hold."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from perrin.errors import PerrinError
from perrin.settings.diffusion import MIXTURE_KINDS, MixtureSettings
from perrin.simulate.mixtures import simulate_mixture
from perrin.simulate.walk_noise import SUBFRAMES, expose, lose_frames
from perrin.simulate.walk_tables import single_walks, tracks_table, truth_table


def draw(count: int = 300, seed: int = 1, **changes: object):
    settings = MixtureSettings.model_validate(changes)
    return simulate_mixture(settings, count=count, rng=np.random.default_rng(seed))


def rms_step(positions: np.ndarray) -> np.ndarray:
    return np.sqrt((np.diff(positions, axis=1) ** 2).mean(axis=(1, 2)))


@pytest.mark.parametrize("kind", ["superposition", "increments", "interleaved"])
@pytest.mark.parametrize("changes", [{}, {"noise": (0.1, 0.8)}, {"exposure": 0.5}])
def test_shares_sum_to_one_and_w_lies_between(kind: str, changes: dict[str, object]) -> None:
    truth = draw(kind=kind, length=40, **changes).truth
    np.testing.assert_allclose(np.nansum(truth.fractions, axis=1), 1)
    if kind == "interleaved":
        assert np.isnan(truth.w).all()
    else:
        assert ((truth.w >= 0) & (truth.w <= 1)).all()


def test_w_of_a_superposition_is_what_was_asked_for() -> None:
    mixture = draw(w=(0.3, 0.3), length=50)
    np.testing.assert_allclose(mixture.truth.w, 0.3)


def test_the_share_of_increments_is_what_was_asked_for() -> None:
    truth = draw(kind="increments", w=(0.3, 0.3), length=50).truth
    np.testing.assert_allclose(truth.fractions[:, 1], 0.3)


def test_pure_ends_are_pure() -> None:
    fbm = draw(w=(0.0, 0.0)).truth
    np.testing.assert_allclose(fbm.fractions[:, [0, 2]].sum(axis=1), 1)
    assert (fbm.w == 0).all()
    assert np.isnan(fbm.alpha_ctrw).all()
    ctrw = draw(w=(1.0, 1.0))
    assert (ctrw.truth.fractions[:, 1] == 1).all()
    assert np.isnan(ctrw.truth.alpha_fbm).all()
    steps = np.diff(ctrw.positions, axis=1)
    np.testing.assert_allclose(ctrw.truth.jump_rate, (steps != 0).any(axis=2).mean(axis=1))


def test_fbm_near_one_counts_as_brownian() -> None:
    fractions = draw(w=(0.0, 0.0), alpha_fbm=(0.96, 1.04)).truth.fractions
    assert (fractions[:, 2] == 1).all()
    fractions = draw(w=(0.0, 0.0), alpha_fbm=(0.5, 0.5), brownian=(1.0, 1.0)).truth.fractions
    np.testing.assert_allclose(fractions[:, 2], 1)


def test_the_share_of_noise_is_that_of_its_squared_steps() -> None:
    noisy = draw(count=2000, noise=(0.5, 0.5), w=(0.0, 0.0), length=200)
    fraction = noisy.truth.fractions[:, 3]
    np.testing.assert_allclose(fraction, 2 * 0.25 / (1 + 2 * 0.25))
    added = rms_step(noisy.positions) ** 2 / (noisy.truth.noise_sigma / 0.5) ** 2 - 1
    assert abs(added.mean() - 0.5) < 5 * added.std() / np.sqrt(len(added))


def test_interleaved_tracks_follow_their_mask() -> None:
    mixture = draw(kind="interleaved", length=120, segment_frames=20)
    assert mixture.mask is not None
    still = (np.diff(mixture.positions, axis=1) == 0).all(axis=2)
    assert not (still & ~mixture.mask).any()  # only the CTRW rests
    np.testing.assert_allclose(mixture.truth.frames_ctrw, mixture.mask.mean(axis=1))
    assert abs(mixture.mask.mean() - 0.5) < 0.03


def test_subordination_has_the_product_of_both_exponents() -> None:
    changes = {"kind": "subordination", "alpha_fbm": (0.8, 0.8), "alpha_ctrw": (0.7, 0.7)}
    mixture = draw(count=8000, length=400, **changes)
    assert np.isnan(mixture.truth.fractions).all()
    from_start = mixture.positions - mixture.positions[:, :1]
    late, early = ((from_start[:, t] ** 2).mean() for t in (399, 40))
    # every walk holds a jump, which lifts early times a little
    assert abs(np.log(late / early) / np.log(399 / 40) - 0.8 * 0.7) < 0.08


def test_blur_lowers_the_steps_as_theory_says() -> None:
    sharp, blurred = (
        rms_step(draw(1500, w=(0.0, 0.0), alpha_fbm=(0.99, 1.0), exposure=e).positions) ** 2
        for e in (0.0, 1.0)
    )
    # Brownian motion averaged over whole frames keeps 2/3 of its squared step; the sum over
    # SUBFRAMES positions keeps (2 + 1 / n^2) / 3
    expected = (2 + 1 / SUBFRAMES**2) / 3
    relative = blurred.mean() / sharp.mean()
    # superposition scales by the spread, which blur hardly changes at 100 frames
    assert abs(relative / expected - 1) < 0.05


def test_missing_frames_come_in_gaps_and_never_at_the_ends() -> None:
    seen = lose_frames(4000, 100, expected=0.2, rng=np.random.default_rng(0))
    assert seen[:, 0].all()
    assert seen[:, -1].all()
    assert abs(1 - seen[:, 20:80].mean() - 0.2) < 0.01
    starts = (~seen[:, 1:] & seen[:, :-1]).sum()
    assert abs((~seen).sum() / starts - 2) < 0.05


def test_exposure_needs_whole_frames() -> None:
    with pytest.raises(PerrinError, match="whole number"):
        expose(np.zeros((1, SUBFRAMES + 1, 2)), 1.0)


@pytest.mark.parametrize("kind", MIXTURE_KINDS)
def test_the_same_seed_gives_the_same_mixture(kind: str) -> None:
    once, again = (draw(kind=kind, count=10, noise=(0.0, 1.0), missing=0.1) for _ in range(2))
    np.testing.assert_array_equal(once.positions, again.positions)
    np.testing.assert_array_equal(once.seen, again.seen)
    assert (draw(kind=kind, count=10, seed=2).positions != once.positions).any()


@pytest.mark.parametrize(
    "changes", [{"w": (0.5, 1.5)}, {"noise": (1.0, 0.5)}, {"alpha_fbm": (0.0, 1.0)}, {"dims": 4}]
)
def test_settings_out_of_bounds_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MixtureSettings.model_validate(changes)


def test_tables_hold_the_positions_that_are_seen() -> None:
    mixture = draw(count=5, length=20, missing=0.3)
    table = tracks_table(mixture.positions, mixture.seen)
    assert len(table) == mixture.seen.sum()
    row = table.iloc[7]
    x, y = mixture.positions[int(row["particle"]), int(row["frame"])]
    assert (row["x"], row["y"]) == (x, y)
    assert len(truth_table(mixture.truth)) == 5


def test_single_walks_by_name() -> None:
    rng = np.random.default_rng(0)
    common = {"count": 3, "length": 10, "dims": 1, "start": "ordinary", "rng": rng}
    tracks, truth = single_walks("ctrw", alpha=0.5, **common)
    assert list(tracks.columns) == ["particle", "frame", "x"]
    assert len(truth) == 3
    with pytest.raises(PerrinError, match="no walk of kind"):
        single_walks("flight", alpha=0.5, **common)
