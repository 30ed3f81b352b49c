"""Which populations of segments are confined: the evidence of walls that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perrin.andi2.walls import wall_odds
from perrin.diffusion.populations import Populations, nearest
from perrin.diffusion.segmentation import Segmented, States
from perrin.types import FloatArray, IntArray

LEAST_STEPS = 8
"""Shorter segments say nothing of walls."""
LEAST_ODDS = np.log(2)
"""Log-odds from which walls are there: before, one slow population in three is confined."""
_BESIDE = (2, 3)  # steps beside a change that may be of the other state: inside and outside
_FREE = (3, 60)  # positions of the free motion before, at least and at most
_OTHERS = np.array([0.05, 0.2, 0.5])[:, None, None]  # of a population's segments, not in walls
_RADII = 7
_WIDEST = 2.5  # largest radius, over half the extent of the widest segment
_LIKELY = 4  # states of a segment that are looked at: others have little of its posterior


@dataclass(frozen=True)
class Part:
    """A segment: positions (L, 2), those of the free motion it came from (M, 2), its posterior.

    Where the particle was before is looked at, or where it went, with time reversed: the longer.
    """

    positions: FloatArray
    outside: FloatArray
    posterior: FloatArray


def held_populations(
    tracks: Sequence[FloatArray],
    found: Sequence[Segmented],
    kinds: Populations,
    states: States,
    *,
    noise: float,
) -> tuple[list[bool], list[IntArray]]:
    """Return which populations are confined, and the population of each segment of each track.

    Confined: walls are more probable than none (`LEAST_ODDS`). The fastest population is free: it
    is what is outside of the walls.
    """
    place = [nearest(part, kinds, states) for part in found]
    moves = np.sqrt(2 * kinds.K) > noise
    slow = moves & (np.arange(len(kinds.K)) > 0)
    parts: list[list[Part]] = [[] for _ in kinds.K]
    for track, part, own in zip(tracks, found, place, strict=True):
        for row in np.flatnonzero(slow[own]):
            one = part_of(track, part, own, int(row))
            if len(one.positions) > LEAST_STEPS:
                parts[own[row]].append(one)
    held = [bool(own) and population_odds(own, states, noise=noise) > LEAST_ODDS for own in parts]
    return held, place


def part_of(track: FloatArray, found: Segmented, place: IntArray, row: int) -> Part:
    """Return a segment of a track, without the positions beside a change."""
    edges = np.append(found.starts, len(track) - 1)
    inside, off = _BESIDE
    first, last = edges[row] + inside * (row > 0), edges[row + 1] - inside * (row < len(place) - 1)
    sides = []
    for other, way in ((row - 1, -1), (row + 1, 1)):
        if 0 <= other < len(place) and place[other] != place[row]:
            a = edges[other] + off * (other > 0)
            b = edges[other + 1] - off * (other < len(place) - 1)
            sides.append((way, track[a : b + 1]))
    way, free = max(sides, key=lambda side: len(side[1]), default=(-1, track[:0]))
    if len(free) < _FREE[0]:
        way, free = -1, track[:0]
    positions = track[first : last + 1]
    if way > 0:
        positions, free = positions[::-1], free[::-1]
    return Part(positions, free[-_FREE[1] :], found.posterior[row])


def population_odds(parts: Sequence[Part], states: States, *, noise: float) -> float:
    """Return the log-odds that walls of one radius hold the segments of a population.

    The radius, and the fraction of segments that are in no walls after all, are averaged over.
    """
    reach = np.array([0.5 * np.ptp(part.positions, axis=0).max() for part in parts])
    radii = np.geomspace(np.quantile(reach, 0.2), _WIDEST * reach.max(), _RADII)
    ratio = np.array([_ratio(part, states, radii, noise=noise) for part in parts])
    total = np.log(_OTHERS + (1 - _OTHERS) * ratio).sum(axis=1)
    return float(np.log(np.exp(total - total.max()).mean()) + total.max())


def _ratio(part: Part, states: States, radii: FloatArray, *, noise: float) -> FloatArray:
    """Return the likelihood ratio (m,) of walls, over the likeliest states of a segment."""
    free = part.posterior * (states.K > 0)
    likely = np.argsort(-free)[:_LIKELY]
    odds = wall_odds(part.positions, part.outside, states.only(likely), radii, noise=noise)
    found: FloatArray = free[likely] / free[likely].sum() @ np.exp(odds)
    return found
