"""What the shipped mixture network reaches: errors, coverage of its intervals, speed.

The number of trajectories of a cell can be given: ``python benchmarks/mixture.py 5000``.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from perrin.evaluate.mixture import evaluate_mixture
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import simulate_mixture

FloatArray = NDArray[np.float64]
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
        cells = [
            f"{row[name + '_mae']:.3f} ({row[name + '_cover']:.0%})"
            if row[name + "_mae"] == row[name + "_mae"]
            else ""
            for name in SHOWN
        ]
        print(f"| {row['cell']} | " + " | ".join(cells) + f" | {row['no_alpha_ctrw']:.0%} |")
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
    for known, said in ((True, "known"), (False, "unknown")):
        fraction = three_classes(known=known, count=count)
        print(
            f"\nFBM, Brownian or CTRW, 100 frames, noise of half a step, {said}: "
            f"{fraction:.3f} right."
        )


def three_classes(*, known: bool, count: int) -> float:
    """Return the fraction predicted right, thresholds chosen on other trajectories."""
    best = (0.0, 0.0, 0.0)
    model = MixtureModel.load("mixture")
    ctrw, alpha, true = _three(model, known=known, count=count, seed=SEED + 1)
    for fraction in np.linspace(0.1, 0.9, 17):
        for exponent in np.linspace(0.6, 1.1, 51):
            right = float((_named(ctrw, alpha, fraction, exponent) == true).mean())
            best = max(best, (right, fraction, exponent))
    ctrw, alpha, true = _three(model, known=known, count=count, seed=SEED + 2)
    return float((_named(ctrw, alpha, *best[1:]) == true).mean())


def _named(ctrw: FloatArray, alpha: FloatArray, fraction: float, exponent: float) -> FloatArray:
    return np.where(ctrw > fraction, 2, np.where(alpha > exponent, 1, 0))


def _three(
    model: MixtureModel, *, known: bool, count: int, seed: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean probability of the CTRW, alpha_fbm and class of `count` walks of each kind."""
    kinds: tuple[dict[str, object], ...] = (
        {"w": (0.0, 0.0), "alpha_fbm": (0.2, 0.96)},
        {"w": (0.0, 0.0), "alpha_fbm": (1.0, 1.0)},
        {"w": (1.0, 1.0), "alpha_ctrw": (0.1, 0.99)},
    )
    ctrw, alpha = [], []
    for k, kind in enumerate(kinds):
        settings = MixtureSettings.model_validate({"length": 100, "noise": (0.5, 0.5), **kind})
        drawn = simulate_mixture(settings, count=count, rng=np.random.default_rng((seed, k)))
        prediction = model.predict(
            list(drawn.positions),
            list(drawn.seen),
            noise=drawn.truth.noise_sigma if known else None,
            exposure=np.zeros(count) if known else None,
        )
        ctrw += [steps[:, 1].mean() for steps in prediction.steps]
        alpha.append(2 * prediction.quantiles[:, 5, 1])
    return np.array(ctrw), np.concatenate(alpha), np.repeat(np.arange(len(kinds)), count)


if __name__ == "__main__":
    main()
