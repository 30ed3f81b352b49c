"""The line that says what was understood of a file: ``read as 6 tracks, 480 positions, ...``.

Every reader composes its line here. What was not used and what was left out is part of it, so
that nothing of a file is lost without being counted. Tables carry it as ``attrs["read_as"]``,
movies as the property ``read_as``; commands print it, summary and report hold it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_NAMES_SHOWN = 12
_IRREGULAR = {"axis": "axes", "mass": "masses"}


def compose_read_as(
    facts: Iterable[str],
    *,
    columns_not_used: Iterable[str] = (),
    left_out: Mapping[str, int] | None = None,
    remarks: Iterable[str] = (),
) -> str:
    """Return the line: what was read, what was not used, what was left out, and remarks.

    facts: short phrases, ``"6 tracks"``, ``"2D (x, y)"``, ``"100 nm a pixel (from the option)"``.
    left_out: how many of what, by the singular of what it is with its reason,
    ``{"row without position": 4}``; counts of 0 say nothing.
    remarks: whole phrases that follow, each about something that the user may want to check.
    """
    parts = ["read as " + ", ".join(fact for fact in facts if fact)]
    names = list(columns_not_used)
    if names:
        parts.append(f"columns not used: {listed(names)}")
    for what, count in (left_out or {}).items():
        if count:
            parts.append(f"{counted(count, what)} left out")
    parts += [remark for remark in remarks if remark]
    return "; ".join(parts)


def movie_line(
    shape: tuple[int, ...],
    dtype: object,
    *,
    pixel_nm: float | None,
    frame_interval_s: float | None,
    said: Mapping[str, Any],
    notes: Iterable[str] = (),
) -> str:
    """Return the line of a movie of frames (T, Y, X).

    said: ``axes`` (one letter a stored axis), ``axes_named``, and where the numbers came from,
    ``pixel_from`` and ``frame_interval_from``. Numbers that are None are not known.
    """
    axes = str(said.get("axes") or "").replace("?", "_")
    named = "as named" if said.get("axes_named") else "not named, taken in this order"
    pixel, interval = "pixel not known", "frame interval not known"
    if pixel_nm is not None:
        pixel = f"{pixel_nm:.5g} nm a pixel ({_source(said, 'pixel_from')})"
    if frame_interval_s is not None:
        source = _source(said, "frame_interval_from")
        interval = f"{frame_interval_s * 1e3:.5g} ms a frame ({source})"
    return compose_read_as(
        (
            f"{shape[0]} frames of {shape[1]} x {shape[2]} pixels",
            f"axes {axes} ({named})" if axes else "",
            str(dtype),
            pixel,
            interval,
        ),
        remarks=notes,
    )


def _source(said: Mapping[str, Any], name: str) -> str:
    source = said.get(name, "given")
    return "from the option" if source == "given" else f"from the {source}"


def counted(count: int, what: str) -> str:
    """Return ``"1 track"`` or ``"4 rows without position"``: the first word is what is counted."""
    noun, _, rest = what.partition(" ")
    plural = noun if count == 1 else _IRREGULAR.get(noun, f"{noun}s")
    return f"{count} {plural} {rest}".rstrip()


def listed(names: Iterable[str]) -> str:
    """Return names with commas; of many, the first and how many more there are."""
    names = [str(name) for name in names]
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
