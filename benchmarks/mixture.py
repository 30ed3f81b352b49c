"""What the shipped mixture network reaches: errors, coverage of its intervals, speed.

The number of trajectories of a cell can be given: ``python benchmarks/mixture.py 5000``.
"""

from __future__ import annotations

import sys

from perrin.evaluate.mixture import evaluate_mixture
from perrin.models.mixture import MixtureModel

COUNT, SEED = 2000, 20_261
SHOWN = ("w", "alpha_fbm", "alpha_ctrw", "frames_ctrw")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    found = evaluate_mixture(MixtureModel.load("mixture"), count=count, seed=SEED)
    print(f"{count} fresh trajectories a cell, seed {SEED}; mean absolute error (coverage of the")
    print("90% interval). alpha_fbm is counted where w < .5, alpha_ctrw where w > .5.\n")
    print("| cell | " + " | ".join(SHOWN) + " | no alpha_ctrw |")
    print("|---|" + "---|" * (len(SHOWN) + 1))
    for _, row in found.cells.iterrows():
        told = [
            f"{row[name + '_mae']:.3f} ({row[name + '_cover']:.0%})"
            if row[name + "_mae"] == row[name + "_mae"]
            else ""
            for name in SHOWN
        ]
        print(f"| {row['cell']} | " + " | ".join(told) + f" | {row['no_alpha_ctrw']:.0%} |")
    print("\nPure FBM in 2D: mean absolute error of alpha over the Cramer-Rao bound.\n")
    print("| frames | alpha | error | bound | ratio |\n|---|---|---|---|---|")
    for _, row in found.fbm.iterrows():
        print(
            f"| {row['length']:.0f} | {row['alpha']} | {row['mae']:.4f} | {row['bound_mae']:.4f} "
            f"| {row['ratio']:.2f} |"
        )
    bins = found.ratio_bins[found.ratio_bins["n"] >= 100]
    low, high = bins["w_cover"].min(), bins["w_cover"].max()
    print(f"\nCoverage of w in fifths of the predicted w (100 or more): {low:.0%} to {high:.0%}.")
    print(f"\n{found.trajectories_per_s:,.0f} trajectories of 100 frames a second.")


if __name__ == "__main__":
    main()
