"""Names of types that recur: arrays by what they hold, what reports progress, which network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
"""Quantities; any shape."""

Float32Array = NDArray[np.float32]
"""Frames, patches and what networks read or give; any shape."""

IntArray = NDArray[np.int64]
"""Counts, indices, frame numbers; any shape."""

BoolArray = NDArray[np.bool_]
"""Which of several; any shape."""

Array = NDArray[Any]
"""An array whose type of number does not matter; any shape."""

Progress = Callable[[float], None]
"""Is called with the fraction that is done, 0 to 1."""


@dataclass(frozen=True)
class NetworkId:
    """Which network numbers come from.

    sha256: of its weights, as on its card; None for a network that is no bundle.
    """

    name: str
    task: str
    sha256: str | None
