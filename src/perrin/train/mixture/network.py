"""The network that reads mixtures: from one short trajectory to shares and exponents.

It answers the same for a rotated, reflected or shifted trajectory by construction: a bank of
linear filters, shared by all axes, runs over displacements at several lags; only the lengths
of the filtered vectors go on. The mean of their squares is what a likelihood of a Gaussian
process is made of, so FBM is read almost directly; the residual blocks see jumps and waits.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from perrin.diffusion.standard import LAGS, TARGETS

FILTERS = 8  # of each lag
TAPS = 7
STAGES = ((48, (1, 2)), (64, (1, 2)), (96, (1, 2, 4, 8)))  # channels, dilations; halved in between


class Filters(nn.Module):
    """Vector filters over displacements at each lag: (N, T, d), (N, T) -> (N, C, T)."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv1d(1, FILTERS, TAPS, dilation=max(1, lag // 2), padding="same", bias=False)
            for lag in LAGS
        )

    def forward(self, positions: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return squared lengths of the filtered vectors, what is seen: (N, 65, T), (N, 9, T).

        The last of each: the distance from the middle of the track, and seen itself.
        """
        count, length, dims = positions.shape
        x = positions.transpose(1, 2)  # (N, d, T)
        later_x = functional.pad(x, (0, LAGS[-1]))
        later_seen = functional.pad(seen, (0, LAGS[-1]))
        energies, masks = [], []
        for lag, conv in zip(LAGS, self.convs, strict=True):
            both = seen * later_seen[:, lag : lag + length]  # (N, T)
            moved = (later_x[:, :, lag : lag + length] - x) * both[:, None] * lag**-0.25
            filtered = conv(moved.reshape(count * dims, 1, length))
            filtered = filtered.reshape(count, dims, FILTERS, length)
            energies.append((filtered * filtered).mean(dim=1) * seen[:, None])  # (N, FILTERS, T)
            masks.append(both)
        from_middle = (0.1 * positions * positions).mean(dim=2) * seen
        energies.append(from_middle[:, None])
        return torch.cat(energies, dim=1), torch.stack([*masks, seen], dim=1)


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


class MixtureNetwork(nn.Module):
    """Standardised positions (N, T, d) and seen frames (N, T) -> low, middle, high (N, 10, 3).

    T is a multiple of 4 (`perrin.diffusion.standard`); outputs are in the order of `TARGETS`, each
    in 0 to 1, the middle ones of the four shares with sum 1.
    """

    def __init__(self) -> None:
        super().__init__()
        energies, views = FILTERS * len(LAGS) + 1, len(LAGS) + 1
        self.filters = Filters()
        widths = [2 * energies + views] + [channels for channels, _ in STAGES]
        self.enter = nn.ModuleList(
            nn.Conv1d(before, after, 1) for before, after in pairwise(widths)
        )
        self.blocks = nn.ModuleList(
            Stage(Block(channels, dilation) for dilation in dilations)
            for channels, dilations in STAGES
        )
        pooled = 3 * widths[-1] + 2 * sum(widths[1:-1]) + 2 * energies + views + 2
        self.head = nn.Sequential(
            nn.Linear(pooled, 384), nn.ReLU(), nn.Linear(384, 256), nn.ReLU(), nn.Linear(256, 30)
        )

    def forward(self, positions: Tensor, seen: Tensor) -> Tensor:
        """Return low, middle and high of each target, (N, 10, 3)."""
        energy, masks = self.filters(positions, seen)  # (N, 65, T), (N, 9, T)
        pooled = self.whole(energy, masks, positions.shape[2]) + self.trunk(energy, masks, seen)
        return bounded(self.head(torch.cat(pooled, dim=1)))

    def whole(self, energy: Tensor, masks: Tensor, dims: int) -> list[Tensor]:
        """Return what the whole trajectory says at each filter: mean energy and its kurtosis."""
        times = masks.sum(dim=2)  # (N, 9)
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

    def trunk(self, energy: Tensor, masks: Tensor, seen: Tensor) -> list[Tensor]:
        """Return what the residual blocks find, pooled over time."""
        x = torch.cat([(energy + 0.003).log(), (energy + 1e-4).sqrt(), masks], dim=1)
        mask = seen[:, None]
        pooled = []
        for stage, (enter, blocks) in enumerate(zip(self.enter, self.blocks, strict=True)):
            if stage:
                x, mask = functional.avg_pool1d(x, 2), functional.max_pool1d(mask, 2)
            x = blocks(enter(x) * mask, mask)
            pooled += self._pool(x.float(), mask, last=stage == len(STAGES) - 1)
        return pooled

    @staticmethod
    def _pool(x: Tensor, mask: Tensor, *, last: bool) -> list[Tensor]:
        """Return mean and standard deviation over what is seen, and the maximum at the end."""
        count = mask.sum(dim=2)
        mean = x.sum(dim=2) / count
        spread = (((x - mean[:, :, None]) * mask) ** 2).sum(dim=2) / count
        both = [mean, (spread + 1e-6).sqrt()]
        return [*both, (x + (mask - 1) * 1e4).amax(dim=2)] if last else both


def bounded(raw: Tensor) -> Tensor:
    """Return low <= middle <= high within 0 to 1: (N, 30) -> (N, 10, 3)."""
    middle, low, high = raw.reshape(-1, 3, len(TARGETS)).unbind(dim=1)
    middle = torch.cat([middle[:, :4].softmax(dim=1), middle[:, 4:].sigmoid()], dim=1)
    # the interval does not pull at the middle, which stays the median
    fixed = middle.detach()
    low = fixed * (low - 1).sigmoid()
    high = 1 - (1 - fixed) * (high - 1).sigmoid()
    return torch.stack([low, middle, high], dim=2)
