"""What holds for the package as a whole."""

from __future__ import annotations

import pkgutil
import rlcompleter
import subprocess
import sys
from importlib import import_module

import pytest

import perrin

HEAVY = ("numpy", "pandas", "scipy", "numba", "h5py", "matplotlib", "tifffile", "torch")


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement", ["import perrin", "import perrin.cli.main", "import perrin.io, perrin.tables"]
)
def test_importing_loads_nothing_heavy(statement: str) -> None:
    assert loaded_by(statement) == set()


@pytest.mark.parametrize("name", perrin.__all__)
def test_every_public_name_exists(name: str) -> None:
    assert getattr(perrin, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'analyze'"):
        _ = perrin.analyze  # type: ignore[attr-defined]


def test_what_is_shown_is_what_is_public() -> None:
    """Nothing else, whatever was imported before; also for tab completion."""
    import perrin.cli.main
    import perrin.report.figures

    assert dir(perrin) == sorted(perrin.__all__)
    complete = rlcompleter.Completer({"perrin": perrin}).complete
    found = [complete("perrin.", number) for number in range(500)]
    offered = {text.removeprefix("perrin.").rstrip("()") for text in found if text}
    assert offered == {name for name in perrin.__all__ if not name.startswith("_")}


PACKAGES = [
    name
    for _, name, is_package in pkgutil.walk_packages(perrin.__path__, "perrin.")
    if is_package and not name.startswith("perrin.train")
]


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_exposes_what_it_says(name: str) -> None:
    package = import_module(name)
    for public in getattr(package, "__all__", []):
        assert getattr(package, public) is not None
        assert public in dir(package)
