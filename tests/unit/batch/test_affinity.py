"""From the tables of a titration to the sentence with its constant."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from perrin.batch import fit_affinity, read_batch, run_batch
from perrin.batch.affinity import _log_with_sd
from perrin.cli.main import app
from perrin.errors import PerrinError
from perrin.mass.affinity_model import parse_model

from .conftest import Plate

CONCENTRATIONS = np.repeat([1.0, 5.0, 15.0, 60.0], 2)


@pytest.fixture
def titration(plate: Plate, tmp_path: Path) -> Path:
    """Eight wells of A+B=AB with a Kd of 12 nM and 10 nM of A; the last well is empty."""
    totals = np.stack([np.full(8, 10.0), CONCENTRATIONS], axis=1)
    c = parse_model("A+B=AB").concentrations(np.log([12.0]), totals)
    shares = c / c.sum(axis=1, keepdims=True)
    wells = [
        dict(zip(("A", "B", "AB"), np.rint(1500 * p).astype(int), strict=True)) for p in shares
    ]
    wells[-1] = {}
    return plate(*wells, A_nM=["10"] * 8, B_uM=[f"{b / 1000:g}" for b in CONCENTRATIONS])


def test_from_files_to_the_sentence_and_the_numbers_of_the_function(
    titration: Path, tmp_path: Path
) -> None:
    out, kd = tmp_path / "out", tmp_path / "kd"
    run_batch(titration, out, species="A:66,B:150,AB:216", resamples=0)
    done = CliRunner().invoke(app, ["affinity", str(out), "--model", "A+B=AB", "--out", str(kd)])
    assert done.exit_code == 0, done.output
    assert "A+B=AB: Kd = 1" in done.output
    assert "7 wells" in done.output
    summary = json.loads((kd / "summary.json").read_text())
    assert summary["kd_nM_low"] < 12 < summary["kd_nM_high"]
    assert summary["kd_nM"] == pytest.approx(12, rel=0.15)
    wells = pd.read_csv(kd / "wells.csv")
    assert wells["B_nM"].tolist() == CONCENTRATIONS[:-1].tolist()
    expected = wells[["A_expected", "B_expected", "AB_expected"]].sum(axis=1)
    counted = wells[["A_count", "B_count", "AB_count"]].sum(axis=1)
    np.testing.assert_allclose(expected, counted)
    curve = pd.read_csv(kd / "curve.csv")
    np.testing.assert_allclose(curve.filter(like="_share").sum(axis=1), 1)
    assert (kd / "figures" / "affinity.svg").is_file()
    found = fit_affinity(out, "A+B=AB")
    constant = found.constants[0]
    (row,) = summary["notes"]
    assert row == found.notes[-1] == "left out: row 9 (s3_rep2: no events)"
    ends = [summary[name] for name in ("kd_nM_low", "kd_nM", "kd_nM_high")]
    assert ends == [constant.low_nM, constant.kd_nM, constant.high_nM]
    fractions = wells.filter(like="_expected").div(counted, axis=0)
    np.testing.assert_allclose(fractions, found.expected)


def test_what_a_titration_lacks_is_said(titration: Path, tmp_path: Path) -> None:
    run_batch(titration, tmp_path / "named", species="A:66,AB:216", resamples=0)
    run_batch(titration, tmp_path / "unnamed", resamples=0)
    with pytest.raises(PerrinError, match="no column C_nM"):
        fit_affinity(tmp_path / "named", "competition")
    with pytest.raises(PerrinError, match=r"the species of .* have no names"):
        fit_affinity(tmp_path / "unnamed", "A+B=AB")
    with pytest.raises(PerrinError, match="is not the folder of a batch"):
        fit_affinity(tmp_path, "A+B=AB")
    with pytest.raises(PerrinError, match="bound from free"):
        fit_affinity(tmp_path / "named", "A+A=AA")
    with pytest.raises(PerrinError, match="--efficiency-error is -1"):
        fit_affinity(tmp_path / "named", "A+B=AB", efficiency_error=-1)


def test_a_well_without_a_concentration_is_named(titration: Path, tmp_path: Path) -> None:
    titration.write_text(titration.read_text().replace("s0_rep2.csv,10,", "s0_rep2.csv,,"))
    run_batch(titration, tmp_path / "out", species="A:66,AB:216", resamples=0)
    with pytest.raises(PerrinError, match="row 3 of the sheet has no A_nM"):
        fit_affinity(tmp_path / "out", "A+B=AB")


def test_retention_from_simulations_shifts_what_is_expected(
    titration: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_batch(titration, out, species="A:66,B:150,AB:216", resamples=0)
    for record in (out / "rows").glob("*/row.json"):
        stored = json.loads(record.read_text())
        stored["found"]["abundances"] = [
            {
                "species": f"{mass} kDa",
                "retention": kept,
                "retention_low": 0.98 * kept,
                "retention_high": 1.02 * kept,
            }
            for mass, kept in ((66, 0.4), (150, 0.8), (216, 0.8))
        ]
        record.write_text(json.dumps(stored))
    told = fit_affinity(out, "A+B=AB")
    np.testing.assert_allclose(np.exp(told.titration.log_efficiency), [0.4, 0.8, 0.8])
    assert told.titration.log_efficiency_sd[1] == pytest.approx(0.1005, abs=1e-3)


def test_a_sheet_that_changed_since_is_refused(titration: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_batch(titration, out, species="A:66,B:150,AB:216", resamples=0)
    lines = titration.read_text().splitlines()
    lines[1] = lines[1].replace(",10,", ",20,")
    titration.write_text("\n".join(lines) + "\n")
    with pytest.raises(PerrinError, match=r"plate.csv changed since .*perrin batch .* --out"):
        fit_affinity(out, "A+B=AB")
    run_batch(titration, out, species="A:66,B:150,AB:216", resamples=0)
    assert fit_affinity(read_batch(out), "A+B=AB").titration.totals[0, 0] == 20


def test_the_error_of_a_retention_is_that_of_its_95_percent_interval() -> None:
    """A hundred thousand draws whose logarithm is off by .2: their interval says so."""
    drawn = np.exp(np.random.default_rng(3).normal(np.log(0.3), 0.2, 100_000))
    low, high = np.quantile(drawn, (0.025, 0.975))
    found = _log_with_sd({"retention": 0.3, "retention_low": low, "retention_high": high})
    np.testing.assert_allclose(found, (np.log(0.3), 0.2), rtol=0.02)
