"""Files and functions stay short enough to be held in the head."""

from __future__ import annotations

import ast
import inspect
import re
import runpy
from pathlib import Path

import perrin
from perrin.pipeline.landings import STEPS

SOURCE = Path(perrin.__file__).parent
TESTS = Path(__file__).resolve().parents[1]
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 50  # on one screen, signature and docstring too
MOST_LINES_OF_A_STEP = 25


def test_a_file_can_be_held_in_the_head() -> None:
    long = {str(path.relative_to(SOURCE)): lines(path) for path in files()}
    assert {name: n for name, n in long.items() if n > MOST_LINES_OF_A_FILE} == {}


def test_a_function_fits_on_one_screen() -> None:
    found = {
        f"{path.relative_to(SOURCE)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in files()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(found) > 1000
    assert {name: n for name, n in found.items() if n > MOST_LINES_OF_A_FUNCTION} == {}


def test_an_analysis_is_a_list_of_short_steps() -> None:
    found = {step.__name__: len(inspect.getsource(step).splitlines()) for step in STEPS}
    assert len(found) > 10
    assert {name: n for name, n in found.items() if n > MOST_LINES_OF_A_STEP} == {}


def test_types_of_arrays_are_named_in_one_module() -> None:
    named = [
        f"{path.relative_to(SOURCE)}: {line}"
        for path in files()
        if path.name != "types.py"
        for line in path.read_text("utf-8").splitlines()
        if re.fullmatch(r" *\w+ = (npt\.)?NDArray\[(Any|np\.(float64|float32|int64|bool_))\]", line)
    ]
    assert named == []


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def test_every_mutation_fits_the_source_and_has_its_test() -> None:
    """Else `make mutations` calls it a survivor, and nobody runs that every day."""
    mutations = runpy.run_path(str(TESTS / "mutations.py"), run_name="mutations")["MUTATIONS"]
    for mutation in mutations:
        text = (SOURCE / mutation.file).read_text(encoding="utf-8")
        assert text.count(mutation.old) == 1, mutation
        path, _, name = mutation.test.partition("::")
        place = TESTS.parent / path
        assert place.exists(), mutation
        assert not name or f"def {name.partition('[')[0]}(" in place.read_text(encoding="utf-8")
