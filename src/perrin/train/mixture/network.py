"""The network that reads mixtures: from one short trajectory to shares and exponents.

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

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from perrin.diffusion.standard import KNOWN, LAGS, TARGETS

FILTERS = 8  # of each lag
TAPS = 7
STAGES = ((48, (1, 2)), (64, (1, 2)), (96, (1, 2, 4, 8)))  # channels, dilations; halved in between
WAITS = (*LAGS, 256, 512)
ENERGIES = FILTERS * len(LAGS) + 1
MASKS = len(LAGS) + 1
OF_WHOLE = 2 * ENERGIES + MASKS + 2


class Reading(NamedTuple):
    """What the network says of N trajectories.

    answer (N, 10, 3): low, middle and high of each target; jump, segment (N, T): logits that
    the step from a frame to the next holds a jump, and that it follows the CTRW; moved
    (N, d, T): displacement of the CTRW part in that step.
    """

    answer: Tensor
    jump: Tensor
    segment: Tensor
    moved: Tensor


class Energies(NamedTuple):
    """Of the filtered displacements: vectors of lag 1, squared lengths, what is seen at each lag.

    vectors (N, d, FILTERS, T), energy (N, 65, T), masks (N, 9, T). The last of each: the
    distance from the middle of the track, and seen itself.
    """

    vectors: Tensor
    energy: Tensor
    masks: Tensor


class Filters(nn.Module):
    """Vector filters over displacements at each lag."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv1d(1, FILTERS, TAPS, dilation=max(1, lag // 2), padding="same", bias=False)
            for lag in LAGS
        )

    def forward(self, x: Tensor, seen: Tensor) -> Energies:
        """(N, d, T), (N, T) -> filtered."""
        count, dims, length = x.shape
        later_x = functional.pad(x, (0, LAGS[-1]))
        later_seen = functional.pad(seen, (0, LAGS[-1]))
        vectors, energies, masks = [], [], []
        for lag, conv in zip(LAGS, self.convs, strict=True):
            both = seen * later_seen[:, lag : lag + length]  # (N, T)
            moved = (later_x[:, :, lag : lag + length] - x) * both[:, None] * lag**-0.25
            filtered = conv(moved.reshape(count * dims, 1, length))
            filtered = filtered.reshape(count, dims, FILTERS, length)
            vectors.append(filtered)
            energies.append((filtered * filtered).mean(dim=1) * seen[:, None])  # (N, FILTERS, T)
            masks.append(both)
        from_middle = (0.1 * x * x).mean(dim=1) * seen
        energies.append(from_middle[:, None])
        return Energies(vectors[0], torch.cat(energies, dim=1), torch.stack([*masks, seen], dim=1))


class Block(nn.Module):
    """A residual block of dilated convolutions; what is not seen stays zero."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.spread = nn.Conv1d(channels, channels, 3, dilation=dilation, padding="same")
        self.mix = nn.Conv1d(channels, channels, 1)
        self.gain = nn.Parameter(torch.full((1, channels, 1), 0.1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(N, C, T), (N, 1, T) -> (N, C, T)."""
        y = self.mix(functional.relu(self.spread(x)))
        out: Tensor = (x + self.gain * y) * mask
        return out


class Stage(nn.ModuleList):
    """Blocks one after the other, at one resolution."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(N, C, T), (N, 1, T) -> (N, C, T)."""
        for block in self:
            x = block(x, mask)
        return x


