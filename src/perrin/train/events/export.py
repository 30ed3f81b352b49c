"""What the cards of both event networks say alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from perrin.landing.thumbnails import THUMBNAIL_PX
from perrin.landing.views import HISTORY_CHANNELS
from perrin.models.cards import Range, Vector
from perrin.train.export import Exported


def history_inputs(view: str) -> dict[str, str]:
    """Return the inputs of a card whose network sees histories, made by a view of landings."""
    size = f"(N, {HISTORY_CHANNELS}, {THUMBNAIL_PX}, {THUMBNAIL_PX})"
    return {"view": f"{size} float32, perrin.landing.views.{view}"}


def around(value: float, factor: float) -> Range:
    """Return the range that a factor spans around a value, both ways."""
    return value / factor, value * factor


def vector_of(exported: Exported, example: NDArray[np.float32], names: Sequence[str]) -> Vector:
    """Return the self-test of a card: the first two events of `example`, rounded to be short."""
    return exported.vector({"view": np.round(example[:2].astype(float), 2)}, names)
