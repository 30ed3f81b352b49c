"""The time course of motion: what moves each particle at every frame, and its regimes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from perrin.diffusion import residence_time
from perrin.diffusion.regimes import LABELS, Regime, confidence, find_regimes, fraction_near
from perrin.diffusion.tables import ALONG, REGIMES, TIME_COURSE
from perrin.diffusion.windows import Track
from perrin.types import FloatArray

SEGMENT_FRAMES, OVERLAP = 1000, 200
"""Frames of the segments that longer tracks are cut into, and by which two of them overlap."""


@dataclass(frozen=True)
class TimeCourse:
    """What happens along the tracks of one measurement; columns: `perrin.diffusion.tables`.

    time_course: a row a frame. regimes: a row a regime. transitions: a row a pair of labels.
    survival: a row a residence time.
    """

    time_course: pd.DataFrame
    regimes: pd.DataFrame
    transitions: pd.DataFrame
    survival: pd.DataFrame


def follow(
    tracks: Sequence[Track],
    steps: Sequence[FloatArray | None],
    *,
    estimate: Callable[[list[Track]], pd.DataFrame],
    frame_interval: float,
) -> TimeCourse:
    """Return the time course of `tracks`, whose `steps` (L - 1, 2) each were answered.

    steps: probability of a jump and of the CTRW, None where nothing is known: such a track has
    no row. estimate: tracks -> WINDOWS table, a row each; it is asked for every regime.
    """
    known = [
        (track, predicted)
        for track, predicted in zip(tracks, steps, strict=True)
        if predicted is not None
    ]
    found = [find_regimes(predicted[:, 1]) for _, predicted in known]
    parts = [
        _part(track, regime)
        for (track, _), regimes in zip(known, found, strict=True)
        for regime in regimes
    ]
    what = estimate(parts)
    when = pd.DataFrame(
        [
            row
            for (track, predicted), regimes in zip(known, found, strict=True)
            for row in _rows(track, predicted[:, 1], regimes, frame_interval)
        ],
        columns=[column.name for column in REGIMES if column.name not in what.columns],
    )
    table = pd.concat([what, when], axis=1)[[column.name for column in REGIMES]]
    return TimeCourse(
        time_course=_frames(known, found, table, frame_interval),
        regimes=table,
        transitions=residence_time.transitions(table),
        survival=residence_time.survival(table),
    )


def segments_of(track: Track) -> list[Track]:
    """Return the segments that cover a track longer than `SEGMENT_FRAMES` frames, one every 800."""
    return [cut(track, first, first + SEGMENT_FRAMES) for first in _starts(len(track.seen))]


def joined(segments: Sequence[FloatArray | None], length: int) -> FloatArray:
    """Return the steps (length - 1, 2) of a track from those of its segments.

    Where two overlap, each step comes from the piece whose ends are farther away. A step that
    no piece tells has even odds.
    """
    steps = np.full((length - 1, 2), 0.5)
    covered = 0
    for start, predicted in zip(_starts(length), segments, strict=True):
        first = (start + covered) // 2 if start else 0
        if predicted is not None:
            steps[first : start + len(predicted)] = predicted[first - start :]
        covered = start + SEGMENT_FRAMES
    return steps


def _starts(length: int) -> list[int]:
    stride = SEGMENT_FRAMES - OVERLAP
    return [min(first, length - SEGMENT_FRAMES) for first in range(0, length - OVERLAP, stride)]


def cut(track: Track, first: int, stop: int) -> Track:
    """Return the frames `first` to `stop` (exclusive, counted from its first) of a track."""
    return replace(
        track,
        start=track.start + first,
        positions=track.positions[first:stop],
        seen=track.seen[first:stop],
    )


def _part(track: Track, regime: Regime) -> Track:
    """Return the part of a track in which a regime's steps lie, without unseen ends."""
    there = np.flatnonzero(track.seen[regime.start : regime.stop + 1])
    if not there.size:
        return cut(track, regime.start, regime.start + 1)
    return cut(track, regime.start + int(there[0]), regime.start + int(there[-1]) + 1)


def _rows(
    track: Track, p: FloatArray, regimes: Sequence[Regime], frame_interval: float
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for k, regime in enumerate(regimes):
        following = regimes[k + 1] if k + 1 < len(regimes) else None
        rows.append(
            (
                k,
                LABELS[regime.label],
                confidence(p, regime),
                track.start + regime.start_low,
                track.start + regime.start_high,
                (track.start + regime.start) * frame_interval,
                (regime.stop - regime.start) * frame_interval,
                not regime.changed,
                following is None or not following.changed,
            )
        )
    return rows


def _frames(
    known: Sequence[tuple[Track, FloatArray]],
    found: Sequence[list[Regime]],
    regimes: pd.DataFrame,
    frame_interval: float,
) -> pd.DataFrame:
    """Return the TIME_COURSE table: a frame has what its following step has, the last the same."""
    if not known:
        return pd.DataFrame(columns=[column.name for column in TIME_COURSE])
    frames, steps, fractions, counts = [], [], [], []
    for (track, predicted), own in zip(known, found, strict=True):
        frames.append(np.arange(track.start, track.stop))
        steps.append(np.concatenate([predicted, predicted[-1:]]))
        fraction = fraction_near(predicted[:, 1])
        fractions.append(np.concatenate([fraction, fraction[-1:]]))
        counts += [regime.stop - regime.start for regime in own]
        counts[-1] += 1
    row = np.repeat(np.arange(len(regimes)), counts)
    frame, step, fraction = np.concatenate(frames), np.concatenate(steps), np.concatenate(fractions)
    return pd.DataFrame(
        {
            "particle": regimes["particle"].to_numpy()[row],
            "frame": frame,
            "time": frame * frame_interval,
            "seen": np.concatenate([track.seen for track, _ in known]),
            "regime": regimes["regime"].to_numpy()[row],
            "label": regimes["label"].to_numpy()[row],
            "p_ctrw": step[:, 1],
            "ctrw_near": fraction[:, 1],
            "ctrw_near_low": fraction[:, 0],
            "ctrw_near_high": fraction[:, 2],
            "p_jump": step[:, 0],
            **{
                name + end: regimes[name + end].to_numpy()[row]
                for name in ALONG
                for end in ("", "_low", "_high")
            },
        }
    )
