"""The page over many rows of motion: conditions side by side, differences, links to the rows."""

from __future__ import annotations

import base64
import hashlib
import io
import shlex
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from perrin._version import __version__
from perrin.batch.motion_tables import MotionTables
from perrin.diffusion.motion_kinds import MOTION_KINDS
from perrin.report.style import PAGE_MM, SERIES, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = {
    **{f"p_{kind.name}": kind.adjective.removeprefix("of ") for kind in MOTION_KINDS},
    "w": "w",
    "alpha_fbm": "alpha_fbm",
    "alpha_ctrw": "alpha_ctrw",
    "fbm_alpha": "fbm_alpha (maximum likelihood)",
    "D": "D",
    "confinement_radius": "confinement radius",
    "speed": "speed",
}
"""Names of the numbers on the page; those of kinds are fractions of the particles."""
SIGNIFICANT = 0.05
_MOST = 10


def render_motion(title: str, tables: MotionTables, *, about: Mapping[str, Any]) -> str:
    """Return the page; about: the provenance of the batch."""
    from jinja2 import Environment, StrictUndefined

    own, theirs = files("perrin.batch") / "web", files("perrin.report.page") / "web"
    css = (theirs / "page.css").read_text("utf-8") + (own / "batch.css").read_text("utf-8")
    digest = hashlib.sha256(css.encode("utf-8")).digest()
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string((own / "motion.html.j2").read_text("utf-8")).render(
        title=title,
        headline=headline(tables.measurements),
        created=about["created"],
        stands_out=stands_out(tables),
        doubts=doubts(tables),
        conditions=list(dict.fromkeys(tables.conditions["condition"]))
        if len(tables.conditions)
        else [],
        values=_values(tables.conditions),
        differences=_differences(tables.differences),
        rows=tables.measurements.to_dict("records"),
        picture=_embedded(conditions_figure(tables.conditions)) if len(tables.conditions) else "",
        command=shlex.join(about["run"]["command"]),
        versions=f"perrin {__version__}, Python {about['python_version']}",
        style=css,
        style_hash=f"sha256-{base64.b64encode(digest).decode('ascii')}",
    )


def headline(measurements: pd.DataFrame) -> str:
    """How many particles in how many movies of how many conditions, and how rows ended."""
    counts = Counter(measurements["status"])
    ended = ", ".join(f"{counts[name]} {name}" for name in counts if name != "ok")
    tracks = int(measurements["tracks"].fillna(0).sum())
    samples = measurements["sample"].nunique()
    said = f"{tracks:,} particles in {len(measurements)} movies of {samples} conditions"
    return f"{said}; {ended}" if ended else said


def stands_out(tables: MotionTables) -> list[str]:
    """The differences that are significant after correction, the surest first."""
    if not len(tables.differences):
        return []
    compared = int(tables.differences["p"].notna().sum())
    sure = tables.differences[tables.differences["p_holm"] < SIGNIFICANT].sort_values("p_holm")
    said = [
        f"{SHOWN[row['quantity']]}: {_difference(row)} from {row['reference']} to "
        f"{row['condition']} (p = {row['p_holm']:.2g} after correction)"
        for row in sure.head(_MOST).to_dict("records")
    ]
    left = len(sure) - len(said)
    if left > 0:
        said.append(f"and {left} more: see the table, and differences.csv")
    none = f"No difference is significant among {compared} that were compared."
    return said or ([none] if compared else [])


def _difference(row: Mapping[Any, Any]) -> str:
    if row["scale"] == "ratio":
        return f"{row['difference']:.3g} times ({row['low']:.3g} to {row['high']:.3g})"
    return f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"


def doubts(tables: MotionTables) -> list[str]:
    """Rows that failed, conditions of one movie, and what the rows say themselves."""
    table = tables.measurements
    bad = table[table["status"].isin(("failed", "no events"))]
    said = [
        f"row {row['row']} ({row['name']}): {row['status']}, {row['reason']}".rstrip(", ")
        for row in bad.to_dict("records")
    ]
    movies = table[table["status"] == "ok"].groupby("sample").size()
    alone = [str(name) for name in movies.index[movies == 1]]
    if alone:
        said.append(
            f"one movie only: {', '.join(alone[:5])}{' and more' if len(alone) > 5 else ''}; what "
            "differs from movie to movie is in none of their intervals"
        )
    notes = Counter(note for cell in table["notes"] for note in str(cell).split(" | ") if note)
    said += [f"{count} movies: {note}" for note, count in notes.most_common(_MOST)]
    return said


