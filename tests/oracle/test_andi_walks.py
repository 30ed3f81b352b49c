"""Walks against andi-datasets: the same distributions, by Kolmogorov and Smirnov."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from perrin.simulate.walks import ctrw, fbm

COUNT, LENGTH = 1500, 60
FALSE_ALARM = 1e-4


pytestmark = pytest.mark.filterwarnings("ignore")  # what it warns of at import is its own


@pytest.fixture(scope="module")
def theory():
    module = pytest.importorskip(
        "andi_datasets.models_theory", reason="andi-datasets is not installed"
    )
    np.random.seed(1)  # noqa: NPY002 - it knows no other random numbers
    return module.models_theory()


def statistics(walks: np.ndarray) -> dict[str, np.ndarray]:
    """Numbers of each walk that do not depend on how its first frames are counted."""
    late = walks[:, 10:]
    steps = np.diff(late, axis=1)
    return {
        "spread": late.std(axis=1).mean(axis=1).round(9),  # of a walk at rest: rounding
        "end to end": np.linalg.norm(late[:, -1] - late[:, 0], axis=1),
        "step": np.sqrt((steps**2).mean(axis=(1, 2))),
        "still": (steps == 0).all(axis=2).mean(axis=1),
    }


def theirs(draw, alpha: float) -> np.ndarray:
    flat = np.array([draw(LENGTH, alpha, D=2) for _ in range(COUNT)])
    return flat.reshape(COUNT, 2, LENGTH).transpose(0, 2, 1)


@pytest.mark.parametrize("alpha", [0.4, 0.9])
def test_ctrw_has_the_same_distributions(theory, alpha: float) -> None:
    ours = ctrw(np.full(COUNT, alpha), length=LENGTH, rng=np.random.default_rng(2))
    compare(statistics(ours), statistics(theirs(theory.ctrw, alpha)))


@pytest.mark.parametrize("alpha", [0.4, 1.5])
def test_fbm_has_the_same_distributions(theory, alpha: float) -> None:
    walks = theirs(theory.fbm, alpha)
    # its steps have another variance, which depends on the length: compare shapes
    scale = statistics(walks)["step"].mean()
    ours = fbm(np.full(COUNT, alpha), length=LENGTH, rng=np.random.default_rng(3))
    own = statistics(ours)["step"].mean()
    compare(statistics(ours / own), statistics(walks / scale))


def compare(ours: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> None:
    for name, values in ours.items():
        if values.any():
            assert ks_2samp(values, others[name]).pvalue > FALSE_ALARM, name
