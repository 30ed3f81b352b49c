"""Sets of tracks of every kind of motion, as cameras see them: noise, blur, gaps, wrong links."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perrin.diffusion.motion_kinds import KINDS, MOTION_KINDS
from perrin.diffusion.windows import Track
from perrin.simulate.walk_kinds import KindWalks, simulate_kind
from perrin.simulate.walk_noise import lose_frames
from perrin.types import FloatArray, IntArray

PRIOR: dict[str, float] = {kind.name: kind.prior for kind in MOTION_KINDS}
"""How common each kind is: the prior of the probabilities."""
CAMERA: dict[str, object] = {
    "noise": "none (.25), uniform to .6 steps (.5), uniform .6 to 1.5 steps (.25)",
    "noise told": "half of the tracks, to 5%",
    "exposure": "0 (.75) or uniform .2 to 1, told for half of the tracks",
    "missing": "none (.85) or uniform .02 to .25",
    "wrong links": ".08 of the tracks have one to three positions 3 to 8 steps off",
}
"""What `simulate_kinds` draws, for the card."""
_WRONG = 0.08


@dataclass(frozen=True)
class KindSet:
    """Tracks with the kind of each (N,), an index of `KINDS`, and walls (N,): 1, 0 or NaN."""

    tracks: list[Track]
    kind: IntArray
    walls: FloatArray


def simulate_kinds(
    counts: dict[str, int], *, length: int, dims: int, rng: np.random.Generator
) -> KindSet:
    """Draw so many tracks of each kind, of one length, cameras as in `CAMERA`."""
    tracks: list[Track] = []
    kinds: list[int] = []
    walls: list[FloatArray] = []
    for kind, count in counts.items():
        if count == 0:
            continue
        exposure = 0.0 if rng.random() < 0.75 else float(rng.uniform(0.2, 1.0))
        walks = simulate_kind(
            kind, count=count, length=length, dims=dims, exposure=exposure, rng=rng
        )
        seen_tracks = see(walks, rng=rng, exposure=exposure)
        tracks += [replace(track, particle=len(tracks) + k) for k, track in enumerate(seen_tracks)]
        kinds += [KINDS.index(kind)] * count
        walls.append(walks.boxed)
    return KindSet(tracks, np.array(kinds), np.concatenate(walls))


def draw_kinds(count: int, *, length: int, dims: int, rng: np.random.Generator) -> KindSet:
    """Draw `count` tracks, the kinds as common as in `PRIOR`; see `simulate_kinds`."""
    numbers = rng.multinomial(count, list(PRIOR.values())).tolist()
    counts = dict(zip(PRIOR, numbers, strict=True))
    return simulate_kinds(counts, length=length, dims=dims, rng=rng)


def see(walks: KindWalks, *, rng: np.random.Generator, exposure: float) -> list[Track]:
    """Return walks as tracks: noise, gaps and wrong links drawn, and whether the camera is told."""
    count, length = walks.positions.shape[:2]
    step = np.sqrt((np.diff(walks.positions, axis=1) ** 2).mean(axis=(1, 2)))
    sigma = _noise(count, rng) * np.where(step > 0, step, 1.0)
    sigma = np.where(step > 0, sigma, rng.uniform(0.2, 2.0, count))
    noise = sigma[:, None, None] * rng.standard_normal(walks.positions.shape)
    positions = walks.positions + noise
    positions = _mislink(positions, np.maximum(step, sigma), rng)
    missing = 0.0 if rng.random() < 0.85 else float(rng.uniform(0.02, 0.25))
    seen = lose_frames(count, length, expected=missing, rng=rng)
    told, light = rng.random((2, count)) < 0.5
    stated = sigma * rng.normal(1.0, 0.05, count)
    return [
        Track(
            k,
            0,
            np.where(seen[k][:, None], positions[k], 0.0),
            seen[k],
            noise=float(stated[k]) if told[k] else np.nan,
            exposure=exposure if light[k] else np.nan,
        )
        for k in range(count)
    ]


def _noise(count: int, rng: np.random.Generator) -> FloatArray:
    """Return localization errors over the step."""
    which = rng.random(count)
    drawn = np.where(which < 0.75, rng.uniform(0.0, 0.6, count), rng.uniform(0.6, 1.5, count))
    return np.where(which < 0.25, 0.0, drawn)


def _mislink(positions: FloatArray, step: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Put a few positions of some tracks to where another particle is."""
    count, length, dims = positions.shape
    for k in np.flatnonzero(rng.random(count) < _WRONG):
        number = int(rng.integers(1, 4))
        at = rng.integers(1, length, number)
        way = rng.standard_normal((number, dims))
        way /= np.sqrt((way**2).sum(axis=1, keepdims=True))
        positions[k, at] += way * (step[k] * rng.uniform(3, 8, number))[:, None]
    return positions
