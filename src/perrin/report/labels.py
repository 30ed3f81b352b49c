"""Labels above peaks that cover neither the curve nor each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_GAP_POINTS = 2.0
_ROUNDS = 8


@dataclass(frozen=True)
class TopLabel:
    """Text that belongs to a point (x, y) of the data."""

    x: float
    y: float
    text: str
    color: str


def label_tops(axes: Axes, labels: Sequence[TopLabel], *, outline: tuple[Floats, Floats]) -> None:
    """Write labels above an outline, x and y (n,), which is what is drawn.

    Each label stands above the highest point below its text, higher where another label
    is in the way, with a thin line down to its own point; the y axis grows until all fit.
    Call it when all else is drawn.
    """
    texts = [
        axes.annotate(
            label.text,
            (label.x, label.y),
            xytext=(0, 0),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=label.color,
            linespacing=1.1,
            arrowprops={"arrowstyle": "-", "lw": 0.4, "color": label.color, "shrinkB": 1},
        )
        for label in sorted(labels, key=lambda label: label.x)
    ]
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    for _ in range(_ROUNDS):
        top = _place(axes, texts, outline)
        if top <= 1.0:
            return
        bottom, limit = axes.get_ylim()
        axes.set_ylim(bottom, bottom + (limit - bottom) * (top + 0.01))


def _place(axes: Axes, texts: Sequence[Annotation], outline: tuple[Floats, Floats]) -> float:
    """Lift every text off the outline and the other texts; return the top, 1 for the axes' own."""
    from matplotlib.text import Text

    points = 72.0 / axes.figure.dpi
    gap = _GAP_POINTS / points
    x, y = axes.transData.transform(np.column_stack(outline)).T
    placed: list[Bbox] = []
    for text in texts:
        text.set_position((0, 0))
        box = Text.get_window_extent(text)  # the annotation's own box has its line in it
        below = y[(x > box.x0 - gap) & (x < box.x1 + gap)]
        lift = float(below.max(initial=box.y0)) + 2 * gap - box.y0
        box = box.translated(0, lift)
        while hit := [other for other in placed if box.padded(gap).overlaps(other)]:
            step = max(other.y1 for other in hit) + 1.5 * gap - box.y0
            box, lift = box.translated(0, step), lift + step
        text.set_position((0, lift * points))
        placed.append(box)
    frame = axes.get_window_extent()
    return max(((box.y1 - frame.y0) / frame.height for box in placed), default=0.0)
