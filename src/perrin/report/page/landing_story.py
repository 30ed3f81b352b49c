"""A measurement of landings in plain sentences: what it is, what stands out.

The sentences are about the reported spectrum; those about the other one say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perrin.report.page.facts import (
    both_mains,
    is_bound,
    least_width,
    listed,
    pairs,
    position,
    sentence,
    with_interval,
)
from perrin.report.page.landing_doubts import ADVICE, DOUBTS, OF_FILTERED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perrin.report.page.facts import Facts, Rule


def landing_story(facts: Facts) -> dict[str, Any]:
    """Headline and four lists of sentences."""
    return {
        "headline": headline(facts),
        "kept": _kept(facts),
        "measured": _said(facts, (_what, _quantified, _density, _psf, _read_as)),
        "stands_out": _said(facts, (_main_species, _which, _multiples, _resolved)),
        "distrust": [
            *_said(facts, DOUBTS),
            *(sentence(note) for note in facts.summary["notes"]),
            *(_of_filtered(sentence(note), facts) for note in facts.spectrum["notes"]),
        ],
        "next": _said(facts, ADVICE) or ["Nothing calls for a change."],
    }


def headline(facts: Facts) -> str:
    """What the reported spectrum found in one line, largest first."""
    species = sorted(facts.species, key=lambda one: -one["fraction"])
    if not facts.summary["events"]:
        return "Nothing was found in this measurement"
    if not species:
        few = "Too few landings to tell species"
        return "No peak stands out of these events" if facts.all_landings is None else few
    named = [f"{position(one, facts)} ({one['fraction']:.0%})" for one in species[:3]]
    number = {1: "One", 2: "Two", 3: "Three"}.get(len(species), str(len(species)))
    noun = "species in all landings" if facts.all_landings else "peak"
    plural = "s" if noun == "peak" and len(species) > 1 else ""
    first = ", largest first" if len(species) > 3 else ""
    return f"{number} {noun}{plural}{first}: {listed(named)}"


def _said(facts: Facts, rules: Iterable[Rule]) -> list[str]:
    """What the rules have to say, in their order."""
    found = ((rule, text) for rule in rules if (text := rule(facts)) is not None)
    return [
        _of_filtered(text, facts) if rule in OF_FILTERED or rule is _resolved else text
        for rule, text in found
    ]


def _of_filtered(text: str, facts: Facts) -> str:
    """The sentence, which says that it is about the filtered spectrum where that is not clear."""
    if facts.all_landings is None:
        return text
    return f"Filtered spectrum: {text[0].lower()}{text[1:]}"


def _read_as(facts: Facts) -> str | None:
    """What was understood of the file, and what was left out of it."""
    line = facts.summary.get("read_as")
    return f"The file was {line}." if line else None


def _psf(facts: Facts) -> str | None:
    """Whether landings have the PSF that they were fitted with, of movies."""
    instrument = facts.summary.get("instrument")
    if not instrument:
        return None
    shape = instrument["psf_measured"]
    if not shape:
        return "Whether the PSF fits was not measured."
    seen = f"{shape['fwhm_nm']:.0f} nm wide, with a ring of {abs(shape['ring']):.0%} of the center"
    if instrument["psf"] == "measured":
        return f"The PSF is that of {shape['events']:,} landings of this movie: {seen}."
    return f"The PSF fits: {shape['events']:,} landings are {seen}."


def _what(facts: Facts) -> str:
    summary, recorded = facts.summary, facts.summary["recorded"]
    seconds = (summary.get("landing_density") or {}).get("time_edges_s")
    long = f" in {seconds[-1] - seconds[0]:.0f} s" if seconds else ""
    where = f", {recorded['instrument']}" if recorded.get("instrument") else ""
    return (
        f"{summary['events']:,} events{long}{where}: {summary['landings']:,} landings, "
        f"{summary['unbindings']:,} unbindings."
    )


def _quantified(facts: Facts) -> str | None:
    if facts.all_landings is None:
        return None
    return (
        f"{facts.landings:,} landings, suboptimal ones too, make the reported spectrum, "
        "each with its own error."
    )


def _kept(facts: Facts) -> str:
    """Why an event counts; the page puts the numbers that the filter makes behind it."""
    name, at = facts.filter
    return {
        "none": "Every fitted event counts; nothing has judged their quality.",
        "score": f"Those with a binder score of {at:.2g} or more count.",
        "residual": "Those with a small residual of the fit count.",
    }[name]


def _density(facts: Facts) -> str | None:
    density = facts.summary.get("landing_density")
    if density is None:
        return None
    low, high = (density[f"mean_density_per_um2_s_{end}"] for end in ("low", "high"))
    mean = density["mean_density_per_um2_s"]
    return f"{mean:#.2g} landings per µm² and second ({low:#.2g} to {high:#.2g})."


def _main_species(facts: Facts) -> str | None:
    if not facts.species:
        return None
    main = max(facts.species, key=lambda one: one["fraction"])
    text = f"Main {'species' if facts.all_landings else 'peak'} at "
    text += f"{with_interval(main, facts)} with {main['fraction']:.0%} of the landings"
    if main["fwhm"] is None:
        return text + "."
    if facts.all_landings is None:
        wide = (
            f"{main['fwhm']:.3g} {facts.unit} wide: resolving power {main['resolving_power']:.1f}"
        )
        return f"{text}, {wide}."
    least = least_width(facts.summary)
    bound = is_bound(main["fwhm"], least)
    wide = f"at most {least:.3g}" if bound else f"{main['fwhm']:.3g}"
    return f"{text}, {wide} {facts.unit} wide without their errors."


def _which(facts: Facts) -> str | None:
    """Which of two masses to use, and why."""
    found = both_mains(facts)
    if found is None:
        return None
    other = with_interval(found[1], facts)
    if facts.all_landings is None:
        return (
            "Use this mass: it is that of the clean landings, each as it was fitted. All landings, "
            f"masses predicted by the network, give {other}."
        )
    return (
        "Use this mass: it is that of all landings, as you chose, masses predicted by the network. "
        f"The clean ones alone, as fitted, give {other}."
    )


def _multiples(facts: Facts) -> str | None:
    """Peaks at whole multiples of the lightest, within 4%, as oligomers have them."""
    if len(facts.species) < 2:
        return None
    first, *others = facts.species
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
