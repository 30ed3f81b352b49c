"""What the functions are given: data, never the name of a file."""

from __future__ import annotations

import os

from perrin.errors import PerrinError

MOVIE, EVENTS, TRACKS = "perrin.open_movie", "perrin.read_events", "perrin.read_tracks"


def check_opened(value: object, *openers: str) -> None:
    """Raise `PerrinError` for a path where data are wanted; `openers`: what makes data of it."""
    if isinstance(value, (str, os.PathLike)):
        path = os.fspath(value)
        ways = " or ".join(f"{opener}({path!r})" for opener in openers)
        raise PerrinError(f"{path!r} is the name of a file. Open it first: give {ways}.")
