"""Linking positions to tracks, and what it needs: suggested from the data.

Linking is the assignment of least cost (Jaqaman et al., Nat. Methods 5, 695 (2008)), solved
exactly by scipy, first from frame to frame, then from the ends of tracks to beginnings a few
frames later. A link costs its squared distance over the time that has passed, no link the
square of the search range: for normal steps the most probable links. What tells particles apart
besides (direction, size, contrast) makes a link dearer (`perrin.tracking.likeness`).

The steps are seen without linking anything: of all pairs of positions in neighboring frames
within a distance r, those beyond what a particle's own neighbors in its frame account for are
true steps. So the search range follows from the data, and how often two ways of linking are
about as likely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perrin.errors import PerrinError
from perrin.settings.tracking import LinkSettings
from perrin.tracking.likeness import Likeness, Marks, measure_likeness
from perrin.types import FloatArray, IntArray

MOST_MEMORY = 10
_TAIL = 0.003  # of the particles may step beyond the search range, before the margin
_CHANCE = 2.0  # standard deviations of the counted pairs that are no steps
_MARGIN = 1.15
_BINS = 200
_LEAST_PX = 0.5
_APART = 0.4  # of the distance from particle to particle: others are seldom met within it
_MOST_CANDIDATES = 30.0  # for the next position of one particle: more than that is no linking
_CLEARLY = 3.0  # standard deviations by which gaps are closed more often than by chance
_FEW = 0.002  # of the positions: gaps that are not worth remembering for
AMBIGUOUS = 0.02
"""Expected fraction of wrong links from which a warning is due."""


@dataclass(frozen=True)
class Steps:
    """What the positions say about the steps, before anything is linked.

    bulk_px: within which all but a few steps lie. search_px: the same, or more where particles
    are far apart, so that rare long jumps are not cut. step_px: root mean square step of one
    axis, of the bulk of the steps. spacing_px: mean distance between particles, density^-1/2.
    r_px, fraction (K,): fraction of the particles that have made a step of at most r, by counting.
    """

    bulk_px: float
    search_px: float
    step_px: float
    spacing_px: float
    r_px: FloatArray
    fraction: FloatArray


@dataclass(frozen=True)
class LinkingResult:
    """A track number for each position, -1 for none, and how sure the links are."""

    particle: IntArray
    """(N,): track of each position."""
    search_px: float
    memory_frames: int
    """search_px, memory_frames: what was used."""
    steps: Steps
    """What they were suggested from."""
    ambiguity: FloatArray
    """(N,): probability that the link to the next frame is wrong, by the lengths of the steps of
    the best exchange with another particle; NaN where there is none."""

    @property
    def wrong_fraction(self) -> float:
        """Expected fraction of wrong links; 0 without links."""
        known = self.ambiguity[np.isfinite(self.ambiguity)]
        return float(known.mean()) if known.size else 0.0


def link(
    frame: IntArray,
    x: FloatArray,
    y: FloatArray,
    *,
    area_px: float,
    settings: LinkSettings,
    marks: Marks | None = None,
) -> LinkingResult:
    """Link N positions, in order of frames, to tracks; `marks` tell particles apart.

    Raises `PerrinError` where a search range that was given holds so many candidates that
    linking is guessing.
    """
    steps = measure_steps(frame, x, y, area_px=area_px)
    search = settings.search_px or steps.search_px
    if np.pi * search**2 > _MOST_CANDIDATES * steps.spacing_px**2:
        within = np.pi * (search / steps.spacing_px) ** 2
        raise PerrinError(
            f"a search range of {search:.3g} px holds {within:.0f} particles on average (it is "
            f"{steps.spacing_px:.3g} px from one to the next): linking "
            "would be guessing. Give a smaller --search-px, or record fewer particles or more "
            "frames a second."
        )
    tracklets = link_frames(frame, x, y, search_px=search)
    looks = None
    if marks is not None:
        looks = measure_likeness(frame, tracklets, marks, step_px=steps.step_px)
    if looks is not None:
        tracklets = link_frames(frame, x, y, search_px=search, looks=looks)
    memory = settings.memory_frames
    reach = settings.search_px or steps.bulk_px  # rare jumps are not waited for
    if memory is None:
        memory = suggest_memory(frame, x, y, tracklets, search_px=reach, area_px=area_px)
    particle = close_gaps(
        frame, x, y, tracklets, search_px=reach, memory_frames=memory, looks=looks
    )
    doubt = ambiguity(frame, x, y, particle, step_px=steps.step_px, search_px=search, looks=looks)
    return LinkingResult(particle, search, memory, steps, doubt)


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
    fraction = (
        np.searchsorted(step, r, side="right") - np.searchsorted(other, r, side="right")
    ) / (max(int(followed), 1))
    k = _last_of_steps(fraction, np.histogram(step, np.append(0, r))[0], int(followed))
    middle = float(r[np.searchsorted(np.maximum.accumulate(fraction[: k + 1]), 0.5 * fraction[k])])
    step_px = max(middle / np.sqrt(2 * np.log(2)), 1e-3)
    # in a crowd chance hides the longest steps: normal ones end where a Gaussian says
    longest = max(float(r[k]), min(float(np.sqrt(-2 * np.log(_TAIL))) * step_px, most))
    bulk = max(longest * _MARGIN, _LEAST_PX)
    return Steps(
        bulk_px=bulk,
        search_px=max(bulk, _APART * spacing),
        step_px=step_px,
        spacing_px=spacing,
        r_px=r,
        fraction=fraction,
    )


def _last_of_steps(fraction: FloatArray, counts: IntArray, followed: int) -> int:
    """Return the first bin beyond which no more than a few steps, or chance, are found.

    fraction (K,) within each distance, counts (K,) of all pairs in each bin.
    """
    most = float(fraction.max())
    for k in range(len(fraction) - 1):
        beyond = slice(k + 1, min(len(fraction), 2 * k + 3))
        chance = np.sqrt(2 * np.cumsum(counts[beyond])) / max(followed, 1)
        more = fraction[beyond] - fraction[k]
        if fraction[k] > 0.5 * most and (more <= _TAIL + _CHANCE * chance).all():
            return k
    return len(fraction) - 1


def _distances(
    frame: IntArray, x: FloatArray, y: FloatArray, most: float, *, later: int
) -> FloatArray:
    """Return the sorted distances up to `most` to all positions `later` frames on, not itself."""
    one, other, distance = _pairs(frame, x, y, most, later=later)
    return np.sort(distance[one != other])


def _pairs(
    frame: IntArray, x: FloatArray, y: FloatArray, most: float, *, later: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return rows of positions (M,), of others `later` frames on, and distances up to `most`."""
    from scipy.spatial import cKDTree

    apart = 2 * most + 1  # from one frame to the next, so that no other frame is met
    here = cKDTree(np.stack([x, y, frame * apart], axis=1))
    there = cKDTree(np.stack([x, y, (frame - later) * apart], axis=1)) if later else here
    pairs = here.sparse_distance_matrix(there, most, output_type="ndarray")
    return pairs["i"].astype(np.int64), pairs["j"].astype(np.int64), pairs["v"]


