"""Tracks to numbers: fractions, ratio, exponents and diffusion coefficient, each with an interval.

The network (an argument: anything with `refusal` and `prediction`) sees whole tracks and windows
along them. What a track is too short, too still or too mixed to tell is NaN with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from perrin.diffusion import classical
from perrin.diffusion import kinds as of_kinds
from perrin.diffusion.agreement import with_agreement
from perrin.diffusion.by_kind import answered, bounded_by_kind
from perrin.diffusion.classical_columns import classical_columns
from perrin.diffusion.fbm_prediction import exponent_of_d, with_likelihood
from perrin.diffusion.notes import notes_on
from perrin.diffusion.predicted import Model, Predicted, predict
from perrin.diffusion.segments import Segments, find_segments, notes_on_segments
from perrin.diffusion.standard import TARGETS, from_unit
from perrin.diffusion.summary import kinds_in_words, normal_diffusion_in_words
from perrin.diffusion.suspects import suspect_steps, without_suspects
from perrin.diffusion.tables import ESTIMATES, FALSE_FLAGS, SUSPECTS, WINDOWS
from perrin.diffusion.time_course import SEGMENT_FRAMES, TimeCourse, follow, joined, segments_of
from perrin.diffusion.windows import Track, cut_windows, to_tracks
from perrin.errors import PerrinError
from perrin.notebook import Shown
from perrin.settings.diffusion import WindowSettings
from perrin.types import BoolArray, FloatArray, IntArray, NetworkId

LEAST_FRACTION = 0.1
LEAST_JUMPS = 3
_INDEX = {name: k for k, (name, _, _) in enumerate(TARGETS)}
_DIRECT = tuple(name for name in ESTIMATES if name in _INDEX)


@dataclass(frozen=True)
class Scale:
    """What one unit of length and one frame are; 1 and 1 for pixels and frames."""

    length: float
    frame_interval: float
    length_unit: str
    time_unit: str

    @classmethod
    def of_pixels(cls, *, pixel_nm: float, frame_interval_s: float) -> Scale:
        """Return the scale of positions in pixels. Raises `PerrinError` for sizes of 0 or less."""
        if not (pixel_nm > 0 and frame_interval_s > 0):
            raise PerrinError(
                f"a pixel of {pixel_nm:g} nm every {frame_interval_s:g} s; both must be above 0."
            )
        return cls(pixel_nm, frame_interval_s, "nm", "s")

    @classmethod
    def unknown(cls) -> Scale:
        """Return the scale of positions and times that stay in the file's unit and frames."""
        return cls(1.0, 1.0, "unit of the file", "frame")


@dataclass(frozen=True, repr=False)
class DiffusionResult(Shown):
    """One row a track in `trajectories`, one row a window in `windows`; attrs: the units.

    time_course: what changes along the tracks; segments: where K, alpha and kind change, and the
    states of the sample; suspect_steps: links that are rather false; tracks: what was
    characterized; settings: of the windows; model: name of the network; source: file of the
    tracks; seed: of the replicates that tracks are compared with; networks: those that looked at
    the tracks; remarks: what is said before the notes.
    """

    trajectories: pd.DataFrame
    windows: pd.DataFrame
    time_course: TimeCourse
    segments: Segments
    suspect_steps: pd.DataFrame
    scale: Scale
    tracks: pd.DataFrame
    settings: WindowSettings
    model: str
    source: Path | None = None
    seed: int | None = None
    networks: tuple[NetworkId, ...] = ()
    remarks: tuple[str, ...] = ()

    def _facts(self) -> dict[str, str]:
        table = self.trajectories
        predicted = answered(table)
        facts = {"trajectories": f"{len(table)}, {int(predicted.sum())} characterized"}
        if kinds := kinds_in_words(table).partition(": ")[2]:
            facts["kinds"] = kinds
        if normal := normal_diffusion_in_words(table):
            facts["D"] = normal.removeprefix("D ").replace(": ", ", ")
        if predicted.any():
            w = table["w"].dropna()
            facts["w"] = f"{w.median():.2f} (median)" if len(w) else "not given: see kind"
            facts["out of the model"] = str(int(table["out_of_model"].sum()))
        return facts | {"unit of length": self.scale.length_unit, "network": self.model}

    @property
    def notes(self) -> tuple[str, ...]:
        """What is said beside the tables: see `perrin.diffusion.notes`."""
        notes = notes_on(self.trajectories, model=self.model)
        return (*self.remarks, *notes, *notes_on_segments(self.segments))


