"""The quantifier's network: the classifier's trunk, and weights for every pixel and time.

A contrast is best measured by a weighted mean of the data, with the weights that belong to
where the molecule was at each time and to the noise there. The trunk sees the event and says
which weights; the estimate itself stays linear in the data, so its size is never guessed from
features. A correction and the width of the interval come from the features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from perrin.landing.quantities import QUANTILES, TARGETS
from perrin.landing.views import EDGES, HISTORY_CHANNELS
from perrin.train.classifier.network import FEATURES, HistoryNetwork

STRETCHES = 2 * (len(EDGES) - 1) + 1
_WIDTH = 48
_HIDDEN = 192
_MOTION = len(TARGETS) - 1
UNITS = (1.0, 8.0, 8.0, 4.0, 2.0)
"""Of the targets, so that all are of about the same size."""


class QuantifierNetwork(nn.Module):
    """Histories (B, 33, 17, 17) -> quantiles (B, 5, 3) in units of their own, logits (B, 6)."""

    def __init__(self, trunk: HistoryNetwork) -> None:
        super().__init__()
        self.trunk = trunk
        self.narrow = nn.ModuleList(nn.Conv2d(width, _WIDTH, 1) for width in trunk.widths)
        self.join = nn.ModuleList(nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1) for _ in trunk.widths[1:])
        self.weigh = nn.Conv2d(_WIDTH, STRETCHES, 1)
        self.hidden = nn.Linear(FEATURES + STRETCHES + 1, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, 3 + len(QUANTILES) * _MOTION)

    def look(self, view: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, 33, 17, 17) -> features (B, 256), weights (B, 31, 17, 17), logits (B, 6)."""
        maps = self.trunk.maps(view)
        features = self.trunk.features(maps[-1])
        logits = self.trunk.out(features).chunk(2, dim=1)[1]
        return features, self.weigh(self.decode(maps)), logits

    def read(self, view: Tensor, features: Tensor, weights: Tensor) -> Tensor:
        """Return quantiles (B, 5, 3); in full precision, which the trunk does not need."""
        parts = (weights * view[:, :STRETCHES]).mean(dim=(2, 3))  # (B, 31)
        ratio = view[:, HISTORY_CHANNELS - 1, 0, 0]
        seen = torch.cat([features, parts, ratio[:, None]], dim=1)
        found = self.out(functional.gelu(self.hidden(seen)))
        contrast = _contrast(parts.sum(dim=1), found[:, :3])
        return torch.cat([contrast[:, None], _motion(found[:, 3:])], dim=1)

    def forward(self, view: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 33, 17, 17) -> (B, 5, 3), (B, 6)."""
        features, weights, logits = self.look(view)
        return self.read(view, features, weights), logits

    def decode(self, maps: list[Tensor]) -> Tensor:
        """Maps of all stages -> (B, 48, 17, 17): the coarse ones brought to the fine."""
        x = self.narrow[-1](maps[-1])
        for stage in range(len(maps) - 2, -1, -1):
            size = maps[stage].shape[-2:]
            x = functional.interpolate(functional.relu(x), size=size, mode="nearest")
            x = self.join[stage](functional.relu(x + self.narrow[stage](maps[stage])))
        return functional.relu(x)


def _contrast(linear: Tensor, found: Tensor) -> Tensor:
    """Linear estimate (B,), correction and widths (B, 3) -> low, middle, high (B, 3)."""
    middle = linear * torch.exp(0.5 * torch.tanh(found[:, 0]))
    width = torch.exp(found[:, 1:].clamp(-6.0, 4.0) - 1.0)
    return torch.stack([middle - width[:, 0], middle, middle + width[:, 1]], dim=1)


def _motion(found: Tensor) -> Tensor:
    """(B, 12) -> (B, 4, 3) rising quantiles of what is never below 0."""
    rises = functional.softplus(found.view(-1, _MOTION, len(QUANTILES)))
    return rises.cumsum(dim=2)
