"""The recipe of our network: fresh events, two losses, AdamW, averaged weights."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from perrin.settings.classifier import ClassifierTraining
from perrin.train.classifier.data import BLOCK_STEPS, Batch, draw_block
from perrin.train.classifier.network import HistoryNetwork
from perrin.train.events.blocks import events_task
from perrin.train.events.source import Source
from perrin.train.loop import Task
from perrin.train.precision import in_bfloat16


def our_task(
    settings: ClassifierTraining,
    source: Source,
    *,
    workers: int,
    start: HistoryNetwork | None = None,
) -> Task[HistoryNetwork, Batch]:
    """Return what is trained, from nothing or from the weights of `start`, made deeper if asked."""
    torch.manual_seed(settings.seed)
    if start is None:
        network = HistoryNetwork(settings.width, settings.blocks)
    else:
        network = start.deepened(settings.blocks)
    return events_task(
        network,
        settings,
        draw_block=partial(draw_block, settings, source),
        block_steps=BLOCK_STEPS,
        loss=_loss,
        workers=workers,
    )


def _loss(network: HistoryNetwork, batch: Batch) -> Tensor:
    """Cross-entropy of the classes, and of each score against all other classes."""
    x = torch.from_numpy(batch.views).to(memory_format=torch.channels_last)
    labels, weight = torch.from_numpy(batch.labels), torch.from_numpy(batch.weight)
    with in_bfloat16():
        scores, classes = network(x)
    single = functional.one_hot(labels, scores.shape[1]).float()
    one_of_all = functional.cross_entropy(classes.float(), labels, reduction="none")
    each = functional.binary_cross_entropy_with_logits(scores.float(), single, reduction="none")
    return ((one_of_all + each.sum(dim=1)) * weight).mean()
