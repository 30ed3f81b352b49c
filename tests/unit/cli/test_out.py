"""Where results go without `--out`, and which error comes first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
import typer

import perrin
from perrin.cli.main import app
from perrin.io.output import named_after


def commands(group: Any, above: str = "") -> list[tuple[str, click.Command]]:
    found = []
    for name, one in group.commands.items():
        full = f"{above} {name}".strip()
        found += commands(one, full) if hasattr(one, "commands") else [(full, one)]
    return found


@pytest.mark.parametrize(("name", "command"), commands(typer.main.get_command(app)))
def test_out_may_always_be_left_out(name: str, command: click.Command) -> None:
    out = [one for one in command.params if one.name == "out"]
    assert not any(one.required for one in out)
    for one in out:
        record = one.get_help_record(click.Context(command))
        assert record is not None
        assert "default: " in record[1]


def test_what_is_made_of_results_is_called_as_what_they_are_of(tmp_path: Path) -> None:
    folder = tmp_path / "rods-results"
    folder.mkdir()
    assert named_after(folder, "-diffusion") == "rods-diffusion"
    assert named_after(tmp_path / "rods.tif", "-results") == "rods-results"
    assert named_after(tmp_path / "rods-results.csv", "-diffusion") == "rods-results-diffusion"


def test_walks_their_motion_and_the_error_of_an_option_first(
    typed: Any, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    typed("simulate", "walks", "--count", 2, "--length", 60, "--kind", "fbm")
    words = ("--units", "unknown")
    typed("diffusion", "fbm.csv", *words)
    assert (tmp_path / "fbm-results" / "report.html").is_file()
    typed("diffusion", "fbm-results", *words)
    assert (tmp_path / "fbm-diffusion" / "report.html").is_file()
    status, _, said = run("diffusion", "fbm.csv", *words)
    assert (status, "already holds results" in said) == (1, True)
    status, _, said = run("diffusion", "fbm.csv", *words, "--window", 0)
    assert (status, "--window 0" in said) == (1, True)


def test_results_of_an_earlier_version_name_the_command_that_makes_them_again(
    tmp_path: Path,
) -> None:
    command = ["perrin", "track", "my rods.tif", "--kind", "rods"]
    said = {"perrin_version": "0.0.7", "run": {"command": command}}
    (tmp_path / "summary.json").write_text(json.dumps(said))
    with pytest.raises(perrin.PerrinError, match=r"0\.0\.7.* perrin track 'my rods\.tif' --kind"):
        perrin.read_results(tmp_path)
    (tmp_path / "summary.json").write_text(json.dumps(said | {"run": {"command": ["perrin"]}}))
    with pytest.raises(perrin.PerrinError, match="no results folder"):
        perrin.read_results(tmp_path)
