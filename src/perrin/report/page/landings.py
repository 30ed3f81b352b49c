"""What a page shows of mass photometry: columns of events, fits, time courses, examples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.errors import PerrinError
from perrin.events import CLASSES, DUPLICATE, LABELS, UNSCORED, color_of, meaning_of
from perrin.landing.classifier.filtering import choose_threshold, multiple_detections
from perrin.mass.spectrum import CONTRAST_PER_KDA
from perrin.report.page.classes import has_scores, kinds
from perrin.report.page.encode import deflated, packed
from perrin.report.page.facts import Facts, Moved, least_width
from perrin.report.page.fits import Filterable, fits_on_grid, page_factor
from perrin.report.page.gallery import gallery
from perrin.report.page.landing_story import landing_story
from perrin.report.page.methods import landing_methods
from perrin.settings.scores import ScoreSettings
from perrin.settings.spectrum import SpectrumSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from perrin.landing.field import FieldMovie
    from perrin.landing.thumbnails import Thumbnails
    from perrin.report.page.folders import LandingFolder

PRECISION = 0.95
"""Estimated precision at the threshold that the page proposes."""

_RESIDUALS = {"fit_residual": "fit residual", "fit_error": "fit error"}  # ours first
_FLOATS = {"contrast": "contrast", "time": "time_s", "x": "x_px", "y": "y_px", "se": "mass_se_kda"}


def landing_records(folders: list[LandingFolder]) -> list[dict[str, Any]]:
    """One record a measurement of all folders, names told apart."""
    total = sum(len(folder.summary["measurements"]) for folder in folders)
    records = []
    for folder in folders:
        for summary in folder.summary["measurements"]:
            name = summary["name"]
            record = _record(folder, summary, measurements=total)
            record["name"] = name if len(folders) == 1 else f"{folder.path.resolve().name}: {name}"
            records.append(record)
    units = {record["unit"] for record in records}
    if len(units) > 1:
        raise PerrinError(
            "results in kDa and results in contrast do not go into one report. Calibrate all of "
            "them (--calibration), or make a report of each kind."
        )
    return records


def filterable(events: pd.DataFrame, summary: Mapping[str, Any]) -> Filterable:
    """Return the events of a results folder as what filters act on."""
    residual = next((name for name in _RESIDUALS if name in events.columns), None)
    column = "mass_kda" if summary["spectrum"]["unit"] == "kDa" else "contrast"
    base = events["retained"].to_numpy(bool)
    score = None
    if has_scores(events):
        labels = events["label"].fillna("")
        base = labels.isin(["", *CLASSES, DUPLICATE, UNSCORED]).to_numpy()
        able = base & events["score_binder"].notna().to_numpy()
        single = able & (labels != DUPLICATE).to_numpy()
        if summary.get("settings"):  # a movie: which are duplicates below its threshold too
            n_avg = summary["settings"]["n_avg"]
            single &= ~multiple_detections(events, candidates=able, n_avg=n_avg)
        score = np.where(single, events["score_binder"].to_numpy(np.float64), np.nan)
    return Filterable(
        masses=events[column].to_numpy(np.float64),
        base=base,
        score=score,
        residual=None if residual is None else events[residual].to_numpy(np.float64),
    )


def _with_threshold(
    events: pd.DataFrame, chosen: Filterable, classification: Mapping[str, Any] | None
) -> tuple[Filterable, float | None]:
    """The events and the threshold on the binder score that made ``retained``, None for none.

    A table of scored events that was read again says no threshold: it is the smallest score
    retained. Where that is not what made ``retained``, the user did: no score is shown.
    """
    retained = events["retained"].to_numpy(bool)
    if chosen.score is None:
        return chosen, None
    smallest = float(np.min(chosen.score, initial=1.0, where=retained & ~np.isnan(chosen.score)))
    own = smallest if classification is None else float(classification["threshold"])
    if np.array_equal(chosen.kept("score", own), retained):
        return chosen, own
    if classification is None:
        return replace(chosen, base=retained, score=None), None
    raise PerrinError(
        f"{int(retained.sum())} events are retained, and not those with a binder score of {own:g} "
        "or more: events.h5 and summary.json do not belong together. Analyze again."
    )


def _record(
    folder: LandingFolder, summary: Mapping[str, Any], *, measurements: int
) -> dict[str, Any]:
    events = folder.events[summary["name"]]
    unit, spectrum = summary["spectrum"]["unit"], summary["spectrum"]
    classification = summary.get("classification")
    chosen, own = _with_threshold(events, filterable(events, summary), classification)
    settings = SpectrumSettings.model_validate(summary["spectrum_settings"])
    reported = ("none", 0.0) if own is None else ("score", own)
    known = {reported: spectrum}
    if "spectrum_before" in summary:
        known["none", 0.0] = summary["spectrum_before"]
    fits = fits_on_grid(chosen, unit=unit, settings=settings, own_threshold=own, known=known)
    facts = Facts(summary, events, chosen, own)
    _tell(fits, reported, facts)
    names = kinds(events)
    stored, around = folder.thumbnails.get(summary["name"]), folder.fields.get(summary["name"])
    return {
        "unit": unit,
        "bin_width": page_factor(unit) * _bin_width(spectrum, settings),
        "n": len(events),
        "kinds": sorted(set(names), key=_order),
        "meanings": {kind: meaning_of(kind) for kind in set(names)},
        "colors": {kind: color_of(kind) for kind in {*names, *CLASSES}},
        "classes": CLASSES,
        "columns": _columns(events, chosen, names, page_factor(unit)),
        "residual_name": next(
            (said for name, said in _RESIDUALS.items() if name in events.columns), None
        ),
        "threshold": own,
        "confidence": spectrum["confidence_of_intervals"],
        "automatic": _automatic(events, chosen),
        "fits": fits,
        "mix": _classes(classification),
        "story": landing_story(facts),
        "methods": landing_methods(facts, folder.summary),
        "least_width": least_width(summary),
        "all_landings": facts.all_landings is not None,
        "settings": _settings(summary),
        "density": summary.get("landing_density"),
        "drifts": summary.get("peak_drifts"),
        "calibration": summary.get("calibration"),
        "recorded": summary["recorded"],
        "n_avg": (summary.get("settings") or {}).get("n_avg"),
        "field": None if around is None or not len(around.frames) else _field(around),
        "gallery": _gallery(events, stored, names, measurements),
    }


def _tell(fits: list[dict[str, Any]], reported: tuple[str, float], facts: Facts) -> None:
    """Give each fit its story; `reported` is the one that the analysis reports."""
    for fit in fits:
        at, found = (fit["filter"], fit["at"]), fit.pop("spectrum")
        moved = None if at == reported else Moved(*at, found)
        fit["story"] = landing_story(replace(facts, moved=moved))


def _gallery(
    events: pd.DataFrame, stored: Thumbnails | None, names: list[str], measurements: int
) -> dict[str, Any] | None:
    if stored is None or not len(stored.rows):
        return None
    return gallery(events, stored, names=names, measurements=measurements)


def _field(around: FieldMovie) -> dict[str, Any]:
    """The field around the events, and the PSF that the fit has put into it."""
    return {
        "frames": packed(around.frames, "i4"),
        "height": around.codes.shape[1],
        "width": around.codes.shape[2],
        "unit": around.unit,
        "n_avg": around.n_avg,
        "psf": packed(around.psf, "f4"),
        "codes": deflated(around.codes, "i1"),
    }


def _columns(
    events: pd.DataFrame, chosen: Filterable, names: list[str], factor: float
) -> dict[str, dict[str, str]]:
    """Packed columns (n,): what is counted with keeps every bit, the rest is single precision."""
    sign = 1.0 if factor == 1.0 else -1.0
    order = sorted(set(names), key=_order)
    columns = {
        "value": packed(sign * factor * chosen.masses, "f8"),
        "base": packed(chosen.base, "u1"),
        "event": packed(events["event"], "i4"),
        **({"frame": packed(events["frame"], "i4")} if "frame" in events.columns else {}),
        "kind": packed([order.index(name) for name in names], "u1"),
    }
    if chosen.score is not None:
        columns["score"] = packed(events["score_binder"], "f8")
        columns["single"] = packed(np.isfinite(chosen.score), "u1")
    if chosen.residual is not None:
        columns["residual"] = packed(chosen.residual, "f8")
    for name, column in _FLOATS.items():
        if column in events.columns:
            columns[name] = packed(events[column], "f4")
    if "p_binder" in events.columns:
        columns["p"] = packed(events["p_binder"], "f4")
    for kind in CLASSES:
        if f"score_{kind}" in events.columns and kind != "binder":
            columns[f"score_{kind}"] = packed(events[f"score_{kind}"], "f4")
    return columns


def _automatic(events: pd.DataFrame, chosen: Filterable) -> float | None:
    """The threshold with the estimated precision that the page proposes, if one reaches it."""
    if chosen.score is None or "p_binder" not in events.columns:
        return None
    found = choose_threshold(
        events, single=np.isfinite(chosen.score), settings=ScoreSettings(precision=PRECISION)
    )
    return None if found.notes else found.value


def _classes(classification: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The prevalence of each class among the landings, as the classifier estimates it."""
    if classification is None:
        return None
    found = classification["fractions"]
    ends = {"fraction": "fraction", "low": "fraction_low", "high": "fraction_high"}
    return {one["class"]: {end: one[name] for end, name in ends.items()} for one in found}


def _settings(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name, those of steps inside steps as ``detection.spatial_threshold``."""
    found: dict[str, Any] = {}
    for name in ("recorded", "settings", "spectrum_settings", "psf"):
        for key, value in (summary.get(name) or {}).items():
            inner = value if isinstance(value, dict) else {"": value}
            found |= {f"{key}.{part}".rstrip("."): item for part, item in inner.items()}
    return found


def _bin_width(spectrum: Mapping[str, Any], settings: SpectrumSettings) -> float:
    """Width of the analysis' bins in the spectrum's unit."""
    edges = spectrum[f"bin_edges_{spectrum['unit'].lower()}"]
    if len(edges) > 1:
        return float(edges[-1] - edges[0]) / (len(edges) - 1)
    return settings.bin_width_kda * (1.0 if spectrum["unit"] == "kDa" else CONTRAST_PER_KDA)


def _order(kind: str) -> tuple[int, str]:
    """Classes in their order, then the signs, then the reasons of the fit."""
    known = list(LABELS)
    return (known.index(kind) if kind in known else len(known), kind)
