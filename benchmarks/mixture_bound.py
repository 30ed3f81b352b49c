"""The least error that the mixing ratio w can have: an oracle that is told more than the network.

Superposition of positions, 2D, noise-free, the priors of `MixtureSettings`. The oracle is told
which steps hold a jump of the CTRW and that the FBM is an FBM; it does not know the FBM's
exponent, the two scales, and the sizes of the jumps. Given the jumps' times the trajectory is
Gaussian, so its posterior of w is exact up to the grid: exponents and ratios on a grid, the
overall scale and the CTRW's path integrated over. Its median has the least mean absolute error
of any estimate with this knowledge; a network knows less.

The number of trajectories at 100 frames can be given: ``python benchmarks/mixture_bound.py 400``.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, toeplitz

from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import simulate_mixture

FloatArray = NDArray[np.float64]

COUNT, SEED = 300, 20_262
EXPONENTS = np.linspace(0.1, 1.0, 13)
RATIOS = np.linspace(0.01, 0.99, 50)
PATHS = 4  # drawn at each point of the grid
GOALS = {25: 0.10, 50: 0.075, 100: 0.055, 300: 0.04}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    print("| frames | trajectories | w, error of the oracle | standard error | goal |")
    print("|---|---|---|---|---|")
    for length, goal in GOALS.items():
        missed = errors(length, count=max(60, count * 100 // max(length, 50)), seed=SEED)
        spread = missed.std() / np.sqrt(len(missed))
        print(
            f"| {length} | {len(missed)} | {missed.mean():.3f} | {spread:.3f} | {goal} |",
            flush=True,
        )


def errors(length: int, *, count: int, seed: int) -> FloatArray:
    """Return the absolute error of the oracle's median of w on fresh trajectories."""
    rng = np.random.default_rng(seed)
    drawn = simulate_mixture(MixtureSettings(length=length), count=count, rng=rng)
    sums = np.tril(np.ones((length, length - 1)), -1)
    sums -= sums.mean(axis=0)  # displacements to positions about their mean
    covariances = [fbm_covariance(alpha, length - 1) for alpha in EXPONENTS]
    missed = []
    for positions, ctrw, w in zip(drawn.positions, drawn.ctrw, drawn.truth.w, strict=True):
        jumps = (np.diff(ctrw, axis=0) != 0).any(axis=1)
        told, weight = posterior(np.diff(positions, axis=0), jumps, sums, covariances, rng)
        order = np.argsort(told)
        below = np.cumsum(weight[order])
        missed.append(abs(told[order][np.searchsorted(below, below[-1] / 2)] - w))
    return np.array(missed)


def fbm_covariance(alpha: float, steps: int) -> FloatArray:
    """Return the covariance of the steps of an FBM with unit step, (steps, steps)."""
    lag = np.arange(float(steps))
    covariance: FloatArray = toeplitz(
        0.5 * ((lag + 1) ** alpha + np.abs(lag - 1) ** alpha - 2 * lag**alpha)
    )
    return covariance


def posterior(
    steps: FloatArray,
    jumps: NDArray[np.bool_],
    sums: FloatArray,
    covariances: list[FloatArray],
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Return values of w and their weights: steps (n, d), jumps (n,), sums (n + 1, n)."""
    inner = sums.T @ sums / len(sums)  # expected squared spread of a part, from its covariance
    spread_c = np.sqrt((np.diag(inner) * jumps).sum())
    whole = sums @ steps
    values, logs = [], []
    for covariance in covariances:
        # one basis in which both parts have independent coefficients
        power, basis = eigh(np.diag(jumps.astype(float)), covariance)
        power = np.maximum(power, 0.0)
        found = basis.T @ steps  # (n, d)
        spread_f = np.sqrt((inner * covariance).sum())
        ratio = (RATIOS / (1 - RATIOS) * spread_f / spread_c) ** 2  # of the variances
        of_ctrw = ratio[:, None] * power  # (R, n)
        variance = 1 + of_ctrw
        square = (found[None] ** 2 / variance[..., None]).sum(axis=(1, 2))
        log = -np.log(variance).sum(axis=1) * steps.shape[1] / 2
        log -= steps.size / 2 * np.log(square)
        log += steps.shape[1] * np.linalg.slogdet(basis)[1]  # the basis belongs to one exponent
        scale = np.sqrt(square[:, None] / rng.chisquare(steps.size, size=(len(RATIOS), PATHS)))
        noise = rng.standard_normal((len(RATIOS), PATHS, *steps.shape))
        noise *= (scale[..., None] * np.sqrt(of_ctrw / variance)[:, None])[..., None]
        drawn = (of_ctrw / variance)[:, None, :, None] * found + noise  # (R, P, n, d)
        paths = np.einsum("tn,rpnd->rptd", sums @ covariance @ basis, drawn, optimize=True)
        c = np.sqrt(paths.var(axis=2).mean(axis=2))
        f = np.sqrt((whole - paths).var(axis=2).mean(axis=2))
        values.append((c / (c + f)).ravel())
        logs.append(np.repeat(log, PATHS))
    weight = np.concatenate(logs)
    return np.concatenate(values), np.exp(weight - weight.max())


if __name__ == "__main__":
    main()
