"""The figures that are watched while the mixture network learns: fixed, unseen trajectories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from perrin.diffusion.standard import Standard, from_unit, standardize
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import Truth, simulate_mixture

_SEED = 999_999_937
CASES: dict[str, dict[str, object]] = {
    "clean_25": {"length": 25},
    "clean_50": {"length": 50},
    "clean_100": {"length": 100},
    "clean_300": {"length": 300},
    "noisy_100": {"length": 100, "noise": (0.5, 0.5)},
    "blurred_100": {"length": 100, "exposure": 1.0},
    "interleaved_300": {"kind": "interleaved", "length": 300},
    "fbm_100": {"length": 100, "w": (0.0, 0.0), "alpha_fbm": (0.7, 0.7)},
}
"""The camera is known in each; `clean_100` is asked a second time without (`unknown_100`)."""


@dataclass(frozen=True)
class Case:
    """One set of trajectories as the network takes them, and their truth."""

    standard: Standard
    truth: Truth
    mask: NDArray[np.bool_] | None


def validator(count: int = 600) -> Callable[[nn.Module], dict[str, float]]:
    """Return a function from a network to its mean absolute errors on the fixed cases."""
    cases = {}
    for name, changes in CASES.items():
        settings = MixtureSettings.model_validate(changes)
        drawn = simulate_mixture(settings, count=count, rng=np.random.default_rng(_SEED))
        moving = np.nan_to_num(drawn.truth.fractions.sum(axis=1)) > 0
        truth = Truth(**{k: v[moving] for k, v in vars(drawn.truth).items()})
        standard = standardize(
            drawn.positions[moving],
            drawn.seen[moving],
            noise=truth.noise_sigma,
            exposure=np.full(len(truth.w), settings.exposure),
        )
        cases[name] = Case(standard, truth, None if drawn.mask is None else drawn.mask[moving])
    told = cases["clean_100"]
    nothing = replace(told.standard, known=np.zeros_like(told.standard.known))
    cases["unknown_100"] = replace(told, standard=nothing)

    def validate(network: nn.Module) -> dict[str, float]:
        figures: dict[str, float] = {}
        for name, case in cases.items():
            x = case.standard
            with torch.inference_mode():
                prediction, frames = network(
                    *(torch.from_numpy(part) for part in (x.positions, x.seen, x.known))
                )
            figures |= _errors(name, prediction.numpy().astype(np.float64)[:, :, 1], case.truth)
            if case.mask is not None:
                told = frames.numpy()[:, : case.mask.shape[1], 1]
                figures[f"segment_{name}"] = float(np.abs(told - case.mask).mean())
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
