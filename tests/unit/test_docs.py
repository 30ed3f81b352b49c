"""What README and docs name exists, and what exists is named."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

import perrin
from perrin import tables
from perrin.cli.main import app
from perrin.diffusion import andi
from perrin.diffusion import tables as diffusion_tables
from perrin.events import CLASSES
from perrin.mass.ladders import LADDERS
from perrin.report.page.words import WORDS
from perrin.settings.landing import DetectionSettings
from perrin.simulate.presets import PRESETS
from perrin.tables import EVENTS, Column

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
ROOT_COMMAND: Any = typer.main.get_command(app)


def text(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def code(page: str) -> list[str]:
    """Inline code, and the lines of blocks without their prompt."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return re.findall(r"`([^`]+)`", rest) + lines


def walk(words: list[str]) -> Any:
    """The command that the words start with."""
    command = ROOT_COMMAND
    for word in words:
        if not hasattr(command, "commands"):
            break
        if word.startswith("-") or word == "...":
            break
        command = command.commands[word]
    return command


def options(command: Any) -> set[str]:
    given = (name for one in command.params for name in (*one.opts, *one.secondary_opts))
    names = {"--help", *given}
    for inner in getattr(command, "commands", {}).values():
        names |= options(inner)
    return names


def name(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_and_their_options_exist(page: Path) -> None:
    for line in code(text(page)):
        if not line.startswith("perrin "):
            continue
        words = shlex.split(line, comments=True)[1:]
        known = options(walk(words))
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, line


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_options_named_alone_exist(page: Path) -> None:
    named = {word for part in code(text(page)) for word in re.findall(r"^--[a-z-]+", part)}
    assert named <= options(ROOT_COMMAND)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_dotted_names_exist(page: Path) -> None:
    for dotted in re.findall(r"\bperrin(?:\.[A-Za-z_]\w*)+", text(page)):
        found: Any = perrin
        for depth, part in enumerate(dotted.split(".")[1:], start=2):
            if not hasattr(found, part):
                import_module(".".join(dotted.split(".")[:depth]))
            found = getattr(found, part)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text(page)):
        if target.startswith("_figures/"):  # made by `make docs`, not kept
            assert Path(target).stem in text(ROOT / "docs" / "make_figures.py"), target
        else:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES, ROOT / "docs" / "conf.py"], ids=name)
def test_no_path_of_one_machine(page: Path) -> None:
    assert not re.findall(
        r"(?:[\s`'\"(=]|^)(?:/(?:work|home|tmp|root|Users|opt)/|[A-Z]:\\)", text(page)
    )


def test_every_public_name_is_in_the_reference() -> None:
    reference = text("docs/api.md")
    assert [n for n in perrin.__all__ if not re.search(rf"\bperrin\.{n}\b", reference)] == []


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", text("Makefile"), re.MULTILINE))
    for page in PAGES:
        for line in code(text(page)):
            if line.startswith("make "):
                assert line.split()[1] in targets, f"{page.name}: {line}"


def expanded(page: str) -> str:
    """A page whose columns of every class, as `p_CLASS`, are those of the classes there are."""
    found = text(page)
    for start in ("score", "p"):
        every = ", ".join(f"`{start}_{name}`" for name in CLASSES)
        found = found.replace(f"| `{start}_CLASS` |", f"| {every} |")
    return found


@pytest.mark.parametrize("column", EVENTS, ids=lambda column: column.name)
def test_every_column_is_documented_with_its_unit(column: Any) -> None:
    rows = [line.split("|") for line in expanded("docs/results.md").splitlines() if "|" in line]
    units = [row[2].strip() for row in rows if f"`{column.name}`" in row[1]]
    assert column.unit in units


def schema() -> list[str]:
    """Names of the columns of every schema; ends of intervals go with their column."""
    found = {
        column.name
        for module in (tables, diffusion_tables, andi)
        for columns in vars(module).values()
        if isinstance(columns, tuple) and columns and isinstance(columns[0], Column)
        for column in columns
    }
    ends = ("_low", "_high")
    return sorted(n for n in found if not n.endswith(ends) or n.rpartition("_")[0] not in found)


def glossary() -> list[str]:
    """The names of the first column of the glossary's tables."""
    rows = [line.split("|") for line in expanded("docs/glossary.md").splitlines() if "|" in line]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row[1])]


@pytest.mark.parametrize("column", schema())
def test_every_column_of_a_schema_has_a_line_in_the_glossary(column: str) -> None:
    assert glossary().count(column) == 1


@pytest.mark.parametrize("kind", WORDS)
def test_every_word_that_a_page_explains_is_a_term_of_the_glossary(kind: str) -> None:
    terms = text("docs/glossary.md").partition("## Terms")[2].partition("## Events")[0]
    named = {line.split("|")[1].strip() for line in terms.splitlines() if "|" in line}
    assert {word for word, _ in WORDS[kind]} - named == set()


def test_columns_of_tracked_particles_are_in_the_glossary() -> None:
    named = re.search(r"`particles\.csv`, a row a track: (.*?)\n\n", text("docs/tracking.md"), re.S)
    assert named is not None
    columns = re.findall(r"`(\w+)`", named[1])
    assert len(columns) > 15
    assert set(columns) - set(glossary()) == set()


def test_presets_and_ladders_are_listed() -> None:
    simulate, calibration = text("docs/tutorial-simulate.md"), text("docs/calibration.md")
    assert [preset for preset in PRESETS if f"`{preset}`" not in simulate] == []
    for ladder, masses in LADDERS.items():
        assert f"| `{ladder}` | {', '.join(f'{mass:g}' for mass in masses)} |" in calibration


def test_default_thresholds_are_those_of_the_settings() -> None:
    page, default = text("docs/detection.md"), DetectionSettings()
    assert f"`--spatial-threshold` ({default.spatial_threshold})" in page
    assert f"`--temporal-threshold` ({default.temporal_threshold})" in page
    permissive = DetectionSettings.permissive()
    assert permissive.spatial_threshold == permissive.temporal_threshold
    assert f"`--permissive` sets both to {permissive.spatial_threshold}" in page
