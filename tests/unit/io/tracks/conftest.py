"""Four Brownian tracks, as the files of many programs hold them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def truth() -> pd.DataFrame:
    """Four tracks of 30 frames in pixels: particle, frame, x, y."""
    rng = np.random.default_rng(5)
    steps = rng.normal(size=(4, 30, 2))
    positions = np.round(rng.uniform(40, 90, (4, 1, 2)) + steps.cumsum(axis=1), 4)
    return pd.DataFrame(
        {
            "particle": np.repeat(np.arange(4), 30),
            "frame": np.tile(np.arange(30), 4),
            "x": positions[..., 0].ravel(),
            "y": positions[..., 1].ravel(),
        }
    )
