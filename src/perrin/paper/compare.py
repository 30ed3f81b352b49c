"""Filters compared: the same estimator on the same number of events, and what chance would do.

A narrow peak can come from few events: a number of counts too small makes widths small and
valleys deep. So every filter's events are thinned until equally many lie in the window of the
quantity; the interval is from resamples of that size; and random subsets of the unfiltered
events, equally many, say how often chance alone does as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from perrin.mass.resolution import valley_to_peak
from perrin.mass.spectrum import resolving_power_near
from perrin.paper.settings import ExperimentSettings
from perrin.pipeline.simulated import Measured
from perrin.settings.spectrum import SpectrumSettings
from perrin.stats import percentile_interval
from perrin.types import BoolArray, FloatArray

Statistic = Callable[[FloatArray], FloatArray]

BEFORE, PERFECT = "before", "perfect"
LEAST = 40
"""Fewer events in the window have no width: the filter is left out, with NaN."""

_SPECTRUM = SpectrumSettings(resamples=0)


@dataclass(frozen=True)
class Quantity:
    """Something read off the masses of some landings."""

    names: tuple[str, ...]
    """Of the K numbers that `of` returns."""
    of: Statistic
    """From masses (n,) in kDa to the K numbers, NaN for what cannot be had."""
    window: tuple[float, float]
    """Masses, in kDa, among which counts are made equal."""
    more_is_better: bool = True
    """True for a resolving power, False for a valley."""


def resolving_power_at(mass_kda: float, *, peaks: Sequence[float]) -> Quantity:
    """M / FWHM of the peak at `mass_kda`, one of the known `peaks` of the sample.

    Counts are equal from the middle to the peak below to the middle to the one above, at most
    30% of the mass away.
    """
    main = list(peaks).index(mass_kda)
    low, high = 0.7 * mass_kda, 1.3 * mass_kda
    if main > 0:
        low = max(low, 0.5 * (peaks[main - 1] + mass_kda))
    if main < len(peaks) - 1:
        high = min(high, 0.5 * (peaks[main + 1] + mass_kda))

    near = [peak for peak in peaks if 0.5 * mass_kda <= peak <= 1.5 * mass_kda]
    here = near.index(mass_kda)

    def power(masses: FloatArray) -> FloatArray:
        # the events around the peak say all of it, in half the time
        local = masses[np.abs(masses - mass_kda) <= 0.5 * mass_kda]
        return np.array([resolving_power_near(local, near, here, settings=_SPECTRUM)])

    return Quantity((f"resolving power at {mass_kda:g} kDa",), power, (low, high))


def valleys_between(peaks: Sequence[float]) -> Quantity:
    """Valley-to-peak ratio of each pair of neighboring `peaks`, and their mean; K is their number.

    3 kDa kernel, as by definition. Counts are equal over all of them.
    """
    pairs = list(pairwise(peaks))

    def ratios(masses: FloatArray) -> FloatArray:
        found = [
            valley_to_peak(masses, left=left, right=right, kernel=_SPECTRUM.kernel_kda)
            for left, right in pairs
        ]
        each = np.array([np.nan if valley is None else valley.ratio for valley in found])
        return np.append(each, each.mean())

    names = tuple(f"valley between {left:g} and {right:g} kDa" for left, right in pairs)
    half = 0.5 * (peaks[1] - peaks[0])
    window = (peaks[0] - half, peaks[-1] + half)
    return Quantity((*names, "mean valley"), ratios, window, more_is_better=False)


def landings_kept(
    measured: Sequence[Measured],
    thresholds: Mapping[str, Sequence[float]],
    *,
    perfect: str = PERFECT,
) -> dict[str, FloatArray]:
    """Masses (n,) of the landings that each filter keeps, all measurements together.

    ``before``: all fitted ones; for each name in `thresholds`: those that the classifier keeps
    at that threshold of each measurement; ``residual, NAME``: as many as that, those with the
    lowest fit residual; ``perfect``: true isolated binders.
    """
    parts: dict[str, list[FloatArray]] = {}

    def add(name: str, masses: FloatArray, which: BoolArray) -> None:
        parts.setdefault(name, []).append(masses[which])

    for k, one in enumerate(measured):
        masses = one.events["mass_kda"].to_numpy(float)
        residual = one.events["fit_residual"].to_numpy(float)
        add(BEFORE, masses, one.landing)
        for name, least in thresholds.items():
            kept = one.kept(least[k]) & one.landing
            add(name, masses, kept)
            add(residual_of(name), masses, _lowest(residual, one.landing, int(kept.sum())))
        add(PERFECT, masses, one.landing & one.events[perfect].to_numpy(bool))
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def residual_of(name: str) -> str:
    """Name of the residual filter that keeps as many events as filter `name`."""
    return f"residual, {name}"


def _lowest(residual: FloatArray, among: BoolArray, count: int) -> BoolArray:
    """The `count` events with the lowest residual among some."""
    order = np.argsort(np.where(among, residual, np.inf), kind="stable")[:count]
    chosen = np.zeros(len(residual), np.bool_)
    chosen[order] = True
    return chosen


def compare(
    sets: Mapping[str, FloatArray],
    quantity: Quantity,
    *,
    settings: ExperimentSettings,
    rng: np.random.Generator,
    least: int = LEAST,
) -> pd.DataFrame:
    """Compare filters at equal counts.

    `sets` holds the masses (n,) in kDa that each filter keeps, ``before`` and ``perfect`` among
    them; a filter with fewer than `least` events in the window has NaN.

    Returns
    -------
    DataFrame, one row a filter and quantity
        ``quantity``, ``filter``; ``kept``, all its landings; ``in_window`` and
        ``equal_counts``, those in the window before and after thinning; ``value`` at equal
        counts (mean of the thinnings) with ``value_low``, ``value_high`` (bootstrap);
        ``gain_fraction``: (value - before) / (perfect - before), with ``gain_fraction_low`` and
        ``_high``, NaN where the perfect filter gains nothing that can be distinguished from noise;
        ``over_residual`` with its ends: how much better than the residual filter that keeps as
        many; ``by_chance``: how often a random subset of the unfiltered landings, equally many,
        is at least as good.
    """
    low, high = quantity.window
    inside = {name: int(((x >= low) & (x <= high)).sum()) for name, x in sets.items()}
    able = [name for name in sets if inside[name] >= least]
    equal = min((inside[name] for name in able), default=0)
    size = {name: round(len(sets[name]) * equal / inside[name]) for name in able}
    found = _measured(sets, size, quantity, settings=settings, rng=rng)
    table = pd.DataFrame([row for name in sets for row in _rows(name, found, settings.confidence)])
    counts = {"kept": {name: len(x) for name, x in sets.items()}, "in_window": inside}
    for column, by_filter in counts.items():
        table.insert(2, column, table["filter"].map(by_filter))
    table.insert(4, "equal_counts", equal)
    return table


@dataclass(frozen=True)
class _Measured:
    """The K numbers of a quantity at equal counts, by filter, for those with enough events.

    value (K,), drawn (R, K): resamples of it; chance (R, K): random subsets of all landings.
    """

    quantity: Quantity
    value: Mapping[str, FloatArray]
    drawn: Mapping[str, FloatArray]
    chance: FloatArray

    def has(self, *names: str) -> bool:
        """Whether all these filters have enough events."""
        return set(names) <= self.value.keys()


def _measured(
    sets: Mapping[str, FloatArray],
    size: Mapping[str, int],
    quantity: Quantity,
    *,
    settings: ExperimentSettings,
    rng: np.random.Generator,
) -> _Measured:
    """Thin and resample the filters to their `size`; the unfiltered landings for chance too."""
    value: dict[str, FloatArray] = {}
    drawn: dict[str, FloatArray] = {}
    for name, n in size.items():
        x = sets[name]
        times = 1 if n == len(x) else settings.thinnings
        thinned = [quantity.of(rng.choice(x, n, replace=False)) for _ in range(times)]
        value[name] = _mean(np.array(thinned))
        again = (quantity.of(rng.choice(x, n)) for _ in range(settings.resamples))
        drawn[name] = np.array(list(again))
    chance = np.empty((0, len(quantity.names)))
    if BEFORE in size:
        thin = (
            rng.choice(sets[BEFORE], size[BEFORE], replace=False) for _ in range(settings.resamples)
        )
        chance = np.array([quantity.of(x) for x in thin])
    return _Measured(quantity, value, drawn, chance)


def _rows(name: str, found: _Measured, confidence: float) -> list[dict[str, object]]:
    """What is said of one filter: a row for each of the K numbers."""
    rows: list[dict[str, object]] = []
    for k, what in enumerate(found.quantity.names):
        one = found.value[name][k] if found.has(name) else np.nan
        ends = _ends(found.drawn[name][:, k] if found.has(name) else np.full(1, np.nan), confidence)
        fraction, fraction_ends = _gain_fraction(name, k, found, confidence)
        better, better_ends = _over_residual(name, k, found, confidence)
        more = found.quantity.more_is_better
        as_good = found.chance[:, k] >= one if more else found.chance[:, k] <= one
        rows.append(
            {
                "quantity": what,
                "filter": name,
                "value": one,
                "value_low": ends[0],
                "value_high": ends[1],
                "gain_fraction": fraction,
                "gain_fraction_low": fraction_ends[0],
                "gain_fraction_high": fraction_ends[1],
                "over_residual": better,
                "over_residual_low": better_ends[0],
                "over_residual_high": better_ends[1],
                "by_chance": np.nan if np.isnan(one) else float(np.mean(as_good)),
            }
        )
    return rows


def _gain_fraction(
    name: str, k: int, found: _Measured, confidence: float
) -> tuple[float, tuple[float, float]]:
    """How much of what the perfect filter gains a filter gains."""
    value, drawn = found.value, found.drawn
    nothing = (np.nan, np.nan)
    if not found.has(name, BEFORE, PERFECT) or name in (BEFORE, PERFECT):
        return np.nan, nothing
    whole = drawn[PERFECT][:, k] - drawn[BEFORE][:, k]
    low, high = _ends(whole, confidence)
    if not low * high > 0:  # the interval of the gain holds 0
        return np.nan, nothing
    start = value[BEFORE][k]
    fraction = (value[name][k] - start) / (value[PERFECT][k] - start)
    return float(fraction), _ends((drawn[name][:, k] - drawn[BEFORE][:, k]) / whole, confidence)


def _over_residual(
    name: str, k: int, found: _Measured, confidence: float
) -> tuple[float, tuple[float, float]]:
    """How much better a filter is than the residual filter that keeps as many events."""
    other = residual_of(name)
    if not found.has(name, other):
        return np.nan, (np.nan, np.nan)
    sign = 1.0 if found.quantity.more_is_better else -1.0
    ends = _ends(sign * (found.drawn[name][:, k] - found.drawn[other][:, k]), confidence)
    return float(sign * (found.value[name][k] - found.value[other][k])), ends


def _ends(samples: FloatArray, confidence: float) -> tuple[float, float]:
    if np.isnan(samples).mean() > 0.5:
        return np.nan, np.nan
    low, high = percentile_interval(samples, confidence=confidence)
    return float(low), float(high)


def _mean(samples: FloatArray) -> FloatArray:
    """Mean over the first axis of what is there."""
    there = np.isfinite(samples)
    total: FloatArray = np.where(there, samples, 0.0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / there.sum(axis=0))
