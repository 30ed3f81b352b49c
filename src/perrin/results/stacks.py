"""The file of the frames around one track, and the places of the window beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from perrin.io.movies.tiff_write import write_tiff
from perrin.io.output import OutputFile, output_files, written_files
from perrin.tracking.stack import TrackStack


def stack_files(
    path: str | os.PathLike[str], *, overwrite: bool = False, inputs: Sequence[str | Path] = ()
) -> list[OutputFile]:
    """Return where a stack and its places may be written; ask before the movie is read.

    Raises `PerrinError` for a file that is there, without `overwrite`, and for one of `inputs`.
    """
    return output_files(path, ".csv", overwrite=overwrite, inputs=inputs)


def write_stack(targets: Sequence[OutputFile], stack: TrackStack) -> None:
    """Write a stack as OME-TIFF with pixel size and frame interval; its places as CSV beside it."""
    with written_files(targets) as (movie, places):
        write_tiff(movie, stack.movie)
        stack.places.to_csv(places, index=False)
