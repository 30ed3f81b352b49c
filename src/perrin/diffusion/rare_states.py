"""States that few tracks of a sample need: those that do not fit what is learned from some of them.

`perrin.diffusion.segmentation.learn` looks at so many tracks at most, and keeps what is common
among them. Here all segments are compared with the whole grid, roughly: where one of its states is
so much more likely that chance would hardly make it so among all tracks, what the track needs is
learned from such tracks alone and added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from perrin.diffusion.segmentation import (
    ROUGHLY,
    Segmented,
    States,
    learn,
    places,
    scored,
    segment,
)
from perrin.types import FloatArray, IntArray

_EACH = 4  # alpha and K of the grid that are compared with


def with_rare(
    steps: Sequence[FloatArray],
    found: Sequence[Segmented],
    states: States,
    every: States,
    *,
    before: Sequence[IntArray] | None = None,
) -> tuple[States, list[Segmented]]:
    """Return the states with the rare ones added, and the segments (found: of `states`).

    steps (n, d), before: of each track, as `learn` takes them; every: the grid's states.
    """
    known = [None] * len(steps) if before is None else list(before)
    alpha, k = places(every)
    rough = every.only(np.flatnonzero((every.K > 0) & (alpha % _EACH == 1) & (k % _EACH == 1)))
    least = np.log(len(rough.K) * len(steps))
    bad = [
        n
        for n, (own, part) in enumerate(zip(steps, found, strict=True))
        if _gap(own, part, states, rough, known[n]) > least
    ]
    if not bad:
        return states, list(found)
    own = [steps[n] for n in bad]
    others = learn(own, every, before=None if before is None else [before[n] for n in bad])
    joined = _joined(states, others, share=len(bad) / len(steps))
    more = len(joined.K) - len(states.K)
    wide = [Segmented(part.starts, np.pad(part.posterior, ((0, 0), (0, more)))) for part in found]
    for n in bad:
        wide[n] = segment(steps[n], joined, before=known[n], every=ROUGHLY)
    return joined, wide


def _gap(
    steps: FloatArray, part: Segmented, states: States, rough: States, before: IntArray | None
) -> float:
    """Return by how much a segment is likelier in one of the rough states than in its own."""
    gap = -np.inf
    likelihood = part.posterior / states.weight
    for row, (first, stop) in enumerate(pairwise([*map(int, part.starts), len(steps)])):
        known = None if before is None else np.minimum(before[first:stop], np.arange(stop - first))
        best = states.only(likelihood[row].argmax(keepdims=True))
        own = scored(steps[first:stop], best, before=known)[0]
        gap = max(gap, float(scored(steps[first:stop], rough, before=known).max() - own))
    return gap


def _joined(states: States, others: States, *, share: float) -> States:
    """Return states and those of others that are new, with a share of the weight."""
    place = {pair: n for n, pair in enumerate(zip(states.alpha, states.K, strict=True))}
    pairs = list(zip(others.alpha, others.K, strict=True))
    new = np.array([n for n, pair in enumerate(pairs) if pair not in place], np.int64)
    weight = np.append((1 - share) * states.weight, share * others.weight[new])
    for n, pair in enumerate(pairs):
        if pair in place:
            weight[place[pair]] += share * others.weight[n]
    return replace(
        states,
        alpha=np.append(states.alpha, others.alpha[new]),
        K=np.append(states.K, others.K[new]),
        weight=weight,
        past=np.ascontiguousarray(np.concatenate([states.past, others.past[:, :, new]], axis=2)),
        precision=np.concatenate([states.precision, others.precision[:, new]], axis=1),
        level=np.concatenate([states.level, others.level[:, new]], axis=1),
    )
