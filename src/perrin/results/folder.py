"""The one way to make a results folder: guard, provenance, summary, figures, report."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin._version import __version__
from perrin.io.disk import sha256_of
from perrin.io.manifest import walk
from perrin.io.output_folder import SUMMARY, output_folder, written_folder
from perrin.io.plain import plain
from perrin.types import NetworkId

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from perrin.mass.calibration import Calibration

FIGURES = "figures"
REPORT = "report.html"


@contextmanager
def results_folder(
    folder: str | os.PathLike[str],
    summary: Mapping[str, Any],
    *,
    inputs: Sequence[str | Path] = (),
    overwrite: bool = False,
    report: bool = False,
) -> Iterator[Path]:
    """Give an empty folder to write tables and figures to; it becomes `folder` if all went well.

    The summary is written into it, and where `report` is set its page. summary: what
    `provenance` gives, and the numbers. The errors are those of `perrin.io.output_folder`.
    """
    target = output_folder(folder, overwrite=overwrite, inputs=inputs)
    with written_folder(target) as partial:
        yield partial
        text = json.dumps(plain(dict(summary)), indent=2, allow_nan=False)
        (partial / SUMMARY).write_text(text + "\n", encoding="utf-8")
        if report:
            from perrin.report.page import write_report

            write_report([partial], partial / REPORT)


def save_figures(folder: Path, drawn: Mapping[str, Figure]) -> None:
    """Write figures by name into the folder of figures, each as SVG and PNG."""
    from perrin.report.style import save_figure

    (folder / FIGURES).mkdir(exist_ok=True)
    for name, figure in drawn.items():
        save_figure(figure, folder / FIGURES / name)


def provenance(
    *,
    command: Sequence[str] = (),
    seed: int | None = None,
    inputs: Sequence[str | Path] = (),
    networks: Sequence[NetworkId] = (),
    calibrations: Sequence[Calibration] = (),
) -> dict[str, Any]:
    """Return what results need to be made again.

    Versions, time (UTC), the command and the seed that was used, of each input name, size and
    SHA-256, of each calibration its source and the SHA-256 of its file, of each network name,
    task and the SHA-256 of its weights.
    """
    return {
        "perrin_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python_version": platform.python_version(),
        "numpy_version": np.__version__,
        "run": {"command": list(command), "seed": seed},
        "inputs": [fingerprint(path) for path in dict.fromkeys(map(Path, inputs))],
        "calibrations": [
            {"source": one.source, "sha256": one.sha256} for one in dict.fromkeys(calibrations)
        ],
        "networks": [vars(one) for one in dict.fromkeys(networks)],
    }


def fingerprint(path: Path) -> dict[str, Any]:
    """Name, size and SHA-256 of an input; of a folder, such as Zarr, that of its files' list.

    The list has a line a file, sorted: its SHA-256, two spaces, its name with forward slashes.
    """
    if path.is_file():
        return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
    if not path.is_dir():
        return {"name": path.name}
    names = sorted(name for name in walk(path) if not name.endswith("/"))
    listed = "".join(f"{sha256_of(path / name)}  {name}\n" for name in names)
    return {
        "name": path.name,
        "files": len(names),
        "bytes": sum((path / name).stat().st_size for name in names),
        "sha256": hashlib.sha256(listed.encode()).hexdigest(),
    }
