"""The figures that are watched while the mixture network learns: fixed, unseen trajectories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from perrin.diffusion.standard import from_unit, standardise
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import Truth, simulate_mixture

_SEED = 999_999_937
CASES: dict[str, dict[str, object]] = {
    "clean_25": {"length": 25},
    "clean_50": {"length": 50},
    "clean_100": {"length": 100},
    "clean_300": {"length": 300},
    "noisy_100": {"length": 100, "noise": (0.5, 0.5)},
    "interleaved_300": {"kind": "interleaved", "length": 300},
    "fbm_100": {"length": 100, "w": (0.0, 0.0), "alpha_fbm": (0.7, 0.7)},
}


@dataclass(frozen=True)
class Case:
    """One set of trajectories as the network takes them, and their truth."""

    positions: NDArray[np.float32]
    seen: NDArray[np.float32]
    truth: Truth


def validator(count: int = 600) -> Callable[[nn.Module], dict[str, float]]:
    """Return a function from a network to its mean absolute errors on the fixed cases."""
    cases = {}
    for name, changes in CASES.items():
        settings = MixtureSettings.model_validate(changes)
        drawn = simulate_mixture(settings, count=count, rng=np.random.default_rng(_SEED))
        moving = np.nan_to_num(drawn.truth.shares.sum(axis=1)) > 0
        standard = standardise(drawn.positions[moving], drawn.seen[moving])
        truth = Truth(**{k: v[moving] for k, v in vars(drawn.truth).items()})
        cases[name] = Case(standard.positions, standard.seen, truth)

    def validate(network: nn.Module) -> dict[str, float]:
        figures: dict[str, float] = {}
        for name, case in cases.items():
            with torch.inference_mode():
                answer = network(torch.from_numpy(case.positions), torch.from_numpy(case.seen))
            figures |= _errors(name, answer.numpy().astype(np.float64)[:, :, 1], case.truth)
        return figures

    return validate


def _errors(name: str, middle: NDArray[np.float64], truth: Truth) -> dict[str, float]:
    def error(target: int, true: NDArray[np.float64], rows: NDArray[np.bool_]) -> float:
        return float(np.abs(from_unit(middle[rows, target], target) - true[rows]).mean())

    if name.startswith("interleaved"):
        return {f"frames_{name}": error(7, truth.frames_ctrw, np.isfinite(truth.frames_ctrw))}
    fbm, ctrw = truth.w < 0.5, truth.w > 0.5
    figures = {f"alpha_fbm_{name}": error(5, truth.alpha_fbm, fbm)}
    if not name.startswith("fbm"):
        figures[f"w_{name}"] = error(4, truth.w, np.isfinite(truth.w))
        figures[f"alpha_ctrw_{name}"] = error(6, truth.alpha_ctrw, ctrw)
    return figures
