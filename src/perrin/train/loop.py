"""The training loop: averaged weights, a cosine schedule, checkpoints that resume."""

from __future__ import annotations

import copy
import csv
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from perrin.io.atomic import written_whole
from perrin.settings.diffusion import MixtureTraining
from perrin.train.data import Batch, stream
from perrin.train.mixture import MixtureNetwork, bounded

QUANTILES = (0.05, 0.5, 0.95)
IMPORTANCE = (0.7, 0.7, 0.7, 0.7, 2.0, 3.0, 1.0, 1.0, 1.0, 0.5)  # of the ten targets

Validate = Callable[[nn.Module], dict[str, float]]


@dataclass
class State:
    """All that a checkpoint holds."""

    network: MixtureNetwork
    averaged: MixtureNetwork
    optimiser: torch.optim.Optimizer
    step: int


def train(
    settings: MixtureTraining,
    *,
    run: Path,
    threads: int,
    validate: Validate,
    progress: Callable[[dict[str, float]], None],
) -> MixtureNetwork:
    """Train the mixture network and return its averaged weights.

    `run` keeps checkpoint.pt and metrics.csv; a run that was stopped goes on from its last
    checkpoint. `validate` gives figures of the averaged network, which go to `progress` and to
    metrics.csv with the step, the seconds and the loss.
    """
    torch.set_num_threads(threads)
    run.mkdir(parents=True, exist_ok=True)
    state = _resumed(settings, run / "checkpoint.pt")
    batches = stream(settings, first_step=state.step)
    started, losses = time.perf_counter(), []
    while state.step < settings.steps:
        losses.append(_advance(state, next(batches), settings))
        if state.step % settings.validate_every == 0 or state.step == settings.steps:
            figures = {
                "step": float(state.step),
                "seconds": round(time.perf_counter() - started, 1),
                "loss": sum(losses) / len(losses),
                **validate(state.averaged),
            }
            losses.clear()
            progress(figures)
            _append(run / "metrics.csv", figures)
            _save(state, run / "checkpoint.pt")
    return state.averaged


def pinball(answer: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted quantile loss: (N, 10, 3), (N, 10), (N, 10) -> scalar."""
    missed = target[:, :, None] - answer
    levels = missed.new_tensor(QUANTILES)
    loss = torch.maximum(levels * missed, (levels - 1) * missed)
    # the ends of the interval have small losses by nature
    loss = (loss * missed.new_tensor((2.0, 1.0, 2.0))).sum(dim=2)
    return (loss * weight * missed.new_tensor(IMPORTANCE)).sum() / len(loss)


def _advance(state: State, batch: Batch, settings: MixtureTraining) -> float:
    for group in state.optimiser.param_groups:
        group["lr"] = _rate(state.step, settings)
    positions, seen = torch.from_numpy(batch.positions), torch.from_numpy(batch.seen)
    network = state.network
    energy, masks = network.filters(positions, seen)
    with torch.autocast("cpu", dtype=torch.bfloat16):  # the rest asks for full precision
        pooled = network.trunk(energy, masks, seen)
    pooled = network.whole(energy, masks, positions.shape[2]) + pooled
    answer = bounded(network.head(torch.cat(pooled, dim=1)))
    loss = pinball(answer, torch.from_numpy(batch.target), torch.from_numpy(batch.weight))
    state.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(state.network.parameters(), 1.0)
    state.optimiser.step()
    state.step += 1
    decay = min(settings.average, state.step / (state.step + 10))
    with torch.no_grad():
        torch._foreach_lerp_(
            list(state.averaged.parameters()), list(state.network.parameters()), 1 - decay
        )
    return float(loss.detach())


def _rate(step: int, settings: MixtureTraining) -> float:
    warm = min(1.0, (step + 1) / settings.warmup)
    return settings.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / settings.steps))


def _resumed(settings: MixtureTraining, path: Path) -> State:
    torch.manual_seed(settings.seed)
    network = MixtureNetwork()
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    state = State(network, copy.deepcopy(network).requires_grad_(False), optimiser, 0)
    if path.exists():
        saved = torch.load(path, weights_only=True)
        network.load_state_dict(saved["network"])
        state.averaged.load_state_dict(saved["averaged"])
        optimiser.load_state_dict(saved["optimiser"])
        state.step = saved["step"]
    return state


def _save(state: State, path: Path) -> None:
    with written_whole(path) as partial:
        torch.save(
            {
                "network": state.network.state_dict(),
                "averaged": state.averaged.state_dict(),
                "optimiser": state.optimiser.state_dict(),
                "step": state.step,
            },
            partial,
        )


def _append(path: Path, figures: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(figures)
        writer.writerow([f"{value:.6g}" for value in figures.values()])
