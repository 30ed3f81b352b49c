"""What a mixture bundle reaches: fresh trajectories with known truth, cell by cell.

Priors and definitions are those of `MixtureSettings`, trajectories are generated at exactly
their length. Errors are mean absolute errors of the middle; coverage counts truths inside the
90% intervals; a cell is one kind, length and noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from perrin.diffusion.characterize import LEAST_FRACTION
from perrin.diffusion.likelihood import alpha_bound
from perrin.diffusion.standard import TARGETS, from_unit
from perrin.evaluate.card_rows import card_rows
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import PARTS, Truth, simulate_mixture
from perrin.types import BoolArray, FloatArray

_INDEX = {name: k for k, (name, _, _) in enumerate(TARGETS)}
LENGTHS = (10, 25, 50, 100, 200, 300, 1000)
CELLS: tuple[tuple[str, Mapping[str, object]], ...] = (
    *((f"superposition, L = {n}", {"length": n}) for n in LENGTHS),
    *((f"superposition, aged, L = {n}", {"length": n, "start": "aged"}) for n in (100, 300)),
    *((f"superposition, noise .5, L = {n}", {"length": n, "noise": (0.5, 0.5)}) for n in LENGTHS),
    ("superposition, gaps 15%, L = 100", {"length": 100, "missing": 0.15}),
    ("superposition, exposure 1, L = 100", {"length": 100, "exposure": 1.0}),
    ("increments, L = 100", {"length": 100, "kind": "increments"}),
    ("interleaved, L = 300", {"length": 300, "kind": "interleaved"}),
)
"""Each is asked twice, of the same trajectories: with localization error and exposure known, and
without (", noise unknown")."""
_FBM_ALPHAS, _FBM_LENGTHS = (0.4, 0.7, 1.0, 1.5), (100, 300)


@dataclass(frozen=True)
class Drawn:
    """One cell: what the model answered, in the targets' units (N, 10, 3), and the truth."""

    prediction: FloatArray
    truth: Truth


@dataclass(frozen=True)
class Evaluation:
    """Tables: `cells` (errors and coverage), `ratio_bins` (coverage of w), `fbm`; and the speed."""

    cells: pd.DataFrame
    ratio_bins: pd.DataFrame
    fbm: pd.DataFrame
    trajectories_per_s: float

    def for_card(self) -> dict[str, Any]:
        """Return the figures as a card holds them: rounded, None where there is no number."""
        return {
            "protocol": "fresh trajectories of exactly the length, priors of MixtureSettings; mean "
            "absolute errors; alpha_fbm where w < .5, alpha_ctrw where w > .5; 90% intervals",
            "cells": card_rows(self.cells),
            "ratio_bins": card_rows(self.ratio_bins),
            "pure_fbm_2d": card_rows(self.fbm),
        }


def evaluate_mixture(model: MixtureModel, *, count: int, seed: int) -> Evaluation:
    """Return what `model` reaches on `count` fresh trajectories a cell."""
    seeds = np.random.SeedSequence(seed).spawn(len(CELLS) + 1)
    cells, bins = [], []
    for (name, changes), own in zip(CELLS, seeds, strict=False):
        settings = MixtureSettings.model_validate(changes)
        for known in (True, False):
            rng = np.random.default_rng(own)
            drawn = draw(model, settings, count=count, rng=rng, known=known)
            cell = name if known else f"{name}, noise unknown"
            cells.append({"cell": cell, **figures(drawn)})
            if settings.kind == "superposition":
                bins += [{"cell": cell, **row} for row in coverage_by_ratio(drawn)]
    rng = np.random.default_rng(seeds[-1])
    return Evaluation(
        cells=pd.DataFrame(cells),
        ratio_bins=pd.DataFrame(bins),
        fbm=fbm_errors(model, count=count, rng=rng),
        trajectories_per_s=speed(model, rng=rng),
    )


def draw(
    model: MixtureModel,
    settings: MixtureSettings,
    *,
    count: int,
    rng: np.random.Generator,
    known: bool = True,
) -> Drawn:
    """Return the answers of `model` and the truth of those of `count` that it answers.

    known: whether the model knows the localization error and the exposure.

    Left out are trajectories that do not move, and those out of the model's range (drawn with
    more frames missing than it covers).
    """
    mixture = simulate_mixture(settings, count=count, rng=rng)
    dims = mixture.positions.shape[2]
    kept = (np.diff(mixture.positions, axis=1) != 0).any(axis=(1, 2))
    kept &= np.array([model.refusal(seen, dims) is None for seen in mixture.seen])
    sigma = mixture.truth.noise_sigma[kept]
    found = model.predict(
        list(mixture.positions[kept]),
        list(mixture.seen[kept]),
        noise=sigma if known else None,
        exposure=np.full(len(sigma), settings.exposure) if known else None,
    )
    unit = found.quantiles
    prediction = np.stack([from_unit(unit[:, k], k) for k in range(len(TARGETS))], axis=1)
    truth = Truth(**{name: value[kept] for name, value in vars(mixture.truth).items()})
    return Drawn(prediction, truth)


