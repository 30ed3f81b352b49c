"""What the commands of mass photometry print of their results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import pandas as pd

    from perrin.landing.classifier.classification import Classification
    from perrin.landing.quantifier.quantification import Quantification
    from perrin.landing.recheck import Recheck
    from perrin.mass.results import Estimate, Spectrum
    from perrin.pipeline import Measurement


def say(measured: list[Measurement], out: Path) -> None:
    """Print what was found: counts, peaks, notes, and where the results are."""
    for measurement in measured:
        for place, name in enumerate(measurement.spectra):
            mark = " (main spectrum)" if place == 0 and len(measurement.spectra) > 1 else ""
            if name == "filtered":
                _say_filtered(measurement, mark)
            elif measurement.quantification is not None:
                _say_all(f"{measurement.name}, all landings{mark}", measurement.quantification)
        if measurement.abundances is not None:
            _say_abundances(measurement.abundances)
        if measurement.recheck is not None:
            _say_recheck(measurement.recheck)
        for note in measurement.notes:
            typer.echo(f"  note: {note}")
    if any(m.spectrum.unit == "contrast" for m in measured):
        typer.echo(
            "No calibration: the spectrum is one of contrast. Give --calibration for masses."
        )
    typer.echo(f"results in {out}")


def _say_filtered(found: Measurement, mark: str) -> None:
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
        text = f"  peak at {at} {unit}: {peak.counts} landings ({peak.share.value:.0%})"
        if peak.resolving_power is not None:
            text += f", resolving power {peak.resolving_power.value:.1f}"
        typer.echo(text)


def _say_classes(found: Classification) -> None:
    shares = ", ".join(f"{share.name} {share.share.value:.0%}" for share in found.shares)
    typer.echo(f"classes ({found.model}): {shares}")
    typer.echo(
        f"retained with score_binder of {found.threshold:.3g} or more ({found.chosen}): "
        f"estimated precision {found.precision:.0%}, recall {found.recall:.0%}"
    )


def _say_all(title: str, found: Quantification) -> None:
    """The spectrum of all landings, the check against the fit, and the surface."""
    typer.echo(f"{title}, weighed by {found.model}: {found.landings}")
    for one in found.spectrum.components:
        at, unit = _in_unit(one.mean.value, found.spectrum.unit)
        typer.echo(f"  species at {at} {unit}: {_share(one.share)}")
    agreed = found.agreement
    if agreed is not None and agreed.events:
        typer.echo(
            f"  network against fit on {agreed.events} sure binders: {agreed.difference:+.1%} "
            f"(give or take {agreed.se:.1%})"
        )
    for sentence in () if found.surface is None else found.surface.sentences:
        typer.echo(f"  surface: {sentence}")


def _share(share: Estimate) -> str:
    ends = "" if share.low is None else f" ({share.low:.1%} to {share.high:.1%})"
    return f"{share.value:.1%}{ends}"


def _say_abundances(shares: pd.DataFrame) -> None:
    typer.echo("shares of the peaks, counted, and corrected for what noise and detection lose:")
    for row in shares.to_dict("records"):
        typer.echo(
            f"  {row['species']}: {row['share']:.0%}, corrected {row['corrected_share']:.0%} "
            f"({row['corrected_share_low']:.0%} to {row['corrected_share_high']:.0%}); "
            f"kept in the simulation {row['kept_share']:.0%}"
        )


def _say_recheck(found: Recheck) -> None:
    said = []
    for group in ("retained", "discarded"):
        number, share = found.share(group)
        said.append(f"{share:.0%} of {number} {group}" if number else f"no {group}")
    typer.echo(f"still there at {found.recheck_ms:g} ms: {', '.join(said)} landings")


def _in_unit(value: float, unit: str) -> tuple[str, str]:
    return (f"{value:.1f}", "kDa") if unit == "kDa" else (f"{-value:.3e}", "contrast")
