"""The segments of tracks, each with its own K, alpha and kind, and the states of the sample.

Tracks are cut where exponent or diffusion coefficient change (`perrin.diffusion.piecewise`). A
CTRW, whose waits and jumps are no changes, is left whole; a mixture is cut where it changes
between FBM and CTRW (`perrin.diffusion.regimes`). Each segment is asked for its kind alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from perrin.diffusion.hidden_states import Changes, changes
from perrin.diffusion.piecewise import LEAST_TRACK, Chains, Piece, chains, steps_of
from perrin.diffusion.segmentation import states_of
from perrin.diffusion.tables import SEGMENTS, STATE_TRANSITIONS, STATES
from perrin.diffusion.time_course import cut
from perrin.diffusion.windows import Track
from perrin.tables import Column
from perrin.types import FloatArray, IntArray

TABLES = ("segments", "states", "state_transitions")
JUMPING = 0.5
"""A track is not cut by exponent and K where CTRW and mixture are together so probable."""
_RESAMPLES = 200
_NOTHING = (np.nan, np.nan, np.nan)
_WHOLE = "waits and jumps are no changes of K or alpha: not cut, no K, no alpha"
_SHORT = f"fewer than {LEAST_TRACK} steps of one frame"
_CHANGE = ("start_low", "start_high")
_FREE = [column.name for column in SEGMENTS if column.name == "kind" or column.name[:2] == "p_"]


@dataclass(frozen=True)
class Segments:
    """Segments and states of one measurement; columns: `perrin.diffusion.tables`.

    segments: a row a segment. states: a row a state of the sample. state_transitions: a row an
    ordered pair of states, with rates. noise: localization error of one axis that was taken off,
    in the unit of the positions; told: whether the table or the user said it.
    """

    segments: pd.DataFrame
    states: pd.DataFrame
    state_transitions: pd.DataFrame
    noise: float
    told: bool

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        return {name: getattr(self, name) for name in TABLES}

    def with_tables(self, tables: Mapping[str, pd.DataFrame]) -> Segments:
        """Return the same with other tables."""
        return replace(
            self,
            segments=tables["segments"],
            states=tables["states"],
            state_transitions=tables["state_transitions"],
        )


@dataclass(frozen=True)
class _Part:
    """A segment: frames of its track from the first (stop exclusive), and what is known of it."""

    row: int
    start: int
    stop: int
    change: tuple[float, float] = (np.nan, np.nan)
    state: int = -1
    K: tuple[float, float, float] = _NOTHING
    alpha: tuple[float, float, float] = _NOTHING
    reason: str = ""
    ended: bool = False

    @property
    def changed(self) -> bool:
        """Whether it begins with a change, not with its track."""
        return self.start > 0


def find_segments(
    tracks: Sequence[Track],
    trajectories: pd.DataFrame,
    regimes: pd.DataFrame,
    *,
    tell: Callable[[list[Track]], pd.DataFrame],
    length: float,
    frame_interval: float,
) -> Segments:
    """Return the segments of `tracks`, which have these TRAJECTORIES and REGIMES.

    tell: tracks -> OF_KIND table; it is asked for every segment that is not a whole track.
    length, frame_interval: of the scale.
    """
    noise, told = _noise(tracks, trajectories["fbm_noise_sigma"].to_numpy(float) / length)
    jumping = (trajectories["p_ctrw"] + trajectories["p_mixture"]).to_numpy(float) >= JUMPING
    enough = np.array([len(steps_of(track).own) >= LEAST_TRACK for track in tracks], dtype=bool)
    rows = np.flatnonzero(enough & ~jumping)
    found = chains([tracks[row] for row in rows.tolist()], noise=noise)
    parts: list[_Part] = []
    place = dict(zip(rows.tolist(), range(len(rows)), strict=True))
    turns = _turns(regimes)
    for row, track in enumerate(tracks):
        if row in place:
            parts += _cut(row, track, found, place[row])
        elif jumping[row]:
            parts += _by_regime(row, track, turns.get(track.particle, []))
        else:
            parts.append(_Part(row, 0, len(track.seen), reason=_SHORT))
    table = _table(parts, tracks, trajectories, tell, length=length, frame_interval=frame_interval)
    states, state_transitions = _states(
        table, found, noise=noise, length=length, frame_interval=frame_interval
    )
    return Segments(table, states, state_transitions, noise, told)


def _noise(tracks: Sequence[Track], fitted: FloatArray) -> tuple[float, bool]:
    """Return the localization error of one axis for all tracks, and whether it is known."""
    known = np.array([track.noise for track in tracks])
    if np.isfinite(known).any():
        return float(np.sqrt(np.nanmean(known**2))), True
    fitted = fitted[np.isfinite(fitted)]
    return (float(np.median(fitted)) if len(fitted) else 0.0), False


def _cut(row: int, track: Track, found: Chains | None, place: int) -> list[_Part]:
    """Return the segments of a track that was cut by exponent and K; one where nothing moves."""
    if found is None:
        return [_Part(row, 0, len(track.seen), K=(0.0, 0.0, 0.0), reason="immobile")]
    steps, pieces, state = found.steps[place], found.pieces[place], found.state[place]
    starts = [0, *(int(steps.frame[piece.first]) for piece in pieces[1:])]
    ends = [*starts[1:], len(track.seen) - 1]
    return [
        _Part(
            row,
            start,
            end + 1,
            _frames(piece, steps.frame),
            int(own),
            piece.K,
            piece.alpha,
            ended=k + 1 < len(pieces),
        )
        for k, (piece, own, start, end) in enumerate(zip(pieces, state, starts, ends, strict=True))
    ]


def _frames(piece: Piece, frame: IntArray) -> tuple[float, float]:
    """Return the ends of where a piece begins, in frames from the track's first."""
    low, high = piece.start
    if not np.isfinite(low):
        return piece.start
    return float(frame[int(low)]), float(frame[min(int(high), len(frame) - 1)])


