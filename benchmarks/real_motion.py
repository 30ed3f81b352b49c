"""Kinds of motion of real particles: nanorods, beads in glycerol, a lattice of rods.

Reads the folder ``data/diffusion`` of the one that the environment variable PERRIN_SHARED names.
``python benchmarks/real_motion.py 200`` takes so many tracks a sample (80 by default), spread
evenly over the file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from _measure import SKIPPED
from perrin.diffusion.motion_kinds import KINDS
from perrin.io.tracks import read_tracks
from perrin.pipeline import characterize

COUNT, LEAST, MOST = 80, 60, 300
"""Tracks a sample; positions that a track needs; frames that are looked at."""
SAMPLES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "nanorods near a membrane": ("AuNRs_300.mat", {}),
    "beads in glycerol": ("beads_in_glycerol.mat", {}),
    "the same, light all the time": ("beads_in_glycerol.mat", {"exposure": 1.0}),
    "rods in a lattice": ("lptem_rod_lattice.csv", {}),
}


def main() -> None:
    """Print a row a sample."""
    folder = Path(os.environ.get("PERRIN_SHARED", "")) / "data" / "diffusion"
    if not (folder / "AuNRs_300.mat").is_file():
        print("skipped: PERRIN_SHARED names no folder with data/diffusion")
        sys.exit(SKIPPED)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    print(
        f"{count} tracks of {LEAST} positions or more a sample, {MOST} frames of each at most, in "
        "pixels and frames; localization errors are not known. In percent: most probable kind.\n"
    )
    print("| sample | " + " | ".join(KINDS) + " | none above one half |")
    print("|---|" + "---|" * (len(KINDS) + 1))
    rows = []
    for name, (file, camera) in SAMPLES.items():
        found = characterize(chosen(folder / file, count), units="unknown", **camera)
        table = found.trajectories
        kinds = (table["kind"].value_counts(normalize=True) * 100).reindex([*KINDS, "undetermined"])
        print(f"| {name} | " + " | ".join(f"{value:.0f}" for value in kinds.fillna(0)) + " |")
        rows.append((name, table, found.segments))
    print(
        "\n| sample | alpha_fbm, median | it holds 1 | fbm_alpha, median | correlation of steps | "
        "w given | out of the model | tracks that change | states |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, table, segments in rows:
        alpha = table.dropna(subset=["alpha_fbm"])
        one = ((alpha["alpha_fbm_low"] <= 1) & (alpha["alpha_fbm_high"] >= 1)).mean()
        changed = segments.segments.loc[~segments.segments["left_censored"], "particle"].nunique()
        print(
            f"| {name} | {alpha['alpha_fbm'].median():.2f} | {one:.0%} | "
            f"{table['fbm_alpha'].median():.2f} | {table['vacf_1'].median():+.2f} | "
            f"{table['w'].notna().mean():.0%} | {table['out_of_model'].mean():.0%} | "
            f"{changed / len(table):.0%} | {said(segments.states)} |"
        )
    classes(rows[0][1])


def chosen(path: Path, count: int) -> pd.DataFrame:
    """Return tracks that are long enough, spread evenly over a file, cut to `MOST` frames."""
    tracks = read_tracks(path)
    sizes = tracks.groupby("particle").size()
    long = sizes.index[sizes >= LEAST].to_numpy()
    kept = long[np.unique(np.linspace(0, len(long) - 1, count).astype(int))]
    own = tracks[tracks["particle"].isin(kept)]
    first = own.groupby("particle")["frame"].transform("min")
    cut = own[own["frame"] < first + MOST].reset_index(drop=True)
    cut.attrs = tracks.attrs
    return cut


def said(states: pd.DataFrame) -> str:
    """K and alpha of the states, and the fraction of time in each."""
    return "; ".join(
        ("rest" if not row["K"] else f"K {row['K']:.2g} alpha {row['alpha']:.2f}")
        + f" ({row['occupancy']:.0%})"
        for row in states.to_dict("records")
    )


def classes(table: pd.DataFrame) -> None:
    """Print the nanorods in three classes, as networks without any other kind answer."""
    p = table[["p_fbm", "p_brownian", "p_ctrw"]]
    nearest = p.idxmax(axis=1).value_counts(normalize=True) * 100
    share = [nearest.get(name, 0.0) for name in p.columns]
    print(
        "\nNanorods, the likeliest of FBM, Brownian motion and CTRW alone: "
        + " / ".join(f"{value:.0f}" for value in share)
        + "%."
    )


if __name__ == "__main__":
    main()
