"""The network of kinds: from what tells them apart to the probability of each."""

from __future__ import annotations

from torch import Tensor, nn

from perrin.diffusion.motion_kinds import KINDS

WIDTH = 160


class KindsNetwork(nn.Module):
    """Evidence (N, q) -> logits (N, K), in the order of `KINDS`, and of walls (N, 1).

    Walls: whether what confines has them, rather than a force that grows with distance.
    """

    mean: Tensor
    size: Tensor

    def __init__(self, mean: Tensor, size: Tensor) -> None:
        """Mean and standard deviation (q,) of the evidence bring it to a common scale."""
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("size", size)
        self.layers = nn.Sequential(
            nn.Linear(len(mean), WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, len(KINDS) + 1),
        )

    def forward(self, evidence: Tensor) -> tuple[Tensor, Tensor]:
        """Return both kinds of logits."""
        scaled = ((evidence - self.mean) / self.size).clamp(-8, 8)
        logits: Tensor = self.layers(scaled)
        return logits[:, :-1], logits[:, -1:]
