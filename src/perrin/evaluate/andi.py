"""What an AnDi bundle reaches: error of the exponent, micro-F1 of the model, by length.

Task 1: exponents uniform in .05 to 2, a model that has it; mean absolute error. Task 2: models
equally common; micro-F1, which is the fraction predicted right where each trajectory has one label.
Protocols: trajectories generated at exactly their length, or cut from 999 frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.models.andi import AndiModel
from perrin.simulate.andi import CUT_FROM, MODELS, AndiWalks, simulate_andi

LENGTHS = (10, 20, 50, 100, 200, 300)


@dataclass(frozen=True)
class AndiFigures:
    """cells: one row a dimension, protocol and length; confusion: of 2D, 100 frames, exact."""

    cells: pd.DataFrame
    confusion: pd.DataFrame

    def for_card(self) -> dict[str, Any]:
        """Return the figures as a card holds them."""
        return {
            "protocol": "fresh trajectories of the simulator perrin.simulate.andi; task 1: "
            "exponents uniform in .05 to 2; task 2: models equally common",
            "cells": self.cells.round(4).to_dict("records"),
            "confusion_2d_100": self.confusion.round(4).to_numpy().tolist(),
        }


def evaluate_andi(model: AndiModel, *, count: int, seed: int) -> AndiFigures:
    """Return what `model` reaches on `count` fresh trajectories a cell and task."""
    rng = np.random.default_rng(seed)
    rows, confusion = [], pd.DataFrame()
    for dims in (1, 2):
        for protocol, whole in (("exact L", None), (f"cut from {CUT_FROM}", CUT_FROM)):
            for length in LENGTHS:
                first, second = (
                    simulate_andi(
                        count, length=length, dims=dims, generated=whole, balance=balance, rng=rng
                    )
                    for balance in ("exponents", "models")
                )
                cell = {"dims": dims, "protocol": protocol, "frames": length, "n": count}
                rows.append({**cell, **of_exponent(model, first), **of_model(model, second)})
                if (dims, whole, length) == (2, None, 100):
                    confusion = confusion_of(model, second)
    return AndiFigures(pd.DataFrame(rows), confusion)


def of_exponent(model: AndiModel, walks: AndiWalks) -> dict[str, float]:
    """Return the error of the exponent and the coverage of its 90% interval."""
    low, middle, high = model.predict(list(walks.positions)).alpha.T
    inside = (low <= walks.alpha) & (walks.alpha <= high)
    return {"alpha_mae": float(np.abs(middle - walks.alpha).mean()), "cover": float(inside.mean())}


def of_model(model: AndiModel, walks: AndiWalks) -> dict[str, float]:
    """Return the micro-F1 of the model."""
    predicted = model.predict(list(walks.positions)).model.argmax(axis=1)
    return {"micro_f1": micro_f1(predicted, walks.model)}


def confusion_of(model: AndiModel, walks: AndiWalks) -> pd.DataFrame:
    """Return the fraction of each true model (row) that is predicted as each model (column)."""
    predicted = model.predict(list(walks.positions)).model.argmax(axis=1)
    table = pd.crosstab(walks.model, predicted, normalize="index")
    table = table.reindex(index=range(len(MODELS)), columns=range(len(MODELS)), fill_value=0.0)
    return table.set_axis(MODELS, axis=0).set_axis(MODELS, axis=1)


def micro_f1(predicted: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    """Return the micro-F1 of one label each: the fraction that is right."""
    return float((predicted == true).mean())
