"""A command over many measurements is one file: found by being in `perrin.cli.many`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perrin.batch import read_batch, run_batch
from perrin.cli import many
from perrin.cli.layout import App

from .conftest import Plate

SPREAD = '''
"""How much replicates differ."""

from pathlib import Path

import typer

from perrin.batch import read_batch


def register(app: typer.Typer) -> None:
    app.command("spread")(spread)


def spread(batch: Path) -> None:
    """Say how much the landings of replicates differ."""
    table = read_batch(batch).measurements
    for sample, rows in table.groupby("sample"):
        typer.echo(f"{sample}: {rows['landings'].min()} to {rows['landings'].max()} landings")
'''


def test_a_module_beside_the_others_is_a_command(
    plate: Plate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = plate({"A": 100}, {"A": 140}, {"A": 200}, {"A": 210})
    run_batch(sheet, tmp_path / "out", resamples=0, figures=False)
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "spread.py").write_text(SPREAD, encoding="utf-8")
    monkeypatch.setattr(many, "__path__", [*many.__path__, str(tmp_path / "modules")])
    monkeypatch.delitem(sys.modules, "perrin.cli.many.spread", raising=False)
    app = App()
    many.register(app)
    done = CliRunner().invoke(app, ["spread", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    landings = read_batch(tmp_path / "out").measurements["landings"]
    assert landings.tolist() == [100, 140, 200, 210]
    assert done.output.splitlines() == ["s0: 100 to 140 landings", "s1: 200 to 210 landings"]
