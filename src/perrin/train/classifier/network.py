"""Our network: a small residual network in two dimensions that sees time as channels.

An event is aligned in time, so its history is an image with one channel for each stretch of
time: the first convolution already weighs all times against each other at full precision,
where a three-dimensional network has to find the landing frame first. The integration does
not matter to it (`perrin.landing.views`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from perrin.events import CLASSES
from perrin.landing.views import HISTORY_CHANNELS

WIDTH, BLOCKS = 64, 1
"""Channels at 17 x 17 pixels (twice as many at 9 x 9, four times at 5 x 5), blocks at each."""
FEATURES = 256


def shortcut(
    before: int,
    after: int,
    stride: int,
    *,
    convolution: type[nn.Conv2d | nn.Conv3d],
    norm: type[nn.BatchNorm2d | nn.BatchNorm3d],
) -> nn.Module:
    """Return what leads past a block: nothing, or a projection where the size changes."""
    if stride == 1 and before == after:
        return nn.Identity()
    return nn.Sequential(convolution(before, after, 1, stride=stride, bias=False), norm(after))


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.norm_first = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm_second = nn.BatchNorm2d(after)
        self.shortcut = shortcut(before, after, stride, convolution=nn.Conv2d, norm=nn.BatchNorm2d)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, Y, X) -> (B, after, Y', X')."""
        y = functional.relu(self.norm_first(self.first(x)))
        return functional.relu(self.norm_second(self.second(y)) + self.shortcut(x))


class HistoryNetwork(nn.Module):
    """Histories (B, 33, 17, 17) -> logits of the scores and of the classes, (B, 6) each.

    A score answers one question (is it a binder, yes or no), the class logits weigh the
    classes against each other; they are trained together.
    """

    def __init__(self, width: int = WIDTH, blocks: int = BLOCKS) -> None:
        super().__init__()
        self.blocks = blocks
        self.widths = (width, 2 * width, 4 * width)
        self.stem = nn.Conv2d(HISTORY_CHANNELS, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.stages = nn.ModuleList()
        before = width
        for after in self.widths:
            first = Block(before, after, 1 if after == width else 2)
            others = [Block(after, after, 1) for _ in range(blocks - 1)]
            self.stages.append(nn.Sequential(first, *others))
            before = after
        self.hidden = nn.Linear(2 * before, FEATURES)
        self.out = nn.Linear(FEATURES, 2 * len(CLASSES))

    def deepened(self, blocks: int) -> HistoryNetwork:
        """Return a network of more blocks in each stage that answers the same, to train on.

        The blocks that it has more add nothing at first: their last norm is 0.
        """
        deeper, own = HistoryNetwork(self.widths[0], blocks), self.state_dict()
        deeper.load_state_dict(own, strict=False)
        for name, weight in deeper.named_parameters():
            if name not in own and name.endswith("norm_second.weight"):
                nn.init.zeros_(weight)
        return deeper

    def maps(self, x: Tensor) -> list[Tensor]:
        """(B, 33, 17, 17) -> (B, W, 17, 17), (B, 2 W, 9, 9), (B, 4 W, 5, 5)."""
        x = functional.relu(self.norm(self.stem(x)))
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def features(self, last: Tensor) -> Tensor:
        """(B, 4 W, 5, 5) -> (B, 256)."""
        pooled = torch.cat([last.mean(dim=(2, 3)), last.amax(dim=(2, 3))], dim=1)
        return functional.relu(self.hidden(pooled))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 33, 17, 17) -> logits of scores (B, 6), of classes (B, 6)."""
        scores, classes = self.out(self.features(self.maps(x)[-1])).chunk(2, dim=1)
        return scores, classes
