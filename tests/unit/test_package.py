"""What holds for the package as a whole."""

from __future__ import annotations

import subprocess
import sys

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