def figures(drawn: Drawn) -> dict[str, float]:
    """Return the figures of one cell: number, errors, coverage, abstentions."""
    truth, w = drawn.truth, drawn.truth.w
    gaussian = truth.fractions[:, 0] + truth.fractions[:, 2]
    jumping = truth.fractions[:, 1]
    row: dict[str, float] = {"n": len(w)}
    for k, part in enumerate(PARTS):
        row[f"fraction_{part}_mae"] = _error(drawn, f"fraction_{part}", truth.fractions[:, k])
        row[f"fraction_{part}_cover"] = _cover(drawn, f"fraction_{part}", truth.fractions[:, k])
    for name, value, rows, counted in (
        ("w", w, np.isfinite(w), np.isfinite(w)),
        ("alpha_fbm", truth.alpha_fbm, w < 0.5, gaussian >= LEAST_FRACTION),
        ("alpha_ctrw", truth.alpha_ctrw, w > 0.5, jumping >= LEAST_FRACTION),
        ("frames_ctrw", truth.frames_ctrw, np.isfinite(truth.frames_ctrw), None),
    ):
        row[f"{name}_mae"] = _error(drawn, name, value, rows)
        row[f"{name}_cover"] = _cover(drawn, name, value, rows if counted is None else counted)
    fractions = drawn.prediction[:, : len(PARTS), 1]
    row["no_alpha_fbm"] = _fraction(fractions[:, 0] + fractions[:, 2] < LEAST_FRACTION, w < 0.5)
    row["no_alpha_ctrw"] = _fraction(fractions[:, 1] < LEAST_FRACTION, w > 0.5)
    return row


def coverage_by_ratio(drawn: Drawn) -> list[dict[str, float]]:
    """Return the coverage of w in fifths of the predicted w."""
    predicted = drawn.prediction[:, _INDEX["w"], 1]
    rows = []
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        chosen = (predicted >= low) & (predicted < low + 0.2)
        cover = _cover(drawn, "w", drawn.truth.w, chosen)
        rows.append({"w_from": low, "w_to": low + 0.2, "n": int(chosen.sum()), "w_cover": cover})
    return rows


def fbm_errors(model: MixtureModel, *, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return the error of alpha for pure FBM in 2D beside the Cramer-Rao bound.

    The bound is on the root mean square error; of a normal error the mean absolute one is
    sqrt(2 / pi) of it, and the ratio is of mean absolute errors.
    """
    rows = []
    for length in _FBM_LENGTHS:
        for alpha in _FBM_ALPHAS:
            settings = MixtureSettings(length=length, w=(0.0, 0.0), alpha_fbm=(alpha, alpha))
            found = draw(model, settings, count=count, rng=rng).prediction[
                :, _INDEX["alpha_fbm"], 1
            ]
            bound = alpha_bound(alpha, length=length, dims=2) * np.sqrt(2 / np.pi)
            error = float(np.abs(found - alpha).mean())
            rows.append(
                {
                    "length": length,
                    "alpha": alpha,
                    "mae": error,
                    "bias": float(found.mean() - alpha),
                    "bound_mae": float(bound),
                    "ratio": error / float(bound),
                }
            )
    return pd.DataFrame(rows)


def speed(model: MixtureModel, *, rng: np.random.Generator, count: int = 4000) -> float:
    """Return trajectories of 100 frames in 2D that `model` answers in one second."""
    mixture = simulate_mixture(MixtureSettings(), count=count, rng=rng)
    positions, seen = list(mixture.positions), list(mixture.seen)
    model.predict(positions[:256], seen[:256])
    started = perf_counter()
    model.predict(positions, seen)
    return count / (perf_counter() - started)


def _error(
    drawn: Drawn, name: str, true: FloatArray, rows: BoolArray | slice = slice(None)
) -> float:
    missed = np.abs(drawn.prediction[:, _INDEX[name], 1] - true)[rows]
    missed = missed[np.isfinite(missed)]
    return float(missed.mean()) if missed.size else float("nan")


def _cover(
    drawn: Drawn, name: str, true: FloatArray, rows: BoolArray | slice = slice(None)
) -> float:
    low, high = drawn.prediction[rows, _INDEX[name], 0], drawn.prediction[rows, _INDEX[name], 2]
    known = np.isfinite(true[rows])
    inside = (low <= true[rows]) & (true[rows] <= high)
    return float(inside[known].mean()) if known.any() else float("nan")


def _fraction(which: BoolArray, rows: BoolArray) -> float:
    return float(which[rows].mean()) if rows.any() else float("nan")