def characterize(
    tracks: pd.DataFrame,
    *,
    model: Model,
    scale: Scale,
    settings: WindowSettings,
    kinds: of_kinds.Model | None = None,
) -> DiffusionResult:
    """Return what moves each particle of `tracks` (particle, frame, x, y, z).

    kinds: what tells kinds of motion apart; None: no kind is told. Columns:
    `perrin.diffusion.tables.TRAJECTORIES`, `WINDOWS` and of the time course. Raises
    `PerrinError` for tables that are no tracks (`check_tracks`) or hold no track.
    """
    whole = to_tracks(tracks)
    if not whole:
        raise PerrinError("the table holds no track. Check the file.")
    windows = [window for track in whole for window in cut_windows(track, settings=settings)]
    predictions = predict(whole, model)
    tell = partial(_kinds, model=kinds, scale=scale)
    time_course = follow(
        whole,
        _steps(predictions, model),
        estimate=lambda parts: _estimates(predict(parts, model, known=predictions), scale),
        frame_interval=scale.frame_interval,
    )
    trajectories = _trajectories(predictions, model, kinds, scale)
    beside = _without_suspects(tracks, trajectories, model, kinds, scale)
    trajectories = trajectories.assign(**beside)
    result = DiffusionResult(
        trajectories=trajectories,
        windows=_estimates(predict(windows, model, known=predictions), scale),
        time_course=time_course,
        segments=find_segments(
            whole,
            trajectories,
            time_course.regimes,
            tell=lambda parts: tell(predict(parts, model)),
            length=scale.length,
            frame_interval=scale.frame_interval,
        ),
        suspect_steps=suspect_steps(tracks),
        scale=scale,
        tracks=tracks,
        settings=settings,
        model=model.name,
    )
    _tell_units(result)
    return result


def _trajectories(
    predictions: Predicted, model: Model, kinds: of_kinds.Model | None, scale: Scale
) -> pd.DataFrame:
    """Return the TRAJECTORIES of whole tracks, without what is said of suspect steps."""
    units = {"length": scale.length, "frame_interval": scale.frame_interval}
    beside = classical_columns(predictions.tracks, **units)
    beside = beside.assign(**_check(predictions, model))
    of_kind = _kinds(predictions, model=kinds, scale=scale)
    whole = pd.concat([_estimates(predictions, scale), beside, of_kind], axis=1)
    whole = with_likelihood(whole, predictions.tracks, **units)
    reach = None if kinds is None else kinds.reach
    return with_agreement(bounded_by_kind(whole, reach=reach))


def _without_suspects(
    tracks: pd.DataFrame,
    trajectories: pd.DataFrame,
    model: Model,
    kinds: of_kinds.Model | None,
    scale: Scale,
) -> dict[str, pd.Series]:
    """Return the SUSPECTS columns: tracks with suspect steps are looked at again without them."""
    names = ("w", "w_low", "w_high", "kind")
    mended = without_suspects(tracks)
    told = trajectories.set_index("particle")[list(names)]
    if len(mended):
        again = _trajectories(predict(to_tracks(mended), model), model, kinds, scale)
        told.loc[again["particle"].to_list()] = again[list(names)].to_numpy()
    count = suspect_steps(tracks).groupby("particle").size()
    number = trajectories["particle"].map(count).fillna(0).astype(np.int64)
    told = told.astype(trajectories[list(names)].dtypes.to_dict()).reset_index(drop=True)
    found = dict(zip((c.name for c in SUSPECTS[1:]), (told[n] for n in names), strict=True))
    return {SUSPECTS[0].name: number, **found}


def _kinds(predictions: Predicted, *, model: of_kinds.Model | None, scale: Scale) -> pd.DataFrame:
    """Return the OF_KIND columns of tracks with what the mixture network says of them."""
    return of_kinds.kind_columns(
        predictions.tracks,
        predictions.rows,
        predictions.prediction,
        model=model,
        length=scale.length,
        frame_interval=scale.frame_interval,
    )


def _tell_units(result: DiffusionResult) -> None:
    """Put the units of the scale into the attrs of all tables."""
    units: dict[Hashable | None, object] = {
        "length_unit": result.scale.length_unit,
        "time_unit": result.scale.time_unit,
    }
    along = [*vars(result.time_course).values(), *result.segments.tables.values()]
    for table in (result.trajectories, result.windows, *along):
        table.attrs = dict(units)


def _steps(predictions: Predicted, model: Model) -> list[FloatArray | None]:
    """Return the step probabilities of each track, long ones in segments; None without one."""
    found: list[FloatArray | None] = [None] * len(predictions.tracks)
    if predictions.prediction is not None:
        for kept, steps in zip(predictions.rows, predictions.prediction.steps, strict=True):
            found[kept] = steps
    for row, track in enumerate(predictions.tracks):
        if len(track.seen) <= SEGMENT_FRAMES:
            continue
        segments = segments_of(track)
        predicted = predict(segments, model)
        if predicted.prediction is not None:
            of = dict(zip(predicted.rows.tolist(), predicted.prediction.steps, strict=True))
            found[row] = joined([of.get(k) for k in range(len(segments))], len(track.seen))
    return found


