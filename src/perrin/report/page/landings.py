"""What a page shows of mass photometry: columns of events, fits, course, calibration, examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.errors import PerrinError
from perrin.mass.spectrum import CONTRAST_PER_KDA
from perrin.report.page.classes import CLASSES, has_scores, kinds, meaning
from perrin.report.page.encode import packed
from perrin.report.page.facts import Facts
from perrin.report.page.fits import Filterable, drawn, fits_on_grid, page_factor
from perrin.report.page.gallery import gallery
from perrin.report.page.landing_story import landing_story
from perrin.report.page.threshold import automatic_threshold
from perrin.settings.spectrum import SpectrumSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from perrin.report.page.folders import LandingFolder

_RESIDUALS = {"fit_residual": "fit residual", "fit_error": "fit error"}  # ours first
_FLOATS = {"time": "time_s", "x": "x_px", "y": "y_px", "se": "mass_se_kda"}


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


def filterable(events: pd.DataFrame, unit: str) -> Filterable:
    """Return the events of a results folder as what filters act on."""
    residual = next((name for name in _RESIDUALS if name in events.columns), None)
    base = events["retained"].to_numpy(bool)
    scored = has_scores(events)
    if scored:
        known = {"", *CLASSES}
        base = np.array([label in known for label in events["label"].fillna("")], dtype=bool)
    return Filterable(
        masses=events["mass_kda" if unit == "kDa" else "contrast"].to_numpy(np.float64),
        base=base,
        score=events["score_binder"].to_numpy(np.float64) if scored else None,
        residual=None if residual is None else events[residual].to_numpy(np.float64),
    )


def own_threshold(
    events: pd.DataFrame, chosen: Filterable, classification: Mapping[str, Any] | None
) -> float | None:
    """Return the threshold on the binder score that made ``retained``; None without scores.

    A table of scored events that was read again says no threshold: it is the smallest score
    retained. Raises `PerrinError` where no threshold can have made ``retained``.
    """
    if chosen.score is None:
        return None
    retained = events["retained"].to_numpy(bool)
    smallest = float(np.min(chosen.score, initial=1.0, where=retained & ~np.isnan(chosen.score)))
    own = smallest if classification is None else float(classification["threshold"])
    if not np.array_equal(chosen.kept("score", own), retained):
        raise PerrinError(
            f"{int(retained.sum())} events are retained, and not those with a binder score of "
            f"{own:g} or more: scores and retained do not belong together. Analyse again."
        )
    return own


def _record(
    folder: LandingFolder, summary: Mapping[str, Any], *, measurements: int
) -> dict[str, Any]:
    events = folder.events[summary["name"]]
    unit, spectrum = summary["spectrum"]["unit"], summary["spectrum"]
    chosen = filterable(events, unit)
    classification = summary.get("classification")
    own = own_threshold(events, chosen, classification)
    settings = SpectrumSettings.model_validate(summary["spectrum_settings"])
    fits = fits_on_grid(chosen, unit=unit, settings=settings, own_threshold=own)
    for fit in fits:
        if (fit["filter"], fit["at"]) == (("none", 0.0) if own is None else ("score", own)):
            fit |= drawn(spectrum)  # its own numbers, with their intervals
    names = kinds(events)
    stored = folder.thumbnails.get(summary["name"])
    return {
        "unit": unit,
        "bin_width": page_factor(unit) * _bin_width(spectrum, settings),
        "n": len(events),
        "kinds": sorted(set(names), key=_order),
        "meanings": {kind: meaning(kind) for kind in set(names)},
        "columns": _columns(events, chosen, names, page_factor(unit)),
        "residual_name": next(
            (said for name, said in _RESIDUALS.items() if name in events.columns), None
        ),
        "threshold": own,
        "confidence": spectrum["confidence_of_intervals"],
        "automatic": _automatic(events, chosen),
        "fits": fits,
        "classification": classification,
        "story": landing_story(Facts(summary, events, chosen, own)),
        "settings": _settings(summary),
        "density": summary.get("landing_density"),
        "drifts": summary.get("peak_drifts"),
        "calibration": summary.get("calibration"),
        "recorded": summary["recorded"],
        "n_avg": (summary.get("settings") or {}).get("n_avg"),
        "gallery": None
        if stored is None or not len(stored.rows)
        else gallery(events, stored, names=names, measurements=measurements),
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
        "kind": packed([order.index(name) for name in names], "u1"),
    }
    if chosen.score is not None:
        columns["score"] = packed(chosen.score, "f8")
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
    if chosen.score is None or "p_binder" not in events.columns:
        return None
    p: NDArray[np.float64] = events["p_binder"].to_numpy(np.float64)
    scored = chosen.base & np.isfinite(chosen.score) & np.isfinite(p)
    return automatic_threshold(chosen.score[scored], p[scored])


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
    known = [*CLASSES, "landing", "unbinding"]
    return (known.index(kind) if kind in known else len(known), kind)
