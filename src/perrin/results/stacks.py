"""The file of the frames around one track, and the places of the window beside it."""

from __future__ import annotations

import os
from pathlib import Path

from perrin.io.movies.tiff_write import write_tiff
from perrin.io.output import output_file, written_file
from perrin.tracking.stack import TrackStack


def write_stack(
    path: str | os.PathLike[str], stack: TrackStack, *, overwrite: bool = False
) -> None:
    """Write a stack as OME-TIFF with pixel size and frame interval; its places as CSV beside it.

    Raises `PerrinError` for a file that is there, without `overwrite`.
    """
    beside = output_file(Path(path).with_suffix(".csv"), overwrite=overwrite)
    write_tiff(path, stack.movie, overwrite=overwrite)
    with written_file(beside) as partial:
        stack.places.to_csv(partial, index=False)
