"""The event classifier at work: stacks in, scores and probabilities out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.landing.views import look
from perrin.models.bundle import Arrays, Bundle, load_bundle_of
from perrin.models.cards import ClassifierCard

FloatArray = NDArray[np.float64]

SHIPPED = "classifier"
"""The bundle that ``default`` stands for."""

_BATCH = 64  # events in one call: larger batches leave the cache
_CHUNK = 1024  # events whose views are in memory at a time


@dataclass(frozen=True)
class Answer:
    """What a classifier says of N events, classes in the order of its card.

    Attributes
    ----------
    score : (N, C) float64
        0 to 1 for each class by itself; what kind of number it is, the card says.
    probability : (N, C) float64
        Of the classes on a balanced mix; each row sums to 1.

    """

    score: FloatArray
    probability: FloatArray


class ClassifierModel:
    """What `perrin.landing.classify` asks: is a movie in range, and what are its events."""

    def __init__(self, bundle: Bundle[ClassifierCard]) -> None:
        self.bundle = bundle

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """Return the model of a bundle: a folder, a name, or ``default`` for the shipped one.

        Raises `PerrinError` for a bundle of another task.
        """
        return cls(load_bundle_of(SHIPPED if name == "default" else name, ClassifierCard))

    @property
    def name(self) -> str:
        """Name of the bundle."""
        return self.bundle.card.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes in the order of the answers."""
        return self.bundle.card.classes

    @property
    def confusion(self) -> FloatArray:
        """Probability of each told class (column) for each true one (row), balanced mix."""
        return np.array(self.bundle.card.confusion)

    def check_range(self, *, n_avg: int, pixel_nm: float, frame_interval_s: float) -> None:
        """Raise `PerrinError` for data that the card does not cover, with what to do."""
        card = self.bundle.card
        for what, value, (low, high), unit, factor in (
            ("n_avg", n_avg, card.n_avg, "frames", 1.0),
            ("pixel size", pixel_nm, card.pixel_nm, "nm", 1.0),
            ("frame interval", frame_interval_s, card.frame_interval_s, "ms", 1e3),
        ):
            if not low <= value <= high:
                raise PerrinError(
                    f"{what} is {value * factor:.4g} {unit}; the model {card.name} was trained for "
                    f"{low * factor:.4g} to {high * factor:.4g} {unit}. Train one for this "
                    "instrument (perrin train classifier), or analyse without a model "
                    "(--model none)."
                )

    def answer(
        self,
        stacks: NDArray[np.float32],
        inside: NDArray[np.bool_],
        *,
        n_avg: int,
        landing_sign: int,
    ) -> Answer:
        """Return the answer to stacks (N, T, 17, 17), see `perrin.landing.views.look`."""
        found = self.outputs(
            stacks, inside, ("score", "probability"), n_avg=n_avg, landing_sign=landing_sign
        )
        return Answer(found["score"].astype(float), found["probability"].astype(float))

    def outputs(
        self,
        stacks: NDArray[np.float32],
        inside: NDArray[np.bool_],
        names: Sequence[str],
        *,
        n_avg: int,
        landing_sign: int,
    ) -> Arrays:
        """Return raw outputs by name, N rows each, computed in batches on all cores.

        There are ``score`` and ``probability`` (N, C), ``features`` (N, F): what the last layer
        sees, and ``activations`` (N, ...): mean activation of the first residual layer, over the
        axes of the view.
        """
        view = self.bundle.card.view
        found: list[Arrays] = []

        def run(seen: NDArray[np.float32]) -> Arrays:
            return self.bundle.run({"view": seen}, names)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for first in range(0, max(len(stacks), 1), _CHUNK):
                rows = slice(first, first + _CHUNK)
                # in this thread alone: not every threading layer of numba may be entered twice
                seen = look(
                    stacks[rows], inside[rows], view=view, n_avg=n_avg, landing_sign=landing_sign
                )
                found += pool.map(run, (seen[k : k + _BATCH] for k in _starts(len(seen))))
        return {name: np.concatenate([part[name] for part in found]) for name in names}


def _starts(count: int) -> range:
    """Where the batches of `count` events begin; one empty batch for no events."""
    return range(0, max(count, 1), _BATCH)