def _check(predictions: Predicted, model: Model) -> dict[str, FloatArray | BoolArray]:
    """Return the CHECK columns."""
    p = np.full(len(predictions.tracks), np.nan)
    if predictions.prediction is not None:
        p[predictions.rows] = model.posterior_predictive_p(
            [predictions.tracks[i] for i in predictions.rows], predictions.prediction
        )
    return {"posterior_predictive_p": p, "out_of_model": p < FALSE_FLAGS}


def _estimates(predictions: Predicted, scale: Scale) -> pd.DataFrame:
    """Return the WINDOWS table of tracks, a row each, NaN where the model refused."""
    tracks, kept = predictions.tracks, predictions.rows
    table = pd.DataFrame(
        {
            "particle": [track.particle for track in tracks],
            "frame_start": [track.start for track in tracks],
            "frame_stop": [track.stop for track in tracks],
            "positions": [int(track.seen.sum()) for track in tracks],
        }
    )
    columns = {
        column.name: np.full(len(tracks), np.nan) for column in WINDOWS if column.kind == "float"
    }
    said = np.array(predictions.reasons, dtype=object)
    if predictions.prediction is not None:
        chosen = [tracks[i] for i in kept]
        predicted = _physical(predictions.prediction.quantiles, chosen, scale)
        for name, values in predicted.items():
            columns[name][kept] = values
        said[kept] = _abstain(columns, kept, chosen)
    return table.assign(**columns, reason=said)


def _physical(prediction: FloatArray, tracks: list[Track], scale: Scale) -> dict[str, FloatArray]:
    """Return the columns in physical units: prediction (N, 10, 3) -> (N,) each."""
    columns: dict[str, FloatArray] = {}
    ends = (("_low", 0), ("", 1), ("_high", 2))
    for name in _DIRECT:
        for end, k in ends:
            columns[name + end] = from_unit(prediction[:, _INDEX[name], k], _INDEX[name])
    steps = [classical.displacements(t.positions, t.seen, lag=1) for t in tracks]
    square = np.array([(step**2).mean() for step in steps]) * scale.length**2
    step_index = _INDEX["log_step"]
    told = zip(*(columns["alpha_fbm" + end] for end, _ in ends), strict=True)
    exponent = np.array([exponent_of_d(*alpha) for alpha in told])
    for end, k in ends:
        of_fbm = square * np.exp(from_unit(prediction[:, step_index, k], step_index))
        columns["D" + end] = of_fbm / 2 / scale.frame_interval**exponent
    columns["D_exponent"] = exponent
    rate = np.maximum(columns["jump_rate"], 1e-9)
    columns["jump_variance"] = columns["fraction_ctrw"] * square / rate
    return columns


def _abstain(columns: dict[str, FloatArray], rows: IntArray, tracks: list[Track]) -> list[str]:
    """Blank what a row cannot tell, and return the reasons, a text a row."""
    frames = np.array([len(track.seen) for track in tracks])
    gaussian = columns["fraction_fbm"][rows] + columns["fraction_brownian"][rows]
    jumping = columns["fraction_ctrw"][rows]
    jumps = columns["jump_rate"][rows] * (frames - 1)
    rules: Sequence[tuple[BoolArray, tuple[str, ...], Callable[[int], str]]] = (
        (
            gaussian < LEAST_FRACTION,
            ("alpha_fbm", "D"),
            lambda i: f"FBM and Brownian part {gaussian[i]:.0%} of the steps: no alpha_fbm, no D",
        ),
        (
            jumping < LEAST_FRACTION,
            ("alpha_ctrw", "jump_rate"),
            lambda i: f"CTRW part {jumping[i]:.0%} of the steps: no alpha_ctrw, no jumps",
        ),
        (
            (jumping >= LEAST_FRACTION) & (jumps < LEAST_JUMPS),
            ("alpha_ctrw",),
            lambda i: f"{jumps[i]:.0f} jumps: no alpha_ctrw",
        ),
    )
    reasons: list[list[str]] = [[] for _ in tracks]
    for applies, names, why in rules:
        for i in np.flatnonzero(applies):
            reasons[i].append(why(int(i)))
            for name in names:
                for end in ("", "_low", "_high"):
                    columns[name + end][rows[i]] = np.nan
        for name, beside in (("jump_rate", "jump_variance"), ("D", "D_exponent")):
            if name in names:
                columns[beside][rows[applies]] = np.nan
    return ["; ".join(reason) for reason in reasons]
