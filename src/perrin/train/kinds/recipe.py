"""The recipe of the network of kinds: fresh tracks, cross entropy, AdamW."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from perrin.diffusion import classical
from perrin.diffusion.kind_evidence import evidence
from perrin.diffusion.motion_kinds import KINDS
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import KindsTraining
from perrin.simulate.kind_sets import draw_kinds
from perrin.train.ahead import fresh_task
from perrin.train.kinds.network import KindsNetwork
from perrin.train.loop import Task
from perrin.types import Float32Array, IntArray

LENGTHS = (12, 16, 20, 28, 36, 50, 50, 64, 80, 100, 100, 100, 128, 160, 200, 200, 300, 400, 600)
"""Frames of the tracks of a batch, drawn evenly; some count more than once."""
OF_WALLS = 0.5  # weight of the cross entropy of walls beside that of kinds
_LENGTHS_TOGETHER = 3  # in a batch
_FIRST = 20  # batches that tell the scale of the evidence
_SEED = 999_999_937


@dataclass(frozen=True)
class Batch:
    """Evidence (N, q) float32, kind (N,), an index of `KINDS`, and walls (N,): 1, 0 or NaN."""

    evidence: Float32Array
    kind: IntArray
    walls: Float32Array


def kinds_task(settings: KindsTraining, model: MixtureModel) -> Task[KindsNetwork, Batch]:
    """Return what is trained, and how; `model` is the mixture network that is looked at too."""
    torch.manual_seed(settings.seed)

    def draw(rng: np.random.Generator) -> Batch:
        return draw_batch(settings, model, rng=rng)

    rng = np.random.default_rng(_SEED + 1)
    looked = torch.from_numpy(np.concatenate([draw(rng).evidence for _ in range(_FIRST)]))
    network = KindsNetwork(looked.mean(dim=0), looked.std(dim=0) + 1e-3)
    return fresh_task(network, settings, draw=draw, loss=_loss)


def draw_batch(
    settings: KindsTraining,
    model: MixtureModel,
    *,
    rng: np.random.Generator,
    length: int | None = None,
) -> Batch:
    """Draw one batch: every kind, three lengths and dimensions, or all of one length."""
    parts = []
    for _ in range(_LENGTHS_TOGETHER if length is None else 1):
        frames = int(rng.choice(LENGTHS)) if length is None else length
        dims = int(rng.choice((1, 2, 3), p=settings.dims))
        count = int(np.clip(settings.tokens // _LENGTHS_TOGETHER // frames, 16, 150))
        count *= _LENGTHS_TOGETHER if length is not None else 1
        parts.append(_drawn(model, frames, dims, count, rng))
    return Batch(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Batch)
        }
    )


def _drawn(
    model: MixtureModel, frames: int, dims: int, count: int, rng: np.random.Generator
) -> Batch:
    drawn = draw_kinds(count, length=frames, dims=dims, rng=rng)
    rows = [
        row
        for row, track in enumerate(drawn.tracks)
        if not model.refusal(track.seen, dims)
        and (classical.displacements(track.positions, track.seen, lag=1) != 0).any()
    ]
    tracks = [drawn.tracks[row] for row in rows]
    prediction = model.predict_tracks(tracks)
    return Batch(
        evidence(tracks, prediction).astype(np.float32),
        drawn.kind[rows],
        drawn.walls[rows].astype(np.float32),
    )


def validator(
    settings: KindsTraining, model: MixtureModel
) -> Callable[[], Callable[[KindsNetwork], dict[str, float]]]:
    """Return what draws fixed tracks, and returns a function from a network to its figures."""

    def prepare() -> Callable[[KindsNetwork], dict[str, float]]:
        rng = np.random.default_rng(_SEED)
        drawn = [draw_batch(settings, model, rng=rng, length=n) for n in (50, 100, 100, 100, 300)]
        looked = torch.from_numpy(np.concatenate([batch.evidence for batch in drawn]))
        kind = torch.from_numpy(np.concatenate([batch.kind for batch in drawn]))
        walls = torch.from_numpy(np.concatenate([batch.walls for batch in drawn]))

        def validate(network: KindsNetwork) -> dict[str, float]:
            with torch.inference_mode():
                logits, walled = network(looked)
            right = logits.argmax(dim=1) == kind
            told = walls.isfinite()
            figures = {
                "walls": float(((walled[told, 0] > 0) == (walls[told] > 0.5)).float().mean()),
                "loss": float(functional.cross_entropy(logits, kind)),
                "right": float(right.float().mean()),
            }
            return figures | {
                name: float(right[kind == k].float().mean()) for k, name in enumerate(KINDS)
            }

        return validate

    return prepare


def _loss(network: KindsNetwork, batch: Batch) -> Tensor:
    logits, walled = network(torch.from_numpy(batch.evidence))
    walls = torch.from_numpy(batch.walls)
    told = walls.isfinite()
    of_walls = functional.binary_cross_entropy_with_logits(
        walled[told, 0], walls[told], reduction="sum"
    )
    named = functional.cross_entropy(logits, torch.from_numpy(batch.kind))
    return named + OF_WALLS * of_walls / len(walls)
