"""What the player of a tracked movie shows: pictures of its frames, and places by particle."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.report.page.encode import packed

if TYPE_CHECKING:
    import pandas as pd

    from perrin.report.page.folders import TrackFolder

_LABELS = ("touching", "merged")  # by number, from 1
_MOST_PLACES = 200_000  # drawn: 3.5 MB in the page


def player(folder: TrackFolder) -> dict[str, Any] | None:
    """Return pictures and places of a tracked movie; None where no pictures were kept.

    The places are in the camera's pixels, in order of particles and frames; ``first`` is where
    each particle begins. The longest tracks are drawn where there are too many.
    """
    clip = folder.clip
    if not clip:
        return None
    places, left_out = _drawn(folder.positions)
    particle = places["particle"].to_numpy(np.int64)
    first = np.flatnonzero(np.diff(particle, prepend=particle[:1] - 1))
    label = places["label"].map(lambda name: 1 + _LABELS.index(name) if name in _LABELS else 0)
    start, data = clip["start"], clip["data"].tobytes()
    recorded, averaged = folder.summary["recorded"], int(clip["averaged"])
    return {
        "frames": packed(clip["frame"], "i4"),
        "pictures": [base64.b64encode(data[a:b]).decode("ascii") for a, b in pairwise(start)],
        "averaged": averaged,
        "radius_px": (folder.summary.get("appearance") or {}).get("radius_px", 0.0),
        "interval_s": recorded["frame_interval_s"],
        "pixel_nm": recorded["pixel_nm"],
        "particle": packed(particle[first], "i4"),
        "first": packed(first, "i4"),
        "frame": packed(places["frame"], "i4"),
        "x": packed(places["x"], "f4"),
        "y": packed(places["y"], "f4"),
        "label": packed(label, "u1"),
        "said": _said(clip["frame"], averaged, recorded["frames"], left_out),
    }


def _drawn(positions: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the positions that are drawn, and how many tracks are not."""
    places = positions.sort_values(["particle", "frame"], kind="stable", ignore_index=True)
    if len(places) <= _MOST_PLACES:
        return places, 0
    counts = places.loc[places["particle"] >= 0, "particle"].value_counts()
    kept = counts.index[counts.cumsum() <= _MOST_PLACES]
    return places[places["particle"].isin(kept)].reset_index(drop=True), len(counts) - len(kept)


def _said(frame: Any, averaged: int, frames: int, left_out: int) -> str:
    """What the player does not show as it was recorded."""
    every = int(frame[1] - frame[0]) if len(frame) > 1 else 1
    said = [f"all {frames} frames" if every == 1 else f"one frame in {every} of {frames}"]
    if averaged > 1:
        said.append(f"squares of {averaged} x {averaged} pixels averaged")
    if left_out:
        said.append(f"{left_out} short tracks are not drawn")
    return ", ".join(said)
