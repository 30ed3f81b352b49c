"""Which tracks are fragments of one particle: one ends, another begins nearby a little later.

Linking closes gaps only where tracks go on more often than by chance. A particle that was gone
for longer, or that was hidden by others, comes back as another track. It is likely the same where
it lies within what Brownian motion allows, and where hardly any track would begin there by chance.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.tracking.link import joints
from perrin.types import FloatArray

MOST_FRAMES = 30
"""A particle that is gone for longer is not recognized."""
_FAR = 6.0  # squared distance over twice its variance: Brownian motion goes beyond in 1 of 400
_CHANCE = 0.05  # expected number of other tracks that begin so near, so soon


def continues(
    tracks: pd.DataFrame, particles: pd.DataFrame, *, step_px: float, area_px: float
) -> FloatArray:
    """Return the track (N,) that each of `particles` most likely goes on from, NaN for none.

    tracks: particle, frame, x, y. step_px: standard deviation of a step of one axis. Tracks begin
    by chance anywhere in the field of `area_px`, as often as they do in the frames after an end;
    each goes on in one other at most, the least likely by chance first.
    """
    number, frame = (tracks[name].to_numpy(np.int64) for name in ("particle", "frame"))
    if not len(number) or not step_px > 0:
        return np.full(len(particles), np.nan)
    x, y = (tracks[name].to_numpy(float) for name in "xy")
    reach = np.sqrt(2 * _FAR) * step_px
    found = joints(frame, x, y, number, reach, MOST_FRAMES)
    born = np.sort(pd.Series(frame).groupby(number).min().to_numpy(np.int64))
    first, last = (frame[found.end] + gap for gap in (2, MOST_FRAMES + 1))
    began = np.searchsorted(born, last, side="right") - np.searchsorted(born, first)
    frames = np.minimum(last, frame.max()) - first + 1
    far = found.square / (2 * step_px**2 * found.later)
    chance = began / frames * (step_px**2 / area_px) * _volume(far + np.log(found.later))
    before: dict[int, int] = {}
    gone: set[int] = set()
    for k in np.argsort(chance, kind="stable"):
        if chance[k] > _CHANCE:
            break
        end, start = int(number[found.end[k]]), int(number[found.start[k]])
        if end not in gone and start not in before:
            gone.add(end)
            before[start] = end
    return np.array([before.get(int(one), np.nan) for one in particles["particle"]], float)


def _volume(unlikely: FloatArray) -> FloatArray:
    """Return frames times area, in squared steps, of all that is no less likely than (K,).

    unlikely: squared distance over twice its variance, and the logarithm of the frames passed:
    minus the logarithm of the probability density of Brownian motion, but for a constant.
    """
    later = np.arange(2, MOST_FRAMES + 2)
    inside = np.clip(unlikely[:, None] - np.log(later), 0.0, _FAR)
    volume: FloatArray = 2 * np.pi * inside @ later
    return volume
