"""The landings by the quantifier's masses: sentences and figures of a results folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perrin.report.page.encode import inlined
from perrin.report.page.facts import is_bound, least_width
from perrin.report.page.fits import plain_components
from perrin.stats import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perrin.report.page.folders import LandingFolder

_SE_95 = normal_quantile(0.95)
_FIGURES = {
    "all_landings": "Spectrum of all landings, each by its precision, over that of the filtered "
    "ones. Fractions and widths are those of the mixture: the errors of the events are taken out.",
    "network_and_fit": "Network against fit on events that are surely binders: both must agree.",
    "surface": "How long the molecules that leave have stayed, and how fast those that move are.",
}


def quantified_records(folders: list[LandingFolder]) -> list[dict[str, Any] | None]:
    """One entry a measurement of all folders; None where no quantifier was used."""
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
        "main": summary.get("reported_spectrum") == "all",
        "species": _species(found["spectrum"], least=least_width(summary)),
        "sentences": _sentences(found),
        "figures": [
            {"name": path.stem, "source": inlined(path.read_bytes(), "svg"), "text": text}
            for path, text in pictures
            if path.is_file()
        ],
    }


def _species(spectrum: Mapping[str, Any], *, least: float) -> list[list[tuple[str, str]]]:
    """Rows of text: position, FWHM and fraction of each species, each with its interval.

    least: the FWHM below which the mixture cannot go: one that is there is no width, but a bound.
    """
    places = 1 if spectrum["unit"] == "kDa" else 3
    return [
        [
            _with_interval(one, "mode", places),
            (f"at most {least:.{places}f}", "")
            if is_bound(one["fwhm"], least)
            else _with_interval(one, "fwhm", places),
            _with_interval(one, "fraction", 1, percent=True),
        ]
        for one in plain_components(spectrum)
    ]


def _with_interval(
    one: Mapping[str, Any], name: str, places: int, *, percent: bool = False
) -> tuple[str, str]:
    ends = [one[f"{name}{end}"] for end in ("", "_low", "_high")]
    value, *interval = (
        "" if end is None else f"{end:.{places}{'%' if percent else 'f'}}" for end in ends
    )
    return value, f"({' to '.join(interval)})" if interval[0] else ""


def _with_se(value: float, se: float) -> str:
    """A fraction with the 95% interval of a normal estimate, as every other number here has it."""
    low, high = value - _SE_95 * se, value + _SE_95 * se
    return f"{value:+.1%} ({low:+.1%} to {high:+.1%})"


def _sentences(found: Mapping[str, Any]) -> list[str]:
    """What the quantifier found, and whether it may be believed."""
    spectrum, alone = found["spectrum"], found["spectrum"]["background_fraction"]
    sentences = [
        f"{found['landings']:,} landings, suboptimal ones too: effective sample size "
        f"{spectrum['effective_landings']:,.0f}."
    ]
    if alone is not None:
        sentences.append(f"{alone:.1%} of them belong to no species.")
    agreed = found["agreement"]
    if agreed is not None and agreed["warnings"]:
        sentences += [f"{warning[0].upper()}{warning[1:]}" for warning in agreed["warnings"]]
    elif agreed is not None and agreed["binders"]:
        sentences.append(
            f"Network and fit agree on {agreed['binders']:,} high-confidence binders: "
            f"{_with_se(agreed['difference'], agreed['difference_se'])}."
        )
    surface = found["surface"]
    if surface is not None:
        sentences += [f"{text[0].upper()}{text[1:]}." for text in surface["says"]]
    return sentences
