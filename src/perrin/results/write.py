"""One way to write a result of any kind."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from perrin.errors import PerrinError
from perrin.io.output_folder import output_folder
from perrin.mass.calibration import Calibration
from perrin.pipeline import LandingsResult, told_apart
from perrin.results.folder import provenance, results_folder
from perrin.types import NetworkId

if TYPE_CHECKING:  # a spectrum does without what follows particles
    from perrin.diffusion.characterize import DiffusionResult
    from perrin.tracking.track import TrackingResult

Result: TypeAlias = "LandingsResult | TrackingResult | DiffusionResult"


def write_results(
    folder: str | os.PathLike[str],
    result: Result | Sequence[LandingsResult],
    *,
    overwrite: bool = False,
    command: Sequence[str] = (),
    inputs: Sequence[str | Path] = (),
    figures: bool = True,
) -> Path:
    """Write a result into a folder: tables, figures, summary, report. `read_results` reads it.

    Parameters
    ----------
    folder : path
        Nothing appears there until everything is written.
    result : LandingsResult, TrackingResult, DiffusionResult or sequence of LandingsResult
        What `analyze_landings`, `track` or `characterize` gave, or several measurements to go
        together, such as `fit_spectrum` gives.
    overwrite : bool
        Replace the results that are there, and nothing else.
    command : sequence of str
        What was typed, to be kept with the results.
    inputs : sequence of path
        Files that were read besides those that the result names, such as that of a calibration.
    figures : bool
        Write the figures too: half of the time of a table of events. The report draws its own.

    ``summary.json`` holds all figures with their units, the settings, versions, the seed, and the
    hash of each input, calibration and network. Returns the folder.

    Raises
    ------
    PerrinError
        If the folder exists (see `perrin.io.output_folder`), if an input would be replaced, or
        if there is nothing to write.

    """
    single = not isinstance(result, Sequence)
    results: list[Result] = [*told_apart(result)] if isinstance(result, Sequence) else [result]
    if not results:
        raise PerrinError("there are no measurements to write")
    read = [*inputs, *(one.source for one in results if one.source is not None)]
    target = output_folder(folder, overwrite=overwrite, inputs=read)
    about = _about(results, command=command, inputs=read)
    numbers, fill = _contents(results, single=single, figures=figures)
    with results_folder(target, about | numbers, report=True) as new:
        fill(new)
    return target.shown


def _about(
    results: list[Result], *, command: Sequence[str], inputs: Sequence[str | Path]
) -> dict[str, Any]:
    seeds = {one.seed for one in results}
    return provenance(
        command=command,
        seed=seeds.pop() if len(seeds) == 1 else None,
        inputs=inputs,
        networks=[network for one in results for network in _networks(one)],
        calibrations=[line for one in results if (line := _calibration(one)) is not None],
    )


def _networks(result: Result) -> tuple[NetworkId, ...]:
    return getattr(result, "networks", ())


def _calibration(result: Result) -> Calibration | None:
    return getattr(result, "calibration", None)


def _contents(
    results: list[Result], *, single: bool, figures: bool
) -> tuple[dict[str, Any], Callable[[Path], None]]:
    """Return the numbers for the summary, and what writes tables and figures into a folder."""
    measured = [one for one in results if isinstance(one, LandingsResult)]
    if measured:
        from perrin.results.landings import summarize_landings, write_landings

        return summarize_landings(measured), partial(
            write_landings, measurements=measured, single=single, draw=figures
        )
    from perrin.tracking.track import TrackingResult

    first = results[0]
    if isinstance(first, TrackingResult):
        from perrin.results.tracks import summarize_tracks, write_tracks

        return summarize_tracks(first), partial(write_tracks, found=first, draw=figures)
    from perrin.diffusion.characterize import DiffusionResult
    from perrin.results.diffusion import summarize_diffusion, write_diffusion

    assert isinstance(first, DiffusionResult)  # noqa: S101 - the last kind
    return summarize_diffusion(first), partial(write_diffusion, found=first, draw=figures)
