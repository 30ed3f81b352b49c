"""Linking positions to tracks, and what it needs: suggested from the data.

trackpy links from frame to frame; a track that ends goes on in one that begins a few frames
later by the assignment of least squared distance over time (Jaqaman et al., Nat. Methods 5, 695
(2008)), within the search range times the root of the time that has passed.

The steps are seen without linking anything: of all pairs of positions in neighboring frames
within a distance r, those beyond what a particle's own neighbors in its frame account for are
true steps. So the search range follows from the data, and how often two ways of linking are
about as likely.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.settings.tracking import LinkSettings

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_MEMORY = 10
_TAIL = 0.003  # of the particles may step beyond the search range, before the margin
_CHANCE = 2.0  # standard deviations of the counted pairs that are no steps
_MARGIN = 1.15
_BINS = 200
_LEAST_PX = 0.5
_APART = 0.4  # of the distance from particle to particle: others are seldom met within it
_LEAST_RANGE = 0.3  # of the search range, down to which it is narrowed where it is crowded
_CLEARLY = 3.0  # standard deviations by which gaps are closed more often than by chance
_FEW = 0.002  # of the positions: gaps that are not worth remembering for
AMBIGUOUS = 0.02
"""Expected share of wrong links from which a warning is due."""


@dataclass(frozen=True)
class Steps:
    """What the positions say about the steps, before anything is linked.

    bulk_px: within which all but a few steps lie. search_px: the same, or more where particles
    are far apart, so that rare long jumps are not cut. step_px: root mean square step of one
    axis, of the bulk of the steps. spacing_px: mean distance between particles, density^-1/2.
    r_px, share (K,): share of the particles that have made a step of at most r, by counting.
    """

    bulk_px: float
    search_px: float
    step_px: float
    spacing_px: float
    r_px: FloatArray
    share: FloatArray


@dataclass(frozen=True)
class Linked:
    """A track number for each position, -1 for none, and how sure the links are.

    Attributes
    ----------
    particle : (N,) int64
        Track of each position.
    search_px, memory_frames
        What was used.
    steps : Steps
        What they were suggested from.
    ambiguity : (N,)
        Probability that the link to the next frame is wrong, by the lengths of the steps of the
        best exchange with another particle; NaN where there is none.

    """

    particle: IntArray
    search_px: float
    memory_frames: int
    steps: Steps
    ambiguity: FloatArray

    @property
    def wrong_share(self) -> float:
        """Expected share of wrong links; 0 without links."""
        known = self.ambiguity[np.isfinite(self.ambiguity)]
        return float(known.mean()) if known.size else 0.0


def link(
    frame: IntArray, x: FloatArray, y: FloatArray, *, area_px: float, settings: LinkSettings
) -> Linked:
    """Link N positions, in order of frames, to tracks.

    Raises `PerrinError` where trackpy is not installed, or where the search range holds so many
    candidates that no linking is possible.
    """
    steps = measure_steps(frame, x, y, area_px=area_px)
    search = settings.search_px or steps.search_px
    pieces = _linked(frame, x, y, search)
    memory = settings.memory_frames
    reach = settings.search_px or steps.bulk_px  # rare jumps are not waited for
    if memory is None:
        memory = suggest_memory(frame, x, y, pieces, search_px=reach, area_px=area_px)
    particle = close_gaps(frame, x, y, pieces, search_px=reach, memory_frames=memory)
    doubt = ambiguity(frame, x, y, particle, step_px=steps.step_px, search_px=search)
    return Linked(particle, search, memory, steps, doubt)


def measure_steps(frame: IntArray, x: FloatArray, y: FloatArray, *, area_px: float) -> Steps:
    """Return what N positions in a field of `area_px` say about the steps between frames."""
    frames = int(frame.max() - frame.min()) + 1 if len(frame) else 1
    spacing = float(np.sqrt(area_px * frames / max(len(frame), 1)))
    most = max(min(spacing, np.sqrt(area_px) / 2), 4 * _LEAST_PX)
    r = np.linspace(0, most, _BINS + 1)[1:]
    if len(frame) < 2:
        return Steps(_LEAST_PX, _LEAST_PX, _LEAST_PX, spacing, r, np.zeros(_BINS))
    step = _distances(frame, x, y, most, later=1)
    other = _distances(frame, x, y, most, later=0)
    followed = np.isin(frame, frame - 1).sum()
    share = (np.searchsorted(step, r, side="right") - np.searchsorted(other, r, side="right")) / (
        max(int(followed), 1)
    )
    k = _last_of_steps(share, np.histogram(step, np.append(0, r))[0], int(followed))
    bulk = max(float(r[k]) * _MARGIN, _LEAST_PX)
    middle = float(r[np.searchsorted(np.maximum.accumulate(share[: k + 1]), 0.5 * share[k])])
    return Steps(
        bulk_px=bulk,
        search_px=max(bulk, _APART * spacing),
        step_px=max(middle / np.sqrt(2 * np.log(2)), 1e-3),
        spacing_px=spacing,
        r_px=r,
        share=share,
    )


def _last_of_steps(share: FloatArray, counts: IntArray, followed: int) -> int:
    """Return the first bin beyond which no more than a few steps, or chance, are found.

    share (K,) within each distance, counts (K,) of all pairs in each bin.
    """
    most = float(share.max())
    for k in range(len(share) - 1):
        beyond = slice(k + 1, min(len(share), 2 * k + 3))
        chance = np.sqrt(2 * np.cumsum(counts[beyond])) / max(followed, 1)
        more = share[beyond] - share[k]
        if share[k] > 0.5 * most and (more <= _TAIL + _CHANCE * chance).all():
            return k
    return len(share) - 1


def _distances(
    frame: IntArray, x: FloatArray, y: FloatArray, most: float, *, later: int
) -> FloatArray:
    """Return the sorted distances up to `most` to all positions `later` frames on, not itself."""
    from scipy.spatial import cKDTree

    apart = 2 * most + 1  # from one frame to the next, so that no other frame is met
    here = cKDTree(np.stack([x, y, frame * apart], axis=1))
    there = cKDTree(np.stack([x, y, (frame - later) * apart], axis=1))
    pairs = here.sparse_distance_matrix(there, most, output_type="coo_matrix")
    kept = pairs.row != pairs.col if later == 0 else np.ones(len(pairs.row), bool)
    return np.sort(np.asarray(pairs.data[kept], dtype=np.float64))


@dataclass(frozen=True)
class _Joints:
    """Ends of tracks and beginnings within reach of them: rows of positions, gap and distance."""

    end: IntArray
    start: IntArray
    later: IntArray
    square: FloatArray


def _joints(
    frame: IntArray, x: FloatArray, y: FloatArray, particle: IntArray, search_px: float, most: int
) -> _Joints:
    """Return all ends and beginnings 2 to `most` + 1 frames apart, within the growing range."""
    order = np.lexsort((frame, particle))
    new = np.flatnonzero(np.diff(particle[order], prepend=-1))
    starts, ends = order[new], order[np.append(new[1:], len(order)) - 1]
    starts = starts[np.argsort(frame[starts], kind="stable")]
    born = frame[starts]
    found: list[tuple[IntArray, IntArray, IntArray, FloatArray]] = []
    for later in range(2, most + 2):
        low = np.searchsorted(born, frame[ends] + later, side="left")
        high = np.searchsorted(born, frame[ends] + later, side="right")
        end = np.repeat(ends, high - low)
        start = np.concatenate([starts[a:b] for a, b in zip(low, high, strict=True)])
        square = (x[end] - x[start]) ** 2 + (y[end] - y[start]) ** 2
        near = square <= later * search_px**2
        found.append((end[near], start[near], np.full(near.sum(), later), square[near]))
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    return _Joints(*columns)


def suggest_memory(
    frame: IntArray,
    x: FloatArray,
    y: FloatArray,
    pieces: IntArray,
    *,
    search_px: float,
    area_px: float,
) -> int:
    """Return the longest gap after which tracks (N,) go on more often than by chance."""
    if not len(frame):
        return 0
    joints = _joints(frame, x, y, pieces, search_px, MOST_MEMORY)
    order = np.lexsort((frame, pieces))
    new = np.flatnonzero(np.diff(pieces[order], prepend=-1))
    born = np.bincount(frame[order[new]], minlength=int(frame.max()) + 1)
    ends = frame[order[np.append(new[1:], len(order)) - 1]]
    memory = 0
    for later in range(2, MOST_MEMORY + 2):
        at = ends + later
        others = float(born[at[at < len(born)]].sum())
        expected = others * min(np.pi * later * search_px**2 / area_px, 1.0)
        seen = int((joints.later == later).sum())
        if seen - expected > max(_CLEARLY * np.sqrt(expected + 1), _FEW * len(new)):
            memory = later - 1
    return memory


def close_gaps(
    frame: IntArray,
    x: FloatArray,
    y: FloatArray,
    pieces: IntArray,
    *,
    search_px: float,
    memory_frames: int,
) -> IntArray:
    """Return the tracks (N,) with gaps of up to `memory_frames` closed, numbered from 0."""
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not memory_frames or not len(frame):
        return pieces
    joints = _joints(frame, x, y, pieces, search_px, memory_frames)
    cost = joints.square / joints.later / search_px**2  # 1 is as bad as no link
    count = int(pieces.max()) + 1
    one, other = pieces[joints.end], pieces[joints.start]
    edges = coo_matrix((np.ones(len(one)), (one, other + count)), shape=(2 * count, 2 * count))
    _, group = connected_components(edges, directed=False)
    follows = np.full(count, -1, np.int64)
    order = np.argsort(group[one], kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(group[one][order])) + 1):
        a, i = np.unique(one[rows], return_inverse=True)
        b, j = np.unique(other[rows], return_inverse=True)
        table = np.full((len(a), len(b)), 1.0)
        np.minimum.at(table, (i, j), cost[rows])
        for p, q in zip(*linear_sum_assignment(table), strict=True):
            if table[p, q] < 1.0:
                follows[a[p]] = b[q]
    return _numbered(pieces, follows)


def _numbered(pieces: IntArray, follows: IntArray) -> IntArray:
    """Give a piece and all that follow it one number, in order of their first pieces."""
    number = np.full(len(follows), -1, np.int64)
    begins = np.setdiff1d(np.arange(len(follows)), follows)
    for n, piece in enumerate(begins):
        at = int(piece)
        while at >= 0:
            number[at] = n
            at = int(follows[at])
    return number[pieces]


def _linked(frame: IntArray, x: FloatArray, y: FloatArray, search_px: float) -> IntArray:
    """Return the tracks (N,) of positions linked from frame to frame, by trackpy."""
    if not len(frame):
        return np.empty(0, np.int64)
    table = pd.DataFrame({"frame": frame, "x": x, "y": y})
    try:
        with warnings.catch_warnings():  # of what trackpy uses, which nobody here can mend
            warnings.simplefilter("ignore")
            import trackpy
            from trackpy.linking.utils import SubnetOversizeException
    except ImportError as error:
        raise PerrinError("linking needs trackpy: pip install 'perrin[track]'.") from error
    logger = logging.getLogger("trackpy")  # it tells of every frame
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            linked = trackpy.link(
                table, search_px, adaptive_stop=_LEAST_RANGE * search_px, adaptive_step=0.9
            )
    except SubnetOversizeException as error:
        raise PerrinError(
            f"a search range of {search_px:.3g} px ties too many particles together to link them "
            "(the density is too high for their steps). Give a smaller --search-px, or record "
            "fewer particles or more frames a second."
        ) from error
    finally:
        logger.setLevel(level)
    return np.asarray(linked["particle"].sort_index(), dtype=np.int64)


def ambiguity(
    frame: IntArray,
    x: FloatArray,
    y: FloatArray,
    particle: IntArray,
    *,
    step_px: float,
    search_px: float,
) -> FloatArray:
    """Return the probability (N,) that the link from a position to the next frame is wrong.

    Two particles i -> j and k -> l in the same two frames could be exchanged where the other
    two distances are in range. For normal steps of variance s^2 an axis the odds of the exchange
    are exp(-(d_il^2 + d_kj^2 - d_ij^2 - d_kl^2) / 2 s^2); those of several exchanges add up.
    """
    from scipy.spatial import cKDTree

    order = np.lexsort((frame, particle))
    follows = (np.diff(particle[order]) == 0) & (np.diff(frame[order]) == 1)
    a, b = order[:-1][follows], order[1:][follows]
    doubt = np.full(len(frame), np.nan)
    doubt[a] = 0.0
    if len(a) < 2:
        return doubt
    places = np.stack([x[a], y[a], frame[a] * (4 * search_px + 1)], axis=1)
    pairs = cKDTree(places).query_pairs(2 * search_px, output_type="ndarray")
    i, k = pairs[:, 0], pairs[:, 1]

    def square(p: IntArray, q: IntArray) -> FloatArray:
        found: FloatArray = (x[p] - x[q]) ** 2 + (y[p] - y[q]) ** 2
        return found

    il, kj = square(a[i], b[k]), square(a[k], b[i])
    possible = (il <= search_px**2) & (kj <= search_px**2)
    more = (il + kj - square(a[i], b[i]) - square(a[k], b[k])) / (2 * step_px**2)
    odds = np.where(possible, np.exp(-np.clip(more, -5, 50)), 0.0)
    for rows in (a[i], a[k]):
        np.add.at(doubt, rows, odds)
    return np.asarray(doubt / (1 + doubt), dtype=np.float64)
