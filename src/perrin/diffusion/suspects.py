"""Steps that are rather another particle's: by the confidence of each link, as tracking gives it.

A false link looks like a jump of a CTRW. What is suspect is named, and the tracks are looked at
again with the suspect steps taken out: what follows is moved back to where they began.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.diffusion.tables import SUSPECT_STEPS, axes_of, check_tracks
from perrin.types import BoolArray

SUSPECT = 0.5
"""A link of less confidence belongs to another particle rather than to its own."""


def suspect_steps(tracks: pd.DataFrame) -> pd.DataFrame:
    """Return the SUSPECT_STEPS of a table of tracks, in its unit; none where no confidence is told.

    A step goes from a position to the next one of its particle.
    """
    table = check_tracks(tracks)
    found = _suspect(table)
    rows = np.flatnonzero(found)
    steps = np.diff(table[axes_of(table)].to_numpy(float), axis=0)[rows]
    frame = table["frame"].to_numpy()
    told = table["link_confidence"].to_numpy(float)[rows] if len(rows) else np.zeros(0)
    columns = {
        "particle": table["particle"].to_numpy()[rows],
        "frame": frame[rows],
        "frame_next": frame[rows + 1],
        "step": np.sqrt((steps**2).sum(axis=1)),
        "link_confidence": told,
    }
    return pd.DataFrame(columns)[[column.name for column in SUSPECT_STEPS]]


def without_suspects(tracks: pd.DataFrame) -> pd.DataFrame:
    """Return the tracks that have suspect steps, with these taken out."""
    table = check_tracks(tracks)
    found, axes = _suspect(table), axes_of(table)
    particle = table["particle"].to_numpy()
    positions = table[axes].to_numpy(float)
    steps = np.diff(positions, axis=0, prepend=positions[:1])
    taken = np.where(np.concatenate([[False], found[:-1]])[:, None], steps, 0.0).cumsum(axis=0)
    first = np.searchsorted(particle, particle)  # of each row's particle: the rows are sorted by it
    mended = table.assign(**dict(zip(axes, (positions - (taken - taken[first])).T, strict=True)))
    kept = mended[np.isin(particle, np.unique(particle[found]))].reset_index(drop=True)
    kept.attrs = tracks.attrs
    return kept


def _suspect(table: pd.DataFrame) -> BoolArray:
    """Return which rows (n,), sorted, have a suspect step to the next of the same particle."""
    if "link_confidence" not in table.columns or not len(table):
        return np.zeros(len(table), dtype=bool)
    particle = table["particle"].to_numpy()
    same = np.append(particle[1:] == particle[:-1], False)
    found: BoolArray = same & (table["link_confidence"].to_numpy(float) < SUSPECT)
    return found
