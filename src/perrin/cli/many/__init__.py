"""Commands over many measurements: every module here is one, found by being here.

A module has `register(app)`, which adds its command. What it reads is `perrin.read_batch`: the
tables of a batch, and the results of each row.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import typer


def register(app: typer.Typer) -> None:
    """Add the command of each module."""
    for module in sorted(one.name for one in iter_modules(__path__)):
        import_module(f"{__name__}.{module}").register(app)
