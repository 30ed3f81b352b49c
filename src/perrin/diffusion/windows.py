"""Tracks as arrays: one row a frame, gaps marked, and the windows along a track."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from perrin.diffusion.tables import axes_of, check_tracks
from perrin.settings.diffusion import WindowSettings
from perrin.types import BoolArray, FloatArray


@dataclass(frozen=True)
class Track:
    """A track or a part of it, from frame `start`.

    positions (L, d): zero where not seen (L,). noise: localization error of one axis, in the
    unit of the positions; exposure: fraction of the frame with light; NaN where not known.
    """

    particle: int
    start: int
    positions: FloatArray
    seen: BoolArray
    noise: float = np.nan
    exposure: float = np.nan

    @property
    def stop(self) -> int:
        """One after the last frame."""
        return self.start + len(self.seen)


def to_tracks(tracks: pd.DataFrame) -> list[Track]:
    """Return each particle of a table of tracks as arrays; frames without a row are gaps.

    The noise of a track is the root mean square of its x_se and y_se.

    Raises `PerrinError` as `check_tracks` does.
    """
    table = check_tracks(tracks)
    axes = axes_of(table)
    particle = table["particle"].to_numpy()
    frame = table["frame"].to_numpy(dtype=np.int64)
    position = table[axes].to_numpy(dtype=np.float64)
    first = np.flatnonzero(np.diff(particle, prepend=particle[:1] - 1))
    stops = [*first[1:], len(table)] if len(table) else []
    stated = [name for name in ("x_se", "y_se") if name in table.columns]
    square = (table[stated].to_numpy(dtype=np.float64) ** 2).sum(axis=1) / max(len(stated), 1)
    exposure = tracks.attrs.get("exposure")
    found = []
    for a, b in zip(first, stops, strict=True):
        index = frame[a:b] - frame[a]
        seen = np.zeros(index[-1] + 1, dtype=bool)
        seen[index] = True
        positions = np.zeros((len(seen), len(axes)))
        positions[index] = position[a:b]
        found.append(
            Track(
                int(particle[a]),
                int(frame[a]),
                positions,
                seen,
                noise=float(np.sqrt(square[a:b].mean())) if stated else np.nan,
                exposure=np.nan if exposure is None else float(exposure),
            )
        )
    return found


def cut_windows(track: Track, *, settings: WindowSettings) -> Iterator[Track]:
    """Yield the windows of `track`: each whole, one every `stride` frames from its start.

    A window starts and ends with a position where it can: unseen ends are cut off.
    """
    for first in range(0, len(track.seen) - settings.frames + 1, settings.stride):
        seen = track.seen[first : first + settings.frames]
        there = np.flatnonzero(seen)
        if not there.size:
            continue
        a, b = first + int(there[0]), first + int(there[-1]) + 1
        yield replace(
            track,
            start=track.start + a,
            positions=track.positions[a:b],
            seen=track.seen[a:b],
        )
