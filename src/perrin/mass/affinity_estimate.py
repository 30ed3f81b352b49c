"""From a titration to dissociation constants: with intervals, one-sided limits, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Any, Literal

import numpy as np

from perrin.errors import PerrinError
from perrin.mass.affinity import Fit, Likelihood, Titration, fit, profile_ends
from perrin.types import FloatArray

Verdict = Literal["determined", "lower limit", "upper limit", "not determined"]
_SCATTERED = 0.05
"""Standard deviation of a fraction of one half beyond counting, from which there is a note."""
_VARIED = 2.0  # times, from which a component counts as titrated
_FAR_STOCK = 2.0  # standard deviations that a stock or an efficiency is drawn from what was told


@dataclass(frozen=True)
class Constant:
    """One dissociation constant in nM; None where the counts do not tell it.

    A lower limit has `low` alone, an upper limit `high` alone; `reason` says why.
    """

    reaction: str
    kd_nM: float | None  # noqa: N815 - the unit
    low_nM: float | None  # noqa: N815
    high_nM: float | None  # noqa: N815
    verdict: Verdict
    reason: str

    def __str__(self) -> str:
        if self.verdict == "determined":
            low, high = (two_digits(end) for end in (self.low_nM or 0.0, self.high_nM or 0.0))
            return f"Kd = {two_digits(self.kd_nM or 0.0)} nM ({low} to {high})"
        if self.verdict == "lower limit":
            return f"Kd > {two_digits(self.low_nM or 0.0)} nM: {self.reason}"
        if self.verdict == "upper limit":
            return f"Kd < {two_digits(self.high_nM or 0.0)} nM: {self.reason}"
        return f"Kd not determined: {self.reason}"


@dataclass(frozen=True)
class Affinity:
    """What a titration says: constants, in the order of the model's reactions, and the fit.

    expected: (W, O) fractions of the landings; residuals: (W, O) counted less expected, in standard
    deviations with the scatter of the wells; efficiency: (O,) of each window relative to the
    first; stock: (C,) true over stated concentration; scatter: standard deviation of a fraction
    of one half from well to well, beyond counting.
    """

    titration: Titration
    constants: tuple[Constant, ...]
    values: FloatArray
    expected: FloatArray
    residuals: FloatArray
    efficiency: FloatArray
    stock: FloatArray
    scatter: float
    confidence: float
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ``kd_nM`` and its interval are those of the first reaction."""
        first, data = self.constants[0], self.titration
        return {
            "model": str(data.model),
            "kd_nM": first.kd_nM,
            "kd_nM_low": first.low_nM,
            "kd_nM_high": first.high_nM,
            "verdict": first.verdict,
            "reason": first.reason,
            "confidence": self.confidence,
            "constants": [
                {
                    "reaction": one.reaction,
                    "kd_nM": one.kd_nM,
                    "kd_nM_low": one.low_nM,
                    "kd_nM_high": one.high_nM,
                    "verdict": one.verdict,
                    "reason": one.reason,
                }
                for one in self.constants
            ],
            "wells": len(data.counts),
            "landings": int(data.counts.sum()),
            "windows": list(data.windows),
            "efficiency": dict(zip(data.windows, self.efficiency.tolist(), strict=True)),
            "stock": dict(zip(data.model.components, self.stock.tolist(), strict=True)),
            "scatter_of_a_share_of_one_half": self.scatter,
            "efficiency_error": dict(
                zip(data.windows, data.log_efficiency_sd.tolist(), strict=True)
            ),
            "concentration_error": data.concentration_error,
            "notes": list(self.notes),
        }


def two_digits(value: float) -> str:
    """A positive number with two digits, as 0.12, 9.3 or 160."""
    if not value > 0:
        return "0"
    digits = 1 - int(np.floor(np.log10(value)))
    return f"{round(value, digits):.{max(digits, 0)}f}"