def _turns(regimes: pd.DataFrame) -> dict[int, list[tuple[int, float, float]]]:
    """Return the changes of each particle that has some: frame, and both ends of where it is."""
    found: dict[int, list[tuple[int, float, float]]] = {}
    stops = regimes.loc[regimes["start_low"].notna()]
    columns = (stops[name].tolist() for name in ("particle", "frame_start", *_CHANGE))
    for particle, *change in zip(*columns, strict=True):
        found.setdefault(particle, []).append((int(change[0]), change[1], change[2]))
    return found


def _by_regime(row: int, track: Track, turns: list[tuple[int, float, float]]) -> list[_Part]:
    """Return a CTRW or a mixture, whole or cut where it changes between FBM and CTRW."""
    first = track.start
    changes = [at - first for at, _, _ in turns]
    starts, ends = [0, *changes], [*changes, len(track.seen) - 1]
    low_high = [(np.nan, np.nan), *((low - first, high - first) for _, low, high in turns)]
    return [
        _Part(row, start, end + 1, change, reason=_WHOLE, ended=k + 1 < len(starts))
        for k, (start, end, change) in enumerate(zip(starts, ends, low_high, strict=True))
    ]


def _table(
    parts: Sequence[_Part],
    tracks: Sequence[Track],
    trajectories: pd.DataFrame,
    tell: Callable[[list[Track]], pd.DataFrame],
    *,
    length: float,
    frame_interval: float,
) -> pd.DataFrame:
    """Return the SEGMENTS table."""
    pieces = [_trimmed(tracks[part.row], part) for part in parts]
    kinds = trajectories[_FREE].iloc[[part.row for part in parts]].reset_index(drop=True)
    cut_ones = [k for k, part in enumerate(parts) if part.changed or part.ended]
    if cut_ones:
        asked = tell([pieces[k] for k in cut_ones])[_FREE]
        kinds.loc[cut_ones, _FREE] = asked.to_numpy()
        kinds = kinds.astype(trajectories[_FREE].dtypes.to_dict())
    row = np.array([part.row for part in parts], np.int64)
    first = np.array([track.start for track in tracks], np.int64)[row]
    alpha = np.array([part.alpha for part in parts]).reshape(-1, 3)
    k = np.array([part.K for part in parts]).reshape(-1, 3) * length**2
    k /= frame_interval ** np.nan_to_num(alpha[:, 1:2], nan=1.0)
    change = np.array([part.change for part in parts]).reshape(-1, 2) + first[:, None]
    columns = {
        "particle": [piece.particle for piece in pieces],
        "segment": pd.Series(row).groupby(row).cumcount().to_numpy(),
        "frame_start": [piece.start for piece in pieces],
        "frame_stop": [piece.stop for piece in pieces],
        "positions": [int(piece.seen.sum()) for piece in pieces],
        "start_low": change[:, 0],
        "start_high": change[:, 1],
        "time_start": (first + [part.start for part in parts]) * frame_interval,
        "residence_time": np.array([part.stop - part.start - 1 for part in parts]) * frame_interval,
        "left_censored": [not part.changed for part in parts],
        "right_censored": [not part.ended for part in parts],
        "state": [part.state for part in parts],
        "reason": [part.reason for part in parts],
    }
    for column, end in enumerate(("_low", "", "_high")):
        columns["K" + end], columns["alpha" + end] = k[:, column], alpha[:, column]
    table = pd.concat([pd.DataFrame(columns), kinds], axis=1)
    return table[[column.name for column in SEGMENTS]]


def _trimmed(track: Track, part: _Part) -> Track:
    """Return the part of a track without unseen ends."""
    there = np.flatnonzero(track.seen[part.start : part.stop])
    return cut(track, part.start + int(there[0]), part.start + int(there[-1]) + 1)


