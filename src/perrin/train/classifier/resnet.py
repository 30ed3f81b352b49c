"""The paper's network: a three-dimensional ResNet-50 (paper 002, "Model Architecture").

Layers as Hara et al. (CVPR 2018) transcribe He et al. (CVPR 2016) to space-time, with the
paper's stem (7 x 3 x 3, then max pooling 3 x 3 x 3) and its two fully connected layers. Where
the paper is silent: the stem keeps the resolution, its pooling halves it, and the first of
the two fully connected layers has 512 outputs.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from perrin.train.classifier.network import shortcut

EXPANSION = 4
BLOCKS = (3, 4, 6, 3)
HIDDEN = 512


class Bottleneck(nn.Module):
    """1 x 1 x 1, 3 x 3 x 3 and 1 x 1 x 1 convolutions beside a shortcut."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        after = EXPANSION * width
        self.narrow = nn.Conv3d(before, width, 1, bias=False)
        self.norm_narrow = nn.BatchNorm3d(width)
        self.spread = nn.Conv3d(width, width, 3, stride=stride, padding=1, bias=False)
        self.norm_spread = nn.BatchNorm3d(width)
        self.widen = nn.Conv3d(width, after, 1, bias=False)
        self.norm_widen = nn.BatchNorm3d(after)
        self.shortcut = shortcut(before, after, stride, convolution=nn.Conv3d, norm=nn.BatchNorm3d)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, T, Y, X) -> (B, 4 width, T', Y', X')."""
        y = functional.relu(self.norm_narrow(self.narrow(x)))
        y = functional.relu(self.norm_spread(self.spread(y)))
        return functional.relu(self.norm_widen(self.widen(y)) + self.shortcut(x))


class ResNet3D(nn.Module):
    """Standardized thumbnails (B, 1, 40, 17, 17) -> one logit for each class, (B, 5).

    Width 64 is the ResNet-50 of the paper.
    """

    def __init__(self, *, width: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv3d(1, width, (7, 3, 3), padding=(3, 1, 1), bias=False)
        self.norm = nn.BatchNorm3d(width)
        self.pool = nn.MaxPool3d(3, stride=2, padding=1)
        layers: list[nn.Module] = []
        before = width
        for layer, count in enumerate(BLOCKS):
            for block in range(count):
                stride = 2 if layer > 0 and block == 0 else 1
                layers.append(Bottleneck(before, width << layer, stride))
                before = EXPANSION * (width << layer)
        self.first_layer = nn.Sequential(*layers[: BLOCKS[0]])
        self.layers = nn.Sequential(*layers[BLOCKS[0] :])
        self.hidden = nn.Linear(before, HIDDEN)
        self.out = nn.Linear(HIDDEN, classes)

    def first(self, x: Tensor) -> Tensor:
        """(B, 1, T, Y, X) -> (B, 4 width, T / 2, 9, 9)."""
        x = self.pool(functional.relu(self.norm(self.stem(x))))
        found: Tensor = self.first_layer(x)
        return found

    def features(self, first: Tensor) -> Tensor:
        """(B, 4 width, T / 2, 9, 9) -> (B, 512)."""
        x = self.layers(first)  # (B, 32 width, T / 16, 2, 2)
        return functional.relu(self.hidden(x.mean(dim=(2, 3, 4))))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, T, Y, X) -> logits (B, classes)."""
        logits: Tensor = self.out(self.features(self.first(x)))
        return logits
