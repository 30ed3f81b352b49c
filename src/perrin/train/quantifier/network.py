"""Our quantifier: a linear estimate whose weights the network chooses, and how sure it is.

The contrast is a weighted sum of the history, as in a fit; the network only says with which
weights: where the molecule is at each time, and what has to be taken off for its neighbors. It
looks through the first layers of a classifier, which stay as they are: one pass through them
classifies an event and predicts its mass. Layers of its own look at the history once more, finely.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from perrin.landing.quantifier.quantities import QUANTILES, TARGETS
from perrin.landing.views import EDGES, HISTORY_CHANNELS
from perrin.train.classifier.network import FEATURES, Block, HistoryNetwork

STRETCHES = 2 * (len(EDGES) - 1) + 1
_FINE, _MIDDLE = 48, 96
_HIDDEN = 192
_MOTION = len(TARGETS) - 1
_SEEN = FEATURES + 2 * _MIDDLE
UNITS = (1.0, 8.0, 8.0, 4.0, 2.0)
"""Of the targets, so that all are of about the same size."""


class QuantifierNetwork(nn.Module):
    """Histories (B, 33, 17, 17) -> quantiles (B, 5, 3) in units of their own.

    trunk is a classifier's network; it does not learn. ``weigh`` and ``image`` make of the maps the
    weights of the sum, and the history of the molecule that is meant alone, (B, 31, 17, 17) each;
    the image is asked for in training only.
    """

    def __init__(self, trunk: HistoryNetwork) -> None:
        super().__init__()
        self.trunk = trunk.requires_grad_(False)
        self.stem = nn.Conv2d(HISTORY_CHANNELS, _FINE, 3, padding=1)
        own = (_FINE, _MIDDLE, _MIDDLE)
        self.beside = nn.ModuleList(map(nn.Conv2d, trunk.widths, own, (1, 1, 1)))
        self.fine = Block(_FINE, _FINE, 1)
        self.middle = Block(_FINE, _MIDDLE, 2)
        self.join = nn.Conv2d(_MIDDLE, _FINE, 3, padding=1)
        self.refine = Block(_FINE, _FINE, 1)
        self.weigh = nn.Conv2d(_FINE, STRETCHES, 1)
        self.image = nn.Conv2d(_FINE, STRETCHES, 1)
        nn.init.zeros_(self.image.weight)
        self.hidden = nn.Linear(_SEEN + STRETCHES + 1, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, 3 + len(QUANTILES) * _MOTION)

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation; the trunk always evaluates."""
        super().train(mode)
        self.trunk.eval()
        return self

    def look(self, view: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what is known (B, 448), maps (B, 48, 17, 17), logits of the classifier (B, 12)."""
        with torch.no_grad():
            maps = self.trunk.maps(view)
            features = self.trunk.features(maps[-1])
            logits = self.trunk.out(features)
        fine, middle, coarse = (
            beside(seen) for beside, seen in zip(self.beside, maps, strict=True)
        )
        fine = self.fine(functional.relu(self.stem(view) + fine))
        middle = functional.relu(self.middle(fine) + middle + _as_fine_as(middle, coarse))
        found = self.refine(functional.relu(fine + _as_fine_as(fine, self.join(middle))))
        known = torch.cat([features, middle.mean(dim=(2, 3)), middle.amax(dim=(2, 3))], dim=1)
        return known, found, logits

    def read(self, view: Tensor, known: Tensor, weights: Tensor) -> Tensor:
        """Return quantiles (B, 5, 3); in full precision, which the layers before do not need."""
        parts = (weights * view[:, :STRETCHES]).mean(dim=(2, 3))  # (B, 31)
        ratio = view[:, HISTORY_CHANNELS - 1, 0, 0]
        seen = torch.cat([known, parts, ratio[:, None]], dim=1)
        found = self.out(functional.gelu(self.hidden(seen)))
        contrast = _contrast(parts.sum(dim=1), found[:, :3])
        return torch.cat([contrast[:, None], _motion(found[:, 3:])], dim=1)

    def forward(self, view: Tensor) -> Tensor:
        """(B, 33, 17, 17) -> (B, 5, 3)."""
        known, maps, _ = self.look(view)
        return self.read(view, known, self.weigh(maps))


def _as_fine_as(fine: Tensor, coarse: Tensor) -> Tensor:
    """Coarse maps brought to the size of fine ones."""
    return functional.interpolate(coarse, size=fine.shape[-2:], mode="nearest")


def _contrast(linear: Tensor, found: Tensor) -> Tensor:
    """Linear estimate (B,), correction and widths (B, 3) -> low, middle, high (B, 3)."""
    middle = linear * torch.exp(0.5 * torch.tanh(found[:, 0]))
    width = torch.exp(found[:, 1:].clamp(-6.0, 4.0) - 1.0)
    return torch.stack([middle - width[:, 0], middle, middle + width[:, 1]], dim=1)


def _motion(found: Tensor) -> Tensor:
    """(B, 12) -> (B, 4, 3) rising quantiles of what is never below 0."""
    rises = functional.softplus(found.view(-1, _MOTION, len(QUANTILES)))
    return rises.cumsum(dim=2)