def link_frames(
    frame: IntArray,
    x: FloatArray,
    y: FloatArray,
    *,
    search_px: float,
    looks: Likeness | None = None,
) -> IntArray:
    """Return the tracks (N,) of positions linked from one frame to the next, numbered from 0."""
    if not len(frame):
        return np.empty(0, np.int64)
    one, other, distance = _pairs(frame, x, y, search_px, later=1)
    square = distance**2 + (0.0 if looks is None else looks.squares(one, other))
    follows = _assigned(one, other, square / search_px**2, count=len(frame))
    return _numbered(np.arange(len(frame)), follows)


def _assigned(one: IntArray, other: IntArray, cost: FloatArray, *, count: int) -> IntArray:
    """Return what follows each of `count` things, -1 for nothing: the assignment of least cost.

    cost (M,): of `other` following `one`; 1 is as bad as no link. Things that are not tied by
    possible links are assigned apart from each other.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = coo_matrix((np.ones(len(one)), (one, other + count)), shape=(2 * count, 2 * count))
    groups, found = connected_components(edges, directed=False)
    group = found.astype(np.int64)
    here, first_here, row = _grouped(group[:count], groups)
    there, first_there, column = _grouped(group[count:], groups)
    order = np.argsort(group[one], kind="stable")
    one, other, cost = one[order], other[order], cost[order]
    first = np.searchsorted(group[one], np.arange(groups + 1))
    follows = np.full(count, -1, np.int64)
    single = first[:-1][np.diff(first) == 1]
    single = single[cost[single] < 1.0]
    follows[one[single]] = other[single]
    for g in np.flatnonzero(np.diff(first) > 1):
        rows = here[first_here[g] : first_here[g + 1]]
        columns = there[first_there[g] : first_there[g + 1]]
        own = slice(first[g], first[g + 1])
        table = np.ones((len(rows), len(columns)))
        table[row[one[own]], column[other[own]]] = cost[own]
        p, q = linear_sum_assignment(table)
        linked = table[p, q] < 1.0
        follows[rows[p[linked]]] = columns[q[linked]]
    return follows


def _grouped(group: IntArray, groups: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return members by group (N,), where each group starts (G + 1,), and places within them."""
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(groups + 1))
    place = np.empty(len(group), np.int64)
    place[order] = np.arange(len(group)) - first[group[order]]
    return order, first, place


