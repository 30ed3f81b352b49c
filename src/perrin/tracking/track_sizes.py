"""How large each piece of gold is, where the sizes of a movie differ: the mean over its track."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.tracking.extent import extents, radii
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
    """Return the tracks of gold with sizes and their standard errors.

    Of spheres ``radius_nm``, the distance from the center at which half the contrast is left; of
    rods ``length_nm`` and ``width_nm`` at half the contrast. Positions that touch others do not
    count. NaN where all particles of the movie are fitted with one size, and after few positions.
    """
    look = seen.appearance
    if look is None or look.shape is None or not len(particles):
        return particles
    own = of_tracks(positions)
    fitted = (own["label"] == "") & (own["edge_px"] != look.shape.width) & look.varied
    own = own[fitted].reset_index(drop=True)
    values = np.zeros((len(own), 8))
    values[:, [HALF, WIDTH, FLAT]] = own[list(SHAPE_COLUMNS)]
    sizes = {"radius": radii(values)}
    if look.kind == "rods":
        sizes = {"length": 2 * extents(values), "width": 2 * radii(values)}
    rows = own.groupby("particle").indices
    for name, size in sizes.items():
        each = [_mean(pixel_nm * size[rows.get(one, [])]) for one in particles["particle"]]
        means = np.array(each)
        particles = particles.assign(**{f"{name}_nm": means[:, 0], f"{name}_se_nm": means[:, 1]})
    return particles


def _mean(sizes: FloatArray) -> tuple[float, float]:
    if len(sizes) < _LEAST:
        return np.nan, np.nan
    level = robust_mean(sizes)
    return level.contrast, float(np.hypot(level.contrast_se, _SYSTEMATIC * level.contrast))
