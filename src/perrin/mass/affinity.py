"""Affinity from counted molecules: likelihood of a titration, and the interval of each Kd.

In well w the landings that are counted in window o are a fraction

    p_wo = sum_s in o e_o c_ws / sum of the same over all windows

of those in all windows, c_ws being the concentrations at equilibrium for the totals of the well.
Counts are multinomial draws of it that scatter from well to well (Dirichlet-multinomial of
precision kappa, Mosimann 1962; infinite where counting is all there is). What is not known
exactly is fitted with what is known of it as a prior: the efficiency e_o with which molecules of
a window are detected and retained (log-normal; only their ratios matter, so that each may be
off by itself), and the concentration of each stock, dead volumes of the dilution included
(log-normal, the same in all wells). The interval is that of the profile likelihood (Venzon and
Moolgavkar 1988), its limit the square of Student's t for the wells that are left to tell the
scatter.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

import numpy as np

from perrin.errors import PerrinError
from perrin.mass.affinity_model import Model
from perrin.types import FloatArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

EFFICIENCY_ERROR = 0.1
"""Standard deviation of the log efficiency of each window, where nothing was measured."""
CONCENTRATION_ERROR = 0.1
"""Standard deviation of the log concentration of a stock."""
BACKGROUND = 1e-4
"""Fraction of landings that come from nothing in the model, even over the windows."""
_LOG_KAPPA = (log(3.0), log(1e6))
_FARTHEST = log(1e5)  # from the estimate, that a profile is followed
_LEAST_WELLS = 3


@dataclass(frozen=True)
class Titration:
    """Counts of a titration: W wells, O windows, C components.

    totals: (W, C) total concentrations in nM, the components in the order of the model's; counts:
    (W, O) landings; seen: (O, S) which species of the model are counted in which window; windows:
    their names; log_efficiency, log_efficiency_sd: (O,) up to what all share, and how well each is
    known.
    """

    model: Model
    totals: FloatArray
    counts: FloatArray
    seen: FloatArray
    windows: tuple[str, ...]
    log_efficiency: FloatArray
    log_efficiency_sd: FloatArray
    concentration_error: float = CONCENTRATION_ERROR

    @classmethod
    def of(
        cls,
        model: Model,
        totals: ArrayLike,
        counts: ArrayLike,
        *,
        seen: FloatArray,
        windows: tuple[str, ...],
        efficiency: ArrayLike | None = None,
        efficiency_error: ArrayLike = EFFICIENCY_ERROR,
        concentration_error: float = CONCENTRATION_ERROR,
    ) -> Titration:
        """Return the titration, checked; wells without landings in any window are left out.

        Raises `PerrinError` for counts or totals that are no counts or totals, too few wells, or
        no window that tells bound from free.
        """
        t, n = np.asarray(totals, np.float64), np.asarray(counts, np.float64)
        if t.shape != (len(n), len(model.components)) or n.shape != (len(t), len(windows)):
            raise PerrinError(
                f"totals of shape {t.shape} and counts of shape {n.shape}; needed are the "
                f"components {', '.join(model.components)} and the windows {', '.join(windows)}"
            )
        if not (np.isfinite(t).all() and (t >= 0).all() and (n >= 0).all()):
            raise PerrinError("concentrations and counts are numbers of 0 or more, in every well")
        kept = (n.sum(axis=1) > 0) & (t.sum(axis=1) > 0)
        if kept.sum() < _LEAST_WELLS:
            raise PerrinError(
                f"{int(kept.sum())} wells have landings of these species; an affinity needs "
                f"{_LEAST_WELLS} or more, at different concentrations"
            )
        relative = np.ones(len(windows)) if efficiency is None else np.asarray(efficiency, float)
        sd = np.broadcast_to(np.asarray(efficiency_error, np.float64), (len(windows),)).copy()
        _check_windows(model, seen, windows)
        return cls(
            model,
            t[kept],
            n[kept],
            seen,
            windows,
            np.log(relative),
            sd,
            concentration_error,
        )


def _check_windows(model: Model, seen: FloatArray, windows: tuple[str, ...]) -> None:
    products = np.array([name not in model.components for name in model.species])
    if len(windows) < 2 or not (seen[:, products].any() and (seen[:, ~products].any())):
        raise PerrinError(
            f"the windows {', '.join(windows) or '(none)'} do not tell bound from free in {model}; "
            "give --species for a component and for what it makes"
        )


@dataclass(frozen=True)
class Fit:
    """Values (`Likelihood`) at a maximum of the likelihood, and its logarithm there."""

    values: FloatArray
    log_likelihood: float


class Likelihood:
    """Log-likelihood of a titration and its gradient.

    Values, in this order: log Kd (R) in nM; log efficiencies (O) and log stocks (C), both as
    deviations from what was told; log kappa.
    """

    def __init__(self, data: Titration) -> None:
        self.data = data
        self.reactions = len(data.model.reactions)
        self.windows = len(data.windows)
        self.size = self.reactions + self.windows + len(data.model.components) + 1
        stocks = [data.concentration_error] * len(data.model.components)
        self._sd = np.maximum(np.array([*data.log_efficiency_sd, *stocks]), 1e-6)
        self._even = np.full(self.windows, 1.0 / self.windows)

    @property
    def start(self) -> FloatArray:
        """Nuisances at what was stated, scatter as of 1,000 landings."""
        found = np.zeros(self.size)
        found[-1] = log(1000.0)
        return found

    def fractions(self, values: FloatArray, totals: FloatArray | None = None) -> FloatArray:
        """Expected fractions (W, O) of the landings, for other totals (W, C) if these are given."""
        return self._shares(values, self.data.totals if totals is None else totals)[0]

    def _shares(self, values: FloatArray, totals: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Fractions (W, O) and the concentrations (W, S) that they come from."""
        efficiency, stock = self.nuisances(values)
        data = self.data
        c = data.model.concentrations(values[: self.reactions], totals * np.exp(stock))
        rates = (c @ data.seen.T) * np.exp(data.log_efficiency + efficiency)
        total = rates.sum(axis=1, keepdims=True)
        p = np.where(total > 0, rates / np.where(total > 0, total, 1), self._even)
        return (1 - BACKGROUND) * p + BACKGROUND * self._even, c

    def nuisances(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log efficiencies (O,) and log stocks (C,)."""
        r, o = self.reactions, self.windows
        return values[r : r + o], values[r + o : -1]

    def value(self, values: FloatArray) -> tuple[float, FloatArray]:
        """Log-likelihood with the priors, and its gradient (size,)."""
        r, data = self.reactions, self.data
        p, c = self._shares(values, data.totals)
        told, by_p, by_log_kappa = _dirichlet_multinomial(data.counts, p, exp(values[-1]))
        fraction = (p - BACKGROUND * self._even) / (1 - BACKGROUND)
        pull = (1 - BACKGROUND) * by_p
        by_log_rate = fraction * (pull - (fraction * pull).sum(axis=1, keepdims=True))
        seen = c @ data.seen.T
        by_log_c = (by_log_rate / np.where(seen > 0, seen, np.inf)) @ data.seen * c
        totals = data.totals * np.exp(self.nuisances(values)[1])
        by_kd, by_stock = _through(data.model, c, totals, by_log_c)
        gradient = np.concatenate([by_kd, by_log_rate.sum(axis=0), by_stock, [by_log_kappa]])
        z = values[r:-1] / self._sd
        gradient[r:-1] -= z / self._sd
        return told - 0.5 * float(z @ z), gradient


def _dirichlet_multinomial(
    n: FloatArray, p: FloatArray, kappa: float
) -> tuple[float, FloatArray, float]:
    """Log-likelihood of counts (W, O), its derivatives by p (W, O) and by log kappa."""
    from scipy.special import digamma, gammaln

    a, of = kappa * p, n.sum(axis=1)
    by_well = gammaln(kappa) - gammaln(of + kappa) + (gammaln(n + a) - gammaln(a)).sum(axis=1)
    psi = digamma(n + a) - digamma(a)
    by_kappa = (digamma(kappa) - digamma(of + kappa) + (p * psi).sum(axis=1)).sum()
    return float(by_well.sum()), kappa * psi, float(kappa * by_kappa)


def _through(
    model: Model, c: FloatArray, totals: FloatArray, by_c: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Gradients by log Kd (R,) and by log stock (C,), of one by log c (W, S).

    From the balances: H du = dT + N' C M dk with H = N' C N, and d log c = N du - M dk.
    """
    n, m = model.composition, model.made_by
    h = np.einsum("ws,sj,sk->wjk", c, n, n)
    absent = totals <= 0
    h[:, np.arange(n.shape[1]), np.arange(n.shape[1])] += np.where(absent, 1.0, 0.0)
    v = np.linalg.solve(h, (by_c @ n)[..., None])[..., 0]  # (W, C)
    by_kd = np.einsum("wj,ws,sj,sr->r", v, c, n, m) - np.einsum("ws,sr->r", by_c, m)
    return by_kd, (v * totals).sum(axis=0)


def maximize(
    likelihood: Likelihood, start: FloatArray, *, fixed: dict[int, float] | None = None
) -> Fit:
    """The maximum near `start`; `fixed`: values by their number that stay as they are."""
    from scipy.optimize import minimize

    fixed = fixed or {}
    free = np.array([k for k in range(likelihood.size) if k not in fixed])
    values = start.copy()
    for k, value in fixed.items():
        values[k] = value

    def cost(x: FloatArray) -> tuple[float, FloatArray]:
        values[free] = x
        told, gradient = likelihood.value(values)
        return -told, -gradient[free]

    bounds: list[tuple[float | None, float | None]] = [(None, None)] * likelihood.size
    bounds[: likelihood.reactions] = [(log(1e-9), log(1e12))] * likelihood.reactions
    bounds[-1] = _LOG_KAPPA
    found = minimize(
        cost,
        values[free],
        jac=True,
        method="L-BFGS-B",
        bounds=[bounds[k] for k in free],
        options={"maxiter": 300, "ftol": 1e-12, "gtol": 1e-6},
    )
    values[free] = found.x
    return Fit(values.copy(), -float(found.fun))


def fit(likelihood: Likelihood) -> Fit:
    """The highest maximum from starts all over the range of the concentrations."""
    totals = likelihood.data.totals
    low, high = totals[totals > 0].min(), totals.max()
    grid = np.linspace(log(low) - 2, log(high) + 2, 6)
    starts = []
    for kd in np.stack(np.meshgrid(*[grid] * likelihood.reactions), -1).reshape(
        -1, likelihood.reactions
    ):
        start = likelihood.start
        start[: likelihood.reactions] = kd
        starts.append((likelihood.value(start)[0], start))
    starts.sort(key=lambda one: -one[0])
    return max(
        (maximize(likelihood, start) for _, start in starts[:2]), key=lambda one: one.log_likelihood
    )


def profile_ends(
    likelihood: Likelihood, best: Fit, number: int, *, confidence: float
) -> tuple[float | None, float | None]:
    """Ends of the interval of one log Kd; None on a side where the counts set no limit."""
    from scipy.special import stdtrit

    left = likelihood.data.counts.shape[0] * (likelihood.windows - 1) - likelihood.reactions - 1
    limit = 0.5 * float(stdtrit(max(left, 1), 0.5 + confidence / 2)) ** 2
    return (
        _end(likelihood, best, number, -1.0, limit),
        _end(likelihood, best, number, +1.0, limit),
    )


def _end(likelihood: Likelihood, best: Fit, number: int, side: float, limit: float) -> float | None:
    """Where the profile has fallen by `limit` on one side; None if it does not."""
    from scipy.optimize import brentq

    middle = float(best.values[number])
    warm = {0.0: best.values}

    def fallen(way: float) -> float:
        near = min(warm, key=lambda other: abs(other - way))
        found = maximize(likelihood, warm[near], fixed={number: middle + side * way})
        warm[way] = found.values
        return best.log_likelihood - found.log_likelihood - limit

    near, far = 0.0, 0.1
    while fallen(far) < 0:
        near, far = far, 2 * far
        if far > _FARTHEST:
            return None
    return middle + side * float(brentq(fallen, near, far, xtol=1e-3))
