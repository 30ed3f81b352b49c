"""A paragraph for the methods of a paper, made from what an analysis of landings did and found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perrin.report.page.facts import is_bound, least_width, listed, with_interval
from perrin.stats import normal_quantile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from perrin.report.page.facts import Facts

_HASH = 12  # digits of a SHA-256 that name a file in print; the page has all of them


def landing_methods(facts: Facts, run: Mapping[str, Any]) -> str:
    """Return the paragraph of one measurement; `run` is the whole summary of its folder.

    It says only what the summary holds: a step that was not taken has no sentence.
    """
    parts: tuple[Callable[[Facts, Mapping[str, Any]], str | None], ...] = (
        _recorded,
        _detected,
        _fitted,
        _calibrated,
        _filtered,
        _predicted,
        _spectrum,
        _found,
    )
    said = [text for part in parts if (text := part(facts, run)) is not None]
    return " ".join([*said, *filter(None, [files_named(run)])])


def _recorded(facts: Facts, run: Mapping[str, Any]) -> str | None:
    recorded = facts.summary["recorded"]
    interval, pixel = recorded.get("frame_interval_s"), recorded.get("pixel_nm")
    if facts.summary.get("settings") is None or not interval or not pixel:
        source = "A table of events was analyzed"
        return f"{source} with perrin {run['perrin_version']}."
    by = f" ({recorded['instrument']})" if recorded.get("instrument") else ""
    return (
        f"A mass photometry movie{by} with {interval * 1e3:.4g} ms a frame and {pixel:.4g} nm a "
        f"pixel was analyzed with perrin {run['perrin_version']}."
    )


def _detected(facts: Facts, run: Mapping[str, Any]) -> str | None:
    del run
    settings = facts.summary.get("settings")
    if settings is None:
        return None
    n_avg, interval = settings["n_avg"], facts.summary["recorded"]["frame_interval_s"]
    limits = settings["detection"]
    instrument = facts.summary.get("instrument") or {}
    light, noise = instrument.get("moving_light") or {}, instrument.get("shared_noise") or {}
    waves = " and by the patterns that moved over the field" if light.get("patterns") else ""
    waves += ", filtered to white noise" if noise.get("filtered") else ""
    return (
        f"Each frame was divided by the plane of its light{waves}, and ratiometric frames were "
        f"made from the means of the {n_avg} frames ({n_avg * interval * 1e3:.3g} ms) after and "
        "before each moment. Events were detected where the matched-filter contrast exceeded "
        f"{limits['spatial_threshold']:g} times its noise and the step in time "
        f"{limits['temporal_threshold']:g} times its own."
    )


def _fitted(facts: Facts, run: Mapping[str, Any]) -> str | None:
    del run
    settings, instrument = facts.summary.get("settings"), facts.summary.get("instrument") or {}
    if settings is None:
        return None
    psf = facts.summary.get("psf") or {}
    shape = {
        "measured": "measured on landings of the movie itself",
        "default": "of an analytic form",
    }.get(str(instrument.get("psf")), f"of the kind {psf.get('kind', 'given')!r}")
    fit = settings["fit_n_avg"]
    again = "" if fit is None else f" (of {fit} frames on each side)"
    return (
        "Contrast and position are the least-squares amplitude and place of the point-spread "
        f"function, {shape}, in the ratiometric frame{again}."
    )


def _calibrated(facts: Facts, run: Mapping[str, Any]) -> str | None:
    del run
    line = facts.summary.get("calibration")
    if line is None:
        return None if facts.unit == "kDa" else "No mass calibration was applied."
    masses = [f"{point['mass_kda']:g}" for point in line["points"]]
    of = f" from {len(masses)} calibrants ({listed(masses)} kDa)" if masses else ""
    se = line.get("covariance")
    slope = -1e5 * line["gradient_per_kda"]
    error = "" if not se else _ends(slope, 1e5 * se[0][0] ** 0.5)
    offset = -1e5 * line["offset"]
    more = "" if not se else _ends(offset, 1e5 * se[1][1] ** 0.5)
    return (
        f"Contrast was converted to mass by a line{of}: −contrast = {slope:.2f}{error} × 10⁻⁵ per "
        f"kDa × mass + offset, offset {offset:.2f}{more} × 10⁻⁵."
    )


def _ends(value: float, se: float) -> str:
    half = normal_quantile(0.95) * se
    return f" ({value - half:.2f} to {value + half:.2f})"


def network_named(run: Mapping[str, Any], task: str, name: str) -> str:
    """A network by name, with what its weights are known by."""
    for one in run.get("networks", ()):
        if one["task"] == task and one.get("sha256"):
            return f"{name!r} (SHA-256 {one['sha256'][:_HASH]})"
    return repr(name)


def _filtered(facts: Facts, run: Mapping[str, Any]) -> str | None:
    found = facts.summary.get("classification")
    if found is None or facts.threshold is None:
        return None
    text = (
        "Events were scored by the neural network "
        f"{network_named(run, 'classifier', found['model'])}; those with a binder score of at "
        f"least {facts.threshold:g} were retained"
    )
    precision, recall = found.get("estimated_precision"), found.get("estimated_recall")
    if precision is None or recall is None:
        return f"{text}."
    return f"{text} (estimated precision {precision:.1%}, recall {recall:.1%})."


def _predicted(facts: Facts, run: Mapping[str, Any]) -> str | None:
    found = facts.summary.get("quantification")
    if found is None:
        return None
    return (
        f"Masses of all {found['landings']:,} landings were predicted by the neural network "
        f"{network_named(run, 'quantifier', found['model'])}."
    )


def _spectrum(facts: Facts, run: Mapping[str, Any]) -> str:
    settings = facts.summary["spectrum_settings"]
    found = facts.all_landings or facts.spectrum
    what = (
        "Species are components of a mixture of normal distributions with the error of each event"
        if facts.all_landings
        else "Peaks are modes of a kernel density "
        f"(kernel {settings['kernel_kda']:g} kDa plus {settings['kernel_growth']:.1%} of the mass)"
    )
    confidence, seed = found["confidence_of_intervals"], run.get("run", {}).get("seed")
    if not confidence:
        return f"{what}."
    drawn = "" if seed is None else f", seed {seed}"
    line = (facts.summary.get("calibration") or {}).get("covariance")
    held = "; those of masses hold the error of the calibration too" if line else ""
    return (
        f"{what}; intervals in brackets are {confidence:.0%} ({settings['resamples']} bootstrap "
        f"resamples of the events{drawn}{held})."
    )


def _found(facts: Facts, run: Mapping[str, Any]) -> str:
    del run
    which = "landings, by predicted mass" if facts.all_landings else "retained landings"
    text = (
        f"Of {facts.summary['events']:,} events ({facts.summary['landings']:,} landings, "
        f"{facts.summary['unbindings']:,} unbindings) the {facts.landings:,} {which} gave "
    )
    if not facts.species:
        return f"{text}no species that stands out."
    least = least_width(facts.summary) if facts.all_landings else 0.0
    return f"{text}{listed([_one(species, facts, least) for species in facts.species])}."


def _one(species: Mapping[str, Any], facts: Facts, least: float) -> str:
    low, high = species["fraction_low"], species["fraction_high"]
    fraction = f"{species['fraction']:.0%}"
    fraction += "" if low is None else f" ({low:.0%} to {high:.0%})"
    if species["fwhm"] is None:
        return f"{with_interval(species, facts)} with {fraction}"
    bound = "at most " if is_bound(species["fwhm"], least) else ""
    wide = f"FWHM {bound}{species['fwhm']:.3g} {facts.unit}"
    return f"{with_interval(species, facts)} with {fraction}, {wide}"


def files_named(run: Mapping[str, Any]) -> str:
    """The files that were analyzed, with what they are known by; empty where none is named."""
    files = [
        f"{one['name']} {one['sha256'][:_HASH]}" for one in run.get("inputs", ()) if "sha256" in one
    ]
    return f"Files analyzed, by SHA-256: {'; '.join(files)}." if files else ""
