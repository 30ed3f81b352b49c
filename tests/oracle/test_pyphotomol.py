"""Titrations by pyphotomol and the formulas of its two notebooks, on the same tables.

It needs Python 3.12: PERRIN_PYPHOTOMOL names a Python that has it (1.0.1); without it skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import curve_fit

from perrin.batch import run_batch
from perrin.batch.affinity import fit_affinity
from perrin.mass.affinity_model import parse_model
from perrin.types import FloatArray

PYTHON = os.environ.get("PERRIN_PYPHOTOMOL")
pytestmark = pytest.mark.skipif(PYTHON is None, reason="PERRIN_PYPHOTOMOL names no Python")


def tables(
    folder: Path, text: str, kd: float, totals: FloatArray, masses: Mapping[str, float]
) -> Path:
    """Event tables of a titration without errors but counting, and their sheet."""
    rng, model = np.random.default_rng(3), parse_model(text)
    concentrations = model.concentrations(np.log([kd]), totals)
    lines = [",".join(["file", *(f"{name}_nM" for name in model.components)])]
    seen = [model.species.index(name) for name in masses]
    for k, (row, total) in enumerate(zip(concentrations[:, seen], totals, strict=True)):
        numbers = rng.multinomial(4000, row / row.sum())
        found = np.concatenate(
            [rng.normal(m, 0.08 * m, n) for m, n in zip(masses.values(), numbers, strict=True)]
        )
        rows = "".join(f"{-4e-5 * mass:.7f},{mass:.4f}\n" for mass in found)
        (folder / f"w{k}.csv").write_text("contrasts,masses_kDa\n" + rows)
        lines.append(",".join([f"w{k}.csv", *(f"{one:g}" for one in total)]))
    (folder / "plate.csv").write_text("\n".join(lines) + "\n")
    return folder / "plate.csv"


def theirs(folder: Path, masses: Sequence[float]) -> FloatArray:
    """Counts (W, S) by pyphotomol."""
    script = Path(__file__).with_name("pyphotomol_side.py")
    files = [str(path) for path in sorted(folder.glob("w*.csv"))]
    command = [str(PYTHON), str(script), ",".join(f"{mass:g}" for mass in masses), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return np.array(json.loads(done.stdout))


def ours(sheet: Path, out: Path, species: str, model: str) -> tuple[FloatArray, float]:
    """Counts (W, S) and Kd by perrin, whose stocks and efficiencies are exact here."""
    found = run_batch(sheet, out, species=species, resamples=0, figures=False)
    names = [part.partition(":")[0] for part in species.split(",")]
    numbers = found.measurements[[f"{name}_count" for name in names]].to_numpy(float)
    fitted = fit_affinity(out, model, efficiency_error=1e-4, concentration_error=1e-4)
    kd = fitted.constants[0].kd_nM
    assert kd is not None
    return numbers, kd


def test_monomer_and_dimer(tmp_path: Path) -> None:
    total = np.array([1.0, 2, 4, 8, 16, 32, 64])
    sheet = tables(tmp_path, "A+A=AA", 8.35, total[:, None], {"A": 86.0, "AA": 172.0})
    counts = theirs(tmp_path, [86, 172])
    numbers, kd = ours(sheet, tmp_path / "out", "A:40-129,AA:129-260", "A+A=AA")
    fractions = [n[:, 1] / n.sum(axis=1) for n in (counts, numbers)]
    np.testing.assert_allclose(fractions[1], fractions[0], atol=0.02)

    def bound(t: FloatArray, kd: float) -> FloatArray:
        free = (-kd + np.sqrt(kd**2 + 8 * t * kd)) / 4
        return np.asarray((t - free) / t)

    dimer = 2 * counts[:, 1] / (counts[:, 0] + 2 * counts[:, 1])
    (by_them,), _ = curve_fit(bound, total, dimer, p0=[1])
    assert kd == pytest.approx(by_them, rel=0.05)
    assert kd == pytest.approx(8.35, rel=0.05)


def test_complex_formation(tmp_path: Path) -> None:
    """Kd = A B / AB of each well, the median of them; B is too light to be seen."""
    b = 0.25 * 1.65 ** np.arange(2.0, 9.0)
    totals = np.stack([np.full(7, 5.0), b], axis=1)
    sheet = tables(tmp_path, "A+B=AB", 1.2, totals, {"A": 86.0, "AB": 150.0})
    counts = theirs(tmp_path, [86, 150])
    _, kd = ours(sheet, tmp_path / "out", "A:40-118,AB:118-230", "A+B=AB")
    free, bound_a = (5.0 * counts / counts.sum(axis=1, keepdims=True)).T
    assert kd == pytest.approx(np.median(free * (b - bound_a) / bound_a), rel=0.15)
    assert kd == pytest.approx(1.2, rel=0.1)
