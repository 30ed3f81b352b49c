"""Tracks against simulated truth: errors over the Cramer-Rao bound, right links, their scores.

The bounds are those of the simulated image with its shot noise: position, angle, contrast and
a constant background free, everything else known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.optics.psf import Psf
from perrin.settings.motion import MotionMovie
from perrin.simulate.particles import add_gold, gold_table
from perrin_benchmarks.matches import Matches

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FOUND_PX = 3.0
_DELTA = 1e-3  # px or radians, for derivatives
_PHASES = 16  # random places in the pixel and directions that a bound is averaged over
_INTERVAL = 1.96


@dataclass(frozen=True)
class Bounds:
    """Least standard errors: position of one axis (px), angle (deg, NaN without), contrast."""

    position_px: float
    angle_deg: float
    contrast: float


def bounds(settings: MotionMovie, *, psf: Psf | None = None) -> Bounds:
    """Return the Cramer-Rao bounds of one frame, averaged over places in the pixel (rms)."""
    rng = np.random.default_rng(0)
    rods = settings.kind == "rods"
    found = []
    for _ in range(_PHASES):
        place = (*rng.uniform(-0.5, 0.5, 2), rng.uniform(0, np.pi))
        image, *slopes = _images(settings, place, psf=psf)
        jacobian = np.stack(
            [image, np.ones_like(image), *(slopes if rods else slopes[:2])]
        ).reshape(-1, image.size)
        weight = settings.electrons / np.maximum(1 + image.ravel(), 1e-3)
        covariance = np.linalg.inv((jacobian * weight) @ jacobian.T)
        # the first row is the image itself: its error is relative to the contrast
        scale = np.abs(image).max()
        found.append(
            (
                0.5 * (covariance[2, 2] + covariance[3, 3]),
                covariance[4, 4] if rods else np.nan,
                covariance[0, 0] * scale**2,
            )
        )
    position, angle, contrast = np.sqrt(np.mean(found, axis=0))
    return Bounds(float(position), float(np.degrees(angle)), float(contrast))


def _images(
    settings: MotionMovie, place: tuple[float, float, float], *, psf: Psf | None
) -> list[FloatArray]:
    """Return the change of light by one particle (S, S), and its derivatives by x, y, angle."""
    images = [_image(settings, place, psf)]
    for k in range(3):
        up, down = list(place), list(place)
        up[k] += _DELTA
        down[k] -= _DELTA
        difference = _image(settings, tuple(up), psf) - _image(settings, tuple(down), psf)
        images.append(difference / (2 * _DELTA))
    return images


def _image(settings: MotionMovie, place: tuple[float, ...], psf: Psf | None) -> FloatArray:
    x, y, angle = place
    if settings.kind == "molecules":
        shape = psf or Psf.analytic(settings.optics, pixel_nm=settings.pixel_nm)
        sign = 1.0 if settings.contrast == "dark" else -1.0
        size = 19
        return sign * settings.contrast_per_kda * settings.mass_kda * shape.image(size, dx=x, dy=y)
    pixel = settings.pixel_nm
    long = settings.length_nm if settings.kind == "rods" else settings.width_nm
    table = gold_table(
        length=long / pixel,
        width=settings.width_nm / pixel,
        blur=settings.blur_nm / pixel,
        absorption=settings.absorption_nm / pixel,
    )
    half = int(long / pixel / 2 + 4 * settings.blur_nm / pixel) + 4
    light = np.ones((1, 2 * half + 1, 2 * half + 1), np.float64)
    add_gold(
        light,
        tables=table[None],
        x=np.full((1, 1, 1), half + x),
        y=np.full((1, 1, 1), half + y),
        angle=np.full((1, 1), angle),
        present=np.ones((1, 1), bool),
        sign=-1.0 if settings.contrast == "dark" else 1.0,
    )
    change: FloatArray = light[0] - 1
    return change


def match_positions(
    truth: pd.DataFrame, positions: pd.DataFrame, *, within_px: float = FOUND_PX
) -> IntArray:
    """Return the row of `positions` for each row of the truth (N,), -1 where none is near.

    One to one in each frame, by the least sum of squared distances. Both tables have frame, x, y.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    rows = np.full(len(truth), -1, np.int64)
    here = dict(iter(positions.reset_index(drop=True).groupby("frame")))
    order = np.arange(len(truth))
    for frame, part in truth.assign(row=order).groupby("frame"):
        if frame not in here:
            continue
        found = here[frame]
        square = cdist(part[["x", "y"]], found[["x", "y"]], "sqeuclidean")
        own, other = part["row"].to_numpy(np.int64), found.index.to_numpy(np.int64)
        cost = np.minimum(square, within_px**2)
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if square[i, j] < within_px**2:
                rows[own[i]] = other[j]
    return rows


