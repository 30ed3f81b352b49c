"""Files in and out: movies and event tables of vendors and of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perrin._names import shown

if TYPE_CHECKING:
    from perrin.io.inspecting import Inspection, inspect
    from perrin.io.movie import Movie
    from perrin.io.opening import open_movie
    from perrin.io.refeyn_write import write_mp, write_mpr
    from perrin.io.tables import read_events, write_events

__all__ = [
    "Inspection",
    "Movie",
    "inspect",
    "open_movie",
    "read_events",
    "write_events",
    "write_mp",
    "write_mpr",
]

_HOME = {
    "Inspection": "inspecting",
    "Movie": "movie",
    "inspect": "inspecting",
    "open_movie": "opening",
    "read_events": "tables",
    "write_events": "tables",
    "write_mp": "refeyn_write",
    "write_mpr": "refeyn_write",
}


# the readers import h5py, pandas and numba: only when used
__getattr__, __dir__ = shown(__name__, _HOME)
