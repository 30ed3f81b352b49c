"""The command line: one thin command a verb, over the functions of the package."""

from perrin.cli.main import main

__all__ = ["main"]
