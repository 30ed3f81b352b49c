"""What to doubt in a measurement of landings, and what to do next.

Each rule returns a sentence or None. The limits that they compare with are rules of thumb for
a reader, no results.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np

from perrin.mass.modes import FWHM_PER_SD
from perrin.report.page.facts import both_mains, listed, pairs, position, with_interval
from perrin.report.page.fits import page_factor

if TYPE_CHECKING:
    from perrin.report.page.facts import Facts, Rule

_CROWDED, _AIM = 0.10, 0.05  # fraction of landings with a neighbor, and what diluting aims at
_UNBINDING = 0.15
_FEW = 300
_FEW_IN_PEAK = 50
_FADING = 0.5  # landing density of the last third over that of the first
_BIAS = 0.15  # difference of retention between peaks
_NOISE_PART = 0.7  # of a peak's FWHM that the error of a single event explains
_LIGHT_KDA = 45.0
_SURE = 0.01


def _nothing(facts: Facts) -> str | None:
    if facts.summary["events"]:
        return None
    return "No events: was anything in the sample, and does the landing sign fit the instrument?"


def _unjudged(facts: Facts) -> str | None:
    unknown = not facts.summary["events"] or "fit_residual" not in facts.events
    if unknown or facts.filter[0] != "none":
        return None
    why = "No classifier was used" if facts.threshold is None else "Nothing is filtered"
    return (
        f"{why}: molecules that leave, roll or wobble are in the spectrum, with masses that are "
        "too small."
    )


def _leaving(facts: Facts) -> str | None:
    if facts.unbinding < _UNBINDING:
        return None
    return f"{facts.unbinding:.0%} of the events are unbindings: many molecules leave again."


def _crowding(facts: Facts) -> str | None:
    if facts.crowded < _CROWDED:
        return None
    return (
        f"Crowded: about {facts.crowded:.0%} of the landings have another within reach of their "
        "fit, which mixes their masses."
    )


def _few(facts: Facts) -> str | None:
    if not 0 < facts.landings < _FEW:
        return None
    return f"Only {facts.landings} landings: small peaks and fractions are uncertain."


def _thin_peaks(facts: Facts) -> str | None:
    thin = [position(p, facts) for p in facts.peaks if p["counts"] < _FEW_IN_PEAK]
    if not thin:
        return None
    peaks = "The peak" if len(thin) == 1 else "The peaks"
    return f"{peaks} at {listed(thin)} {'rests' if len(thin) == 1 else 'rest'} on few events."


def _unresolved(facts: Facts) -> str | None:
    bad = [v for v in facts.spectrum["valleys"] if v["valley_to_peak"] > 0.5]
    if not bad:
        return None
    return f"{listed(pairs(facts, bad))} {facts.unit} overlap: their fractions depend on the model."


def _drifting(facts: Facts) -> str | None:
    change = f"change_{facts.spectrum['unit'].lower()}"
    factor = page_factor(facts.spectrum["unit"])
    if facts.moved is not None:  # drifts are those of the peaks of the analysis
        return None
    moved = [
        f"{position(peak, facts)} by {factor * drift[change]:+.2g}"
        for peak, drift in zip(facts.peaks, facts.summary.get("peak_drifts") or [], strict=False)
        if drift is not None and drift["p_value"] < _SURE
    ]
    return f"Mass drifts during the movie: {listed(moved)}." if moved else None


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


def _two_answers(facts: Facts) -> str | None:
    """Whether the main species of both spectra have intervals that do not overlap."""
    found = both_mains(facts)
    if found is None or None in (found[0]["mode_low"], found[1]["mode_low"]):
        return None
    reported, other = found
    if reported["mode_low"] <= other["mode_high"] and other["mode_low"] <= reported["mode_high"]:
        return None
    return (
        f"The two spectra disagree on the main species: {with_interval(reported, facts)} and "
        f"{with_interval(other, facts)}; look whether network and fit agree."
    )


def _bias(facts: Facts) -> str | None:
    """Whether the filter keeps other fractions of one peak than of another."""
    if facts.filter[0] == "none" or len(facts.peaks) < 2:
        return None
    kept = facts.kept
    masses = facts.chosen.masses if facts.unit == "kDa" else -1e3 * facts.chosen.masses
    fractions = []
    for peak in facts.peaks:
        inside = facts.chosen.base & (masses >= peak["low"]) & (masses <= peak["high"])
        fractions.append(float(kept[inside].mean()) if inside.any() else np.nan)
    if not np.nanmax(fractions) - np.nanmin(fractions) > _BIAS:
        return None
    told = [f"{s:.0%} at {position(p, facts)}" for s, p in zip(fractions, facts.peaks, strict=True)]
    return (
        f"The filter keeps {listed(told)}: the ratio of these peaks after filtering is not that "
        "of the sample."
    )


def _light(facts: Facts) -> str | None:
    light = [p for p in facts.peaks if facts.unit == "kDa" and p["mode"] < _LIGHT_KDA]
    if not light or facts.summary.get("settings") is None:
        return None
    return (
        f"{listed([position(p, facts) for p in light])}: near the limit of detection, where "
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
    peak = max(facts.peaks, key=lambda peak: peak["fraction"])
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
    if not 0 < facts.landings < _FEW:
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


DOUBTS: tuple[Rule, ...] = (
    _nothing,
    _unjudged,
    _two_answers,
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
OF_FILTERED: frozenset[Rule] = frozenset(
    (_unjudged, _bias, _thin_peaks, _unresolved, _drifting, _light, _integrate)
)
"""Rules that speak of the filtered spectrum, whichever is the main one."""
ADVICE: tuple[Rule, ...] = (_dilute, _surface, _integrate, _more, _steady, _calibrate)
