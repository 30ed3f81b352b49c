"""What the commands of mass photometry print of their results."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import pandas as pd

    from perrin.landing.classifier.classification import Classification
    from perrin.landing.persistence import PersistenceResult
    from perrin.landing.quantifier.quantification import Quantification
    from perrin.mass.results import Estimate, Spectrum
    from perrin.pipeline import LandingsResult


def say(measured: list[LandingsResult], out: Path) -> None:
    """Print what was found: counts, peaks, notes, and where the results are."""
    said = ""
    for measurement in measured:
        if measurement.settings is None and measurement.read_as != said:  # a movie said it
            said = measurement.read_as
            typer.echo(said)
        for place, name in enumerate(measurement.spectra):
            mark = " (reported spectrum)" if place == 0 and len(measurement.spectra) > 1 else ""
            if name == "filtered":
                _say_filtered(measurement, mark)
            elif measurement.quantification is not None:
                _say_all(f"{measurement.name}, all landings{mark}", measurement.quantification)
        if measurement.abundances is not None:
            _say_abundances(measurement.abundances)
        if measurement.persistence is not None:
            _say_persistence(measurement.persistence)
        for note in measurement.notes:
            typer.echo(f"  note: {note}")
    if any(m.spectrum.unit == "contrast" for m in measured):
        typer.echo(
            "No calibration: the spectrum is one of contrast. Give --calibration for masses."
        )
    typer.echo(f"results in {out}")


def _say_filtered(found: LandingsResult, mark: str) -> None:
    """The fitted spectrum, before and after the filter if there is one."""
    if found.unfiltered is not None and found.classification is not None:
        _say_peaks(f"{found.name}, before the filter", found.unfiltered)
        _say_classes(found.classification)
        _say_peaks(f"{found.name}, after the filter{mark}", found.spectrum)
    else:
        _say_peaks(f"{found.name}{mark}", found.spectrum)


def _say_peaks(title: str, found: Spectrum) -> None:
    typer.echo(f"{title}: {found.n_landing} landings, {found.n_unbinding} unbindings")
    for peak in found.peaks:
        at, unit = _in_unit(peak.mode.value, found.unit)
        text = f"  peak at {at} {unit}: {peak.counts} landings ({peak.fraction.value:.0%})"
        if peak.resolving_power is not None:
            text += f", resolving power {peak.resolving_power.value:.1f}"
        typer.echo(text)


def _say_classes(found: Classification) -> None:
    fractions = ", ".join(
        f"{fraction.name} {fraction.fraction.value:.0%}" for fraction in found.fractions
    )
    typer.echo(f"classes ({found.model}): {fractions}")
    reached = f"estimated precision {found.precision:.0%}, recall {found.recall:.0%}"
    typer.echo(
        f"retained with score_binder of {found.threshold:.3g} or more ({found.chosen}): "
        + ("nothing" if math.isnan(found.precision) else reached)
    )


def _say_all(title: str, found: Quantification) -> None:
    """The spectrum of all landings, the check against the fit, and the surface."""
    typer.echo(f"{title}, masses predicted by {found.model}: {found.landings}")
    for one in found.spectrum.components:
        at, unit = _in_unit(one.mean.value, found.spectrum.unit)
        typer.echo(f"  species at {at} {unit}: {_fraction(one.fraction)}")
    agreed = found.agreement
    if agreed is not None and agreed.events:
        typer.echo(
            f"  network against fit on {agreed.events} high-confidence binders: "
            f"{agreed.difference:+.1%} (standard error {agreed.se:.1%})"
        )
    for sentence in () if found.surface is None else found.surface.sentences:
        typer.echo(f"  surface: {sentence}")


def _fraction(fraction: Estimate) -> str:
    ends = "" if fraction.low is None else f" ({fraction.low:.1%} to {fraction.high:.1%})"
    return f"{fraction.value:.1%}{ends}"


def _say_abundances(fractions: pd.DataFrame) -> None:
    typer.echo("fractions of the peaks, counted, and corrected for what noise and detection lose:")
    for row in fractions.to_dict("records"):
        typer.echo(
            f"  {row['species']}: {row['fraction']:.0%}, corrected {row['corrected_fraction']:.0%} "
            f"({row['corrected_fraction_low']:.0%} to {row['corrected_fraction_high']:.0%}); "
            f"kept in the simulation {row['retention']:.0%}"
        )


def _say_persistence(found: PersistenceResult) -> None:
    said = []
    for group in ("retained", "discarded"):
        number, fraction = found.fraction(group)
        said.append(f"{fraction:.0%} of {number} {group}" if number else f"no {group}")
    typer.echo(f"still there at {found.persistence_ms:g} ms: {', '.join(said)} landings")


def _in_unit(value: float, unit: str) -> tuple[str, str]:
    return (f"{value:.1f}", "kDa") if unit == "kDa" else (f"{-value:.3e}", "contrast")
