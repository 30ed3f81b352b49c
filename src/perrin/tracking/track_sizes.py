"""How large each piece of gold is, where the sizes of a movie differ: the mean over its track."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.tracking.extent import extents, radii, windows
from perrin.tracking.found import SHAPE_COLUMNS
from perrin.tracking.mass import mean_contrast as robust_mean
from perrin.tracking.shape import FLAT, HALF, WIDTH
from perrin.tracking.stream import Seen
from perrin.tracking.table import of_tracks
from perrin.types import BoolArray, FloatArray, IntArray

_LEAST = 5  # positions
_SYSTEMATIC = 0.008  # of the size: the image of a real edge is not quite the one that is fitted
_BIAS = 2.5  # times the relative variance of one position: by as much noise makes sizes larger
_BESIDE = 2  # frames around one that touches another, where that may not have been seen


def with_sizes(
    particles: pd.DataFrame, positions: pd.DataFrame, seen: Seen, *, pixel_nm: float
) -> pd.DataFrame:
    """Return the tracks of gold with sizes and their standard errors.

    Of spheres ``radius_nm``, the distance from the center at which half the contrast is left; of
    rods ``length_nm`` and ``width_nm`` at half the contrast. Positions that touch others do not
    count, nor those within two frames of such, nor images that the field's edge
    cuts. NaN where all particles of the movie are fitted with one size, and after few positions.
    """
    look = seen.appearance
    if look is None or look.shape is None or not len(particles):
        return particles
    own = of_tracks(positions)
    fitted = _apart(own) & (own["edge_px"] != look.shape.width).to_numpy() & look.varied
    own = own[fitted].reset_index(drop=True)
    values = np.zeros((len(own), 8))
    values[:, [HALF, WIDTH, FLAT]] = own[list(SHAPE_COLUMNS)]
    whole = _whole(own, windows(values), seen.mean.shape)
    own, values = own[whole].reset_index(drop=True), values[whole]
    sizes = {"radius": radii(values)}
    if look.kind == "rods":
        sizes = {"length": 2 * extents(values), "width": 2 * radii(values)}
    rows = own.groupby("particle").indices
    for name, size in sizes.items():
        each = [_mean(pixel_nm * size[rows.get(one, [])]) for one in particles["particle"]]
        means = np.array(each)
        particles = particles.assign(**{f"{name}_nm": means[:, 0], f"{name}_se_nm": means[:, 1]})
    return particles


def _apart(own: pd.DataFrame) -> BoolArray:
    """Whether the particle of each position (N,) touches no other in the frames around it."""
    keys = own[["particle", "frame"]].to_numpy(np.int64)
    touches = {(one, frame) for one, frame in keys[(own["label"] != "").to_numpy()].tolist()}
    near = range(-_BESIDE, _BESIDE + 1)
    return np.array(
        [not any((one, frame + k) in touches for k in near) for one, frame in keys.tolist()], bool
    )


def _whole(own: pd.DataFrame, window: IntArray, field: tuple[int, ...]) -> BoolArray:
    """Whether the window of each image (N,) lies in the field."""
    found = np.ones(len(own), bool)
    for name, size in (("y", field[0]), ("x", field[1])):
        place = own[name].to_numpy(float)
        found &= (place - window > -0.5) & (place + window < size - 0.5)
    return found


def _mean(sizes: FloatArray) -> tuple[float, float]:
    if len(sizes) < _LEAST:
        return np.nan, np.nan
    level = robust_mean(sizes)
    of_one = level.positions * (level.contrast_se / level.contrast) ** 2
    systematic = np.hypot(_SYSTEMATIC, _BIAS * of_one) * level.contrast
    return level.contrast, float(np.hypot(level.contrast_se, systematic))