def estimate_affinity(titration: Titration, *, confidence: float = 0.95) -> Affinity:
    """Return the dissociation constants of a titration with their intervals.

    A constant outside the concentrations of the component that was varied most, or whose profile
    does not fall on one side, is a one-sided limit; on both sides, it is not determined. Raises
    `PerrinError` for a confidence that is none.
    """
    if not 0.5 <= confidence < 1:
        raise PerrinError(f"confidence is {confidence:g}; give one from 0.5 to below 1, as 0.95")
    likelihood = Likelihood(titration)
    best = fit(likelihood)
    constants = tuple(
        _constant(likelihood, best, number, confidence=confidence)
        for number in range(likelihood.reactions)
    )
    expected = likelihood.fractions(best.values)
    kappa = exp(best.values[-1])
    of = titration.counts.sum(axis=1, keepdims=True)
    variance = expected * (1 - expected) * of * (of + kappa) / (1 + kappa)
    efficiency, stock = likelihood.nuisances(best.values)
    relative = titration.log_efficiency + efficiency
    found = Affinity(
        titration=titration,
        constants=constants,
        values=best.values,
        expected=expected,
        residuals=(titration.counts - of * expected) / np.sqrt(variance),
        efficiency=np.exp(relative - relative[0]),
        stock=np.exp(stock),
        scatter=0.5 / sqrt(1 + kappa),
        confidence=confidence,
        notes=(),
    )
    return _with_notes(found, efficiency, stock)


def _constant(likelihood: Likelihood, best: Fit, number: int, *, confidence: float) -> Constant:
    low, high = profile_ends(likelihood, best, number, confidence=confidence)
    least, most, name = _range(likelihood.data, number)
    middle = float(best.values[number])
    reaction = str(likelihood.data.model.reactions[number])
    said = f"{two_digits(least)} to {two_digits(most)} nM of {name}"
    if low is not None and high is not None and log(least) <= middle <= log(most):
        return Constant(reaction, exp(middle), exp(low), exp(high), "determined", "")
    if low is not None and (high is None or middle > log(most)):
        reason = f"it is beyond the concentrations ({said}); measure at higher ones"
        return Constant(reaction, None, exp(low), None, "lower limit", reason)
    if high is not None and (low is None or middle < log(least)):
        reason = f"it is below the concentrations ({said}); measure at lower ones"
        return Constant(reaction, None, None, exp(high), "upper limit", reason)
    reason = f"the counts fit any constant; the concentrations ({said}) do not bracket it"
    return Constant(reaction, None, None, None, "not determined", reason)


def _range(data: Titration, number: int) -> tuple[float, float, str]:
    """Lowest and highest total (above 0) of the component of a reaction that was varied most.

    Where none of its own was varied, as of A+B when a competitor is titrated: of all components.
    """
    model = data.model
    product = model.species.index(model.reactions[number].product)
    found = [_span(data, int(column)) for column in np.flatnonzero(model.composition[product])]
    low, high, name = max(found, key=lambda one: one[1] / one[0])
    if high >= _VARIED * low:
        return low, high, name
    every = [_span(data, column) for column in range(len(model.components))]
    names = ", ".join(model.components)
    return min(one[0] for one in every), max(one[1] for one in every), names


def _span(data: Titration, column: int) -> tuple[float, float, str]:
    told = data.totals[:, column]
    name = data.model.components[column]
    if not (told > 0).any():
        raise PerrinError(f"no well holds any {name}, which {data.model} needs")
    return float(told[told > 0].min()), float(told.max()), name


def _with_notes(found: Affinity, efficiency: FloatArray, stock: FloatArray) -> Affinity:
    """Add what one should know of the fit."""
    from dataclasses import replace

    data = found.titration
    notes = []
    if found.scatter > _SCATTERED:
        notes.append(
            f"the wells scatter by {found.scatter:.2f} in a fraction of one half beyond counting: "
            "pipetting varies, or another model is needed; the interval is wider for it"
        )
    for name, value in zip(data.model.components, stock, strict=True):
        if abs(value) > _FAR_STOCK * data.concentration_error:
            notes.append(
                f"the counts fit best with {exp(value):.2f} times the {name} that was stated"
            )
    sds = data.log_efficiency_sd
    for name, value, sd in zip(
        data.windows[1:], efficiency[1:] - efficiency[0], sds[1:], strict=True
    ):
        if abs(value) > _FAR_STOCK * np.hypot(sd, sds[0]):
            notes.append(
                f"the counts fit best with {exp(value):.2f} times the expected landings of {name}, "
                f"relative to {data.windows[0]}"
            )
    return replace(found, notes=tuple(notes))
