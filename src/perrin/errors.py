"""The one exception that perrin raises for bad input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class PerrinError(ValueError):
    """Bad input: the message says the value, what is wrong with it, and what to do.

    One paragraph, whatever an outside library put into it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()) if "\n" in message else message)


def why_unreadable(error: OSError | UnicodeError) -> str:
    """Return why a file could not be read, in words."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return (error.strerror if isinstance(error, OSError) else None) or "it is no text"


@contextmanager
def damage(why: str) -> Iterator[None]:
    """Turn what a damaged file leads libraries to, errors of every kind, into one that says why."""
    try:
        yield
    except PerrinError:
        raise
    except Exception as error:
        raise PerrinError(f"{why} ({error}).") from error


@contextmanager
def about(path: object) -> Iterator[None]:
    """Put the name of a file into errors that do not say it."""
    try:
        yield
    except PerrinError as error:
        if str(path) in str(error):
            raise
        raise PerrinError(f"{path}: {error}") from error
