"""The figures that are watched while the quantifier learns: fixed, unseen events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from perrin.events import LANDING_CLASSES
from perrin.settings.simulation import MassPrior
from perrin.stats import robust_sd
from perrin.train.events.source import Source
from perrin.train.loop import Figures
from perrin.train.quantifier.data import Batch, events

_SEED = 999_999_937
_BATCH = 200
_MASS_KDA = 180.0


def validator(source: Source, count: int = 2000) -> Callable[[nn.Module], Figures]:
    """Return a function from a network to what it reaches at 180 kDa, class by class."""
    one = MassPrior(low_kda=_MASS_KDA, middle_kda=_MASS_KDA, high_kda=_MASS_KDA)
    batch = events(
        replace(source, settings=source.settings.model_copy(update={"masses": one})),
        count=count,
        centering="detector",
        seed=np.random.SeedSequence(_SEED),
        rng=np.random.default_rng(_SEED),
    )

    def validate(network: nn.Module) -> Figures:
        prediction = (
            predictions(network, batch)[:, 0] / batch.target[:, :1]
        )  # relative to the truth
        inside = (prediction[:, 0] <= 1) & (prediction[:, 2] >= 1)
        figures: Figures = {"coverage": float(inside.mean())}
        for number, name in enumerate(LANDING_CLASSES):
            own = prediction[batch.labels == number, 1]
            figures[f"within_{name}"] = float((np.abs(own - 1) < 0.05).mean())
            figures[f"bias_{name}"] = float(np.median(own) - 1)
        binder = prediction[batch.labels == 0, 1]
        figures["sd_binder"] = robust_sd(binder)
        return figures

    return validate


def predictions(network: nn.Module, batch: Batch) -> NDArray[np.float32]:
    """Return the quantiles (N, 5, 3) of events."""
    found = []
    with torch.inference_mode():
        for first in range(0, len(batch.labels), _BATCH):
            view = torch.from_numpy(batch.views[first : first + _BATCH].astype(np.float32))
            found.append(network(view.to(memory_format=torch.channels_last)).numpy())
    return np.concatenate(found)