def _states(
    segments: pd.DataFrame,
    found: Chains | None,
    *,
    noise: float,
    length: float,
    frame_interval: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the STATES and the STATE_TRANSITIONS table; intervals by resampling particles."""
    own = segments[segments["state"] >= 0]
    numbers = sorted(own["state"].unique().tolist())
    if found is None or not numbers:
        return _columns([], STATES), _columns([], STATE_TRANSITIONS)
    k, alpha = _draws(own, numbers)
    scale = length**2 / frame_interval ** np.nan_to_num(alpha[0], nan=1.0)
    bank = states_of(
        np.nan_to_num(alpha[0]), np.nan_to_num(k[0]) / scale, max(noise, found.least_noise)
    )
    hidden = changes([one.own for one in found.steps], [one.before for one in found.steps], bank)
    time = _resampled(hidden.occupancy)
    drawn = {"occupancy": time / time.sum(axis=1, keepdims=True), "K": k, "alpha": alpha}
    rows = []
    for place, number in enumerate(numbers):
        inside = own[own["state"] == number]
        row: dict[str, float] = {
            "state": number,
            "segments": len(inside),
            "particles": int(inside["particle"].nunique()),
        }
        for name, values in drawn.items():
            row |= _ends(name, values[:, place])
        stays = (hidden.stay_low, hidden.stay, hidden.stay_high)
        for end, stay in zip(("_low", "", "_high"), stays, strict=True):
            seen = np.isfinite(stay[place])
            row["mean_residence_time" + end] = stay[place] * frame_interval if seen else np.nan
        rows.append(row)
    return _columns(rows, STATES), _columns(
        _rates(hidden, numbers, frame_interval), STATE_TRANSITIONS
    )


def _columns(rows: list[dict[str, float]], columns: Sequence[Column]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[column.name for column in columns])


def _ends(name: str, values: FloatArray) -> dict[str, float]:
    """Return an estimate with its 90% interval; values: of all particles, then resampled."""
    known = values[1:][np.isfinite(values[1:])]
    low, high = np.quantile(known, (0.05, 0.95)) if len(known) else (np.nan, np.nan)
    return {name: float(values[0]), name + "_low": float(low), name + "_high": float(high)}


def _rates(
    hidden: Changes, numbers: Sequence[int], frame_interval: float
) -> list[dict[str, float]]:
    """Return a row an ordered pair of states."""
    return [
        {
            "before": numbers[a],
            "after": numbers[b],
            "number": hidden.number[a, b],
            "time": hidden.time[a] * frame_interval,
            "rate": hidden.probability[a, b] / frame_interval,
            "rate_low": hidden.low[a, b] / frame_interval,
            "rate_high": hidden.high[a, b] / frame_interval,
        }
        for a in range(len(numbers))
        for b in range(len(numbers))
        if a != b
    ]


def _resampled(sums: FloatArray) -> FloatArray:
    """Return sums (N, ...) over the particles: of all, then of particles drawn again and again."""
    rng = np.random.default_rng(0)
    count = len(sums)
    counts = np.ones((1 + _RESAMPLES, count))
    counts[1:] = rng.multinomial(count, np.full(count, 1 / count), _RESAMPLES)
    return np.tensordot(counts, sums, axes=1)


def _draws(segments: pd.DataFrame, numbers: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Return K and alpha (1 + resamples, m) of each state, first of all particles."""
    particles, whose = np.unique(segments["particle"], return_inverse=True)
    where = np.searchsorted(numbers, segments["state"])
    steps = np.maximum(segments["positions"].to_numpy(float) - 1, 1)
    moving = (segments["K"] > 0).to_numpy()
    log_k = np.log(segments["K"].where(moving, 1.0).to_numpy(float))
    alpha = np.nan_to_num(segments["alpha"].to_numpy(float))
    sums = np.zeros((len(particles), 3, len(numbers)))
    for number, values in enumerate((1.0, log_k, alpha)):
        np.add.at(sums[:, number], (whose, where), steps * moving * values)
    weight, logs, exponents = np.moveaxis(_resampled(sums), 1, 0)
    rests = weight[0] == 0
    divisor = np.where(weight > 0, weight, np.nan)
    return np.where(rests, 0.0, np.exp(logs / divisor)), exponents / divisor


def notes_on_segments(found: Segments) -> list[str]:
    """Return what is to be said beside them: where the noise that was taken off is a guess."""
    changed = bool((~found.segments["left_censored"].astype(bool)).any())
    if found.told or not (changed or len(found.states) > 1):
        return []
    return [
        "segments and states: the localization error is not known, and that of all tracks is taken "
        "for what FBM fits in the median; rest and small exponents depend on it: give "
        "--localization-error, or x_se and y_se"
    ]


def summary(found: Segments) -> dict[str, object]:
    """Return how many states there are, what they are, and how often one becomes another."""
    changed = found.segments.loc[~found.segments["left_censored"].astype(bool), "particle"]
    return {
        "segments": len(found.segments),
        "tracks_with_change": int(changed.nunique()),
        "changes": len(changed),
        "localization_error": found.noise,
        "localization_error_known": found.told,
        "number_of_states": len(found.states),
        "states": _records(found.states),
        "transitions": _records(found.state_transitions),
    }


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return rows as plain values, None for NaN."""
    return [
        {
            str(key): None
            if isinstance(value, float) and not np.isfinite(value)
            else float(f"{value:.4g}")
            if isinstance(value, float)
            else value
            for key, value in row.items()
        }
        for row in table.to_dict("records")
    ]
