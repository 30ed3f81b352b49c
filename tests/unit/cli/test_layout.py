"""What `--help` says of every command, and how commands are found."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from perrin.cli import layout
from perrin.cli.main import app

ROOT: Any = typer.main.get_command(app)
WIDTH = 80


def every(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, part in command.commands.items():
        yield from every(f"{name} {word}", part)


COMMANDS = dict(every("perrin", ROOT))
SHOWN = [name for name, command in COMMANDS.items() if not command.hidden]


def help_of(words: list[str]) -> list[str]:
    done = CliRunner().invoke(app, [*words, "--help"], prog_name="perrin", terminal_width=WIDTH)
    assert done.exit_code == 0
    return done.output.splitlines()


@pytest.mark.parametrize("name", SHOWN)
def test_every_command_has_examples_of_itself_that_fit_a_terminal(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for pattern in ("a.mp", "a.csv"):  # for *.mp and *.csv
        Path(pattern).touch()
    lines = help_of(name.split()[1:])
    assert max(map(len, lines)) <= WIDTH
    examples = [line.strip() for line in lines if line.startswith("  perrin ")]
    assert any(one.startswith(name) for one in examples), examples
    for one in examples:
        words = shlex.split(one.partition(" > ")[0])
        command = COMMANDS[" ".join(words[: len(name.split())])]
        command.make_context(name, words[len(name.split()) :])  # raises for what it has not


@pytest.mark.parametrize("name", SHOWN)
def test_out_has_its_short_form_everywhere(name: str) -> None:
    for parameter in COMMANDS[name].params:
        if "--out" in parameter.opts:
            assert "-o" in parameter.opts


def test_common_options_come_first_and_rare_ones_in_groups() -> None:
    lines = help_of(["landings"])
    titles = [line.rstrip(":") for line in lines if line and not line.startswith(" ")][1:]
    assert titles == [
        "Arguments",
        "Options",
        layout.FINDING,
        layout.SCORES,
        layout.FILE,
        layout.NUMBERS,
    ]
    common = lines[lines.index("Options:") : lines.index(f"{layout.FINDING}:")]
    for option in ("--calibrant", "--ladder", "--calibration", "--out", "--overwrite", "--help"):
        assert any(option in line for line in common)


def test_commands_are_grouped_and_no_sentence_is_cut() -> None:
    lines = help_of([])
    titles = [line.rstrip(":") for line in lines if line and not line.startswith(" ")][1:]
    assert titles == ["Options", *layout.COMMANDS]
    assert not [line for line in lines if line.endswith("...") and "Usage" not in line]
    assert not [line for line in lines if "analyse" in line]


@pytest.mark.parametrize("word", ["analyse", "analyze"])
def test_both_spellings_lead_home(word: str, tmp_path: Any) -> None:
    table = tmp_path / "walks.csv"
    table.write_text("particle,frame,x,y\n" + "".join(f"0,{k},{k % 7},{k % 5}\n" for k in range(9)))
    done = CliRunner().invoke(app, [word, str(table), "--pixel-nm", "72"])
    assert done.exit_code == 2
    assert f"perrin diffusion {table}" in done.output
    assert "perrin landings" not in done.output
    done = CliRunner().invoke(app, [word])
    assert all(f"perrin {road}" in done.output for road in ("landings", "track", "spectrum"))
