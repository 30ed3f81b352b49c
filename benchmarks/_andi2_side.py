"""Sets and scores of ``andi2.py`` by andi-datasets itself; runs in an environment that has it.

``python _andi2_side.py make FOLDER priors experiments fields seed`` draws tracks in the layout of
the second challenge (``FOLDER/data``, truth in ``FOLDER/truth``). ``... score FOLDER SUBMISSION``
prints what the library's two scorers find, and counts of change points, as JSON. ``... trivial
FOLDER SUBMISSION`` writes what says nothing: no change, alpha 1.

Experiment e follows model e mod 5: one state, several, traps, dimers, confinement. A change point
is the first position with the new label, counted from the start of the track: so it is written by
the library into its labels, so `perrin andi2` writes it, and so it is scored. The library's other
convention (change points to labels, every segment but the first a frame late) serves there for the
overlap of segments only, where it moves truth and submission alike. Between the library's models
the step that is the first of the new kind differs: with several states and confinement that from
the change point on, as here; with traps and dimers already the one that leads to it.
"""

import contextlib
import io
import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from stochastic import random as stochastic_random

warnings.simplefilter("ignore")  # what the library warns of at import is its own

from andi_datasets.datasets_challenge import (  # noqa: E402
    _get_dic_andi2,
    challenge_phenom_dataset,
)
from andi_datasets.utils_challenge import (  # noqa: E402
    changepoint_assignment,
    run_ensemble_task,
    run_single_task,
)

NOISE = 0.12  # px, one axis
RIGHT = 10  # frames: nearer change points are found, as the library counts
FREE = 2
PARTS = ("data", "truth")


def make(folder, priors, experiments, fields, seed):
    for experiment in range(experiments):
        rng = start(seed, experiment)
        model = experiment % 5 + 1
        settings = _get_dic_andi2(model)
        if priors == "wide":
            settings |= wide(model, rng)
        counts = 0
        for field in range(fields):
            start(seed, experiment, field)
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                tracks, labels, states = challenge_phenom_dataset(dics=[dict(settings)])
            data, truth = (folder / part / "track_2" / f"exp_{experiment}" for part in PARTS)
            data.mkdir(parents=True, exist_ok=True)
            truth.mkdir(parents=True, exist_ok=True)
            tracks[0].to_csv(data / f"trajs_fov_{field}.csv", index=False)
            write_rows(truth / f"traj_labs_fov_{field}.txt", labels[0])
            counts = counts + states[0][-1]
        ensemble = np.vstack([states[0][:-1], counts])
        np.savetxt(truth / "ensemble_labels.txt", ensemble, delimiter=";", header=settings["model"])


def start(*key):
    """Seed the two generators that the library draws from; return one of our own."""
    words = np.random.SeedSequence(key).generate_state(3)
    np.random.seed(words[0])  # noqa: NPY002
    stochastic_random.seed(int(words[1]))
    return np.random.default_rng(words[2])


def wide(model, rng):
    """Parameters with states on their own: K .05 to 3 px^2 / frame^alpha, alpha .3 to 1.8."""
    several = model in (2, 4, 5)
    count = int(rng.integers(2, 4)) if model == 2 else 2 if several else 1
    fast = rng.uniform(0.3, 3)
    k = np.exp(rng.uniform(math.log(0.05), math.log(3), count))
    alpha = rng.uniform(0.3, 1.8, count)
    if model == 3:
        k = np.array([fast])
    elif several and model != 2:
        k = np.array([fast, fast * rng.uniform(0.1, 0.8)])
        alpha = np.array([rng.uniform(0.5, 1.5), rng.uniform(0.3, 1.2)])
    of_states = {  # mean and variance over the particles
        "Ds": np.column_stack([k, 0.01 * k]),
        "alphas": np.column_stack([alpha, np.full(count, 0.01)]),
    }
    found = of_states if several else {name: rows[0] for name, rows in of_states.items()}
    if model == 2:
        leave = rng.uniform(0.01, 0.03)
        found["M"] = np.full((count, count), leave / (count - 1))
        np.fill_diagonal(found["M"], 1 - leave)
    elif model in (3, 4):
        found["Pu"] = rng.uniform(0.01, 0.04)
    elif model == 5:
        found |= {"r": rng.uniform(3, 8), "trans": rng.uniform(0, 0.2)}
    return found


def write_rows(path, rows):
    text = "".join(",".join(f"{float(value):.8g}" for value in row) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")


def trivial(folder, submission):
    for path in sorted(folder.glob("data/track_2/exp_*/trajs_fov_*.csv")):
        table = pd.read_csv(path)
        own = submission / "track_2" / path.parent.name
        own.mkdir(parents=True, exist_ok=True)
        rows = []
        for index, track in table.groupby("traj_idx"):
            square = (np.diff(track[["x", "y"]], axis=0) ** 2).sum(axis=1).mean()
            rows.append([index, max(square / 4 - NOISE**2, 0), 1, FREE, len(track)])
        write_rows(own / path.name.removeprefix("trajs_").replace(".csv", ".txt"), rows)
        k = np.mean([row[1] for row in rows])
        np.savetxt(own / "ensemble_labels.txt", [[1], [0.01], [k], [0.01 * k], [1]], header="one")


def score(folder, submission):
    truth = folder / "truth"
    numbers = sorted(int(path.name.partition("_")[2]) for path in (truth / "track_2").iterdir())
    counts = change_points(truth, submission)  # refuses what the library would score as worst
    mean, _ = run_single_task(numbers, 2, str(submission), str(truth))
    ensemble, _ = run_ensemble_task(numbers, 2, str(submission), str(truth))
    names = ("RMSE", "JSC", "MAE alpha", "MSLE K", "F1 state")
    print(
        json.dumps(
            dict(zip(names, map(float, mean), strict=True))
            | {"W1 alpha": float(ensemble[0]), "W1 K": float(ensemble[1])}
            | counts
        )
    )


def change_points(truth, submission):
    """Count what tracks without a change cannot lift, over all tracks together."""
    found = true = said = unchanged = invented = tracks = 0
    late = []
    for path in sorted(truth.glob("track_2/exp_*/traj_labs_fov_*.txt")):
        own = submission / path.relative_to(truth).with_name(path.name.removeprefix("traj_labs_"))
        labels, answers = read(path), read(own)
        if labels.keys() != answers.keys():
            sys.exit(f"{own}: other tracks than {path}")
        for index, points in labels.items():
            mine = answers[index]
            off = np.zeros(0)
            if len(points) and len(mine):
                (row, column), _ = changepoint_assignment(points, mine)
                off = mine[column] - points[row]
                off = off[np.abs(off) < RIGHT]
            late.append(off)
            found, true, said = found + len(off), true + len(points), said + len(mine)
            unchanged += not len(points)
            invented += not len(points) and len(mine) > 0
            tracks += 1
    return {
        "tracks": tracks,
        "F1 changes": 2 * found / max(true + said, 1),
        "recall": found / max(true, 1),
        "invented": invented / max(unchanged, 1),
        "late": float(np.median(np.concatenate(late))) if found else math.nan,
    }


def read(path):
    """Return the change points of each track of a file, without the end of the track."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [np.array([float(value) for value in line.split(",")]) for line in lines]
    return {int(row[0]): row[4::4][:-1].astype(int) for row in rows}


def main():
    task, folder, *others = sys.argv[1:]
    if task == "make":
        priors, *numbers = others
        make(Path(folder), priors, *map(int, numbers))
    else:
        {"score": score, "trivial": trivial}[task](Path(folder), Path(others[0]))


if __name__ == "__main__":
    main()
