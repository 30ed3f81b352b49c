"""Files and functions stay short enough to be held in the head.

The limits are the longest of today; lower them where the longest gets shorter, never raise them.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import perrin

SOURCE = Path(perrin.__file__).parent
MOST_LINES_OF_A_FILE = 413
MOST_LINES_OF_A_FUNCTION = 87  # without its signature and docstring


SHORT = (
    "app",
    "batch",
    "cli",
    "diffusion",
    "evaluate",
    "io",
    "landing",
    "mass",
    "models",
    "optics",
    "pipeline",
    "paper",
    "report",
    "results",
    "simulate",
    "stats.py",
    "tracking",
    "train",
    "types.py",
)
"""Here the goal is reached: a function on one screen, a file in the head."""
MOST_LINES_ON_ONE_SCREEN = 50  # of a function, signature and docstring too
MOST_LINES_IN_THE_HEAD = 400


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, docstring left out."""
    said = ast.get_docstring(function) is not None
    first = function.body[min(int(said), len(function.body) - 1)]
    return (function.end_lineno or 0) - first.lineno + 1


def test_no_file_grows_beyond_the_longest() -> None:
    longest = {path.name: lines(path) for path in files()}
    assert {name: n for name, n in longest.items() if n > MOST_LINES_OF_A_FILE} == {}


def test_no_function_grows_beyond_the_longest() -> None:
    found = {
        f"{path.name}:{node.name}": length(node)
        for path in files()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(found) > 1000
    assert {name: n for name, n in found.items() if n > MOST_LINES_OF_A_FUNCTION} == {}


def test_where_the_goal_is_reached_it_stays_so() -> None:
    short = [path for path in files() if path.relative_to(SOURCE).parts[0] in SHORT]
    assert {path.relative_to(SOURCE).parts[0] for path in short} == set(SHORT)
    files_too_long = {path.name for path in short if lines(path) > MOST_LINES_IN_THE_HEAD}
    functions_too_long = {
        f"{path.name}:{node.name}"
        for path in short
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MOST_LINES_ON_ONE_SCREEN
    }
    assert files_too_long == functions_too_long == set()


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
