"""Kinds of motion on walks of another simulator: what is called what, and the numbers of each.

``python benchmarks/kinds.py 300`` takes so many tracks a row (150 by default).
"""

from __future__ import annotations

import sys
from time import process_time

import numpy as np
import pandas as pd

from perrin.diffusion.by_kind import w_may_be_anything, without_w
from perrin.diffusion.motion_kinds import KINDS
from perrin.pipeline import characterize
from perrin.settings.diffusion import WindowSettings
from perrin_benchmarks.walks_of_kinds import WALKS_OF_KINDS

LENGTH, NOISE, SEED = 100, 0.2, 41
CLOSE = 1e-3  # of an end to 0 or 1
SHORT = ("imm", "conf", "brow", "fbm", "ctrw", "dir", "chang", "mix")
TRUTH = {  # medians of numbers that are compared, with what is true
    "box of 3 steps": {"confinement_radius": 3.0, "relaxation_time": 9 / 0.5 / 3.39},
    "trap of 3 steps": {"confinement_radius": 3.0, "relaxation_time": 18.0},
    "directed, .5 step a frame": {"speed": 0.5},
    "directed, .25 step a frame": {"speed": 0.25},
    "two states, x10, stays of 20": {"D_slow": 0.05, "D_fast": 0.5},
}
RATIO = {  # w of each walk; what is left out has none, or one that differs from track to track
    "Brownian": 0.0,
    "FBM, .2 to .8": 0.0,
    "FBM, 1.2 to 1.7": 0.0,
    "CTRW": 1.0,
    "CTRW, exponential waits of 5": 1.0,
    "superposition, w .3": 0.3,
    "superposition, w .5": 0.5,
    "superposition, w .7": 0.7,
    "two states, x10, stays of 20": 0.0,
    "diffusing diffusivity, 20 frames": 0.0,
}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    print(
        f"Walks of `perrin_benchmarks.walks_of_kinds`, {count} a row, {LENGTH} frames, 2D, noise "
        f"of {NOISE} steps told.\n"
    )
    print("| walk | " + " | ".join(SHORT) + " | undetermined |")
    print("|---|" + "---|" * (len(SHORT) + 1))
    numbers, ratios = [], []
    for row, (name, (kind, walk)) in enumerate(WALKS_OF_KINDS.items()):
        rng = np.random.default_rng([SEED, row])
        found, alone = told(walk(count, length=LENGTH, rng=rng), rng)
        p = found[[column for column in found if column in PROBABILITIES]].to_numpy()
        share = np.bincount(p.argmax(axis=1), minlength=len(SHORT)) / count
        undetermined = (found["kind"] == "undetermined").mean()
        cells = " | ".join(f"{value:.0%}" for value in share)
        print(f"| {name} | {cells} | {undetermined:.0%} |")
        ratios.append(of_ratio(name, found, alone))
        own = found[p.argmax(axis=1) == KINDS.index(kind)]
        numbers += [(name, *of(own, column, true)) for column, true in TRUTH.get(name, {}).items()]
    print("\n| walk | number | truth | median | 90% interval covers |\n|---|---|---|---|---|")
    for name, column, true, median, cover in numbers:
        print(f"| {name} | {column} | {true:.3g} | {median:.3g} | {cover:.0%} |")
    print(
        "\n| walk | w not given | any w | the network's interval holds w | w's interval holds it |"
    )
    print("|---|---|---|---|---|")
    print("\n".join(ratios))
    speed(count)


PROBABILITIES = [f"p_{kind}" for kind in KINDS]


def told(walks: np.ndarray, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What perrin says of walks with noise: trajectories, and windows as long as the tracks.

    Windows are the mixture network's answer alone: no kind has a say in them.
    """
    positions = walks + NOISE * rng.standard_normal(walks.shape)
    number, frame = np.divmod(np.arange(positions[..., 0].size), positions.shape[1])
    x, y = positions.reshape(-1, 2).T
    table = pd.DataFrame({"particle": number, "frame": frame, "x": x, "y": y})
    found = characterize(
        table,
        units="unknown",
        localization_error=NOISE,
        settings=WindowSettings(frames=positions.shape[1], stride=positions.shape[1]),
    )
    return found.trajectories, found.windows


def of_ratio(name: str, found: pd.DataFrame, alone: pd.DataFrame) -> str:
    """Row on w: how often it is not given, is 0 to 1, and holds the truth, without and with kinds.

    The latter over the tracks that have a w.
    """
    cells = [f"{without_w(found).mean():.0%}", f"{w_may_be_anything(found).mean():.0%}"]
    if name not in RATIO:
        return " | ".join([f"| {name}", *cells, "", " |"])
    for table in (alone, found):
        given = table[table["w"].notna()]
        inside = (given["w_low"] <= RATIO[name] + CLOSE) & (given["w_high"] >= RATIO[name] - CLOSE)
        cells.append(f"{inside.mean():.0%}")
    return " | ".join([f"| {name}", *cells]) + " |"


def of(found: pd.DataFrame, column: str, true: float) -> tuple[str, float, float, float]:
    """Median of a number over the tracks of the right kind, and how often its interval holds."""
    inside = (found[column + "_low"] <= true) & (true <= found[column + "_high"])
    return column, true, float(found[column].median()), float(inside.mean())


def speed(count: int) -> None:
    """CPU time that kinds take."""
    from perrin.diffusion.windows import Track
    from perrin.models.kinds import KindsModel
    from perrin.models.mixture import MixtureModel

    rng = np.random.default_rng(SEED)
    walks = WALKS_OF_KINDS["Brownian"][1](count, length=LENGTH, rng=rng)
    seen = np.ones(LENGTH, dtype=bool)
    tracks = [Track(k, 0, walk, seen, noise=0.01) for k, walk in enumerate(walks)]
    said = MixtureModel.load("mixture").predict(
        [track.positions for track in tracks], [track.seen for track in tracks]
    )
    model = KindsModel.load()
    began = process_time()
    model.predict(tracks, said)
    print(f"\nKinds take {1e3 * (process_time() - began) / count:.1f} ms of CPU time a track.")


if __name__ == "__main__":
    main()
