"""Labels above peaks that cover neither the curves nor each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from perrin.types import FloatArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_GAP_POINTS = 2.0
_CROSSING = 60  # a line through a text is as bad as a text this many gaps higher
_Side = Literal["center", "left", "right"]
_SIDES: tuple[tuple[_Side, float], ...] = (("center", 0.0), ("left", 1.0), ("right", -1.0))
_ROUNDS = 8


@dataclass(frozen=True)
class TopLabel:
    """Text that belongs to a point (x, y) of the data."""

    x: float
    y: float
    text: str
    color: str


class _Option(NamedTuple):
    """One way to align a text with its point: side, shift in gaps, box without lift."""

    side: _Side
    shift: float
    box: Bbox


def label_tops(
    axes: Axes, labels: Sequence[TopLabel], *, outline: tuple[FloatArray, FloatArray]
) -> None:
    """Write labels above an outline, x and y (n,) of all that is drawn.

    Each label stands above its point, or to the right or left of the vertical through it,
    wherever it comes to lie lowest without covering the outline or another label; a thin
    line leads down to the point, and the y axis grows until all fit. Call it when all
    else is drawn and the limits are set.
    """
    texts = [
        axes.annotate(
            label.text,
            (label.x, label.y),
            xytext=(0, 0),
            textcoords="offset points",
            va="bottom",
            color=label.color,
            linespacing=1.1,
        )
        for label in labels
    ]
    if not texts:
        return
    _lay_out(axes)
    for _ in range(_ROUNDS):  # each round the axis grows, and with it the room below texts
        boxes = _place(axes, texts, outline)
        frame = axes.get_window_extent()
        top = max((box.y1 - frame.y0) / frame.height for box in boxes)
        if top <= 1.0:
            break
        bottom, limit = axes.get_ylim()
        axes.set_ylim(bottom, bottom + (limit - bottom) * (top + 0.01))
    for text, box in zip(texts, boxes, strict=True):
        x, y = text.xy
        end = axes.transData.inverted().transform((box.x0, box.y0))[1]
        axes.plot([x, x], [y, end], color=text.get_color(), linewidth=0.4, zorder=1)


def _lay_out(axes: Axes) -> None:
    """Give the axes their place, which texts are measured in."""
    figure = axes.get_figure(root=True)
    engine = None if figure is None else figure.get_layout_engine()
    if figure is not None and engine is not None:
        engine.execute(figure)


def _place(
    axes: Axes, texts: Sequence[Annotation], outline: tuple[FloatArray, FloatArray]
) -> list[Bbox]:
    """Move every text to where it covers nothing; return the boxes in pixels.

    Texts are placed one after the other in four orders; the order counts that needs least
    lift and has fewest lines through texts.
    """
    from matplotlib.text import Text

    points = 72.0 / axes.figure.dpi
    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    gap = _GAP_POINTS / points
    frame = axes.get_window_extent()
    curve = axes.transData.transform(np.column_stack(outline))
    tops = axes.transData.transform([text.xy for text in texts])
    options: list[list[_Option]] = []
    for text in texts:
        options.append([])
        for side, shift in _SIDES:
            text.set_horizontalalignment(side)
            text.set_position((shift * gap * points, 0))
            text.update_positions(renderer)
            box = Text.get_window_extent(text, renderer)
            if side == "center" or (box.x0 > frame.x0 and box.x1 < frame.x1):
                options[-1].append(_Option(side, shift, box))
    rising: list[int] = np.argsort(tops[:, 1]).tolist()
    across: list[int] = np.argsort(tops[:, 0]).tolist()
    orders = (rising[::-1], rising, across, across[::-1])
    tries = [_in_turn(order, options, tops, curve, gap) for order in orders]
    placed, _ = min(tries, key=lambda attempt: attempt[1])
    for text, (option, box) in zip(texts, placed, strict=True):
        lift = box.y0 - option.box.y0
        text.set_horizontalalignment(option.side)
        text.set_position((option.shift * gap * points, lift * points))
    return [box for _, box in placed]


def _in_turn(
    order: Sequence[int],
    options: list[list[_Option]],
    tops: FloatArray,
    curve: FloatArray,
    gap: float,
) -> tuple[list[tuple[_Option, Bbox]], float]:
    """The texts placed in one order, each where it costs least; what all of them cost.

    They are gone through twice: the second time each knows where all the others are.
    """
    placed: dict[int, tuple[float, _Option, Bbox]] = {}
    for k in [*order, *order]:
        others = [(tops[j], box) for j, (_, _, box) in placed.items() if j != k]
        tries = []
        for option in options[k]:
            box = _lifted(option.box, curve, [other for _, other in others], gap)
            crossings = sum(
                _crosses(tops[k], box, other) + _crosses(top, other, box) for top, other in others
            )
            beside = 3 * gap if option.shift else 0.0  # only where it is clearly lower
            cost = box.y0 - float(tops[k, 1]) + beside + _CROSSING * gap * crossings
            tries.append((cost, option, box))
        placed[k] = min(tries, key=lambda attempt: attempt[0])
    total = sum(cost for cost, _, _ in placed.values())
    return [placed[k][1:] for k in range(len(options))], total


def _lifted(box: Bbox, curve: FloatArray, placed: Sequence[Bbox], gap: float) -> Bbox:
    """The box raised until it is a gap above the curve below it and off the placed boxes."""
    x, y = curve.T
    below = y[(x > box.x0 - gap) & (x < box.x1 + gap)]
    box = box.translated(0, float(below.max(initial=box.y0)) + 2 * gap - box.y0)
    while hit := [other for other in placed if box.padded(gap).overlaps(other)]:
        box = box.translated(0, max(other.y1 for other in hit) + 1.5 * gap - box.y0)
    return box


def _crosses(top: FloatArray, box: Bbox, other: Bbox) -> bool:
    """Whether the line from a point up to its text runs through another text."""
    through = other.x0 < top[0] < other.x1
    return bool(through and top[1] < other.y1 and other.y0 < box.y0)
