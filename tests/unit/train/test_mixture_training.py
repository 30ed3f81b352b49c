"""Training: batches, network, loop and export; skipped where torch is not installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from perrin.diffusion.standard import KNOWN  # noqa: E402
from perrin.settings.diffusion import MixtureSettings, MixtureTraining  # noqa: E402
from perrin.train.loop import train  # noqa: E402
from perrin.train.mixture.data import KINDS, draw_batch  # noqa: E402
from perrin.train.mixture.network import MixtureNetwork  # noqa: E402
from perrin.train.mixture.recipe import mixture_task, pinball  # noqa: E402

SMALL = MixtureTraining(steps=6, tokens=512, validate_every=3, warmup=2)


def predictions(network: MixtureNetwork, positions: np.ndarray, seen: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        prediction, _ = network(
            torch.tensor(positions, dtype=torch.float32),
            torch.tensor(seen, dtype=torch.float32),
            torch.zeros(len(positions), KNOWN),
        )
        return prediction.numpy()


def test_kinds_are_a_distribution() -> None:
    assert sum(fraction for fraction, _ in KINDS) == pytest.approx(1)


def test_targets_are_shares_that_sum_to_one_and_lie_in_range() -> None:
    for seed in range(8):
        batch = draw_batch(SMALL, rng=np.random.default_rng(seed))
        assert batch.positions.shape[1] % 4 == 0
        assert np.isfinite(batch.positions).all()
        assert ((batch.target >= 0) & (batch.target <= 1)).all()
        assert ((batch.weight >= 0) & (batch.weight <= 1)).all()
        np.testing.assert_allclose(batch.target[:, :4].sum(axis=1), 1, atol=1e-5)
        # the CTRW's part of the standardized squared step is the fraction that is learned
        steps = (batch.seen[:, 1:] * batch.seen[:, :-1]).sum(axis=1)
        assert set(np.unique(batch.segment)) <= {-1.0, 0.0, 1.0}
        pure = batch.target[:, 1] == 0
        assert not batch.moved[pure].any()
        whole = steps == batch.seen.sum(axis=1) - 1
        fraction = (batch.moved**2).sum(axis=(1, 2)) / steps / batch.positions.shape[2]
        near = np.abs(fraction - batch.target[:, 1])[whole]
        assert np.median(near) < 0.1


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    network = MixtureNetwork()
    rng = np.random.default_rng(0)
    positions, seen = rng.standard_normal((3, 24, 2)).cumsum(axis=1), np.ones((3, 24))
    longer = np.pad(positions, ((0, 0), (0, 20), (0, 0))), np.pad(seen, ((0, 0), (0, 20)))
    np.testing.assert_allclose(
        predictions(network, positions, seen), predictions(network, *longer), atol=1e-5
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


def test_a_path_split_by_the_truth_gives_the_true_ratio() -> None:
    from perrin.simulate.mixtures import simulate_mixture
    from perrin.train.mixture.network import _of_paths, _path

    settings = MixtureSettings(length=64)
    drawn = simulate_mixture(settings, count=20, rng=np.random.default_rng(0))
    x, c = (
        torch.from_numpy(part.transpose(0, 2, 1).astype(np.float32))
        for part in (drawn.positions, drawn.ctrw)
    )
    seen = torch.ones(20, 64)
    moved = [torch.nn.functional.pad(part.diff(dim=2), (0, 1)) for part in (c, x - c)]
    masks = torch.ones(20, 9, 64)
    *_, ratio = _of_paths([_path(part, seen) for part in moved], masks)
    np.testing.assert_allclose(ratio[:, 0].numpy(), drawn.truth.w, atol=0.01)


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    known: list[dict[str, float]] = []

    def run(folder: Path, steps: int) -> MixtureNetwork:
        settings = SMALL.model_copy(update={"steps": steps})
        return train(
            mixture_task(settings),
            run=folder,
            threads=1,
            validate=lambda _: {"v": 0.0},
            progress=known.append,
        )

    whole = run(tmp_path / "whole", 6)
    assert [figures["step"] for figures in known] == [3, 6]
    again = run(tmp_path / "whole", 6)  # nothing left to do
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    lines = (tmp_path / "whole" / "metrics.csv").read_text().splitlines()
    assert lines[0] == "step,seconds,rate,loss,v"
    assert len(lines) == 3
