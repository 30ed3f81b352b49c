r"""Exponent and model as in the first AnDi challenge, on walks that andi-datasets draws.

One bundle for all lengths and both dimensions, beside the published figures of RANDI (54
networks, 1,500 trajectories a cell). Protocols: "exact", generated at the length; "cut", the
start of 999 frames. How RANDI's walks were spread over models and exponents is not on record
here, so the error of the exponent is given twice: exponents uniform (a model drawn for each),
and models equally common; "better" asks for both. andi-datasets (2.1.13) needs numpy below 2
and so an environment of its own, named by the variable PERRIN_ANDI_ENV; without it this
benchmark is skipped::

    python3 -m venv $PERRIN_ANDI_ENV
    $PERRIN_ANDI_ENV/bin/pip install andi-datasets IPython

Run: ``PERRIN_ANDI_ENV=/some/folder python benchmarks/andi.py``.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from _measure import run_child, skip
from perrin.evaluate.andi import of_exponent, of_model
from perrin.models.andi import AndiModel
from perrin.simulate.andi import AndiWalks

COUNT, SEED = 3000, 20_264
LENGTHS = (10, 20, 50, 100, 200, 300)
RANDI = {  # exponent's error and micro-F1, exact and cut
    1: {
        "exact": (
            (0.481, 0.385, 0.289, 0.248, 0.194, 0.174),
            (0.292, 0.475, 0.622, 0.72, 0.791, 0.849),
        ),
        "cut": (
            (0.504, 0.437, 0.336, 0.269, 0.214, 0.185),
            (0.309, 0.441, 0.632, 0.745, 0.815, 0.841),
        ),
    },
    2: {
        "exact": (
            (0.47, 0.37, 0.287, 0.226, 0.175, 0.157),
            (0.333, 0.487, 0.68, 0.765, 0.849, 0.865),
        ),
        "cut": ((0.5, 0.413, 0.328, 0.26, 0.204, 0.166), (0.349, 0.503, 0.7, 0.803, 0.839, 0.877)),
    },
}


def main() -> None:
    environment = os.environ.get("PERRIN_ANDI_ENV")
    if not environment:
        skip("PERRIN_ANDI_ENV does not name an environment with andi-datasets (see the docstring)")
    model = AndiModel.load()
    print(f"{COUNT} trajectories a cell and task, seed {SEED}; RANDI's figure in brackets.\n")
    print("| dimensions | protocol | frames | exponent | models even | micro-F1 | better |")
    print("|---|---|---|---|---|---|---|")
    for dims in (1, 2):
        with tempfile.TemporaryDirectory(prefix="perrin-bench-") as folder:
            path = Path(folder, "walks.npz")
            python = Path(environment).absolute() / "bin" / "python"
            side = Path(__file__).with_name("_andi_side.py")
            run_child((python, side, str(path), str(COUNT), str(dims), str(SEED)), cwd=Path(folder))
            with np.load(path) as drawn:
                for protocol, figures in RANDI[dims].items():
                    for k, length in enumerate(LENGTHS):
                        first, second = (walks_of(drawn, task, protocol, length) for task in (1, 2))
                        error = of_exponent(model, first)["alpha_mae"]
                        even = of_exponent(model, second)["alpha_mae"]
                        f1 = of_model(model, second)["micro_f1"]
                        theirs, their_f1 = figures[0][k], figures[1][k]
                        better = "yes" if max(error, even) < theirs and f1 > their_f1 else "no"
                        print(
                            f"| {dims} | {protocol} | {length} | {error:.3f} ({theirs:.3f}) | "
                            f"{even:.3f} | {f1:.3f} ({their_f1:.3f}) | {better} |",
                            flush=True,
                        )


def walks_of(drawn: np.lib.npyio.NpzFile, task: int, protocol: str, length: int) -> AndiWalks:
    """Return the walks of one cell that move."""
    name = f"{task}_{protocol}_{length}"
    positions = drawn[name]
    return AndiWalks(
        positions, drawn[f"{name}_model"], drawn[f"{name}_alpha"], np.full(len(positions), np.nan)
    )


if __name__ == "__main__":
    main()
