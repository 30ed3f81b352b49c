"""How large each sphere is, where the sizes of a movie differ: the mean over its track."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.tracking.extent import radii
from perrin.tracking.found import SHAPE_COLUMNS
from perrin.tracking.mass import mean_contrast as robust_mean
from perrin.tracking.shape import FLAT, HALF, WIDTH
from perrin.tracking.stream import Seen
from perrin.tracking.table import of_tracks
from perrin.types import FloatArray

_LEAST = 5  # positions
_SYSTEMATIC = 0.005  # of the size: the image of a real edge is not quite the one that is fitted


def with_sizes(
    particles: pd.DataFrame, positions: pd.DataFrame, seen: Seen, *, pixel_nm: float
) -> pd.DataFrame:
    """Return the tracks of spheres with ``radius_nm`` and its standard error.

    That is the distance from the center at which half the contrast is left. Positions that touch
    others do not count. NaN where all particles of the movie are fitted with one size, and after
    few positions.
    """
    look = seen.appearance
    if look is None or look.shape is None or look.kind != "spheres" or not len(particles):
        return particles
    own = of_tracks(positions)
    fitted = (own["label"] == "") & (own["edge_px"] != look.shape.width) & look.varied
    own = own[fitted].reset_index(drop=True)
    values = np.zeros((len(own), 8))
    values[:, [HALF, WIDTH, FLAT]] = own[list(SHAPE_COLUMNS)]
    radius, rows = radii(values) * pixel_nm, own.groupby("particle").indices
    means = np.array([_mean(radius[rows.get(one, [])]) for one in particles["particle"]])
    return particles.assign(radius_nm=means[:, 0], radius_se_nm=means[:, 1])


def _mean(sizes: FloatArray) -> tuple[float, float]:
    if len(sizes) < _LEAST:
        return np.nan, np.nan
    level = robust_mean(sizes)
    return level.contrast, float(np.hypot(level.contrast_se, _SYSTEMATIC * level.contrast))
