"""The frame interval by the time stamps of frames, and the places where frames were dropped."""

from __future__ import annotations

import numpy as np

from perrin.io.quantities import Said, read
from perrin.io.read_as import counted

_GAP = 1.5  # times the usual step between two time stamps: a frame was dropped


def by_stamps(stamps: dict[int, float], unit: str) -> tuple[Said, list[str]]:
    """Return the frame interval by time stamps, frame number to time, and notes on gaps."""
    frames = np.array(sorted(stamps))
    if len(frames) < 2:
        return Said(), []
    steps = np.diff([stamps[int(frame)] for frame in frames]) / np.diff(frames)
    usual = float(np.median(steps))
    gaps = int((steps > _GAP * usual).sum()) if usual > 0 else 0
    note = (
        f"by the time stamps, frames were dropped in {counted(gaps, 'place')} (steps up to "
        f"{steps.max():g} {unit})"
    )
    return read(usual, unit, "time"), [note] if gaps else []
