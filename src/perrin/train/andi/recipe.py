"""The recipe of the AnDi network: fresh trajectories of both protocols, AdamW."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from perrin.diffusion.standard import MULTIPLE, standardize
from perrin.settings.diffusion import AndiTraining
from perrin.simulate.andi import CUT_FROM, AndiWalks, simulate_andi
from perrin.train.ahead import fresh_task
from perrin.train.andi.network import QUANTILES, AndiNetwork
from perrin.train.loop import Task
from perrin.train.mixture.data import LENGTHS

MODEL_WEIGHT = 0.5  # of the cross entropy beside the quantile loss
_SEED = 999_999_937
_CASES = tuple((dims, length) for dims in (1, 2) for length in (12, 52, 100, 300))


@dataclass(frozen=True)
class Batch:
    """What the network takes, float32, and what is true: model (N,), alpha (N,), weight (N,)."""

    positions: NDArray[np.float32]
    seen: NDArray[np.float32]
    model: NDArray[np.int64]
    alpha: NDArray[np.float32]
    weight: NDArray[np.float32]


def andi_task(settings: AndiTraining) -> Task[AndiNetwork, Batch]:
    """Return what is trained, and how."""
    torch.manual_seed(settings.seed)
    return fresh_task(
        AndiNetwork(), settings, draw=lambda rng: draw_batch(settings, rng=rng), loss=_loss
    )


def draw_batch(settings: AndiTraining, *, rng: np.random.Generator) -> Batch:
    """Draw one batch: one length and dimension, either protocol, models balanced."""
    padded = int(rng.choice([n for n in LENGTHS if n < CUT_FROM]))
    length = padded - int(rng.integers(0, MULTIPLE))
    cut = rng.random() < settings.cut
    drawn = simulate_andi(
        settings.tokens // padded,
        length=length,
        dims=1 + int(rng.random() < settings.two_dimensional),
        generated=max(CUT_FROM, length) if cut else None,
        rng=rng,
    )
    return as_batch(drawn)


def as_batch(drawn: AndiWalks) -> Batch:
    """Return walks as the network takes them; an exponent weighs as if all were equally common."""
    standard = standardize(drawn.positions, np.ones(drawn.positions.shape[:2], dtype=bool))
    # four of five models go below 1, two of them only there; three go above
    weight = np.where(drawn.alpha < 1, 0.5 / 0.6, 0.5 / 0.4).astype(np.float32)
    return Batch(
        standard.positions, standard.seen, drawn.model, drawn.alpha.astype(np.float32), weight
    )


def validator(count: int = 600) -> Callable[[AndiNetwork], dict[str, float]]:
    """Return a function from a network to its errors on fixed walks of protocol "exact L"."""
    rng = np.random.default_rng(_SEED)
    cases = {
        f"{dims}d_{length}": tuple(
            as_batch(simulate_andi(count, length=length, dims=dims, rng=rng, balance=balance))
            for balance in ("exponents", "models")
        )
        for dims, length in _CASES
    }

    def predict(
        network: AndiNetwork, batch: Batch
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        with torch.inference_mode():
            exponent, model = network(
                torch.from_numpy(batch.positions), torch.from_numpy(batch.seen)
            )
        return exponent[:, 1].numpy(), model.argmax(dim=1).numpy()

    def validate(network: AndiNetwork) -> dict[str, float]:
        figures = {}
        for name, (of_alpha, of_model) in cases.items():
            figures[f"mae_{name}"] = float(
                np.abs(predict(network, of_alpha)[0] - of_alpha.alpha).mean()
            )
            right = predict(network, of_model)[1] == of_model.model
            figures[f"f1_{name}"] = float(right.mean())
        return figures

    return validate


def _loss(network: AndiNetwork, batch: Batch) -> Tensor:
    exponent, model = network(torch.from_numpy(batch.positions), torch.from_numpy(batch.seen))
    alpha, weight = torch.from_numpy(batch.alpha), torch.from_numpy(batch.weight)
    missed = alpha[:, None] - exponent
    levels = missed.new_tensor(QUANTILES)
    quantile = torch.maximum(levels * missed, (levels - 1) * missed)
    quantile = (quantile * missed.new_tensor((1.0, 2.0, 1.0))).sum(dim=1)
    named = functional.cross_entropy(model, torch.from_numpy(batch.model))
    loss: Tensor = (quantile * weight).mean() + MODEL_WEIGHT * named
    return loss
