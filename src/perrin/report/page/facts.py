"""What the sentences about a measurement of landings are made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import exp, pi
from typing import TYPE_CHECKING, Any

from perrin.mass.spectrum import CONTRAST_PER_KDA
from perrin.report.page.fits import page_factor, plain_components, plain_peaks
from perrin.tables import signs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from perrin.report.page.fits import Filterable
    from perrin.types import BoolArray

    Rule = Callable[["Facts"], str | None]

_FIT_REACH_PX = 6.0


@dataclass(frozen=True)
class Moved:
    """A filter that the reader may set, and the spectrum of what it keeps, as a dictionary."""

    name: str
    at: float
    spectrum: Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What the rules look at: the summary of one measurement, its events, their filter.

    `threshold` is the one on the binder score; None where nothing was scored. `moved` is another
    filter than that of the analysis, with the spectrum of what it keeps: the page has a story of
    each.
    """

    summary: Mapping[str, Any]
    events: pd.DataFrame
    chosen: Filterable
    threshold: float | None
    moved: Moved | None = None

    @property
    def filter(self) -> tuple[str, float]:
        """Name ("none", "score", "residual") and threshold of the filter that the story is of."""
        if self.moved is not None:
            return self.moved.name, self.moved.at
        return ("none", 0.0) if self.threshold is None else ("score", self.threshold)

    @property
    def kept(self) -> BoolArray:
        """Which events (n,) that filter keeps."""
        return self.chosen.kept(*self.filter)

    @property
    def all_landings(self) -> Mapping[str, Any] | None:
        """The spectrum of all landings where it is the main one, else None."""
        if self.summary.get("reported_spectrum") != "all":
            return None
        found: Mapping[str, Any] = self.summary["quantification"]["spectrum"]
        return found

    @property
    def species(self) -> list[dict[str, Any]]:
        """What the reported spectrum found: peaks, or components of all landings."""
        return self.peaks if self.all_landings is None else plain_components(self.all_landings)

    @property
    def landings(self) -> int:
        """Landings in the reported spectrum."""
        if self.all_landings is None and self.moved is not None:
            masses = self.chosen.masses if self.unit == "kDa" else -self.chosen.masses
            return int((self.kept & (masses > 0)).sum())
        return int((self.all_landings or self.spectrum)["landings"])

    @property
    def spectrum(self) -> Mapping[str, Any]:
        """The spectrum of the filtered landings, as summarized."""
        if self.moved is not None:
            return self.moved.spectrum
        found: Mapping[str, Any] = self.summary["spectrum"]
        return found

    @property
    def peaks(self) -> list[dict[str, Any]]:
        """Its peaks in kDa, or in contrast of 1e-3."""
        return plain_peaks(self.spectrum)

    @property
    def unit(self) -> str:
        """The unit of the peaks as text."""
        return "kDa" if self.spectrum["unit"] == "kDa" else "× 10⁻³"

    @property
    def crowded(self) -> float:
        """Fraction of landings with another within the fit's reach (6 px, 2 n_avg frames).

        As the classifier estimates it, else as the landing density makes it expected:
        1 - exp(-density x area x time), landings being independent.
        """
        for fraction in (self.summary.get("classification") or {}).get("fractions", ()):
            if fraction["class"] == "neighbors":
                return float(fraction["fraction"])
        density, recorded = self.summary.get("landing_density"), self.summary["recorded"]
        if density is None:
            return 0.0
        area = pi * (_FIT_REACH_PX * recorded["pixel_nm"] / 1000) ** 2
        time = 4 * recorded["n_avg"] * recorded["frame_interval_s"]
        return 1.0 - exp(-density["mean_density_per_um2_s"] * area * time)

    @cached_property
    def unbinding(self) -> float:
        """Fraction of unbindings among the events that any filter chooses from."""
        found = signs(self.events).to_numpy(float)[self.chosen.base]
        return float((found > 0).mean()) if found.size else 0.0


def least_width(summary: Mapping[str, Any]) -> float:
    """The FWHM below which a mixture cannot go, in kDa or in contrast of 1e-3."""
    unit = summary["spectrum"]["unit"]
    scale = 1.0 if unit == "kDa" else page_factor(unit) * CONTRAST_PER_KDA
    return scale * float(summary["spectrum_settings"]["min_fwhm_kda"])


def is_bound(fwhm: float | None, least: float) -> bool:
    """Whether a FWHM stands at the least one: then it says no more than that it is no wider."""
    return fwhm is not None and fwhm < 1.01 * least


def position(peak: Mapping[str, Any], facts: Facts, digits: int = 0) -> str:
    """Where a peak is, with its unit."""
    places = digits if facts.unit == "kDa" else 2
    return f"{peak['mode']:.{places}f} {facts.unit}"


def with_interval(one: Mapping[str, Any], facts: Facts) -> str:
    """Where a peak or species is, with its unit and its interval."""
    text = position(one, facts, digits=1)
    if one["mode_low"] is None:
        return text
    places = 1 if facts.unit == "kDa" else 2
    return f"{text} ({one['mode_low']:.{places}f} to {one['mode_high']:.{places}f})"


def both_mains(facts: Facts) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The main species of the reported spectrum, and what the other one has nearest to it.

    None where there is one spectrum only, or nothing in one of them.
    """
    quantified = facts.summary.get("quantification")
    if quantified is None or facts.moved is not None or not facts.species:
        return None
    others = facts.peaks if facts.all_landings else plain_components(quantified["spectrum"])
    if not others:
        return None
    main = max(facts.species, key=lambda one: one["fraction"])
    return main, min(others, key=lambda one: abs(one["mode"] - main["mode"]))


def sentence(note: str) -> str:
    """A note as a sentence: a capital first, a stop last."""
    return f"{note[0].upper()}{note[1:]}{'' if note[-1] in '.?!' else '.'}"


def listed(parts: list[str]) -> str:
    """The parts as in a sentence: a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def pairs(facts: Facts, valleys: Iterable[Mapping[str, Any]]) -> list[str]:
    """Both peaks of each valley, as ``65 | 133``."""
    places = 0 if facts.unit == "kDa" else 2
    at = [f"{peak['mode']:.{places}f}" for peak in facts.peaks]
    return [f"{at[v['left_peak']]} | {at[v['left_peak'] + 1]}" for v in valleys]
