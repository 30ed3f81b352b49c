"""Results folders to one self-contained page."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.io.manifest import renew_entry
from perrin.io.output import output_file, written_file
from perrin.report.page.encode import as_json
from perrin.report.page.folders import LandingFolder, MotionFolder, TrackFolder, read_folder
from perrin.report.page.landings import landing_records
from perrin.report.page.motion import motion_records
from perrin.report.page.quantified import quantified_records
from perrin.report.page.tracked import track_records
from perrin.report.page.words import WORDS
from perrin.report.spectrum_parts import parts_for_page

if TYPE_CHECKING:
    from jinja2 import Environment

_WEB = files("perrin.report.page") / "web"
_SCRIPTS = {
    "landings": (
        "core.js",
        "saving.js",
        "chart.js",
        "landings.js",
        "spectrum.js",
        "story.js",
        "events.js",
        "time_course.js",
        "gallery.js",
    ),
    "motion": ("core.js", "saving.js", "chart.js", "motion.js"),
    "tracks": ("core.js", "saving.js", "player.js", "tracked.js"),
}
_CITATIONS = {
    "landings": "K. Iqbal, J. C. Thiele, D. Saman, J. S. Peters, S. Thorpe, S. Tusk, J. Bardzil, "
    "J. L. P. Benesch, P. Kukura, Deep Learning-Based Event Classification of Mass Photometry Data "
    "for Optimal Mass Measurement at the Single-Molecule Level.",
    "tracks": "",
    "motion": "Z. Shabeeb, N. Goyal, V. Jamali, Determining Diffusion Characteristics of "
    "Nanoparticles in Liquid Phase TEM Using Deep Learning.",
}


def write_report(
    results: Sequence[str | Path], out: str | Path, *, overwrite: bool = False
) -> Path:
    """Write the report of one or several results folders as one HTML file, whole or not at all.

    All that it shows comes from the folders. It holds its data, styles and scripts, and its
    content security policy forbids it to load anything.

    Raises `PerrinError` for a folder that holds no results, or for results of both
    pipelines or in different units at once; for a file that is there, without `overwrite`, and
    for a name that does not end with ``.html``.
    """
    if Path(out).suffix.lower() not in (".html", ".htm"):
        raise PerrinError(f"{out}: the report is an HTML file. Let the name end with .html.")
    target = output_file(out, overwrite=overwrite)
    text = render_report(results)
    with written_file(target) as partial:
        partial.write_text(text, encoding="utf-8")
    renew_entry(target.path)
    return target.shown


def render_report(results: Sequence[str | Path]) -> str:
    """Return the report as `write_report` writes it; the errors are the same."""
    folders = [read_folder(path) for path in results]
    if not folders:
        raise PerrinError("no results given: name one results folder or several.")
    landings = [folder for folder in folders if isinstance(folder, LandingFolder)]
    motions = [folder for folder in folders if isinstance(folder, MotionFolder)]
    tracks = [folder for folder in folders if isinstance(folder, TrackFolder)]
    if len(folders) not in (len(landings), len(motions), len(tracks)):
        raise PerrinError(
            "results of landings, of tracked movies and of what moves tracks do not go into one "
            "report; make one of each."
        )
    summaries = [folder.summary for folder in folders]
    with _of_this_version(results):
        if landings:
            records, quantified = landing_records(landings), quantified_records(landings)
            return _page("landings", records, summaries, quantified)
        if motions:
            return _page("motion", motion_records(motions), summaries, [])
        return _page("tracks", track_records(tracks), summaries, [])


@contextmanager
def _of_this_version(results: Sequence[str | Path]) -> Iterator[None]:
    """Say of results that lack an entry which a page shows that another version wrote them."""
    try:
        yield
    except (KeyError, ValidationError) as error:
        names = ", ".join(map(str, results))
        lacking = f"no {error}" if isinstance(error, KeyError) else f"other settings: {error}"
        raise PerrinError(
            f"{names}: another version of perrin wrote these results: there is {lacking}, which "
            f"the report of this one, {__version__}, shows. Analyze again; the report.html that "
            "lies with them still shows them."
        ) from error


def _page(
    kind: str,
    records: list[dict[str, Any]],
    summaries: list[dict[str, Any]],
    quantified: list[dict[str, Any] | None],
) -> str:
    """Fill the template; Jinja escapes every text that comes from a file's name or content."""
    style, scripts = _web("page.css"), "\n".join(_web(name) for name in _SCRIPTS[kind])
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            kind=kind,
            version=__version__,
            citation=_CITATIONS[kind],
            words=WORDS[kind],
            records=records,
            quantified=quantified,
            unit="kDa" if records[0].get("unit") == "kDa" else "10⁻³",
            classified=any(record.get("threshold") is not None for record in records),
            zip=zip,
            confidence=_confidence(records),
            runs=[_run(summary) for summary in summaries],
            style=style,
            style_hash=_hash(style),
            scripts=scripts,
            script_hash=_hash(scripts),
            data=as_json(
                {"kind": kind, "measurements": _bare(records), "spectrum": parts_for_page()}
            ),
        )
    )


@cache
def _environment() -> Environment:
    """Templates, compiled once a process: a batch writes a page a row."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_web), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def _bare(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records without their pictures, which stand in the page itself."""
    return [{key: record[key] for key in record if key != "pictures"} for record in records]


def _web(name: str) -> str:
    return (_WEB / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a content security policy names to let this very text run, and no other."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _run(summary: dict[str, Any]) -> dict[str, Any]:
    """How the results were made, as the end of the page says it."""
    run = summary.get("run", {})
    return {
        "created": summary.get("created", ""),
        "versions": [
            f"{name} {summary[key]}"
            for name, key in (
                ("perrin", "perrin_version"),
                ("Python", "python_version"),
                ("NumPy", "numpy_version"),
            )
            if key in summary
        ],
        "command": shlex.join(run.get("command", [])),
        "seed": run.get("seed"),
        "inputs": summary.get("inputs", []),
        "networks": summary.get("networks", []),
    }


def _confidence(records: list[dict[str, Any]]) -> str:
    """What the intervals of the peaks are."""
    fractions = {record["confidence"] for record in records if record.get("confidence")}
    if not fractions:
        return "none were requested"
    return " and ".join(f"{fraction:.0%}" for fraction in sorted(fractions)) + ", by bootstrap"
