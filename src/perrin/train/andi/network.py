"""The network of the AnDi tasks: from one trajectory to its exponent and its model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from perrin.simulate.andi import MODELS
from perrin.train.precision import in_bfloat16
from perrin.train.trajectory import OF_WHOLE, Filters, Trunk, inputs_of, of_whole

QUANTILES = (0.05, 0.5, 0.95)


class AndiNetwork(nn.Module):
    """Standardized positions (N, T, d), seen (N, T) -> exponent (N, 3), model (N, 5).

    exponent: 5%, 50% and 95% quantile, in 0 to 2; model: logits in the order of `MODELS`. The
    time within the track goes in as well: scaled Brownian motion ages.
    """

    def __init__(self) -> None:
        super().__init__()
        self.filters, self.trunk = Filters(), Trunk(extra=1)
        self.head = nn.Sequential(
            nn.Linear(OF_WHOLE + self.trunk.pooled, 384),
            nn.ReLU(),
            nn.Linear(384, 256),
            nn.ReLU(),
            nn.Linear(256, len(QUANTILES) + len(MODELS)),
        )

    def forward(self, positions: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return exponent and model."""
        found = self.filters(positions.transpose(1, 2), seen)
        time = (seen.cumsum(dim=1) / seen.sum(dim=1, keepdim=True) - 0.5) * seen
        inputs = torch.cat([inputs_of(found), time[:, None]], dim=1)
        with in_bfloat16(self.training):
            _, pooled = self.trunk(inputs, seen)
        whole = of_whole(found, dims=positions.shape[2])
        raw = self.head(torch.cat([*whole, *pooled], dim=1))
        low, middle, high = raw[:, : len(QUANTILES)].unbind(dim=1)
        middle = middle.sigmoid()
        fixed = middle.detach()  # the interval does not pull at the median
        ends = fixed * low.sigmoid(), 1 - (1 - fixed) * high.sigmoid()
        exponent = 2 * torch.stack([ends[0], middle, ends[1]], dim=1)
        return exponent, raw[:, len(QUANTILES) :]
