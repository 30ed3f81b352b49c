"""The page over many measurements: one self-contained HTML file, links to the rows' own reports."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from perrin._version import __version__
from perrin.batch.sheet import Sheet
from perrin.batch.species import Window, landings_of
from perrin.batch.tables import NO_MASSES, Measured, records_by
from perrin.mass.spectrum import CONTRAST_PER_KDA
from perrin.report.page.encode import as_json

BIN = 4  # bins of 1 kDa that are drawn as one
FEW = 100
"""Fewer landings than this say little of fractions."""
_MOST_SENTENCES = 8
_KEPT = 0.995  # of all landings are inside the mass axis


def render_batch(
    sheet: Sheet,
    measured: Sequence[Measured],
    windows: Sequence[Window],
    species: pd.DataFrame,
    replicates: pd.DataFrame,
    *,
    about: Mapping[str, Any],
) -> str:
    """Return the page; about: the provenance of the batch (`perrin.results.folder.provenance`)."""
    from jinja2 import Environment, StrictUndefined

    own, theirs = files("perrin.batch") / "web", files("perrin.report.page") / "web"
    style = (theirs / "page.css").read_text("utf-8") + (own / "batch.css").read_text("utf-8")
    scripts = "\n".join(part.read_text("utf-8") for part in (theirs / "core.js", own / "batch.js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string((own / "batch.html.j2").read_text("utf-8")).render(
        title=f"{sheet.path.stem}: {len(measured)} measurements",
        headline=headline(measured),
        created=about["created"],
        stands_out=stands_out(windows, species, replicates),
        doubts=doubts(measured, replicates),
        command=shlex.join(about["run"]["command"]),
        versions=[f"perrin {__version__}", f"Python {about['python_version']}"],
        species_said=_said_of_species(windows),
        style=style,
        style_hash=_hash(style),
        scripts=scripts,
        script_hash=_hash(scripts),
        data=as_json(page_data(sheet, measured, windows, species, replicates)),
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def headline(measured: Sequence[Measured]) -> str:
    """How many measurements of how many samples, and how they ended."""
    samples = len({one.row.sample for one in measured})
    landings = sum(int(one.found.get("landings", 0)) for one in measured)
    counts = Counter(one.status for one in measured)
    ended = ", ".join(f"{counts[name]} {name}" for name in counts if name != "ok")
    told = f"{len(measured)} measurements of {samples} samples, {landings:,} landings"
    return f"{told}; {ended}" if ended else told


def stands_out(
    windows: Sequence[Window], species: pd.DataFrame, replicates: pd.DataFrame
) -> list[str]:
    """What differs between samples most, and the replicates that do not fit."""
    said = []
    if len(replicates) and "fraction_mean" in replicates.columns:
        for window in windows:
            own = replicates[replicates["species"] == window.name].dropna(subset=["fraction_mean"])
            if len(own) > 1:
                ordered = own.sort_values("fraction_mean", kind="stable").to_dict("records")
                low, high = ordered[0], ordered[-1]
                said.append(
                    f"{window.name} ({window.mass_kda:.0f} kDa): {low['fraction_mean']:.0%} of the "
                    f"landings in {low['sample']}, {high['fraction_mean']:.0%} in {high['sample']}"
                )
    absent = species[(species["count"] == 0) & (species["of"] > 0)] if len(species) else species
    for name, rows in absent.groupby("species") if len(absent) else ():
        said.append(f"{name} is absent from {_some(rows['name'].tolist())}")
    return said[:_MOST_SENTENCES]


def doubts(measured: Sequence[Measured], replicates: pd.DataFrame) -> list[str]:
    """Which measurements to distrust, and why."""
    said = [
        f"row {one.row.line} ({one.row.name}): {one.status}"
        + (f", {one.outcome.reason}" if one.outcome is not None and one.outcome.reason else "")
        for one in measured
        if one.status in ("failed", "no events")
    ]
    if "why" in replicates.columns:
        for row in replicates[replicates["why"].fillna("") != ""].to_dict("records"):
            who = f"replicate {row['outlier']} does not fit" if row["outlier"] else "its replicates"
            said.append(f"{row['sample']}, {row['species']}: {who}: {row['why']}")
    massless = [one.row.name for one in measured if one.massless]
    if massless and len(massless) < len(measured):
        said.append(f"{NO_MASSES}: {_some(massless)}")
    few = [one.row.name for one in measured if one.status == "ok" and _landings(one) < FEW]
    if few:
        said.append(f"fewer than {FEW} landings: {_some(few)}")
    notes = Counter(note for one in measured for note in dict.fromkeys(one.found.get("notes", ())))
    said += [f"{count} measurements: {note}" for note, count in notes.most_common()]
    left = len(said) - _MOST_SENTENCES
    more = [f"and {left} more: see the table, and measurements.csv"] if left > 0 else []
    return said[:_MOST_SENTENCES] + more


def _landings(one: Measured) -> int:
    return int(landings_of(one.found)[1].sum())


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _said_of_species(windows: Sequence[Window]) -> str:
    return "; ".join(f"{w.name} from {w.low} to {w.high} kDa" for w in windows) or "none"


def page_data(
    sheet: Sheet,
    measured: Sequence[Measured],
    windows: Sequence[Window],
    species: pd.DataFrame,
    replicates: pd.DataFrame,
) -> dict[str, Any]:
    """What the page draws: rows with their histograms, windows, the mass axis."""
    drawable = _drawable(measured)
    high = _high(drawable)
    outliers = _outliers(replicates)
    by_row = records_by("row", species)
    numbers = [name for name in sheet.others if _is_number(sheet, name)]
    varied = [n for n in numbers if len({row.others.get(n) for row in sheet.rows}) > 1]
    return {
        "unit": _unit(measured),
        "bin": BIN,
        "high": high,
        "order": varied[0] if varied else "",
        "others": list(sheet.others),
        "species": [
            {"name": w.name, "low": min(w.low, high), "high": min(w.high, high)} for w in windows
        ],
        "rows": [
            _row(one, sheet, windows, by_row.get(one.row.line, ()), outliers)
            | {"counts": _binned(one.found, high) if one in drawable else []}
            for one in measured
        ],
    }


def _drawable(measured: Sequence[Measured]) -> list[Measured]:
    """Those that go on one axis: contrasts do not where others have masses."""
    in_kda = _unit(measured) == "kDa"
    return [one for one in measured if not (in_kda and one.massless)]


def _is_number(sheet: Sheet, name: str) -> bool:
    cells = [row.others.get(name, "") for row in sheet.rows]
    return any(cells) and all(_as_number(cell) is not None for cell in cells if cell)


def _as_number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _high(measured: Sequence[Measured]) -> int:
    """End of the mass axis: nearly all landings of all samples."""
    ends = []
    for one in measured:
        edges, counts = landings_of(one.found)
        if counts.sum():
            ends.append(np.interp(_KEPT, np.cumsum(counts) / counts.sum(), edges[1:]))
    return int(np.ceil(1.1 * np.median(ends) / BIN) * BIN) if ends else 100


def _outliers(replicates: pd.DataFrame) -> set[tuple[str, str]]:
    if "outlier" not in replicates.columns:
        return set()
    told = replicates[replicates["outlier"].fillna("") != ""]
    return set(zip(told["sample"].astype(str), told["outlier"].astype(str), strict=True))


def _row(
    one: Measured,
    sheet: Sheet,
    windows: Sequence[Window],
    species: Sequence[Mapping[str, Any]],
    outliers: set[tuple[str, str]],
) -> dict[str, Any]:
    row, landings = one.row, _landings(one)
    unlike = (row.sample, row.replicate) in outliers
    note = "" if one.outcome is None else one.outcome.reason
    note = note or NO_MASSES * one.massless
    note = note or ("does not fit the other replicates" if unlike else "")
    told = {part["species"]: part for part in species}
    return {
        "line": row.line,
        "name": row.name,
        "sample": row.sample,
        "replicate": row.replicate,
        "color": row.color,
        "status": one.status,
        "note": note or f"{len(one.found.get('notes', ()))} notes" * bool(one.found.get("notes")),
        "doubt": unlike or one.status != "ok" or one.massless or landings < FEW,
        "report": f"rows/{row.name}/results/report.html" if one.status == "ok" else "",
        "landings": one.found.get("landings"),
        "others": [row.others.get(name, "") for name in sheet.others],
        "species": [
            {"fraction": told[w.name]["fraction"], "mass": told[w.name]["mass_kda"]}
            if w.name in told
            else None
            for w in windows
        ],
    }


def drawn_of(measured: Sequence[Measured]) -> dict[str, Any]:
    """The pictures of all measurements that have landings, by file name."""
    from perrin.batch.figures import figures_of

    high = _high(_drawable(measured))
    shown = [one for one in _drawable(measured) if _landings(one)]
    counts = np.zeros((len(shown), high // BIN))
    for place, one in enumerate(shown):
        binned = _binned(one.found, high)
        counts[place, : len(binned)] = binned
    some = counts.sum(axis=1) > 0
    shown = [one for one, is_some in zip(shown, some, strict=True) if is_some]
    return figures_of(shown, counts[some], bin_width=BIN, unit=_unit(measured))


def _unit(measured: Sequence[Measured]) -> str:
    units = {one.found.get("unit") for one in measured if one.status == "ok"}
    return f"× {CONTRAST_PER_KDA:g} contrast" if units == {"contrast"} else "kDa"


def _binned(found: Mapping[str, Any], high: int) -> list[int]:
    """Landings in bins of `BIN` kDa from 0 to `high`."""
    edges, counts = landings_of(found)
    binned = np.zeros(high // BIN, np.int64)
    inside = edges[:-1] < high
    np.add.at(binned, (edges[:-1][inside] // BIN).astype(int), counts[inside])
    last = np.flatnonzero(binned)
    return [int(n) for n in binned[: last[-1] + 1]] if last.size else []
