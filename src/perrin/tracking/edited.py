"""Tracks that were edited by hand in another program, taken back with all that perrin knows.

The other program holds places and the numbers of tracks. Each place is matched with what was
located in that frame of the movie: so errors, contrasts and angles stay those of the movie. A
place where nothing was located has no error, and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.tracking.drift import Drift
from perrin.tracking.found import LABELS, MERGED
from perrin.tracking.particles import with_masses
from perrin.tracking.table import Recording, of_tracks, tracks_of
from perrin.tracking.track import TrackingResult, described
from perrin.types import IntArray

_MATCHED = 0.5  # of the places: with fewer these are not the tracks of this movie
_SAME_PX = 0.02  # other programs round


def edit_tracks(result: TrackingResult, edited: pd.DataFrame) -> TrackingResult:
    """Return a tracked movie with tracks that were edited by hand in another program.

    What `perrin edit-tracks` does. Places within a particle's radius of what was located take
    its values. Links made by hand have no `link_confidence`. The first note says what changed.

    Parameters
    ----------
    result : TrackingResult
        Of `perrin.track`, or of `perrin.read_results`.
    edited : DataFrame
        Of `perrin.read_tracks`: ``tracks.xml`` from TrackMate, ``tracks.napari.npy`` from napari,
        ``tracks.csv``, with tracks taken out, cut or joined and positions taken out or added.

    Raises `PerrinError` for tables of other movies, and for two positions of a track in a frame.

    """
    if result.seen.appearance is None or not len(result.positions):
        raise PerrinError(f"{result.name}: nothing was located, so that no track can be edited.")
    moved = _removed(result)
    places = _in_pixels(edited, result.recorded)
    row = _matched(places, result, moved)
    _check(places, row, result.name)
    positions = result.positions.copy()
    number = np.full(len(positions), -1, np.int64)
    known = row >= 0
    number[row[known]] = np.unique(places["particle"].to_numpy()[known], return_inverse=True)[1]
    before = result.positions["particle"].to_numpy(np.int64)
    positions["particle"] = number = _through_merged(result.positions, number)
    confidence = positions["link_confidence"].to_numpy(float).copy()
    confidence[_next(positions, number) != _next(positions, before)] = np.nan
    positions["link_confidence"] = confidence
    movie = Recording(*(result.recorded[name] for name in _RECORDED))
    tracks = tracks_of(positions, movie, result.settings, moved)
    seen = result.settings, result.seen, result.linked
    particles = described(tracks, positions, movie, *seen, seed=result.seed)
    if result.calibration is not None:
        tracks, particles = with_masses(tracks, particles, result.calibration)
    changed = _changed(result, positions, places, row)
    return replace(
        result,
        tracks=tracks,
        particles=particles,
        positions=positions,
        notes=(changed.said(str(edited.attrs.get("source", "a table"))), *result.notes),
    )


_RECORDED = ("frames", "pixel_nm", "frame_interval_s")


def _removed(result: TrackingResult) -> Drift | None:
    """Return the drift that was taken off the tracks; None where none was."""
    taken = result.tracks[["drift_x", "drift_y"]].to_numpy()
    return result.drift if taken.any() else None


def _in_pixels(edited: pd.DataFrame, recorded: Mapping[str, object]) -> pd.DataFrame:
    """Return particle, frame, x and y of the edited tracks in the movie's pixels."""
    lacking = [name for name in ("particle", "frame", "x", "y") if name not in edited.columns]
    if lacking:
        raise PerrinError(
            f"the edited tracks have no {', '.join(lacking)}. Read them with read_tracks."
        )
    places = edited[["particle", "frame", "x", "y"]].reset_index(drop=True)
    twice = places.duplicated(["particle", "frame"])
    if twice.any():
        one = places[twice].iloc[0]
        raise PerrinError(
            f"track {one['particle']:.0f} has two positions in frame {one['frame']:.0f}: "
            "a particle is in one place. Cut the track in two there."
        )
    length = edited.attrs.get("length_nm")
    if edited.attrs.get("length_unit", "px") not in ("px", "unknown") and length:
        places[["x", "y"]] *= float(length) / float(str(recorded["pixel_nm"]))
    return places


