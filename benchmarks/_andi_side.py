"""Test walks of ``andi.py`` by andi-datasets itself; runs in an environment that has it.

Called as ``python _andi_side.py out.npz count dims seed``. For both tasks and both protocols the
walks of each length are arrays (count, length, dims) named ``task_protocol_length``, with
``..._model`` (index of attm, ctrw, fbm, lw, sbm) and ``..._alpha`` beside. Exponents are those of
the challenge's grid. Task 1: an exponent, then one of the models that have it; task 2: a model,
then one of its exponents. Steps scaled to unit standard deviation for each axis, noise of .1, .5
or 1 added, as `challenge_theory_dataset` does.
"""

import sys

import numpy as np
from andi_datasets.datasets_theory import datasets_theory
from andi_datasets.utils_trajectories import normalize

GRID = np.arange(0.05, 2.01, 0.05)
WHOLE = 999
LENGTHS = (10, 20, 50, 100, 200, 300)


def main():
    path, count, dims, seed = sys.argv[1], *map(int, sys.argv[2:5])
    np.random.seed(seed)  # noqa: NPY002 - andi-datasets draws from it
    rng = np.random.default_rng(seed)
    source = datasets_theory()
    source._dimension = dims
    source._get_models()
    walks = {}
    for task in (1, 2):
        alpha, model = labels(task, count, rng)
        whole = noisy(source, model, alpha, WHOLE, dims, rng)
        for length in LENGTHS:
            exact = noisy(source, model, alpha, length, dims, rng)
            for protocol, drawn in (("exact", exact), ("cut", whole[:, :length])):
                name = f"{task}_{protocol}_{length}"
                walks |= {name: drawn, f"{name}_model": model, f"{name}_alpha": alpha}
    np.savez(path, **walks)


def labels(task, count, rng):
    """Exponents (count,) and models (count,)."""
    allowed = np.zeros((5, len(GRID)), dtype=bool)
    allowed[:2, GRID < 1.001] = True
    allowed[2, GRID < 1.999] = True
    allowed[3, GRID > 0.999] = True
    allowed[4] = True
    alpha, model = np.empty(count), np.empty(count, dtype=int)
    for i in range(count):
        if task == 1:
            k = rng.integers(len(GRID))
            model[i] = rng.choice(np.flatnonzero(allowed[:, k]))
        else:
            model[i] = rng.integers(5)
            k = rng.choice(np.flatnonzero(allowed[model[i]]))
        alpha[i] = GRID[k]
    return alpha, model


def noisy(source, model, alpha, length, dims, rng):
    """Walks (count, length, dims), normalized, with localization noise."""
    drawn = np.empty((len(model), dims, length))
    for i, (k, exponent) in enumerate(zip(model, alpha, strict=True)):
        draw = source.avail_models_func[k]
        # rounding: 1.0000000000000002 is out of range for half of the models
        drawn[i] = np.reshape(draw(length, round(exponent, 2))[: dims * length], (dims, length))
    drawn = normalize(drawn.reshape(-1, length)).reshape(drawn.shape)
    noise = rng.choice([0.1, 0.5, 1.0], size=len(model))
    drawn += noise[:, None, None] * rng.standard_normal(drawn.shape)
    return drawn.transpose(0, 2, 1)


if __name__ == "__main__":
    main()
