"""Predictions for an experiment of the second AnDi challenge: segments of each track, states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perrin.andi2.confined import held_populations
from perrin.diffusion.populations import Populations, populations
from perrin.diffusion.rare_states import with_rare
from perrin.diffusion.segmentation import (
    GAIN,
    ROUGHLY,
    Segmented,
    States,
    grid,
    learn,
    segment,
    weighted,
)
from perrin.types import FloatArray, IntArray

NOISE_PX = 0.12
"""Localization error of the challenge's tracks, one axis."""
KS = (0.003, 12.0)
"""Generalized diffusion coefficients that are looked for, px^2 / frame^alpha."""
DIRECTED = 1.9
IMMOBILE, CONFINED, FREE, SUPERDIFFUSIVE = 0, 1, 2, 3
"""States, as the challenge numbers them."""


@dataclass(frozen=True)
class TrackPrediction:
    """Segments of a track: K (s,), alpha (s,), state (s,) and the position each ends at (s,)."""

    K: FloatArray
    alpha: FloatArray
    state: IntArray
    stop: IntArray


@dataclass(frozen=True)
class Prediction:
    """Of one experiment: a `TrackPrediction` a track, its populations, and which are confined."""

    tracks: list[TrackPrediction]
    states: Populations
    confined: list[bool]


def predict(
    tracks: Sequence[FloatArray], *, noise: float = NOISE_PX, gain: float = GAIN
) -> Prediction:
    """Return what happens along the tracks (L, 2) of one experiment.

    How common states and changes are is learned from all of them. noise: localization error of
    one axis. gain: log-odds that a change has to bring beyond what is learned; below 0 it is
    given some.
    """
    steps = [np.diff(track, axis=0) for track in tracks]
    usable = [own for own in steps if len(own) > 1]
    states = grid(noise, ks=KS)
    if usable:
        every, states = states, learn(usable, states, every=ROUGHLY)
        found = [segment(own, states, every=ROUGHLY) for own in usable]
        states, found = with_rare(usable, found, states, every)
        lengths = [_lengths(part, own) for part, own in zip(found, usable, strict=True)]
        _, weight = populations(found, lengths, states)
        states = weighted(states, weight)
    found = [segment(own if len(own) else np.zeros((1, 2)), states, gain=gain) for own in steps]
    lengths = [_lengths(part, own) for part, own in zip(found, steps, strict=True)]
    kinds, _ = populations(found, lengths, states)
    held, place = held_populations(tracks, found, kinds, states, noise=noise)
    tracks_found = [
        _track(part, states, place[k], held, length=len(track), noise=noise)
        for k, (part, track) in enumerate(zip(found, tracks, strict=True))
    ]
    return Prediction(tracks_found, kinds, held)


def _lengths(found: Segmented, steps: FloatArray) -> FloatArray:
    return np.diff(np.append(found.starts, max(len(steps), 1))).astype(float)


def _track(
    found: Segmented,
    states: States,
    place: IntArray,
    held: list[bool],
    *,
    length: int,
    noise: float,
) -> TrackPrediction:
    """Return the segments of a track: median alpha and mean ln(1 + K) of each posterior.

    What moves by less than the noise does is at rest.
    """
    moving = states.K > 0
    rests = found.posterior[:, ~moving].sum(axis=1) > 0.5
    posterior = found.posterior[:, moving]
    posterior = posterior / np.maximum(posterior.sum(axis=1, keepdims=True), 1e-300)
    alpha = np.array([_median(states.alpha[moving], weight) for weight in posterior])
    k = np.expm1(posterior @ np.log1p(states.K[moving]))
    rests |= k < 0.5 * noise**2
    state = np.where(alpha >= DIRECTED, SUPERDIFFUSIVE, FREE)
    state = np.where(np.array(held)[place], CONFINED, state)
    return TrackPrediction(
        np.where(rests, 0.0, k),
        np.where(rests, 0.0, alpha),
        np.where(rests, IMMOBILE, state),
        np.append(found.starts[1:], length),
    )


def _median(values: FloatArray, weight: FloatArray) -> float:
    """Return the weighted median of grid values, between the grid's points."""
    levels, place = np.unique(np.round(values, 6), return_inverse=True)
    mass = np.bincount(place, weights=weight, minlength=len(levels))
    before = np.cumsum(mass) - 0.5 * mass
    return float(np.interp(0.5 * mass.sum(), before, levels))
