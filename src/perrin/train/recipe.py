"""The recipe of all networks but the paper's: AdamW, one cosine, averaged weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn

from perrin.settings.training import NetworkTraining
from perrin.train.loop import Task, cosine

Batch = TypeVar("Batch")
Network = TypeVar("Network", bound=nn.Module)


def task_of(
    network: Network,
    recipe: NetworkTraining,
    *,
    batches: Callable[[int], Iterator[Batch]],
    loss: Callable[[Network, Batch], Tensor],
) -> Task[Network, Batch]:
    """Return the training of the weights of `network` that learn."""
    learning = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=1.0, weight_decay=recipe.weight_decay)
    schedule = cosine(
        optimizer, highest=recipe.learning_rate, warmup=recipe.warmup, steps=recipe.steps
    )
    return Task(
        network=network,
        optimizer=optimizer,
        batches=batches,
        loss=loss,
        schedule=schedule,
        steps=recipe.steps,
        validate_every=recipe.validate_every,
        average=recipe.average,
    )