def score_links(truth: pd.DataFrame, tracks: pd.DataFrame) -> Matches:
    """Compare the links of neighboring frames of `tracks` with those of the truth.

    A true link joins two neighboring frames in which a particle is present; a found one is
    right if both its positions were matched to that particle. Positions of no track have a
    particle below 0.
    """
    present = truth[truth["present"]] if "present" in truth else truth
    tracks = tracks[tracks["particle"] >= 0]
    tracks = tracks.sort_values(["particle", "frame"], ignore_index=True)
    row = match_positions(present, tracks)
    owner = np.full(len(tracks), -1, np.int64)
    owner[row[row >= 0]] = present["particle"].to_numpy(np.int64)[row >= 0]
    same = np.diff(tracks["particle"]) == 0
    linked = same & (np.diff(tracks["frame"]) == 1)
    right = linked & (owner[1:] == owner[:-1]) & (owner[1:] >= 0)
    ordered = present.sort_values(["particle", "frame"])
    true = (np.diff(ordered["particle"]) == 0) & (np.diff(ordered["frame"]) == 1)
    return Matches(int(linked.sum()), int(true.sum()), int(right.sum()))


@dataclass(frozen=True)
class Errors:
    """Errors of isolated positions: root mean square, its bound, and cover of 95% intervals.

    `angle_deg` and its cover are NaN without angles. recall: isolated particles that were found.
    """

    count: int
    recall: float
    position_px: float
    position_cover: float
    angle_deg: float
    angle_cover: float


def position_errors(truth: pd.DataFrame, positions: pd.DataFrame, *, isolated_px: float) -> Errors:
    """Compare positions with the truth where no other particle is within `isolated_px`.

    Positions that are marked as touching or merged do not count.
    """
    from scipy.spatial import cKDTree

    present = truth[truth["present"]].reset_index(drop=True)
    places = present[["x", "y", "frame"]].to_numpy(float)
    places[:, 2] *= 2 * isolated_px + 1
    nearest = np.asarray(cKDTree(places).query(places, k=2)[0])[:, 1]
    alone = nearest > isolated_px
    row = match_positions(present, positions)
    found = positions.reset_index(drop=True)
    kept = alone & (row >= 0)
    part = found.iloc[row[kept]].reset_index(drop=True)
    true = present[kept].reset_index(drop=True)
    single = (part["label"] == "").to_numpy()
    part, true = part[single], true[single]
    missed = np.concatenate([part["x"] - true["x"], part["y"] - true["y"]])
    stated = np.concatenate([part["x_se"], part["y_se"]])
    angle, angle_cover = float("nan"), float("nan")
    if "angle_deg" in true:
        turned = (part["angle_deg"] - true["angle_deg"] + 90) % 180 - 90
        angle = float(np.sqrt((turned**2).mean()))
        angle_cover = float((np.abs(turned) < _INTERVAL * part["angle_se_deg"]).mean())
    return Errors(
        count=len(part),
        recall=float((row[alone] >= 0).mean()),
        position_px=float(np.sqrt((missed**2).mean())),
        position_cover=float((np.abs(missed) < _INTERVAL * stated).mean()),
        angle_deg=angle,
        angle_cover=angle_cover,
    )
