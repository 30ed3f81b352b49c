"""Segments of tracks: changes found and invented, K, alpha, stays of states, intervals.

``python benchmarks/segments.py 100`` takes so many tracks a row (120 by default). The walks are
those of `perrin_benchmarks.walks_of_kinds`.
"""

from __future__ import annotations

import sys
from time import process_time

import numpy as np

from perrin.diffusion.hidden_states import changes
from perrin.diffusion.piecewise import Chains, chains
from perrin.diffusion.segmentation import states_of
from perrin.diffusion.windows import Track
from perrin_benchmarks.walks_of_kinds import brown, fractional

COUNT, LENGTH, NOISE, SEED = 120, 200, 0.2, 51
NEAR = 10
"""Frames within which a change counts as found."""
UNCHANGED = {
    "Brownian": (1.0, 1.0),
    "FBM, .2 to .8": (0.2, 0.8),
    "FBM, 1.2 to 1.7": (1.2, 1.7),
    "all exponents": (0.2, 1.7),
}


def main() -> None:
    """Print three tables."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    print(f"{count} tracks of {LENGTH} frames a row, 2D, noise of {NOISE} steps told.\n")
    print("| unchanged | tracks given a change | alpha covered | K covered |\n|---|---|---|---|")
    for row, (name, alpha) in enumerate(UNCHANGED.items()):
        rng = np.random.default_rng([SEED, row])
        truth = rng.uniform(*alpha, count)
        walks = np.concatenate([one(length=LENGTH, alpha=a, rng=rng) for a in truth])
        found = told(walks, rng)
        changed = np.mean([len(own) > 1 for own in found.pieces])
        whole = [(own[0], a) for own, a in zip(found.pieces, truth, strict=True) if len(own) == 1]
        held = [
            (p.alpha[0] <= a <= p.alpha[2], p.K[0] <= 0.5 <= p.K[2])
            for p, a in whole
            if not p.rests
        ]
        print(
            f"| {name} | {changed:.0%} | " + " | ".join(f"{x:.0%}" for x in np.mean(held, 0)) + " |"
        )
    print(
        "\n| changing | changes | found | invented | its interval holds it |\n|---|---|---|---|---|"
    )
    spells = {}
    for row, (name, walk) in enumerate(CHANGING.items()):
        rng = np.random.default_rng([SEED, 10 + row])
        walks, where = walk(count, rng)
        before = process_time()
        found = told(walks, rng)
        took = (process_time() - before) / count
        print(f"| {name} | " + " | ".join(counted(found, where)) + " |")
        spells[name] = found
    print("\n| two states in turn | stays | slower | faster |\n|---|---|---|---|")
    for name, stay in STAYS.items():
        hidden = changes(
            [own.own for own in spells[name].steps],
            [own.before for own in spells[name].steps],
            states_of(np.ones(2), np.array([0.05, 0.5]), NOISE),
        )
        ends = zip(hidden.stay_low, hidden.stay, hidden.stay_high, strict=True)
        said = " | ".join(f"{m:.1f} ({low:.1f} to {high:.1f})" for low, m, high in ends)
        print(f"| {name} | {stay} | {said} |")
    print(f"\nA track takes {1e3 * took:.1f} ms of CPU time.")


def one(*, length: int, alpha: float, rng: np.random.Generator) -> np.ndarray:
    return fractional(1, length=length, rng=rng, alpha=(alpha, alpha))


def told(walks: np.ndarray, rng: np.random.Generator) -> Chains:
    """Segments of walks with noise."""
    positions = walks + NOISE * rng.standard_normal(walks.shape)
    seen = np.ones(walks.shape[1], dtype=bool)
    found = chains([Track(k, 0, own, seen) for k, own in enumerate(positions)], noise=NOISE)
    if found is None:
        raise RuntimeError("nothing moves in these walks")
    return found


def in_turn(
    count: int, rng: np.random.Generator, *, stay: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Brownian motion whose D is a tenth of the other's in turn, exponential stays."""
    fast = np.zeros((count, LENGTH - 1), dtype=bool)
    fast[:, 0] = rng.random(count) < 0.5
    for t in range(1, LENGTH - 1):
        fast[:, t] = fast[:, t - 1] ^ (rng.random(count) < 1 / stay)
    size = np.where(fast, 1.0, 0.1**0.5)[..., None]
    walks = np.zeros((count, LENGTH, 2))
    walks[:, 1:] = (rng.standard_normal((count, LENGTH - 1, 2)) * size).cumsum(axis=1)
    return walks, [np.flatnonzero(np.diff(own.astype(int))) + 1 for own in fast]


def exponents(count: int, rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """FBM of exponent .5 and 1.3, in either order, of equal steps."""
    where = rng.integers(60, LENGTH - 60, count)
    walks = []
    for at in where:
        both = rng.permutation([0.5, 1.3])
        parts = [
            np.diff(one(length=n + 1, alpha=a, rng=rng)[0], axis=0)
            for n, a in zip((at, LENGTH - 1 - at), both, strict=True)
        ]
        walks.append(np.concatenate([np.zeros((1, 2)), np.concatenate(parts).cumsum(axis=0)]))
    return np.array(walks), [np.array([at]) for at in where]


def stops(count: int, rng: np.random.Generator) -> tuple[np.ndarray, list[np.ndarray]]:
    """Brownian motion that stands still from frame 70 to 130."""
    walks = brown(count, length=LENGTH, rng=rng)
    walks[:, 130:] += (walks[:, 70] - walks[:, 130])[:, None]
    walks[:, 70:130] = walks[:, 70][:, None]
    return walks, [np.array([70, 130])] * count


STAYS = {"D x10, stays of 20": 20, "D x10, stays of 50": 50}
CHANGING = {
    "D x10, stays of 20": lambda count, rng: in_turn(count, rng, stay=20),
    "D x10, stays of 50": lambda count, rng: in_turn(count, rng, stay=50),
    "alpha .5 and 1.3 of equal steps": exponents,
    "moves, rests, moves": stops,
}


def counted(found: Chains, where: list[np.ndarray]) -> list[str]:
    """Changes, fraction found within `NEAR` frames, changes that are none, coverage."""
    hits, invented, held = 0, 0, []
    for own, pieces, truth in zip(found.steps, found.pieces, where, strict=True):
        free = list(truth)
        for piece in pieces[1:]:
            at = own.frame[piece.first]
            near = min(free, key=lambda one: abs(one - at), default=None)
            if near is None or abs(near - at) >= NEAR:
                invented += 1
                continue
            free.remove(near)
            hits += 1
            held.append(piece.start[0] <= near <= piece.start[1])
    total = sum(map(len, where))
    return [str(total), f"{hits / total:.0%}", str(invented), f"{np.mean(held):.0%}"]


if __name__ == "__main__":
    main()
