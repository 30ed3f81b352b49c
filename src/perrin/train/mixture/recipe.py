"""The recipe of the mixture network: fresh trajectories, a quantile loss, AdamW."""

from __future__ import annotations

import torch
from torch import Tensor

from perrin.settings.diffusion import MixtureTraining
from perrin.train.loop import Cosine, Task
from perrin.train.mixture.data import Batch, stream
from perrin.train.mixture.network import MixtureNetwork, bounded

QUANTILES = (0.05, 0.5, 0.95)
IMPORTANCE = (0.7, 0.7, 0.7, 0.7, 2.0, 3.0, 1.0, 1.0, 1.0, 0.5)  # of the ten targets


def mixture_task(settings: MixtureTraining) -> Task[MixtureNetwork, Batch]:
    """Return what is trained, and how."""
    torch.manual_seed(settings.seed)
    network = MixtureNetwork()
    return Task(
        network=network,
        optimiser=torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        ),
        batches=lambda step: stream(settings, first_step=step),
        loss=_loss,
        schedule=Cosine(settings.learning_rate, settings.warmup, settings.steps),
        steps=settings.steps,
        validate_every=settings.validate_every,
        average=settings.average,
    )


def pinball(answer: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted quantile loss: (N, 10, 3), (N, 10), (N, 10) -> scalar."""
    missed = target[:, :, None] - answer
    levels = missed.new_tensor(QUANTILES)
    loss = torch.maximum(levels * missed, (levels - 1) * missed)
    # the ends of the interval have small losses by nature
    loss = (loss * missed.new_tensor((2.0, 1.0, 2.0))).sum(dim=2)
    return (loss * weight * missed.new_tensor(IMPORTANCE)).sum() / len(loss)


def _loss(network: MixtureNetwork, batch: Batch) -> Tensor:
    positions, seen = torch.from_numpy(batch.positions), torch.from_numpy(batch.seen)
    energy, masks = network.filters(positions, seen)
    with torch.autocast("cpu", dtype=torch.bfloat16):  # the rest asks for full precision
        pooled = network.trunk(energy, masks, seen)
    pooled = network.whole(energy, masks, positions.shape[2]) + pooled
    answer = bounded(network.head(torch.cat(pooled, dim=1)))
    return pinball(answer, torch.from_numpy(batch.target), torch.from_numpy(batch.weight))