class Trunk(nn.Module):
    """Residual blocks at falling resolution, and back up to every frame."""

    def __init__(self) -> None:
        super().__init__()
        channels = [wide for wide, _ in STAGES]
        widths = [2 * ENERGIES + MASKS + KNOWN, *channels]
        self.enter = nn.ModuleList(
            nn.Conv1d(before, after, 1) for before, after in pairwise(widths)
        )
        self.blocks = nn.ModuleList(
            Stage(Block(wide, dilation) for dilation in dilations) for wide, dilations in STAGES
        )
        self.back = nn.ModuleList(
            nn.Conv1d(coarse + fine, fine, 1) for fine, coarse in pairwise(channels)
        )
        self.after = nn.ModuleList(
            Stage((Block(wide, 1), Block(wide, 2))) for wide in channels[:-1]
        )
        self.pooled = 3 * channels[-1] + 2 * sum(channels[:-1]) + 3 * channels[0]

    def forward(self, x: Tensor, seen: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(N, C, T), (N, T) -> features of every frame (N, 48, T), and what is pooled over time."""
        mask = seen[:, None]
        pooled, levels = [], []
        for stage, (enter, blocks) in enumerate(zip(self.enter, self.blocks, strict=True)):
            if stage:
                x, mask = functional.avg_pool1d(x, 2), functional.max_pool1d(mask, 2)
            x = blocks(enter(x) * mask, mask)
            levels.append((x, mask))
            pooled += _pool(x.float(), mask, with_largest=stage == len(STAGES) - 1)
        for stage in reversed(range(len(STAGES) - 1)):
            fine, mask = levels[stage]
            x = torch.cat([fine, x.repeat_interleave(2, dim=2)], dim=1)
            x = self.after[stage](functional.relu(self.back[stage](x)) * mask, mask)
        pooled += _pool(x.float(), mask, with_largest=True)
        return x, pooled


class MixtureNetwork(nn.Module):
    """Standardised positions (N, T, d), seen (N, T), known (N, 4) -> answer, frames.

    T is a multiple of 4 (`perrin.diffusion.standard`). answer (N, 10, 3): low, middle and high
    in the order of `TARGETS`, each in 0 to 1, the middle ones of the four shares with sum 1.
    frames (N, T, 2): probability of a jump in the step from a frame to the next, and that the
    step follows the CTRW.
    """

    def __init__(self) -> None:
        super().__init__()
        self.filters, self.rest = Filters(), Filters()
        self.trunk = Trunk()
        self.frames = nn.Conv1d(STAGES[0][0], 2 + FILTERS + 1, 1)
        of_paths = 2 * (len(LAGS) + 1) + 2
        pooled = 2 * OF_WHOLE + self.trunk.pooled + of_paths + len(WAITS) + KNOWN
        self.head = nn.Sequential(
            nn.Linear(pooled, 384), nn.ReLU(), nn.Linear(384, 256), nn.ReLU(), nn.Linear(256, 30)
        )

    def forward(self, positions: Tensor, seen: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return answer and frames."""
        told = self.read(positions, seen, known)
        return told.answer, torch.stack([told.jump, told.segment], dim=2).sigmoid()

    def read(self, positions: Tensor, seen: Tensor, known: Tensor) -> Reading:
        """Return all that the network says; in training the trunk runs in bfloat16."""
        x = positions.transpose(1, 2)  # (N, d, T)
        found = self.filters(x, seen)
        inputs = torch.cat(
            [
                (found.energy + 0.003).log(),
                (found.energy + 1e-4).sqrt(),
                found.masks,
                known[:, :, None].expand(-1, -1, x.shape[2]),
            ],
            dim=1,
        )
        if self.training:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                features, pooled = self.trunk(inputs, seen)
        else:
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
            *_of_whole(found, dims=x.shape[1]),
            *pooled,
            *_of_paths(paths, found.masks),
            *_of_whole(rest, dims=x.shape[1]),
            _waits(jump[:, 0], both[:, 0]),
            known,
        ]
        answer = bounded(self.head(torch.cat(parts, dim=1)))
        return Reading(answer, jump[:, 0], segment[:, 0], moved)


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
    still = (functional.logsigmoid(-jump) * both).cumsum(dim=1)
    length = still.shape[1]
    later, later_both = (functional.pad(x, (0, WAITS[-1])) for x in (still, both))
    shares = []
    for wait in WAITS:
        pair = both * later_both[:, wait : wait + length]
        survived = (later[:, wait : wait + length] - still).clamp(max=0).exp() * pair
        shares.append(survived.sum(dim=1) / pair.sum(dim=1).clamp(min=1))
    return torch.stack(shares, dim=1)


def _of_whole(found: Energies, *, dims: int) -> list[Tensor]:
    """Return what the whole trajectory says at each filter: mean energy and its kurtosis."""
    energy = found.energy
    times = found.masks.sum(dim=2)  # (N, 9)
    of_lags = times[:, :-1].repeat_interleave(FILTERS, dim=1)
    per_filter = torch.cat([of_lags, times[:, -1:]], dim=1).clamp(min=1)
    mean = energy.sum(dim=2) / per_filter + 1e-3
    fourth = (energy * energy).sum(dim=2) / per_filter + 1e-6
    lag_one = times[:, :1].clamp(min=1)
    axes = torch.ones_like(lag_one) * dims
    return [
        mean.log(),
        (fourth / (mean * mean)).log(),
        times / lag_one,
        lag_one.log() - 4.0,
        axes - 2.0,
    ]


def _pool(x: Tensor, mask: Tensor, *, with_largest: bool) -> list[Tensor]:
    """Return mean and standard deviation over what is seen, and the maximum where asked."""
    count = mask.sum(dim=2)
    mean = x.sum(dim=2) / count
    spread = (((x - mean[:, :, None]) * mask) ** 2).sum(dim=2) / count
    both = [mean, (spread + 1e-6).sqrt()]
    return [*both, (x + (mask - 1) * 1e4).amax(dim=2)] if with_largest else both


def bounded(raw: Tensor) -> Tensor:
    """Return low <= middle <= high within 0 to 1: (N, 30) -> (N, 10, 3)."""
    middle, low, high = raw.reshape(-1, 3, len(TARGETS)).unbind(dim=1)
    middle = torch.cat([middle[:, :4].softmax(dim=1), middle[:, 4:].sigmoid()], dim=1)
    # the interval does not pull at the middle, which stays the median
    fixed = middle.detach()
    low = fixed * (low - 1).sigmoid()
    high = 1 - (1 - fixed) * (high - 1).sigmoid()
    return torch.stack([low, middle, high], dim=2)
