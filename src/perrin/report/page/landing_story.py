"""A measurement of landings in plain sentences: what it is, stands out, to doubt, to do next.

Each rule is a function of the facts that returns a sentence or None. The limits that rules
compare with are theirs: rules of thumb for a reader, no results.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, pi
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.mass.modes import FWHM_PER_SD
from perrin.report.page.fits import page_factor, plain_peaks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from perrin.report.page.fits import Filterable

    Rule = Callable[["Facts"], str | None]

_CROWDED, _AIM = 0.10, 0.05  # share of landings with a neighbor, and what diluting aims at
_FIT_REACH_PX = 6.0
_UNBINDING = 0.15
_FEW = 300
_FEW_IN_PEAK = 50
_FADING = 0.5  # landing density of the last third over that of the first
_BIAS = 0.15  # difference of kept shares between peaks
_NOISE_PART = 0.7  # of a peak's FWHM that the error of a single event explains
_LIGHT_KDA = 45.0
_SURE = 0.01


@dataclass(frozen=True)
class Facts:
    """What the rules look at: the summary of one measurement, its events, their filter.

    `threshold` is the one on the binder score; None where nothing was scored.
    """

    summary: Mapping[str, Any]
    events: pd.DataFrame
    chosen: Filterable
    threshold: float | None

    @property
    def spectrum(self) -> Mapping[str, Any]:
        """The spectrum as summarised."""
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
        """Share of landings with another within the fit's reach (6 px, 2 n_avg frames).

        As the classifier estimates it, else as the landing density makes it expected:
        1 - exp(-density x area x time), landings being independent.
        """
        found = (self.summary.get("classification") or {}).get("shares", {}).get("neighbors")
        if found is not None:
            return float(found["share"])
        density, recorded = self.summary.get("landing_density"), self.summary["recorded"]
        if density is None:
            return 0.0
        area = pi * (_FIT_REACH_PX * recorded["pixel_nm"] / 1000) ** 2
        time = 4 * recorded["n_avg"] * recorded["frame_interval_s"]
        return 1.0 - exp(-density["mean_density_per_um2_s"] * area * time)

    @property
    def unbinding(self) -> float:
        """Share of unbindings among the events that any filter chooses from."""
        signs = np.sign(self.events["contrast"].to_numpy(float)[self.chosen.base])
        return float((signs > 0).mean()) if signs.size else 0.0


def landing_story(facts: Facts) -> dict[str, Any]:
    """Headline and four lists of sentences."""
    return {
        "headline": headline(facts),
        "measured": _said(facts, (_what, _kept, _density)),
        "stands_out": _said(facts, (_main_peak, _multiples, _resolved)),
        "distrust": [
            *_said(facts, _DOUBTS),
            *(f"{note[0].upper()}{note[1:]}." for note in _notes(facts)),
        ],
        "next": _said(facts, _ADVICE) or ["Nothing calls for a change."],
    }


def headline(facts: Facts) -> str:
    """The peaks in one line, largest first."""
    peaks = sorted(facts.peaks, key=lambda peak: -peak["share"])
    if not facts.summary["events"]:
        return "Nothing was found in this measurement"
    if not peaks:
        return "No peak stands out of these events"
    named = [f"{_position(peak, facts)} ({peak['share']:.0%})" for peak in peaks[:3]]
    count = {1: "One peak", 2: "Two peaks", 3: "Three peaks"}.get(len(peaks), f"{len(peaks)} peaks")
    first = ", largest first" if len(peaks) > 3 else ""
    return f"{count}{first}: {_listed(named)}"


def _said(facts: Facts, rules: Iterable[Rule]) -> list[str]:
    return [sentence for rule in rules if (sentence := rule(facts)) is not None]


def _notes(facts: Facts) -> list[str]:
    return [*facts.summary["notes"], *facts.spectrum["notes"]]


def _what(facts: Facts) -> str:
    summary, recorded = facts.summary, facts.summary["recorded"]
    seconds = (summary.get("landing_density") or {}).get("time_edges_s")
    long = f" in {seconds[-1] - seconds[0]:.0f} s" if seconds else ""
    where = f", {recorded['instrument']}" if recorded.get("instrument") else ""
    return (
        f"{summary['events']:,} events{long}{where}: {summary['landings']:,} landings, "
        f"{summary['unbindings']:,} unbindings."
    )


def _kept(facts: Facts) -> str:
    kept, base = facts.summary["retained"], int(facts.chosen.base.sum())
    if facts.threshold is None:
        return f"{kept:,} of them make the spectrum; nothing has judged their quality."
    share = kept / base if base else 0.0
    return (
        f"{kept:,} ({share:.0%}) make the spectrum: those with a binder score of "
        f"{facts.threshold:.2g} or more."
    )


def _density(facts: Facts) -> str | None:
    density = facts.summary.get("landing_density")
    if density is None:
        return None
    low, high = (density[f"mean_density_per_um2_s_{end}"] for end in ("low", "high"))
    mean = density["mean_density_per_um2_s"]
    return f"{mean:.2g} landings per µm² and second ({low:.2g} to {high:.2g})."


def _main_peak(facts: Facts) -> str | None:
    peaks = facts.peaks
    if not peaks:
        return None
    peak = max(peaks, key=lambda peak: peak["share"])
    text = f"Main peak at {_position(peak, facts, digits=1)}"
    if peak["mode_low"] is not None:
        text += f" ({peak['mode_low']:.1f} to {peak['mode_high']:.1f})"
    text += f" with {peak['share']:.0%} of the landings"
    if peak["fwhm"] is not None:
        text += f", {peak['fwhm']:.3g} {facts.unit} wide: resolving power "
        text += f"{peak['resolving_power']:.1f}"
    return text + "."


def _multiples(facts: Facts) -> str | None:
    """Peaks at whole multiples of the lightest, within 4%, as oligomers have them."""
    if len(facts.peaks) < 2:
        return None
    first, *others = facts.peaks
    ratios = [peak["mode"] / first["mode"] for peak in others]
    whole = [f"{r:.2f}" for r in ratios if r > 1.5 and abs(r / round(r) - 1) < 0.04]
    if len(whole) < len(ratios):
        return None
    return (
        f"{_listed([_position(peak, facts) for peak in others])} "
        f"{'is' if len(others) == 1 else 'are'} {_listed(whole)} times {_position(first, facts)}: "
        "near whole multiples, as oligomers have."
    )


def _resolved(facts: Facts) -> str | None:
    good = [v for v in facts.spectrum["valleys"] if v["valley_to_peak"] <= 0.3]
    if not good:
        return None
    pairs = _pairs(facts, good)
    lowest = max(v["valley_to_peak"] for v in good)
    return (
        f"Well apart: {_listed(pairs)} {facts.unit} (valley at most {lowest:.0%} of the smaller "
        "peak)."
    )


def _nothing(facts: Facts) -> str | None:
    if facts.summary["events"]:
        return None
    return "No events: was anything in the sample, and does the landing sign fit the instrument?"


def _unjudged(facts: Facts) -> str | None:
    unknown = not facts.summary["events"] or "fit_residual" not in facts.events
    if unknown or facts.threshold is not None:
        return None
    return (
        "No classifier was used: molecules that leave, roll or wobble are in the spectrum, "
        "with masses that are too small."
    )


def _leaving(facts: Facts) -> str | None:
    if facts.unbinding < _UNBINDING:
        return None
    return f"{facts.unbinding:.0%} of the events are unbindings: many molecules do not stay."


def _crowding(facts: Facts) -> str | None:
    if facts.crowded < _CROWDED:
        return None
    return (
        f"Crowded: about {facts.crowded:.0%} of the landings have another within reach of their "
        "fit, which mixes their masses."
    )


def _few(facts: Facts) -> str | None:
    landings = facts.spectrum["landings"]
    if not 0 < landings < _FEW:
        return None
    return f"Only {landings} landings: small peaks and shares are uncertain."


def _thin_peaks(facts: Facts) -> str | None:
    thin = [_position(p, facts) for p in facts.peaks if p["counts"] < _FEW_IN_PEAK]
    if not thin:
        return None
    peaks = "The peak" if len(thin) == 1 else "The peaks"
    return f"{peaks} at {_listed(thin)} {'rests' if len(thin) == 1 else 'rest'} on few events."


def _unresolved(facts: Facts) -> str | None:
    bad = [v for v in facts.spectrum["valleys"] if v["valley_to_peak"] > 0.5]
    if not bad:
        return None
    pairs = _pairs(facts, bad)
    return f"{_listed(pairs)} {facts.unit} overlap: their shares depend on the model."


def _pairs(facts: Facts, valleys: Iterable[Mapping[str, Any]]) -> list[str]:
    """Both peaks of each valley, as ``65 | 133``."""
    places = 0 if facts.unit == "kDa" else 2
    at = [f"{peak['mode']:.{places}f}" for peak in facts.peaks]
    return [f"{at[v['left_peak']]} | {at[v['left_peak'] + 1]}" for v in valleys]


def _drifting(facts: Facts) -> str | None:
    change = f"change_{facts.spectrum['unit'].lower()}"
    factor = page_factor(facts.spectrum["unit"])
    moved = [
        f"{_position(peak, facts)} by {factor * drift[change]:+.2g}"
        for peak, drift in zip(facts.peaks, facts.summary.get("peak_drifts") or [], strict=False)
        if drift is not None and drift["p_value"] < _SURE
    ]
    return f"Mass drifts during the movie: {_listed(moved)}." if moved else None


def _fading(facts: Facts) -> str | None:
    density = facts.summary.get("landing_density")
    if density is None or sum(density["landings"]) < _FEW:
        return None
    counts = np.array_split(np.array(density["landings"], dtype=float), 3)
    if counts[-1].mean() >= _FADING * counts[0].mean():
        return None
    return (
        f"Landings fall to {counts[-1].mean() / counts[0].mean():.0%} of their first rate: the "
        "surface fills up, or the sample is used up."
    )


def _bias(facts: Facts) -> str | None:
    """Whether the filter keeps other shares of one peak than of another."""
    if facts.threshold is None or len(facts.peaks) < 2:
        return None
    kept = facts.chosen.kept("score", facts.threshold)
    masses = facts.chosen.masses if facts.unit == "kDa" else -1e3 * facts.chosen.masses
    shares = []
    for peak in facts.peaks:
        inside = facts.chosen.base & (masses >= peak["low"]) & (masses <= peak["high"])
        shares.append(float(kept[inside].mean()) if inside.any() else np.nan)
    if not np.nanmax(shares) - np.nanmin(shares) > _BIAS:
        return None
    told = [f"{s:.0%} at {_position(p, facts)}" for s, p in zip(shares, facts.peaks, strict=True)]
    return (
        f"The filter keeps {_listed(told)}: the ratio of these peaks after filtering is not that "
        "of the sample."
    )


def _light(facts: Facts) -> str | None:
    light = [p for p in facts.peaks if facts.unit == "kDa" and p["mode"] < _LIGHT_KDA]
    if not light or facts.summary.get("settings") is None:
        return None
    return (
        f"{_listed([_position(p, facts) for p in light])}: near the limit of detection, where "
        "landings are missed and noise is found."
    )


def _dilute(facts: Facts) -> str | None:
    if facts.crowded < _CROWDED:
        return None
    factor = log(1 - min(facts.crowded, 0.99)) / log(1 - _AIM)
    return f"Dilute about {factor:.1f}-fold: neighbors then fall to {_AIM:.0%}."


def _surface(facts: Facts) -> str | None:
    if facts.unbinding < _UNBINDING:
        return None
    return (
        "Change the surface or the buffer so that molecules stay: coating, charge, pH, salt, "
        "cleaner glass."
    )


def _integrate(facts: Facts) -> str | None:
    """Longer averaging where the error of single events makes the peak wide and they stay."""
    if "mass_se_kda" not in facts.events or facts.unit != "kDa" or not facts.peaks:
        return None
    peak = max(facts.peaks, key=lambda peak: peak["share"])
    inside = facts.events["mass_kda"].between(peak["low"], peak["high"]) & facts.chosen.base
    error = FWHM_PER_SD * float(facts.events.loc[inside, "mass_se_kda"].median())
    if peak["fwhm"] is None or not error > _NOISE_PART * peak["fwhm"]:
        return None
    if facts.unbinding >= _UNBINDING or facts.crowded >= _CROWDED:
        return None
    return (
        f"Integrate longer (--fit-n-avg): the error of a single event is {error:.0f} of the "
        f"{peak['fwhm']:.0f} kDa that the main peak is wide, and molecules stay."
    )


def _more(facts: Facts) -> str | None:
    if not 0 < facts.spectrum["landings"] < _FEW:
        return None
    return f"Measure longer, or several movies: {_FEW} landings make a spectrum."


def _calibrate(facts: Facts) -> str | None:
    if facts.unit == "kDa":
        return None
    return "Calibrate: contrast becomes mass with perrin calibrate and --calibration."


def _steady(facts: Facts) -> str | None:
    if _drifting(facts) is None:
        return None
    return "Let temperature and focus settle before recording, and check the focus lock."


_DOUBTS: tuple[Rule, ...] = (
    _nothing,
    _unjudged,
    _bias,
    _leaving,
    _crowding,
    _few,
    _thin_peaks,
    _unresolved,
    _drifting,
    _fading,
    _light,
)
_ADVICE: tuple[Rule, ...] = (_dilute, _surface, _integrate, _more, _steady, _calibrate)


def _position(peak: Mapping[str, Any], facts: Facts, digits: int = 0) -> str:
    places = digits if facts.unit == "kDa" else 2
    return f"{peak['mode']:.{places}f} {facts.unit}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
