"""Files and functions stay short enough to be held in the head.

The limits are the longest of today; lower them where the longest gets shorter, never raise them.
"""

from __future__ import annotations

import ast
from pathlib import Path

import perrin

SOURCE = Path(perrin.__file__).parent
MOST_LINES_OF_A_FILE = 440
MOST_LINES_OF_A_FUNCTION = 87  # without its signature and docstring


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, docstring left out."""
    said = ast.get_docstring(function) is not None
    first = function.body[min(int(said), len(function.body) - 1)]
    return (function.end_lineno or 0) - first.lineno + 1


def test_no_file_grows_beyond_the_longest() -> None:
    longest = {path.name: len(path.read_text("utf-8").splitlines()) for path in files()}
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


def files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))
