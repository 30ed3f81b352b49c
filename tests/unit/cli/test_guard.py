"""No command deletes or replaces what perrin did not write, whatever lies where its `--out` goes.

How results are replaced is tested in ``io/test_output.py``; here, that every command asks first.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from perrin.cli.main import app
from perrin.io.output_folder import written_folder
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import simulate_mixture
from perrin.simulate.walk_tables import tracks_table

FOLDERS: dict[str, str] = {
    "affinity": "plate --model A+B=AB",
    "andi2": "challenge",
    "batch": "sheet.csv",
    "demo": "",
    "diffusion": "walks.csv --units unknown",
    "edit-tracks": "rods-results rods-results/tracks.csv",
    "evaluate andi": "",
    "evaluate classifier": "",
    "evaluate kinds": "",
    "evaluate mixture": "",
    "evaluate quantifier": "",
    "landings": "sample.mp",
    "reproduce": "bsa",
    "spectrum": "events.csv",
    "track": "rods.tif --kind rods",
    "train andi": "",
    "train classifier": "",
    "train kinds": "",
    "train mixture": "",
    "train quantifier": "",
}
"""Commands whose results are a folder, and what else they need."""


def rows(table: str) -> dict[str, tuple[str, str]]:
    cells = ([cell.strip() for cell in line.split("|")] for line in table.strip().splitlines())
    return {name: (words, target) for name, words, target in cells}


FILES = rows("""
andi                | walks.csv                               | andi.csv
calibrate           | --pair 66:-0.0025 --pair 150:-0.0057    | line.json
psf                 | sample.mp                               | psf.npz
report              | rods-results                            | page.html
simulate landings   | --preset bsa --seconds 5                | movie.mp
simulate motion     | --kind rods                             | movie.tif
simulate thumbnails | --count 10                              | some.npz
simulate walks      | --count 2 --length 20 --kind fbm        | fbm.csv
stack               | rods.tif rods-results --particle 0      | stack.tif
""")
"""Commands whose result is a file, what else they need, and a name for it."""
INPUTS = rows("""
andi                | {}                                      | walks.csv
calibrate           | {} --ladder 150,300                     | sample.mp
psf                 | {}                                      | sample.mp
report              | results                                 | results/summary.json
simulate landings   | --preset bsa --seconds 5 --background {} | sample.mp
simulate thumbnails | --count 10 --psf {}                     | psf.npz
stack               | {} rods-results --particle 0            | sample.mp
""")
"""Commands whose result could be a file that they read, what else they need, and that file."""
OWN = {"events.csv": "of another program", "summary.json": "{}", "deeper/notes.txt": "a year"}


def commands(group: Any, above: str = "") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, one in group.commands.items():
        full = f"{above} {name}".strip()
        found |= commands(one, full) if hasattr(one, "commands") else {full: one}
    return found


COMMANDS = commands(typer.main.get_command(app))


def has(name: str, option: str) -> bool:
    return any(one.name == option for one in COMMANDS[name].params)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, movie_file: Path) -> Path:
    """A folder with what the commands need before they look at `--out`."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "sample.mp").symlink_to(movie_file)
    drawn = simulate_mixture(MixtureSettings(length=60), count=2, rng=np.random.default_rng(0))
    tracks_table(drawn.positions, drawn.seen).to_csv(folder / "walks.csv", index=False)
    (folder / "events.csv").write_text("contrast\n" + "-0.005\n" * 100)
    (folder / "sheet.csv").write_text("file,measurement\nevents.csv,one\n")
    return folder


@pytest.fixture
def refused(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command that is refused in the folder of inputs; return what it says."""

    def call(*words: str) -> str:
        monkeypatch.chdir(inputs)
        done = CliRunner().invoke(app, list(words))
        assert done.exit_code != 0, done.output
        return f"{done.exception}"

    return call


def of_the_user(folder: Path) -> Path:
    for name, text in OWN.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_command_that_writes_is_among_them() -> None:
    assert {name for name in COMMANDS if has(name, "out")} == {*FOLDERS, *FILES}


@pytest.mark.parametrize("place", ["a folder", "a file"])
@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_a_folder_or_file_of_the_user_is_refused(
    name: str, place: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    """With `--overwrite` too, where there is one."""
    tmp_path = tmp_path / "results"
    before = tree(of_the_user(tmp_path))
    folder = tmp_path.parent if name == "demo" else tmp_path  # its results are in a folder of it
    out = folder if place == "a folder" else tmp_path / "deeper" / "notes.txt"
    words = [*name.split(), *FOLDERS[name].split(), "--out", str(out)]
    said = refused(*words, *(["--overwrite"] if has(name, "overwrite") else []))
    assert str(out) in said
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", sorted(FOLDERS.keys() - {"demo"}))
def test_no_results_replace_a_trained_network(
    name: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    """Not even the one that is measured: `perrin evaluate mixture --model ./mine -o mine`."""
    with written_folder(tmp_path / "mine", network=True) as partial:
        (partial / "card.json").write_text("days of training")
    before = tree(tmp_path)
    words = [*name.split(), *FOLDERS[name].split(), "--out", str(tmp_path / "mine")]
    assert str(tmp_path / "mine") in refused(
        *words, *(["--overwrite"] if has(name, "overwrite") else [])
    )
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_needs_overwrite_and_a_folder_is_refused(
    name: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    words, target = FILES[name]
    of_the_user(tmp_path / target)
    (tmp_path / "file" / target).parent.mkdir()
    (tmp_path / "file" / target).write_text("mine")
    before = tree(tmp_path)
    for out, more in ((tmp_path / "file" / target, []), (tmp_path / target, ["--overwrite"])):
        said = refused(*name.split(), *words.split(), "--out", str(out), *more)
        assert str(out) in said
        assert tree(tmp_path) == before


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_what_is_read_is_never_replaced(
    name: str, inputs: Path, refused: Callable[..., str]
) -> None:
    words, source = INPUTS[name]
    path = inputs / source
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        path.write_text("of the user")
    before = path.read_bytes()
    said = refused(*name.split(), *words.format(source).split(), "--out", source, "--overwrite")
    assert source in said
    assert path.read_bytes() == before
