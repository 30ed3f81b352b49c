"""Training for kinds of motion: batches, network, export; skipped where torch is not installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from perrin.diffusion.motion_kinds import KINDS  # noqa: E402
from perrin.evaluate.kinds import evaluate_kinds  # noqa: E402
from perrin.models.kinds import KindsModel  # noqa: E402
from perrin.models.mixture import MixtureModel  # noqa: E402
from perrin.settings.diffusion import KindsTraining  # noqa: E402
from perrin.train.kinds.network import KindsNetwork  # noqa: E402
from perrin.train.kinds.recipe import draw_batch, kinds_task, validator  # noqa: E402
from perrin.train.loop import train  # noqa: E402

SMALL = KindsTraining(steps=2, tokens=600, validate_every=2, warmup=1)


@pytest.fixture(scope="module")
def mixture() -> MixtureModel:
    return MixtureModel.load("mixture")


def test_a_batch_depends_on_its_generator_alone(mixture: MixtureModel) -> None:
    one, two = (draw_batch(SMALL, mixture, rng=np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.evidence, two.evidence)
    confined = one.kind == KINDS.index("confined")
    assert np.isfinite(one.walls).tolist() == confined.tolist()


def test_a_network_becomes_a_bundle_that_answers(mixture: MixtureModel, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="exporting needs onnxscript")
    from perrin.train.kinds.export import write_kinds_bundle

    network = train(
        kinds_task(SMALL, mixture),
        run=tmp_path / "run",
        threads=1,
        validate=validator(SMALL, mixture)(),
        progress=lambda _: None,
    )
    assert isinstance(network, KindsNetwork)
    card = write_kinds_bundle(network, tmp_path / "new", settings=SMALL, model=mixture)
    assert card.kinds == KINDS
    assert card.reach is not None
    assert (np.array([card.reach.below, card.reach.above]) >= 1).all()
    model = KindsModel.load(tmp_path / "new")
    assert model.suits(mixture.bundle.card.sha256)
    assert not model.suits("another")
    found = evaluate_kinds(model, mixture, count=60, seed=1)
    assert ((found.cells["right"] >= 0) & (found.cells["right"] <= 1)).all()
    told = found.confusion.sum(axis=1)
    np.testing.assert_allclose(told[told > 0], 1)
    assert found.calibration["n"].sum() > 0
