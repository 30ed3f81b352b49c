"""A measurement of landings in plain sentences: what it is, what stands out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perrin.report.page.facts import listed, pairs, position, said
from perrin.report.page.landing_doubts import ADVICE, DOUBTS

if TYPE_CHECKING:
    from perrin.report.page.facts import Facts


def landing_story(facts: Facts) -> dict[str, Any]:
    """Headline and four lists of sentences."""
    return {
        "headline": headline(facts),
        "measured": said(facts, (_what, _kept, _density)),
        "stands_out": said(facts, (_main_peak, _multiples, _resolved)),
        "distrust": [
            *said(facts, DOUBTS),
            *(f"{note[0].upper()}{note[1:]}." for note in _notes(facts)),
        ],
        "next": said(facts, ADVICE) or ["Nothing calls for a change."],
    }


def headline(facts: Facts) -> str:
    """The peaks in one line, largest first."""
    peaks = sorted(facts.peaks, key=lambda peak: -peak["share"])
    if not facts.summary["events"]:
        return "Nothing was found in this measurement"
    if not peaks:
        return "No peak stands out of these events"
    named = [f"{position(peak, facts)} ({peak['share']:.0%})" for peak in peaks[:3]]
    count = {1: "One peak", 2: "Two peaks", 3: "Three peaks"}.get(len(peaks), f"{len(peaks)} peaks")
    first = ", largest first" if len(peaks) > 3 else ""
    return f"{count}{first}: {listed(named)}"


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
    text = f"Main peak at {position(peak, facts, digits=1)}"
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
        f"{listed([position(peak, facts) for peak in others])} "
        f"{'is' if len(others) == 1 else 'are'} {listed(whole)} times {position(first, facts)}: "
        "near whole multiples, as oligomers have."
    )


def _resolved(facts: Facts) -> str | None:
    good = [v for v in facts.spectrum["valleys"] if v["valley_to_peak"] <= 0.3]
    if not good:
        return None
    lowest = max(v["valley_to_peak"] for v in good)
    return (
        f"Well apart: {listed(pairs(facts, good))} {facts.unit} (valley at most {lowest:.0%} of "
        "the smaller peak)."
    )
