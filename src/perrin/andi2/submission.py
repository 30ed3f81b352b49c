"""Submissions to the second AnDi challenge: a line a track, and the states of each experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from perrin.andi2.folder import Field, read_experiments
from perrin.andi2.prediction import NOISE_PX, Prediction, TrackPrediction, predict
from perrin.io.output_folder import output_folder, written_folder


def submit_andi2(
    folder: str | Path,
    out: str | Path,
    *,
    localization_error: float = NOISE_PX,
    overwrite: bool = False,
    finished: Callable[[int, Prediction], None] | None = None,
) -> dict[int, Prediction]:
    """Write a submission to the second AnDi challenge: ``perrin andi2``.

    Parameters
    ----------
    folder : path
        In the layout of the challenge: see `perrin.andi2.folder.read_experiments`.
    out : path
        Folder of the submission.
    localization_error : float
        Of one axis, in pixels; the challenge's by default.
    overwrite, finished
        Replace a submission that is there; called with each experiment and what is predicted.

    Returns
    -------
    dict
        What is predicted of each experiment, by its number.

    Raises `PerrinError` for what is no such folder, and for an `out` that cannot be written.

    """
    target = output_folder(out, overwrite=overwrite, inputs=[folder])
    experiments = read_experiments(folder)
    predictions = {}
    for number, fields in experiments.items():
        tracks = [track for field in fields for track in field.tracks]
        predictions[number] = predict(tracks, noise=localization_error)
        if finished is not None:
            finished(number, predictions[number])
    with written_folder(target) as partial:
        write_submission(partial, experiments, predictions)
    return predictions


def write_submission(
    folder: Path, experiments: Mapping[int, Sequence[Field]], predictions: Mapping[int, Prediction]
) -> None:
    """Write track_2/exp_E/fov_F.txt and ensemble_labels.txt of each experiment into `folder`.

    A line a track: index, then K, alpha, state and end of each segment. The states, a column
    each: mean and variance of alpha, mean and variance of K, fraction of the time.
    """
    for experiment, fields in experiments.items():
        own = folder / "track_2" / f"exp_{experiment}"
        own.mkdir(parents=True)
        left = iter(predictions[experiment].tracks)
        for field in fields:
            lines = [_line(index, found) for index, found in _paired(field, left)]
            (own / f"fov_{field.number}.txt").write_text("".join(lines), encoding="utf-8")
        (own / "ensemble_labels.txt").write_text(_states(predictions[experiment]), encoding="utf-8")


def model_of(prediction: Prediction) -> str:
    """Return the challenge's model that the states of an experiment speak for.

    Dimerization and several states look alike in single tracks: two states are called several.
    """
    if (prediction.states.K == 0).any():
        return "immobile_traps"
    if any(prediction.confined):
        return "confinement"
    return "single_state" if len(prediction.states.K) == 1 else "multi_state"


def _paired(field: Field, left: Iterator[TrackPrediction]) -> Iterator[tuple[int, TrackPrediction]]:
    for index in field.indices:
        yield index, next(left)


def _line(index: int, found: TrackPrediction) -> str:
    values: list[float] = [index]
    for row in zip(found.K, found.alpha, found.state, found.stop, strict=True):
        values += map(float, row)
    return ",".join(f"{value:.6g}" for value in values) + "\n"


def _states(prediction: Prediction) -> str:
    found = prediction.states
    rows = (found.alpha, found.alpha_sd**2, found.K, found.K_sd**2, found.occupancy)
    head = f"model: {model_of(prediction)}; num_state: {len(found.K)} \n"
    return head + "".join(";".join(f"{v:.6e}" for v in np.asarray(row)) + "\n" for row in rows)
