"""Simulated walks and their truth as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.simulate.mixtures import PARTS, Truth
from perrin.simulate.walks import WALKS, brownian
from perrin.types import FloatArray


def tracks_table(positions: FloatArray, seen: NDArray[np.bool_]) -> pd.DataFrame:
    """Return positions (N, L, d) where seen (N, L) as particle, frame, x, (y, z)."""
    particle, frame = np.nonzero(seen)
    columns: dict[str, NDArray[Any]] = {"particle": particle, "frame": frame}
    columns |= {name: positions[seen][:, k] for k, name in enumerate("xyz"[: positions.shape[2]])}
    return pd.DataFrame(columns)


def truth_table(truth: Truth) -> pd.DataFrame:
    """Return the truth of N trajectories, one row a particle."""
    table = pd.DataFrame(
        {f"fraction_{part}": truth.fractions[:, k] for k, part in enumerate(PARTS)}
    )
    for name, values in vars(truth).items():
        if name != "fractions":
            table[name] = values
    table.insert(0, "particle", np.arange(len(table)))
    return table


def single_walks(
    kind: str,
    *,
    alpha: float,
    count: int,
    length: int,
    dims: int,
    start: str,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return tracks and truth of `count` walks of one kind and one exponent.

    Raises `PerrinError` for an unknown kind, or an exponent that the kind does not have.
    """
    if kind == "brownian":
        positions, alpha = brownian(count, length=length, rng=rng, dims=dims), 1.0
    elif kind in WALKS:
        extra = {"start": start} if kind == "ctrw" else {}
        exponents = np.full(count, alpha)
        positions = WALKS[kind](exponents, length=length, rng=rng, dims=dims, **extra)
    else:
        raise PerrinError(
            f"there is no walk of kind {kind!r}; choose superposition, increments, interleaved, "
            f"subordination, brownian, {', '.join(WALKS)}."
        )
    tracks = tracks_table(positions, np.ones(positions.shape[:2], dtype=bool))
    return tracks, pd.DataFrame({"particle": np.arange(count), "kind": kind, "alpha": alpha})
