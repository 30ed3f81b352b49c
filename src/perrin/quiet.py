"""Other libraries' remarks kept from the terminal, where perrin says itself what matters."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(logger: str, *, level: int = logging.CRITICAL) -> Iterator[None]:
    """Show no warnings, and of a library's logger what is at least of `level`."""
    talker = logging.getLogger(logger)
    before = talker.level
    talker.setLevel(level)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        talker.setLevel(before)