def _matched(places: pd.DataFrame, result: TrackingResult, moved: Drift | None) -> IntArray:
    """Return the row of `result.positions` of each place (N,), -1 for none; each row once."""
    from scipy.spatial import cKDTree

    assert result.seen.appearance is not None  # noqa: S101 - seen by the caller
    within = max(result.seen.appearance.radius_px, 1.0)
    own = result.positions
    single = np.flatnonzero((own["label"] != LABELS[MERGED]).to_numpy())
    here = own.iloc[single][["x", "y", "frame"]].to_numpy(float)
    if moved is not None:
        here[:, :2] -= np.stack(moved.at(here[:, 2].astype(np.int64)), axis=1)
    apart = 4 * within
    there = places[["x", "y", "frame"]].to_numpy(float) * (1, 1, apart)
    tree = cKDTree(here * (1, 1, apart))
    far, near = map(np.asarray, tree.query(there, distance_upper_bound=within))
    row = np.full(len(places), -1, np.int64)
    used: set[int] = set()
    for k in np.argsort(far, kind="stable"):
        if np.isfinite(far[k]) and int(near[k]) not in used:
            used.add(int(near[k]))
            row[k] = single[near[k]]
    return row


def _check(places: pd.DataFrame, row: IntArray, name: str) -> None:
    fraction = float((row >= 0).mean()) if len(places) else 0.0
    if fraction < _MATCHED:
        raise PerrinError(
            f"{name}: only {fraction:.0%} of the {len(places)} edited positions are where a "
            "particle was located. Are these tracks of another movie, or in another unit?"
        )


def _through_merged(positions: pd.DataFrame, number: IntArray) -> IntArray:
    """Return the numbers with those of merged positions that a track still goes through."""
    merged = (positions["label"] == LABELS[MERGED]).to_numpy()
    order = np.argsort(positions["frame"].to_numpy(), kind="stable")
    new = pd.Series(number, dtype=float).where(~merged)
    groups = new.iloc[order].groupby(positions["particle"].iloc[order].to_numpy())
    before, after = groups.ffill(), groups.bfill()
    same = before.where(before == after).reindex(new.index)
    through = merged & (positions["particle"] >= 0).to_numpy() & same.notna().to_numpy()
    return np.where(through, same.fillna(-1), number).astype(np.int64)


def _next(positions: pd.DataFrame, number: IntArray) -> IntArray:
    """Return the row (N,) that each position's track goes on in; -1 where it ends."""
    order = np.lexsort((positions["frame"].to_numpy(), number))
    follows = (number[order][1:] == number[order][:-1]) & (number[order][1:] >= 0)
    found = np.full(len(number), -1, np.int64)
    found[order[:-1][follows]] = order[1:][follows]
    return found


@dataclass(frozen=True)
class _Changes:
    """Positions and tracks that are others than before."""

    taken_out: int
    taken_in: int
    moved: int
    nowhere: int
    gone: int
    cut: int
    joined: int

    def said(self, source: str) -> str:
        told = [
            f"{count} {what}"
            for count, what in (
                (self.gone, "tracks taken out"),
                (self.cut, "tracks cut"),
                (self.joined, "tracks joined of several"),
                (self.taken_out, "positions taken out"),
                (self.taken_in, "positions taken in that were in no track"),
                (self.moved, "positions moved by hand, which stay where the movie has them"),
                (self.nowhere, "positions left out where nothing was located"),
            )
            if count
        ]
        return f"tracks edited by hand in {source}: {', '.join(told) or 'nothing has changed'}"


def _changed(
    result: TrackingResult, positions: pd.DataFrame, places: pd.DataFrame, row: IntArray
) -> _Changes:
    kept = set(result.tracks["particle"])
    old = result.positions["particle"].where(result.positions["particle"].isin(kept), -1)
    own = of_tracks(positions.assign(old=old))
    both = own[own["old"] >= 0].groupby("old")["particle"].nunique()
    sources = own[own["old"] >= 0].groupby("particle")["old"].nunique()
    x, y = (result.positions[name].to_numpy(float)[row] for name in "xy")
    moved = _removed(result)
    if moved is not None:
        dx, dy = moved.at(places["frame"].to_numpy(np.int64))
        x, y = x - dx, y - dy
    far = np.hypot(x - places["x"], y - places["y"]).to_numpy()
    single = (positions["label"] != LABELS[MERGED]).to_numpy()
    new = positions["particle"].to_numpy()
    return _Changes(
        taken_out=int((single & (old >= 0) & (new < 0)).sum()),
        taken_in=int((single & (old < 0) & (new >= 0)).sum()),
        moved=int((far[row >= 0] > _SAME_PX).sum()),
        nowhere=int((row < 0).sum()),
        gone=len(kept) - len(both),
        cut=int((both > 1).sum()),
        joined=int((sources > 1).sum()),
    )
