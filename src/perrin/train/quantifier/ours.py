"""The recipe of the quantifier: fresh events, quantile losses, AdamW, averaged weights.

Two things keep the estimate unbiased. Events are weighted so that all masses count as if they
were equally common, whatever they were drawn from: the median of what is possible is then
where the likelihood has its middle, and nothing is pulled to common masses. And each event's
loss is divided by the width of its own interval, so that sharp events count as much as blurred
ones. Both weights depend on what the network sees, beside the mass that cancels the prior.

Beside the numbers it learns the history of the molecule that is meant, alone, without noise and
neighbors: that tells it which one is meant, where and when it is.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from perrin.errors import PerrinError
from perrin.landing.quantifier.quantities import QUANTILES
from perrin.settings.quantifier import QuantifierTraining
from perrin.settings.simulation import MassPrior
from perrin.train.classifier.network import HistoryNetwork
from perrin.train.events.blocks import events_task
from perrin.train.events.source import Source
from perrin.train.loop import Task
from perrin.train.precision import in_bfloat16
from perrin.train.quantifier.data import BLOCK_STEPS, Batch, draw_block
from perrin.train.quantifier.network import UNITS, QuantifierNetwork

_ENDS = 1.5  # weight of the ends of an interval, whose losses are small by nature
_MOTION = 0.25  # of a target of motion
_IMAGE = 0.5
_FAINTEST = 1.0  # of the power of a molecule, in that of a pixel
_NARROWEST = 0.02  # of what a width of the contrast is taken for
_MOST = 5.0


def quantifier_task(
    settings: QuantifierTraining,
    source: Source,
    *,
    workers: int,
    trunk: HistoryNetwork | None = None,
    start: QuantifierNetwork | None = None,
) -> Task[QuantifierNetwork, Batch]:
    """Return what is trained: on a classifier's trunk, from nothing or the weights of `start`.

    Raises `PerrinError` for a trunk of another size than that of `start`.
    """
    torch.manual_seed(settings.seed)
    network = start or QuantifierNetwork(trunk or HistoryNetwork())
    if start is not None and trunk is not None:
        if (trunk.widths, trunk.blocks) != (start.trunk.widths, start.trunk.blocks):
            raise PerrinError(
                f"the classifier has {trunk.blocks} blocks of {trunk.widths[0]} channels, that of "
                f"--from {start.trunk.blocks} of {start.trunk.widths[0]}: leave --from out to "
                "train from nothing, or give a classifier of that size."
            )
        start.trunk.load_state_dict(trunk.state_dict())
    return events_task(
        network,
        settings,
        draw_block=partial(draw_block, settings, source),
        block_steps=BLOCK_STEPS,
        loss=lambda network, batch: _loss(network, batch, settings.masses),
        workers=workers,
    )


def _loss(network: QuantifierNetwork, batch: Batch, prior: MassPrior) -> Tensor:
    view = torch.from_numpy(batch.views).to(memory_format=torch.channels_last)
    with in_bfloat16():
        seen, maps, _ = network.look(view)
        weights, alone = network.weigh(maps), network.image(maps)
    quantiles = network.read(view, seen.float(), weights.float())
    unit = quantiles.new_tensor(UNITS)
    target = torch.from_numpy(batch.target) / unit
    known = torch.from_numpy(batch.known)
    low, middle, high = quantiles[:, 0].detach().unbind(dim=1)
    width = ((high - low) / 3.29).clamp_min(_NARROWEST)
    flat = flatness(batch, middle, prior)
    lost = pinball(quantiles, target) * known  # (B, 5)
    contrast = (lost[:, 0] / width * flat).mean()
    motion = (lost[:, 1:] * flat[:, None]).mean(dim=0).sum()
    return contrast + _MOTION * motion + _IMAGE * unlike(alone.float(), batch)


def unlike(alone: Tensor, batch: Batch) -> Tensor:
    """Return how unlike histories (B, 31, 17, 17) are to those of the molecules meant, alone.

    That is ``log(1 + m)``, the mean over the batch, where m is the power that is missed over that
    of the molecule. It teaches the network which of many molecules is meant, and where and when
    it is: one number for each event would say little of that. Molecules that move are left out.
    """
    time_course = torch.from_numpy(batch.time_course).float() * torch.from_numpy(
        -batch.target[:, :1]
    )
    true = time_course[:, :, None, None] * torch.from_numpy(batch.image).float()[:, None]
    power = (true**2).sum(dim=(1, 2, 3))
    missed = ((alone - true) ** 2).sum(dim=(1, 2, 3)) / power.clamp_min(_FAINTEST)
    return torch.where(power > 0, torch.log1p(missed), 0.0).mean()


def pinball(quantiles: Tensor, target: Tensor) -> Tensor:
    """Return the quantile loss: (B, 5, 3), (B, 5) -> (B, 5)."""
    missed = target[:, :, None] - quantiles
    levels = missed.new_tensor(QUANTILES)
    loss = torch.maximum(levels * missed, (levels - 1) * missed)
    return (loss * missed.new_tensor((_ENDS, 1.0, _ENDS))).sum(dim=2)


def flatness(batch: Batch, middle: Tensor, prior: MassPrior) -> Tensor:
    """Weights (B,) with which all masses near the one that is seen are equally common."""
    true = torch.from_numpy(batch.mass_kda)
    per_scale = torch.from_numpy(batch.scale / batch.contrast_per_kda)
    return (_density(middle * per_scale, prior) / _density(true, prior)).clamp_max(_MOST)


def _density(mass: Tensor, prior: MassPrior) -> Tensor:
    """Density of the prior, without a unit; as at its ends beyond them."""
    below = prior.low_fraction / (prior.middle_kda - prior.low_kda)
    above = (1 - prior.low_fraction) / (prior.high_kda - prior.middle_kda)
    return torch.where(mass < prior.middle_kda, below, above)
