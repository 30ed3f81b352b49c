"""What a spectrum is drawn of, said once: the figure on paper and the page both read it.

A part added here gets its color, label and place in the legend in both; what it shows is drawn in
`perrin.report.spectra` and in ``page/web/spectrum.js``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from perrin.report.style import BLUE, GRAY, ORANGE, PALE_BLUE, PALE_RED

LEAST_FRACTION = 0.01
"""Of the landings: smaller peaks are in the tables, and not labeled."""
LEAST_FRACTION_OVERLAID = 0.05
"""The same where several spectra share the axes."""


@dataclass(frozen=True)
class Part:
    """A part of the drawing of one spectrum."""

    label: str
    """What it is called."""
    paper: str
    """Its color on paper."""
    page: str
    """The variable of the page's style that holds its color there, light or dark."""
    mark: Literal["bar", "line", "dash"]
    """How it is drawn."""


PARTS = {
    "landings": Part("landings", PALE_BLUE, "--blue", "bar"),
    "unbindings": Part("unbindings", PALE_RED, "--vermillion", "bar"),
    "before": Part("before filtering", GRAY, "--ghost", "bar"),
    "density": Part("density", GRAY, "--muted", "line"),
    "mixture": Part("mixture", BLUE, "--ink", "line"),
    "rival": Part("as many kept", ORANGE, "--orange", "dash"),
}
"""In the order of the legend."""


def parts_for_page() -> dict[str, Any]:
    """Plain values for the page's scripts."""
    return {
        "parts": {name: asdict(part) for name, part in PARTS.items()},
        "least_fraction": LEAST_FRACTION,
        "least_fraction_overlaid": LEAST_FRACTION_OVERLAID,
    }
