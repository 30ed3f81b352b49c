"""What networks that look at landings share: their name, their range, work in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.models.bundle import Arrays, Bundle, load_bundle_of
from perrin.models.cards import ClassifierCard, QuantifierCard, Range
from perrin.threads import cores

_BATCH = 16  # events in one call: larger ones are no faster, and hold more memory
_CHUNK = 1024  # events whose views are in memory at a time

OfKind = TypeVar("OfKind", bound=ClassifierCard | QuantifierCard)


class EventModel(Generic[OfKind]):
    """A bundle that looks at events; what it answers, each kind says."""

    kind: ClassVar[type[Any]]
    """Kind of its card."""
    shipped: ClassVar[str]
    """The bundle that ``default`` stands for."""
    instead: ClassVar[str]
    """What to do with data out of its range."""

    def __init__(self, bundle: Bundle[OfKind]) -> None:
        self.bundle = bundle

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """Return the model of a bundle: a folder, a name, or ``default`` for the shipped one.

        Raises `PerrinError` for a bundle of another task.
        """
        return cls(load_bundle_of(cls.shipped if name == "default" else name, cls.kind))

    @property
    def name(self) -> str:
        """Name of the bundle."""
        return self.bundle.card.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes in the order of scores and probabilities."""
        return self.bundle.card.classes

    @property
    def psf(self) -> str:
        """The PSF it was trained with: ``analytic``, the default, or the name of a file."""
        return str(self.bundle.card.training.get("source", {}).get("psf", "analytic"))

    def _check_instrument(self, *, pixel_nm: float, frame_interval_s: float) -> None:
        card = self.bundle.card
        self._check("pixel size", pixel_nm, card.pixel_nm, "nm")
        self._check("frame interval", frame_interval_s, card.frame_interval_s, "ms", factor=1e3)

    def _check(
        self, what: str, value: float, covered: Range, unit: str, *, factor: float = 1.0
    ) -> None:
        low, high = covered
        if not low <= value <= high:
            raise PerrinError(
                f"{what} is {value * factor:.4g} {unit}; the model {self.name} was trained for "
                f"{low * factor:.4g} to {high * factor:.4g} {unit}. {self.instead}"
            )

    def _run(
        self, view: Callable[[slice], NDArray[np.float32]], count: int, names: Sequence[str]
    ) -> Arrays:
        """Return raw outputs by name for `count` events; `view` gives those of a slice."""
        found: list[Arrays] = []

        def run(seen: NDArray[np.float32]) -> Arrays:
            return self.bundle.run({"view": seen}, names)

        with ThreadPoolExecutor(cores()) as pool:
            for first in range(0, max(count, 1), _CHUNK):
                # in this thread alone: not every threading layer of numba may be entered twice
                seen = view(slice(first, first + _CHUNK))
                starts = range(0, max(len(seen), 1), _BATCH)  # one empty batch for no events
                found += pool.map(run, (seen[k : k + _BATCH] for k in starts))
        return {name: np.concatenate([part[name] for part in found]) for name in names}
