"""Training for the AnDi tasks: batches, network, export; skipped where torch is not installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from perrin.evaluate.andi import confusion_of, of_exponent, of_model  # noqa: E402
from perrin.models.andi import AndiModel  # noqa: E402
from perrin.settings.diffusion import AndiTraining  # noqa: E402
from perrin.simulate.andi import MODELS, simulate_andi  # noqa: E402
from perrin.train.andi.network import AndiNetwork  # noqa: E402
from perrin.train.andi.recipe import andi_task, draw_batch  # noqa: E402
from perrin.train.loop import train  # noqa: E402

SMALL = AndiTraining(steps=3, tokens=1024, validate_every=3, warmup=2)


def test_exponents_weigh_as_if_all_were_equally_common() -> None:
    drawn = [draw_batch(SMALL, rng=np.random.default_rng(seed)) for seed in range(60)]
    alpha = np.concatenate([batch.alpha for batch in drawn])
    weight = np.concatenate([batch.weight for batch in drawn])
    below = weight[alpha < 1].sum() / weight.sum()
    assert below == pytest.approx(0.5, abs=0.05)


def test_a_network_becomes_a_bundle_that_answers(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="exporting needs onnxscript")
    from perrin.train.andi.export import write_andi_bundle

    network = train(
        andi_task(SMALL),
        run=tmp_path / "run",
        threads=1,
        validate=lambda _: {"v": 0.0},
        progress=lambda _: None,
    )
    assert isinstance(network, AndiNetwork)
    card = write_andi_bundle(network, tmp_path / "new", settings=SMALL)
    assert card.models == MODELS
    assert card.outside is not None
    assert len(card.outside.limits) == len(card.outside.lengths)
    model = AndiModel.load(tmp_path / "new")
    walks = simulate_andi(40, length=30, rng=np.random.default_rng(0))
    assert 0 < of_exponent(model, walks)["alpha_mae"] < 1
    assert 0 <= of_model(model, walks)["micro_f1"] <= 1
    np.testing.assert_allclose(confusion_of(model, walks).sum(axis=1), 1)
    assert model.refusal(np.array([True, False] * 10), 2) is not None
