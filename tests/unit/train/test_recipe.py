"""What the trainings of all networks share; skipped where torch is not installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

pytest.importorskip("torch", reason="training needs torch")

from perrin.settings.diffusion import AndiTraining, KindsTraining, MixtureTraining
from perrin.settings.quantifier import QuantifierTraining
from perrin.settings.training import NetworkTraining
from perrin.train.andi.recipe import andi_task
from perrin.train.mixture.recipe import mixture_task


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        (andi_task, AndiTraining(steps=3, tokens=1024)),
        (mixture_task, MixtureTraining(steps=3, tokens=512)),
    ],
)
def test_a_batch_depends_on_its_step_alone(task: Any, settings: NetworkTraining) -> None:
    following = task(settings).batches(0)
    next(following)
    np.testing.assert_array_equal(
        next(following).positions, next(task(settings).batches(1)).positions
    )


@pytest.mark.parametrize("kind", [AndiTraining, KindsTraining, MixtureTraining, QuantifierTraining])
@pytest.mark.parametrize(
    ("name", "value"), [("steps", 0), ("learning_rate", 0.0), ("average", 1.0), ("warmup", 0)]
)
def test_defaults_of_a_network_keep_the_bounds_of_all(kind: Any, name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        kind(**{name: value})
