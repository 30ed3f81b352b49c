"""How results look where they are typed: one line, a small table, a picture."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DRAWS = "perrin.report.plots"  # found when something is drawn, as pandas finds what plots for it


class Shown:
    """A result with a short `repr`, a table for notebooks, and `plot`."""

    def _facts(self) -> Mapping[str, str]:
        """What it is, in a few words by name."""
        raise NotImplementedError

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}: {text}" for name, text in self._facts().items())
        return f"<{type(self).__name__} {facts}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(text)}</td></tr>"
            for name, text in self._facts().items()
        )
        return f"<table><caption>{escape(type(self).__name__)}</caption>{rows}</table>"

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw it on matplotlib axes, or on those of a new figure, and return them.

        Nothing is shown or saved by itself: ``result.plot().figure.savefig("it.png")``.
        """
        drawn: Axes = import_module(_DRAWS).draw(self, axes)
        return drawn


def rounded(value: float, unit: str = "") -> str:
    """Return a number with four digits and its unit."""
    return f"{value:.4g} {unit}".rstrip()


def between(value: float, low: float | None, high: float | None, factor: float = 1.0) -> str:
    """Return a number times a factor with its interval, if it has one."""
    if low is None or high is None:
        return f"{factor * value:.4g}"
    low, high = sorted((factor * low, factor * high))
    return f"{factor * value:.4g} ({low:.4g} to {high:.4g})"
