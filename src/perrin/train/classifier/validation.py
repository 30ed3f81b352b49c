"""The figures that are watched while our network learns: fixed, unseen events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from perrin.events import LANDING_CLASSES
from perrin.landing.views import look
from perrin.settings.simulation import CrowdSettings, MassPrior
from perrin.simulate.thumbnails import threads
from perrin.train.events.source import Source
from perrin.train.loop import Figures
from perrin.train.precision import in_bfloat16

_SEED = 999_999_937
_BATCH = 200
_N_AVG = 10
_CROWD = CrowdSettings(fraction=1.0, low_per_um2_s=3.0)
_LOW = MassPrior(low_kda=30, middle_kda=55, high_kda=55, low_fraction=1.0)


def validator(source: Source, count: int = 2000) -> Callable[[nn.Module], Figures]:
    """Return a function from a network to its accuracy and the AUC of binders.

    Protocol *paper*: centered on the truth, five classes, the instrument of the source; of all
    masses, of low ones, and where more lands beside the thumbnail.
    """
    changes: dict[str, dict[str, Any]] = {
        "all": {},
        "low": {"masses": _LOW},
        "crowded": {"crowd": _CROWD},
    }
    cases = {
        name: _events(replace(source, settings=source.settings.model_copy(update=change)), count)
        for name, change in changes.items()
    }

    def validate(network: nn.Module) -> Figures:
        figures: Figures = {}
        for name, (views, labels) in cases.items():
            scores, classes = _predictions(network, views)
            predicted = classes[:, : len(LANDING_CLASSES)].argmax(axis=1)
            figures[f"accuracy_{name}"] = float((predicted == labels).mean())
            figures[f"auc_binder_{name}"] = _auc(scores[:, 0], labels == 0)
        return figures

    return validate


def _events(source: Source, count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    model_seed, draw_seed = np.random.SeedSequence(_SEED).spawn(2)
    labels = np.tile(LANDING_CLASSES, -(-count // len(LANDING_CLASSES)))[:count]
    with (
        threads(1) as pool,
        source.simulator(_N_AVG, centering="truth", seed=model_seed) as simulator,
    ):
        (part,) = simulator.events(labels, seed=draw_seed, pool=pool)
        views = look(
            part.stacks,
            part.inside,
            view="history",
            n_avg=_N_AVG,
            landing_sign=simulator.landing_sign,
        )
    return views, np.array([LANDING_CLASSES.index(name) for name in labels])


def _predictions(
    network: nn.Module, views: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    scores, classes = [], []
    with torch.inference_mode(), in_bfloat16():
        for first in range(0, len(views), _BATCH):
            x = torch.from_numpy(views[first : first + _BATCH])
            score, logits = network(x.to(memory_format=torch.channels_last))
            scores.append(score.float().numpy())
            classes.append(logits.float().numpy())
    return np.concatenate(scores), np.concatenate(classes)


def _auc(score: NDArray[np.float32], positive: NDArray[np.bool_]) -> float:
    """Probability that a positive has a higher score than a negative (Mann-Whitney)."""
    from scipy.stats import rankdata

    rank = rankdata(score)
    n, m = int(positive.sum()), int((~positive).sum())
    return float((rank[positive].sum() - n * (n + 1) / 2) / (n * m))
