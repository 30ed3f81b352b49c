"""A calibration file and its picture beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perrin.io.output import OutputFile, output_files, written_files

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from perrin.mass.calibration import Calibration


def calibration_files(
    path: str | os.PathLike[str], *, overwrite: bool = False, inputs: Sequence[str | Path] = ()
) -> list[OutputFile]:
    """Return where a calibration and its picture (SVG and PNG, of its name) may be written.

    The errors are those of `perrin.io.output.output_file`, for each of them.
    """
    return output_files(path, ".svg", ".png", overwrite=overwrite, inputs=inputs)


def write_calibration(targets: Sequence[OutputFile], calibration: Calibration) -> None:
    """Write a calibration and its picture to what `calibration_files` gave: all or none."""
    from perrin.report.calibration_figure import calibration_figure
    from perrin.report.style import save_figure

    figure = calibration_figure(calibration)
    with written_files(targets) as (line, svg, _):
        calibration.save(line)
        save_figure(figure, svg.with_suffix(""))
