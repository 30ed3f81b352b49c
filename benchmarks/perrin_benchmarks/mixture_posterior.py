"""The least error that any estimate of a mixture can have: the posterior of its exact model.

A superposition of FBM and an ordinary CTRW, as `perrin.simulate.mixtures` draws it, without or
with localization noise of a known size: given the times of the jumps the displacements are
Gaussian with covariance ``b^2 S(alpha) + a^2 diag(n) + sigma^2 E``, S the covariance of the steps
of an FBM, n = 1 where a step holds a jump, E the covariance of the steps of white noise. A Markov
chain draws jump times, exponents and scales from their posterior, the jump sizes integrated over;
its medians have the least mean absolute error of all estimates that know the model and the
priors. A network learns to approach them and cannot do better.

Moves
-----
jumps : one is added or taken away at each step in turn (a rank-one change of the inverse
    covariance), and moved within its frame.
scales : b by its exact conditional (prior 1 / b: the scale says nothing), with noise by a random
    walk; a / b and alpha_fbm by a random walk; alpha_ctrw by its conditional on a grid.

w is a ratio of the spreads of the two realized paths. It is uniform in (0, 1) in the simulator;
the chain has the same prior with expected spreads in their place, and each draw carries the
ratio of the two as its weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perrin_benchmarks.mixture_chain import CTRW, FBM, draw_chain

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Posterior:
    """Draws from the posterior of one trajectory, (M,) each; they count by `weight`."""

    w: FloatArray
    alpha_fbm: FloatArray
    alpha_ctrw: FloatArray
    weight: FloatArray

    def median(self, name: str) -> float:
        """Return the weighted median of w, alpha_fbm or alpha_ctrw."""
        return self.quantile(name, 0.5)

    def quantile(self, name: str, level: float) -> float:
        """Return a weighted quantile of w, alpha_fbm or alpha_ctrw."""
        values: FloatArray = getattr(self, name)
        order = np.argsort(values)
        below = np.cumsum(self.weight[order])
        return float(values[order][np.searchsorted(below, level * below[-1])])


def draw_posterior(
    positions: FloatArray,
    *,
    sweeps: int,
    seed: int,
    sigma: float = 0.0,
    times: FloatArray | None = None,
    start: tuple[float, float, float, float] | None = None,
) -> Posterior:
    """Draw from the posterior of one trajectory, positions (L, d).

    Parameters
    ----------
    positions : (L, d)
        Every frame has a position.
    sweeps : int
        Of the chain; a fifth of them is left out at the beginning.
    seed : int
        Of the chain.
    sigma : float
        Localization error of one axis, in the unit of the positions; known exactly.
    times : (K,), optional
        Jump times in frames to begin with, at least one frame apart and from the start; by
        default those of the largest displacements.
    start : tuple, optional
        alpha_fbm, alpha_ctrw, a and b to begin with; by default the middle of the priors.

    """
    steps = np.diff(positions, axis=0)
    size = np.sqrt((steps**2).sum(axis=1))
    jump = np.full(len(steps), -1.0)
    begun = _largest(size) if times is None else times
    jump[np.floor(begun).astype(np.int64)] = begun
    if start is None:
        scale = float(np.median(size))
        start = (0.5 * sum(FBM), 0.5 * sum(CTRW), 2 * scale, scale)
    drawn = draw_chain(steps, jump, np.array(start), sigma, sweeps, seed)
    kept = drawn[len(drawn) // 5 :]
    return Posterior(*kept.T)


def _largest(size: FloatArray) -> FloatArray:
    """Return times at which displacements, of sizes (n,), are so large that they may be jumps."""
    later = size[1:]  # the first wait is one frame or longer
    times = np.flatnonzero(later > 3 * float(np.median(later))).astype(float) + 1.5
    return times if len(times) else np.array([float(later.argmax()) + 1.5])
