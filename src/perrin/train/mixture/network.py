"""The network that reads mixtures: from one short trajectory to fractions and exponents.

It answers the same for a rotated, reflected or shifted trajectory by construction: a bank of
linear filters, shared by all axes, runs over displacements at several lags; only the lengths
of the filtered vectors go on. The mean of their squares is what a likelihood of a Gaussian
process is made of, so FBM is read almost directly; the residual blocks see jumps and waits.

What the blocks see frame by frame then splits the trajectory in two paths: the CTRW part, a
sum of displacements weighted frame by frame, and the rest. Their spreads are what the ratio is
made of, the filters over the rest tell of FBM without the jumps, and how long no jump lasts
tells of the waits.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from perrin.diffusion.standard import KNOWN, LAGS, TARGETS
from perrin.train.precision import in_bfloat16
from perrin.train.trajectory import (
    FILTERS,
    OF_FRAME,
    OF_WHOLE,
    Filters,
    Trunk,
    inputs_of,
    of_whole,
)

WAITS = (*LAGS, 256, 512)


class Reading(NamedTuple):
    """What the network says of N trajectories.

    answer (N, 10, 3): low, middle and high of each target; jump, segment (N, T): logits that
    the step from a frame to the next holds a jump, and that it follows the CTRW; moved
    (N, d, T): displacement of the CTRW part in that step.
    """

    prediction: Tensor
    jump: Tensor
    segment: Tensor
    moved: Tensor


class MixtureNetwork(nn.Module):
    """Standardized positions (N, T, d), seen (N, T), known (N, 4) -> answer, frames.

    T is a multiple of 4 (`perrin.diffusion.standard`). answer (N, 10, 3): low, middle and high
    in the order of `TARGETS`, each in 0 to 1, the middle ones of the four fractions with sum 1.
    frames (N, T, 2): probability of a jump in the step from a frame to the next, and that the
    step follows the CTRW.
    """

    def __init__(self) -> None:
        super().__init__()
        self.filters, self.rest = Filters(), Filters()
        self.trunk = Trunk(extra=KNOWN)
        self.frames = nn.Conv1d(OF_FRAME, 2 + FILTERS + 1, 1)
        of_paths = 2 * (len(LAGS) + 1) + 2
        pooled = 2 * OF_WHOLE + self.trunk.pooled + of_paths + len(WAITS) + KNOWN
        self.head = nn.Sequential(
            nn.Linear(pooled, 384), nn.ReLU(), nn.Linear(384, 256), nn.ReLU(), nn.Linear(256, 30)
        )

    def forward(self, positions: Tensor, seen: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return answer and frames."""
        told = self.read(positions, seen, known)
        return told.prediction, torch.stack([told.jump, told.segment], dim=2).sigmoid()

    def read(self, positions: Tensor, seen: Tensor, known: Tensor) -> Reading:
        """Return all that the network says; in training the trunk runs in bfloat16."""
        x = positions.transpose(1, 2)  # (N, d, T)
        found = self.filters(x, seen)
        told = known[:, :, None].expand(-1, -1, x.shape[2])
        inputs = torch.cat([inputs_of(found), told], dim=1)
        with in_bfloat16(self.training):
            features, pooled = self.trunk(inputs, seen)
        of_frames = self.frames(features.float())
        jump, segment, gates = of_frames.split((1, 1, FILTERS + 1), dim=1)
        both = found.masks[:, :1]
        step = (functional.pad(x, (0, 1))[:, :, 1:] - x) * both
        vectors = torch.cat([step[:, :, None], found.vectors], dim=2)  # (N, d, 1 + FILTERS, T)
        moved = (vectors * gates[:, None]).sum(dim=2) * both
        paths = [_path(moved, seen), _path(step - moved, seen)]
        rest = self.rest(paths[1], seen)
        parts = [
            *of_whole(found, dims=x.shape[1]),
            *pooled,
            *_of_paths(paths, found.masks),
            *of_whole(rest, dims=x.shape[1]),
            _waits(jump[:, 0], both[:, 0]),
            known,
        ]
        prediction = bounded(self.head(torch.cat(parts, dim=1)))
        return Reading(prediction, jump[:, 0], segment[:, 0], moved)


def _path(moved: Tensor, seen: Tensor) -> Tensor:
    """Return the sum of displacements (N, d, T), moved to its mean where seen."""
    path = functional.pad(moved.cumsum(dim=2), (1, 0))[:, :, :-1]
    mask = seen[:, None]
    return (path - (path * mask).sum(dim=2, keepdim=True) / mask.sum(dim=2, keepdim=True)) * mask


def _of_paths(paths: list[Tensor], masks: Tensor) -> list[Tensor]:
    """Return spread and mean squared displacements of both paths, and the ratio they make."""
    features, spreads = [], []
    length = masks.shape[2]
    for path in paths:
        spread = (path * path).mean(dim=1).sum(dim=1) / masks[:, -1].sum(dim=1)
        later = functional.pad(path, (0, LAGS[-1]))
        msd = [
            (((later[:, :, lag : lag + length] - path) ** 2).mean(dim=1) * masks[:, k]).sum(dim=1)
            / masks[:, k].sum(dim=1).clamp(min=1)
            for k, lag in enumerate(LAGS)
        ]
        features.append((torch.stack([spread, *msd], dim=1) + 1e-3).log())
        spreads.append((spread + 1e-5).sqrt())
    ratio = spreads[0] / (spreads[0] + spreads[1])
    return [*features, torch.stack([ratio, ratio.logit(eps=1e-3) / 4], dim=1)]


def _waits(jump: Tensor, both: Tensor) -> Tensor:
    """Return the probability that no jump happens in a number of steps, `WAITS`: (N, 10)."""
    still = (-functional.softplus(jump) * both).cumsum(dim=1)
    length = still.shape[1]
    later, later_both = (functional.pad(x, (0, WAITS[-1])) for x in (still, both))
    fractions = []
    for wait in WAITS:
        pair = both * later_both[:, wait : wait + length]
        survived = (later[:, wait : wait + length] - still).clamp(max=0).exp() * pair
        fractions.append(survived.sum(dim=1) / pair.sum(dim=1).clamp(min=1))
    return torch.stack(fractions, dim=1)


def bounded(raw: Tensor) -> Tensor:
    """Return low <= middle <= high within 0 to 1: (N, 30) -> (N, 10, 3)."""
    middle, low, high = raw.reshape(-1, 3, len(TARGETS)).unbind(dim=1)
    middle = torch.cat([middle[:, :4].softmax(dim=1), middle[:, 4:].sigmoid()], dim=1)
    # the interval does not pull at the middle, which stays the median
    fixed = middle.detach()
    low = fixed * (low - 1).sigmoid()
    high = 1 - (1 - fixed) * (high - 1).sigmoid()
    return torch.stack([low, middle, high], dim=2)
