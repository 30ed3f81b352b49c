"""The paper's recipe for its network: fixed events, plain gradient descent, 20 epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.optim.lr_scheduler import ReduceLROnPlateau

from perrin.events import PAPER_CLASSES
from perrin.landing.views import standardized
from perrin.settings.classifier import PaperTraining
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.thumbnails import simulate_thumbnails
from perrin.train.classifier.resnet import ResNet3D
from perrin.train.loop import Figures, Task
from perrin.train.precision import in_bfloat16

_BATCH = 100  # of validation


@dataclass(frozen=True)
class Labeled:
    """Thumbnails (N, 1, T, 17, 17) and the number of the class of each (N,)."""

    views: NDArray[np.float32]
    labels: NDArray[np.int64]


def paper_task(
    settings: PaperTraining,
) -> tuple[Task[ResNet3D, Labeled], Callable[[ResNet3D], Figures]]:
    """Return what the paper trains, and the function that validates it."""
    trained, held_out = _events(settings)
    per_epoch = len(trained.labels) // settings.batch
    torch.manual_seed(settings.seed)
    network = ResNet3D(width=settings.width, classes=len(PAPER_CLASSES))
    network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def batches(first_step: int) -> Iterator[Labeled]:
        for epoch in range(first_step // per_epoch, settings.epochs):
            rng = np.random.default_rng([settings.seed, epoch])
            order = rng.permutation(len(trained.labels))
            first = first_step % per_epoch if epoch == first_step // per_epoch else 0
            for k in range(first, per_epoch):
                rows = order[k * settings.batch : (k + 1) * settings.batch]
                yield Labeled(trained.views[rows], trained.labels[rows])

    optimizer = torch.optim.SGD(network.parameters(), lr=settings.learning_rate)
    task = Task(
        network=network,
        optimizer=optimizer,
        batches=batches,
        loss=_loss,
        schedule=ReduceLROnPlateau(
            optimizer, factor=settings.factor, patience=settings.patience, eps=0.0
        ),
        watched="validation_loss",
        steps=per_epoch * settings.epochs,
        validate_every=per_epoch,
        clip=settings.clip,
    )
    return task, lambda network: _validate(network, held_out)


def _events(settings: PaperTraining) -> tuple[Labeled, Labeled]:
    """Return the events to train on and those to validate with."""
    drawn = simulate_thumbnails(
        settings.events,
        settings=ThumbnailSettings(n_avg=settings.n_avg),
        seed=settings.seed,
        workers=2,
    )
    views = standardized(drawn.thumbnails, drawn.inside)[:, None]
    labels = np.array([PAPER_CLASSES.index(name) for name in drawn.labels])
    whole = np.isfinite(views).all(axis=(1, 2, 3, 4))  # "removing any that contained NaN"
    views, labels = views[whole], labels[whole]
    split = round(settings.trained * len(labels))  # the simulator's order is random
    return Labeled(views[:split], labels[:split]), Labeled(views[split:], labels[split:])


def _logits(network: ResNet3D, views: NDArray[np.float32]) -> Tensor:
    x = torch.from_numpy(views).to(memory_format=torch.channels_last_3d)
    with in_bfloat16():
        logits: Tensor = network(x)
    return logits.float()


def _loss(network: ResNet3D, batch: Labeled) -> Tensor:
    return functional.cross_entropy(_logits(network, batch.views), torch.from_numpy(batch.labels))


def _validate(network: ResNet3D, held_out: Labeled) -> Figures:
    labels = torch.from_numpy(held_out.labels)
    with torch.inference_mode():
        found = torch.cat(
            [
                _logits(network, held_out.views[first : first + _BATCH])
                for first in range(0, len(labels), _BATCH)
            ]
        )
    return {
        "validation_loss": float(functional.cross_entropy(found, labels)),
        "accuracy": float((found.argmax(dim=1) == labels).float().mean()),
    }