def _values(conditions: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Name and a cell for each condition of every number that any of them has."""
    rows = []
    for name, said in SHOWN.items():
        own = conditions[conditions["quantity"] == name] if len(conditions) else conditions
        if not len(own) or own["estimate"].isna().all():
            continue
        cells = [
            "-"
            if np.isnan(row["estimate"])
            else f"{row['estimate']:.3g} ({row['low']:.3g} to {row['high']:.3g}), "
            f"{row['particles']} in {row['movies']}"
            for row in own.to_dict("records")
        ]
        rows.append((said, cells))
    return rows


def _differences(differences: pd.DataFrame) -> list[dict[str, str]]:
    known = differences.dropna(subset=["p"]) if len(differences) else differences
    return [
        {
            "what": SHOWN[row["quantity"]],
            "between": f"{row['reference']} to {row['condition']}",
            "said": _difference(row),
            "p": f"{row['p']:.2g}",
            "p_holm": f"{row['p_holm']:.2g}",
            "note": row["note"],
        }
        for row in known.to_dict("records")
    ]


def conditions_figure(conditions: pd.DataFrame) -> Figure:
    """Every number by condition, with its interval."""
    names = [
        name
        for name in SHOWN
        if conditions.loc[conditions["quantity"] == name, "estimate"].notna().any()
    ]
    labels = list(dict.fromkeys(conditions["condition"].astype(str)))
    across = 4
    with style():
        rows = -(-max(len(names), 1) // across)
        figure = new_figure(width_mm=PAGE_MM, height_mm=12 + 34.0 * rows)
        panels = figure.subplots(rows, across, squeeze=False)
        for place, axes in enumerate(panels.flat):
            if place >= len(names):
                axes.set_visible(False)
                continue
            own = conditions[conditions["quantity"] == names[place]]
            for k, row in enumerate(own.to_dict("records")):
                color = SERIES[k % len(SERIES)]
                axes.plot([k, k], [row["low"], row["high"]], color=color, linewidth=1)
                axes.plot([k], [row["estimate"]], "o", color=color, markersize=3)
            axes.set_title(SHOWN[names[place]], fontsize=6)
            axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", fontsize=5)
            axes.set_xlim(-0.5, len(labels) - 0.5)
    return figure


def courses_figure(courses: pd.DataFrame, *, time_unit: str) -> Figure:
    """The fraction of CTRW-like steps in time, a line a condition."""
    with style():
        figure = new_figure(width_mm=PAGE_MM, height_mm=70)
        axes = figure.subplots()
        for k, (condition, own) in enumerate(courses.groupby("condition", sort=False)):
            color, time = SERIES[k % len(SERIES)], (own["time_start"] + own["time_stop"]) / 2
            axes.fill_between(
                time, own["ctrw_near_low"], own["ctrw_near_high"], color=color, alpha=0.2
            )
            axes.plot(time, own["ctrw_near"], color=color, label=str(condition))
        axes.set_ylim(0, 1)
        axes.set_xlabel(f"Time ({time_unit})")
        axes.set_ylabel("Fraction of CTRW")
        axes.legend()
    return figure


def figures_of(tables: MotionTables) -> dict[str, Figure]:
    """Pictures by file name."""
    drawn: dict[str, Figure] = {}
    if len(tables.conditions):
        drawn["conditions"] = conditions_figure(tables.conditions)
    if len(tables.time_courses):
        units = [unit for unit in tables.measurements["time_unit"] if unit]
        drawn["time_courses"] = courses_figure(tables.time_courses, time_unit=units[0])
    return drawn


def _embedded(figure: Figure) -> str:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=150)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode("ascii")
