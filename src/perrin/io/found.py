"""What a reader finds in a movie file before the user has added anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perrin.errors import PerrinError
from perrin.io.movie import LazyFrames

RAW = "raw"
TIME_DIFFERENCE = "time-difference"


@dataclass(frozen=True)
class Found:
    """One movie file: what it says, and by option name what it does not say.

    frames is None where the file holds several arrays and `dataset` must name one. asks maps
    an option's name to the sentence that says why it is needed. axes_named: whether the
    format itself says which axis is time.
    """

    path: Path
    format: str
    description: str
    frames: LazyFrames | None
    axes_named: bool
    frame_interval_s: float | None = None
    pixel_nm: float | None = None
    pixel_from: str = "file"
    landing_sign: int | None = None
    instrument: str | None = None
    encoding: str | None = RAW
    details: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    asks: dict[str, str] = field(default_factory=dict)


def check_encoding(encoding: str | None) -> None:
    """Raise `PerrinError` unless `encoding` is None or the name of one."""
    if encoding not in (None, RAW, TIME_DIFFERENCE):
        raise PerrinError(f"encoding is {encoding!r}; give {RAW!r} or {TIME_DIFFERENCE!r}.")


def refuse_encoding(encoding: str | None, path: Path, kind: str) -> None:
    """Raise `PerrinError` where difference coding is asked of a format that has none."""
    if encoding == TIME_DIFFERENCE:
        raise PerrinError(
            f"{path}: encoding={TIME_DIFFERENCE!r} was given, but a {kind} movie is never "
            "difference-coded here; leave --encoding away."
        )
