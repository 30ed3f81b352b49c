"""The recipe of the mixture network: fresh trajectories, a quantile loss, AdamW."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from perrin.settings.diffusion import MixtureTraining
from perrin.train.ahead import fresh_task
from perrin.train.loop import Task
from perrin.train.mixture.data import Batch, draw_batch
from perrin.train.mixture.network import MixtureNetwork, Reading

QUANTILES = (0.05, 0.5, 0.95)
IMPORTANCE = (0.7, 0.7, 0.7, 0.7, 2.0, 3.0, 1.0, 1.0, 1.0, 0.5)  # of the ten targets
OF_FRAMES = 0.3  # weight of what is said frame by frame


def mixture_task(
    settings: MixtureTraining, *, start: MixtureNetwork | None = None
) -> Task[MixtureNetwork, Batch]:
    """Return what is trained, from nothing or from the weights of `start`, and how."""
    torch.manual_seed(settings.seed)
    network = start or MixtureNetwork()
    return fresh_task(network, settings, draw=lambda rng: draw_batch(settings, rng=rng), loss=_loss)


def pinball(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted quantile loss: (N, 10, 3), (N, 10), (N, 10) -> scalar."""
    missed = target[:, :, None] - prediction
    levels = missed.new_tensor(QUANTILES)
    loss = torch.maximum(levels * missed, (levels - 1) * missed)
    # the ends of the interval have small losses by nature
    loss = (loss * missed.new_tensor((2.0, 1.0, 2.0))).sum(dim=2)
    return (loss * weight * missed.new_tensor(IMPORTANCE)).sum() / len(loss)


def of_frames(predicted: Reading, batch: Batch) -> Tensor:
    """Return the loss of what is said of every frame: jumps, segments, the CTRW's displacements."""
    seen = torch.from_numpy(batch.seen)
    both = seen * functional.pad(seen, (0, 1))[:, 1:]
    moved, segment = torch.from_numpy(batch.moved), torch.from_numpy(batch.segment)
    jumped = (moved != 0).any(dim=1).float()
    jump = functional.binary_cross_entropy_with_logits(predicted.jump, jumped, weight=both)
    known = both * (segment >= 0)
    of_segment = functional.binary_cross_entropy_with_logits(
        predicted.segment, segment.clamp(min=0), weight=known
    )
    missed = functional.smooth_l1_loss(predicted.moved, moved, reduction="none").mean(dim=1)
    return jump + 2 * of_segment + (missed * both).mean()


def _loss(network: MixtureNetwork, batch: Batch) -> Tensor:
    predicted = network.read(
        *(torch.from_numpy(x) for x in (batch.positions, batch.seen, batch.known))
    )
    target, weight = torch.from_numpy(batch.target), torch.from_numpy(batch.weight)
    return pinball(predicted.prediction, target, weight) + OF_FRAMES * of_frames(predicted, batch)
