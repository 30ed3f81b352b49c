"""Does the size of steps change along a track, and how: hidden levels, forward in time.

What is new in each step (`perrin.diffusion.gaussian_evidence.innovations`) is Gaussian of unit
variance where nothing changes. Levels of variance a factor apart are hidden states: kept for
long and then left for any other (two or more diffusivities), moved along step by step (a
diffusing diffusivity), or drawn anew at each step (jumps without memory, as of a CTRW).
"""

from __future__ import annotations

import numpy as np
from numba import njit

LEVELS = np.exp(np.arange(-4.0, 2.6, 0.5))
"""Variances of the hidden levels."""
LEAVE = np.array([0.15, 0.05, 0.02])
"""Probabilities a step of leaving a level."""
WANDER = np.array([0.5, 0.15])
"""Probabilities a step of moving to a neighboring level."""
_ROUNDS = 30
NEVER = -1e300


@njit(cache=True, nogil=True)
def densities(square, dims):  # type: ignore[no-untyped-def]
    """Return the density of squared innovations (n,) of `dims` axes at each level: (n, levels).

    Over that of unit variance.
    """
    found = np.empty((len(square), len(LEVELS)))
    for t in range(len(square)):
        for k in range(len(LEVELS)):
            found[t, k] = np.exp(
                min(
                    -0.5 * dims * np.log(LEVELS[k]) - 0.5 * square[t] * (1 / LEVELS[k] - 1),
                    300.0,
                )
            )
    return found


@njit(cache=True, nogil=True)
def kept(density, weight, leave):  # type: ignore[no-untyped-def]
    """Return ln of the evidence of levels that are left with probability `leave` for `weight`."""
    state, value = np.empty(len(weight)), 0.0
    for k in range(len(state)):
        state[k] = weight[k]
    for t in range(len(density)):
        if t:
            for k in range(len(state)):
                state[k] = (1 - leave) * state[k] + leave * weight[k]
        total = 0.0
        for k in range(len(state)):
            state[k] *= density[t, k]
            total += state[k]
        value += np.log(total + 1e-300)
        for k in range(len(state)):
            state[k] /= total + 1e-300
    return value


@njit(cache=True, nogil=True)
def wandering(density, move):  # type: ignore[no-untyped-def]
    """Return ln of the evidence of levels that move to a neighbor with probability `move`."""
    levels = density.shape[1]
    state, ahead, value = np.full(levels, 1.0 / levels), np.empty(levels), 0.0
    for t in range(len(density)):
        for k in range(levels):
            up, down = max(k - 1, 0), min(k + 1, levels - 1)
            near = (1 - move) * state[k] + 0.5 * move * (state[up] + state[down])
            ahead[k] = (state[k] if t == 0 else near) * density[t, k]
        total = 0.0
        for k in range(levels):
            total += ahead[k]
        total += 1e-300
        value += np.log(total)
        for k in range(levels):
            state[k] = ahead[k] / total
    return value


@njit(cache=True, nogil=True)
def shares(density):  # type: ignore[no-untyped-def]
    """Return the shares (levels,) of each level that suit steps without order best (EM)."""
    count, levels = density.shape
    weight = np.full(levels, 1.0 / levels)
    for _ in range(_ROUNDS):
        after = np.zeros(levels)
        for t in range(count):
            total = 1e-300
            for k in range(levels):
                total += weight[k] * density[t, k]
            for k in range(levels):
                after[k] += weight[k] * density[t, k] / total
        for k in range(levels):
            weight[k] = after[k] / count
    return weight


@njit(cache=True, nogil=True)
def switching(square, dims):  # type: ignore[no-untyped-def]
    """Return ln evidences over that of one level, (9,).

    Kept with each of `LEAVE` and even shares; with fitted shares and each of `LEAVE`; without
    order and fitted shares; moving with each of `WANDER`.
    """
    density = densities(square, dims)
    one = NEVER
    for k in range(len(LEVELS)):
        value = 0.0
        for t in range(len(density)):
            value += np.log(density[t, k] + 1e-300)
        one = max(one, value)
    even, own = np.full(len(LEVELS), 1.0 / len(LEVELS)), shares(density)
    found = np.empty(2 * len(LEAVE) + 1 + len(WANDER))
    for j in range(len(LEAVE)):
        found[j] = kept(density, even, LEAVE[j])
        found[len(LEAVE) + j] = kept(density, own, LEAVE[j])
    found[2 * len(LEAVE)] = kept(density, own, 1.0)
    for j in range(len(WANDER)):
        found[2 * len(LEAVE) + 1 + j] = wandering(density, WANDER[j])
    for j in range(len(found)):
        found[j] -= one
    return found
