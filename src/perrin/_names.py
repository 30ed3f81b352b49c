"""Names that a package shows: imported on first use, and the only ones that `dir` lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def shown(
    package: str, home: Mapping[str, str], others: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package.

    home: public name -> module below the package that has it; others: public names that are
    there already. So importing a package is quick, and tab completion shows what is public and
    no module that happens to be loaded.
    """
    names = sorted([*home, *others])

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{home[name]}"), name)

    return get, names.copy
