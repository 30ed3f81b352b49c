r"""The second AnDi challenge: `perrin andi2` on tracks that andi-datasets draws and scores.

Change points, K, alpha and state of each segment (JSC, RMSE, MAE, MSLE, F1: the library's own
`run_single_task`) and the distributions of alpha and K of each experiment (W1: its own
`run_ensemble_task`). A track without a change that is given none counts as a hit in JSC, so F1 and
recall of the change points alone and the fraction of unchanged tracks that are given one stand
beside. "No change" says nothing: one segment, alpha 1, K from the mean squared step. andi-datasets
(2.1.13) needs an environment of its own, as in ``andi.py``; without it this benchmark is skipped.

Run: ``PERRIN_ANDI_ENV=/some/folder python benchmarks/andi2.py``.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from _measure import perrin_command, print_table, run_child, skip

SETS = {"wide": (10, 3, 4101), "library": (10, 2, 4102)}
"""Experiments, fields of view of each, and seed, by priors."""
GOALS = {
    "wide": {
        "JSC": ".82",
        "RMSE": "1.6",
        "MAE alpha": ".105",
        "MSLE K": ".0100",
        "F1 state": ".96",
        "F1 changes": ".68",
        "invented": "2%",
    },
    "library": {
        "JSC": ".95",
        "RMSE": ".9",
        "MAE alpha": ".105",
        "MSLE K": ".0060",
        "F1 state": ".96",
        "F1 changes": ".93",
    },
}
FORMATS = {
    "JSC": "{:.3f}",
    "RMSE": "{:.2f}",
    "MAE alpha": "{:.3f}",
    "MSLE K": "{:.4f}",
    "F1 state": "{:.3f}",
    "F1 changes": "{:.3f}",
    "recall": "{:.2f}",
    "invented": "{:.1%}",
    "W1 alpha": "{:.3f}",
    "W1 K": "{:.3f}",
    "late": "{:+.0f}",
}


def main() -> None:
    environment = os.environ.get("PERRIN_ANDI_ENV")
    if not environment:
        skip("PERRIN_ANDI_ENV does not name an environment with andi-datasets (see the docstring)")
    python = Path(environment).absolute() / "bin" / "python"
    side = Path(__file__).absolute().with_name("_andi2_side.py")
    rows = []
    for priors, (experiments, fields, seed) in SETS.items():
        with tempfile.TemporaryDirectory(prefix="perrin-bench-") as folder:
            place = Path(folder, "set")
            numbers = map(str, (experiments, fields, seed))
            run_child((python, side, "make", place, priors, *numbers))
            ours, nothing = Path(folder, "perrin"), Path(folder, "nothing")
            child = run_child((perrin_command(), "andi2", place, "--out", ours))
            run_child((python, side, "trivial", place, nothing))
            for who, submission in (("perrin", ours), ("no change", nothing)):
                found = json.loads(run_child((python, side, "score", place, submission)).output)
                speed = f"{found['tracks'] / child.cpu_s:.0f}" if who == "perrin" else ""
                rows.append([priors, found["tracks"], who, *cells(found), speed])
            rows.append(
                [priors, "", "goal", *(GOALS[priors].get(name, "") for name in FORMATS), ""]
            )
    made = "; ".join(
        f"{name} {e} experiments of {f} fields, seed {s}" for name, (e, f, s) in SETS.items()
    )
    print(f"{made}. Tracks a CPU second: the whole command, its start and files included.\n")
    print_table(("priors", "tracks", "who", *FORMATS, "tracks a CPU s"), rows)


def cells(found: Mapping[str, float]) -> list[str]:
    """Text of each figure; a dash where no change was found that could be late."""
    texts = [form.format(found[name]) for name, form in FORMATS.items()]
    return ["-" if "nan" in text else text for text in texts]


if __name__ == "__main__":
    main()
