"""The landings as the quantifier weighed them: sentences and figures of a results folder."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from perrin.report.page.facts import listed
from perrin.report.page.fits import page_factor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perrin.report.page.folders import LandingFolder

_FIGURES = {
    "all_landings": "Spectrum of all landings, each by its precision, over that of the filtered "
    "ones. Shares are those of the mixture: the errors of the events are taken out.",
    "network_and_fit": "Network against fit on events that are surely binders: both must agree.",
    "surface": "How long the molecules that leave have stayed, and how fast those that move are.",
}
_LEAST_SHARE = 0.01


def weighed_records(folders: list[LandingFolder]) -> list[dict[str, Any] | None]:
    """One entry a measurement of all folders; None where no quantifier weighed it."""
    return [
        _record(folder, summary) for folder in folders for summary in folder.summary["measurements"]
    ]


def _record(folder: LandingFolder, summary: Mapping[str, Any]) -> dict[str, Any] | None:
    found = summary.get("quantification")
    if found is None:
        return None
    own = folder.path / "figures" / summary.get("figures", "")
    pictures = [(own / f"{name}.svg", text) for name, text in _FIGURES.items()]
    return {
        "sentences": _sentences(found),
        "figures": [
            {"source": _inlined(path.read_bytes()), "text": text}
            for path, text in pictures
            if path.is_file()
        ],
    }


def _inlined(picture: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(picture).decode('ascii')}"


def _sentences(found: Mapping[str, Any]) -> list[str]:
    """What the quantifier found, and whether it may be believed."""
    spectrum, unit = found["spectrum"], found["spectrum"]["unit"].lower()
    factor, named = page_factor(spectrum["unit"]), "kDa" if unit == "kda" else "× 10⁻³"
    digits = 0 if unit == "kda" else 2
    told = [
        f"{factor * one[f'mean_{unit}']:.{digits}f} {named} ({one['share']:.1%})"
        for one in spectrum["components"]
        if one["share"] >= _LEAST_SHARE
    ]
    sentences = [
        f"{found['landings']:,} landings weighed, bad ones too, worth "
        f"{spectrum['effective_landings']:,.0f} of equal precision"
        + (f": {listed(told)}." if told else ".")
    ]
    agreed = found["agreement"]
    if agreed is not None and agreed["warnings"]:
        sentences += [f"{warning[0].upper()}{warning[1:]}" for warning in agreed["warnings"]]
    elif agreed is not None and agreed["binders"]:
        sentences.append(
            f"Network and fit agree on {agreed['binders']:,} sure binders: "
            f"{agreed['difference']:+.1%} (give or take {agreed['difference_se']:.1%})."
        )
    surface = found["surface"]
    if surface is not None:
        sentences += [f"{text[0].upper()}{text[1:]}." for text in surface["says"]]
    return sentences
