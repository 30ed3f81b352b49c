"""The least error that mixing ratio and exponents can have, and how far the network is from it.

Superposition of positions, 2D, without and with localization noise of half a step, which network
and bound are told; the priors of `MixtureSettings`. The bound is the median of the exact
posterior (`perrin_benchmarks.mixture_posterior`): no estimate that knows the model and the priors
has a smaller mean absolute error over them. Network and chain answer the same fresh
trajectories. Two checks of the chain stand beside: how often its 90% interval holds the truth,
and its error when it begins at the truth instead of at a guess (a quarter of the trajectories; a
chain that has not converged is better there).

With noise the chain takes the scale as unknown, while the network has learned how large noise may
be against a step: there it can come out a little below the bound.

The number of trajectories at 100 frames can be given: ``python benchmarks/mixture_bound.py 40``.
A sweep at 300 frames takes some 10 ms, so the trajectories of the default take half an hour there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd

from perrin.diffusion.standard import TARGETS, from_unit
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import Mixture, simulate_mixture
from perrin_benchmarks.mixture_posterior import Posterior, draw_posterior

COUNT, SEED = 300, 20_263
CELLS = (
    (25, 0.0, 1.5),
    (50, 0.0, 1.5),
    (100, 0.0, 1.0),
    (300, 0.0, 0.4),
    (50, 0.5, 1.0),
    (100, 0.5, 1.0),
)
"""Frames, noise over the step, and the trajectories over those of 100 frames."""
SWEEPS = {25: 3000, 50: 2000, 100: 1200, 300: 900}
CHECKED = 4
"""Every fourth trajectory is asked again, from the truth."""
NAMES = ("w", "alpha_fbm", "alpha_ctrw")
GOALS = {
    ("w", 25): 0.10,
    ("w", 50): 0.075,
    ("w", 100): 0.055,
    ("w", 300): 0.04,
    ("alpha_fbm", 100): 0.055,
    ("alpha_ctrw", 100): 0.130,
}
COUNTED = {"w": "", "alpha_fbm": " where w < .5", "alpha_ctrw": " where w > .5"}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    print("| what | frames | noise | trajectories | bound | network | network over bound | goal |")
    print("|---|---|---|---|---|---|---|---|")
    checks = []
    for length, noise, fraction in CELLS:
        table = predictions(length, noise, count=max(8, round(fraction * count)))
        for name in NAMES:
            print(row(table, name, length, noise), flush=True)
            checks.append(check(table, name, length, noise))
    print()
    print("| what | frames | noise | 90% interval of the chain holds | error from truth / guess |")
    print("|---|---|---|---|---|")
    print("\n".join(checks))


def predictions(length: int, noise: float, *, count: int) -> pd.DataFrame:
    """Return truth, posterior medians and the network's answer for fresh trajectories."""
    rng = np.random.default_rng([SEED, length] + [int(1e3 * noise)] * (noise > 0))
    settings = MixtureSettings(length=length, noise=(noise, noise))
    drawn = simulate_mixture(settings, count=count, rng=rng)
    known = MixtureModel.load("mixture").predict(
        list(drawn.positions),
        list(drawn.seen),
        noise=drawn.truth.noise_sigma,
        exposure=np.zeros(count),  # it is told that there is no blur
    )
    table = pd.DataFrame({name: getattr(drawn.truth, name) for name in NAMES})
    for name in NAMES:
        k = [target for target, _, _ in TARGETS].index(name)
        table[f"{name}_network"] = from_unit(known.quantiles[:, k, 1], k)
    chains = list(posteriors(drawn, length, np.arange(count), from_truth=False))
    again = np.arange(0, count, CHECKED)
    checked = list(posteriors(drawn, length, again, from_truth=True))
    for name in NAMES:
        table[f"{name}_bound"] = [chain.quantile(name, 0.5) for chain in chains]
        table[f"{name}_low"] = [chain.quantile(name, 0.05) for chain in chains]
        table[f"{name}_high"] = [chain.quantile(name, 0.95) for chain in chains]
        table.loc[again, f"{name}_from_truth"] = [chain.quantile(name, 0.5) for chain in checked]
    return table


def posteriors(
    drawn: Mixture, length: int, rows: np.ndarray, *, from_truth: bool
) -> Iterator[Posterior]:
    """Yield the posterior of each of `rows`, on all cores."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # of the processes to come
    with ProcessPoolExecutor() as pool:
        yield from pool.map(
            _posterior, *zip(*(_asked(drawn, length, i, from_truth) for i in rows), strict=True)
        )


def _asked(
    drawn: Mixture, length: int, i: int, from_truth: bool
) -> tuple[np.ndarray, float, int, int, tuple[object, ...] | None]:
    truth = drawn.truth
    asked = drawn.positions[i], float(truth.noise_sigma[i]), SWEEPS[length], i
    if not from_truth:
        return *asked, None
    jumps = np.diff(drawn.ctrw[i], axis=0)
    times = np.flatnonzero((jumps != 0).any(axis=1)) + 0.5
    size = np.sqrt((jumps[jumps != 0] ** 2).mean())
    start = (truth.alpha_fbm[i], truth.alpha_ctrw[i], size, truth.fbm_step[i])
    return *asked, (times, start)


def _posterior(
    positions: np.ndarray, sigma: float, sweeps: int, seed: int, begun: tuple[object, ...] | None
) -> Posterior:
    times, start = begun or (None, None)
    return draw_posterior(
        positions,
        sigma=sigma,
        sweeps=sweeps,
        seed=seed,
        times=times,  # type: ignore[arg-type]
        start=start,  # type: ignore[arg-type]
    )


def row(table: pd.DataFrame, name: str, length: int, noise: float) -> str:
    part = counted(table, name)
    missed = {who: (part[f"{name}_{who}"] - part[name]).abs() for who in ("bound", "network")}
    means = {who: each.mean() for who, each in missed.items()}
    # of the difference, trajectory by trajectory
    error = (missed["network"] - missed["bound"]).std() / np.sqrt(len(part)) / means["bound"]
    spread = missed["bound"].std() / np.sqrt(len(part))
    goal = None if noise else GOALS.get((name, length))
    return (
        f"| {name}{COUNTED[name]} | {length} | {noise:g} | {len(part)} "
        f"| {means['bound']:.3f} ± {spread:.3f} "
        f"| {means['network']:.3f} | {means['network'] / means['bound']:.2f} ± {error:.2f} "
        f"| {goal or ''} |"
    )


def check(table: pd.DataFrame, name: str, length: int, noise: float) -> str:
    part = counted(table, name)
    inside = part[name].between(part[f"{name}_low"], part[f"{name}_high"]).mean()
    both = part[part[f"{name}_from_truth"].notna()]
    missed = [(both[f"{name}_{who}"] - both[name]).abs().mean() for who in ("from_truth", "bound")]
    return (
        f"| {name}{COUNTED[name]} | {length} | {noise:g} | {inside:.0%} "
        f"| {missed[0]:.3f} / {missed[1]:.3f} |"
    )


def counted(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the trajectories that the issue counts: exponents of the larger part."""
    if name == "w":
        return table
    return table[table["w"] < 0.5] if name == "alpha_fbm" else table[table["w"] > 0.5]


if __name__ == "__main__":
    main()
