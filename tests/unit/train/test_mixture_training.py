"""Training: batches, network, loop and export; skipped where torch is not installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from perrin.settings.diffusion import MixtureTraining  # noqa: E402
from perrin.train.loop import train  # noqa: E402
from perrin.train.mixture.data import KINDS, draw_batch, stream  # noqa: E402
from perrin.train.mixture.network import MixtureNetwork  # noqa: E402
from perrin.train.mixture.recipe import mixture_task, pinball  # noqa: E402

SMALL = MixtureTraining(steps=6, tokens=512, validate_every=3, warmup=2)


def answers(network: MixtureNetwork, positions: np.ndarray, seen: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(
            torch.tensor(positions, dtype=torch.float32), torch.tensor(seen, dtype=torch.float32)
        ).numpy()


def test_kinds_are_a_distribution() -> None:
    assert sum(share for share, _ in KINDS) == pytest.approx(1)


def test_a_batch_depends_on_its_step_alone() -> None:
    following = stream(SMALL, first_step=0)
    next(following)
    np.testing.assert_array_equal(
        next(following).positions, next(stream(SMALL, first_step=1)).positions
    )


def test_targets_are_shares_that_sum_to_one_and_lie_in_range() -> None:
    for seed in range(8):
        batch = draw_batch(SMALL, rng=np.random.default_rng(seed))
        assert batch.positions.shape[1] % 4 == 0
        assert np.isfinite(batch.positions).all()
        assert ((batch.target >= 0) & (batch.target <= 1)).all()
        assert ((batch.weight >= 0) & (batch.weight <= 1)).all()
        np.testing.assert_allclose(batch.target[:, :4].sum(axis=1), 1, atol=1e-5)


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    network = MixtureNetwork()
    rng = np.random.default_rng(0)
    positions, seen = rng.standard_normal((3, 24, 2)).cumsum(axis=1), np.ones((3, 24))
    longer = np.pad(positions, ((0, 0), (0, 20), (0, 0))), np.pad(seen, ((0, 0), (0, 20)))
    np.testing.assert_allclose(
        answers(network, positions, seen), answers(network, *longer), atol=1e-5
    )


def test_the_loss_is_least_at_the_quantiles() -> None:
    target = torch.linspace(0, 1, 2001)[:, None].repeat(1, 10)
    weight = torch.ones_like(target)
    right = torch.tensor([0.05, 0.5, 0.95]).expand(2001, 10, 3)
    least = pinball(right, target, weight)
    for k in range(3):
        for shift in (-0.02, 0.02):
            moved = right.clone()
            moved[..., k] += shift
            assert pinball(moved, target, weight) > least


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    told: list[dict[str, float]] = []

    def run(folder: Path, steps: int) -> MixtureNetwork:
        settings = SMALL.model_copy(update={"steps": steps})
        return train(
            mixture_task(settings),
            run=folder,
            threads=1,
            validate=lambda _: {"v": 0.0},
            progress=told.append,
        )

    whole = run(tmp_path / "whole", 6)
    assert [figures["step"] for figures in told] == [3, 6]
    again = run(tmp_path / "whole", 6)  # nothing left to do
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    lines = (tmp_path / "whole" / "metrics.csv").read_text().splitlines()
    assert lines[0] == "step,seconds,rate,loss,v"
    assert len(lines) == 3