@dataclass(frozen=True)
class Joints:
    """Ends of tracks and beginnings within reach of them: rows of positions, gap and distance."""

    end: IntArray
    start: IntArray
    later: IntArray
    square: FloatArray


def joints(
    frame: IntArray, x: FloatArray, y: FloatArray, particle: IntArray, search_px: float, most: int
) -> Joints:
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
    return Joints(*columns)


def suggest_memory(
    frame: IntArray,
    x: FloatArray,
    y: FloatArray,
    tracklets: IntArray,
    *,
    search_px: float,
    area_px: float,
) -> int:
    """Return the longest gap after which tracks (N,) go on more often than by chance."""
    if not len(frame):
        return 0
    found = joints(frame, x, y, tracklets, search_px, MOST_MEMORY)
    order = np.lexsort((frame, tracklets))
    new = np.flatnonzero(np.diff(tracklets[order], prepend=-1))
    born = np.bincount(frame[order[new]], minlength=int(frame.max()) + 1)
    ends = frame[order[np.append(new[1:], len(order)) - 1]]
    memory = 0
    for later in range(2, MOST_MEMORY + 2):
        at = ends + later
        others = float(born[at[at < len(born)]].sum())
        expected = others * min(np.pi * later * search_px**2 / area_px, 1.0)
        seen = int((found.later == later).sum())
        if seen - expected > max(_CLEARLY * np.sqrt(expected + 1), _FEW * len(new)):
            memory = later - 1
    return memory


def close_gaps(
    frame: IntArray,
    x: FloatArray,
    y: FloatArray,
    tracklets: IntArray,
    *,
    search_px: float,
    memory_frames: int,
    looks: Likeness | None = None,
) -> IntArray:
    """Return the tracks (N,) with gaps of up to `memory_frames` closed, numbered from 0."""
    if not memory_frames or not len(frame):
        return tracklets
    found = joints(frame, x, y, tracklets, search_px, memory_frames)
    square = found.square / found.later
    if looks is not None:
        square = square + looks.squares(found.end, found.start, found.later)
    cost = square / search_px**2
    count = int(tracklets.max()) + 1
    return _numbered(
        tracklets, _assigned(tracklets[found.end], tracklets[found.start], cost, count=count)
    )


def _numbered(tracklets: IntArray, follows: IntArray) -> IntArray:
    """Give a piece and all that follow it one number, from 0."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count, linked = len(follows), np.flatnonzero(follows >= 0)
    edges = coo_matrix((np.ones(len(linked)), (linked, follows[linked])), shape=(count, count))
    number: IntArray = connected_components(edges, directed=False)[1].astype(np.int64)
    return number[tracklets]


def ambiguity(
    frame: IntArray,
    x: FloatArray,
    y: FloatArray,
    particle: IntArray,
    *,
    step_px: float,
    search_px: float,
    looks: Likeness | None = None,
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
    more = il + kj - square(a[i], b[i]) - square(a[k], b[k])
    if looks is not None:
        more += looks.squares(a[i], b[k]) + looks.squares(a[k], b[i])
        more -= looks.squares(a[i], b[i]) + looks.squares(a[k], b[k])
    more /= 2 * step_px**2
    odds = np.where(possible, np.exp(-np.clip(more, -5, 50)), 0.0)
    for rows in (a[i], a[k]):
        np.add.at(doubt, rows, odds)
    return np.asarray(doubt / (1 + doubt), dtype=np.float64)
