"""What networks that read trajectories share: invariant filters and residual blocks.

Rotation, reflection and shift change nothing by construction: a bank of linear filters, shared
by all axes, runs over displacements at several lags; only the lengths of the filtered vectors
go on. T, the number of frames, is a multiple of 4.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from perrin.diffusion.standard import LAGS

FILTERS = 8  # of each lag
TAPS = 7
STAGES = ((48, (1, 2)), (64, (1, 2)), (96, (1, 2, 4, 8)))  # channels, dilations; halved in between
ENERGIES = FILTERS * len(LAGS) + 1
MASKS = len(LAGS) + 1
INPUTS = 2 * ENERGIES + MASKS
OF_WHOLE = 2 * ENERGIES + MASKS + 2
OF_FRAME = STAGES[0][0]


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
        self.spread = nn.Conv2d(
            channels, channels, (1, 3), dilation=(1, dilation), padding=(0, dilation)
        )
        self.mix = nn.Conv2d(channels, channels, 1)
        self.gain = nn.Parameter(torch.full((1, channels, 1, 1), 0.1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(N, C, 1, T), (N, 1, 1, T) -> (N, C, 1, T)."""
        y = self.mix(functional.relu(self.spread(x)))
        out: Tensor = (x + self.gain * y) * mask
        return out


class Stage(nn.ModuleList):
    """Blocks one after the other, at one resolution."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(N, C, 1, T), (N, 1, 1, T) -> (N, C, 1, T)."""
        for block in self:
            x = block(x, mask)
        return x


class Trunk(nn.Module):
    """Residual blocks at falling resolution, and back up to every frame.

    A trajectory is an image of one row: ONNX Runtime has the quicker convolutions for images.
    """

    def __init__(self, *, extra: int) -> None:
        super().__init__()
        channels = [wide for wide, _ in STAGES]
        widths = [INPUTS + extra, *channels]
        self.enter = nn.ModuleList(
            nn.Conv2d(before, after, 1) for before, after in pairwise(widths)
        )
        self.blocks = nn.ModuleList(
            Stage(Block(wide, dilation) for dilation in dilations) for wide, dilations in STAGES
        )
        self.back = nn.ModuleList(
            nn.Conv2d(coarse + fine, fine, 1) for fine, coarse in pairwise(channels)
        )
        self.after = nn.ModuleList(
            Stage((Block(wide, 1), Block(wide, 2))) for wide in channels[:-1]
        )
        self.pooled = 3 * channels[-1] + 2 * sum(channels[:-1]) + 3 * channels[0]

    def forward(self, x: Tensor, seen: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(N, C, T), (N, T) -> features of every frame (N, 48, T), and what is pooled over time."""
        x, mask = x[:, :, None], seen[:, None, None]
        pooled, levels = [], []
        for stage, (enter, blocks) in enumerate(zip(self.enter, self.blocks, strict=True)):
            if stage:
                x, mask = functional.avg_pool2d(x, (1, 2)), functional.max_pool2d(mask, (1, 2))
            x = blocks(enter(x) * mask, mask)
            levels.append((x, mask))
            pooled += pool(x.float(), mask, with_largest=stage == len(STAGES) - 1)
        for stage in reversed(range(len(STAGES) - 1)):
            fine, mask = levels[stage]
            twice = torch.stack([x, x], dim=4).flatten(start_dim=3)  # quicker than repeating
            x = torch.cat([fine, twice], dim=1)
            x = self.after[stage](functional.relu(self.back[stage](x)) * mask, mask)
        pooled += pool(x.float(), mask, with_largest=True)
        return x[:, :, 0], pooled


def inputs_of(found: Energies) -> Tensor:
    """Return what the trunk sees of every frame: (N, INPUTS, T)."""
    return torch.cat(
        [(found.energy + 0.003).log(), (found.energy + 1e-4).sqrt(), found.masks], dim=1
    )


def of_whole(found: Energies, *, dims: int) -> list[Tensor]:
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


def pool(x: Tensor, mask: Tensor, *, with_largest: bool) -> list[Tensor]:
    """Return mean and standard deviation over what is seen, and the maximum where asked.

    (N, C, 1, T), (N, 1, 1, T) -> (N, C) each.
    """
    count = mask.sum(dim=(2, 3))
    mean = x.sum(dim=(2, 3)) / count
    spread = (((x - mean[:, :, None, None]) * mask) ** 2).sum(dim=(2, 3)) / count
    both = [mean, (spread + 1e-6).sqrt()]
    return [*both, (x + (mask - 1) * 1e4).amax(dim=(2, 3))] if with_largest else both
