"""The look of all figures: sizes, type, a palette safe for color-blind readers; saving them."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perrin.events import Hue, color_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe & Ito 2008, "Color universal design"
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
GRAY, BROWN, OLIVE = "#6E6E6E", "#8A5A2B", "#7D7A10"
PALE_BLUE, PALE_RED = "#BCD7EA", "#F3CDB5"
PALETTE: dict[Hue, str] = {
    "blue": BLUE,
    "vermillion": VERMILLION,
    "green": GREEN,
    "purple": PURPLE,
    "orange": ORANGE,
    "sky": SKY,
    "gray": GRAY,
    "black": BLACK,
    "brown": BROWN,
    "olive": OLIVE,
}
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)

COLUMN_MM, PAGE_MM = 85.0, 180.0
"""Widths of one column and of a page of a journal."""

CONTRAST_UNIT = 1e3
"""Contrast is drawn in units of 1e-3."""

_MM_PER_INCH = 25.4
_RC: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": 7,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 1.5,
    "lines.linewidth": 1.0,
    "patch.linewidth": 0.6,
    "savefig.dpi": 300,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "perrin",  # the same ids, so the same bytes, every time
}


def label_color(label: str) -> str:
    """Color of the events of a label, as in the report."""
    return PALETTE[color_of(label)]


def label_log_axis(axis: Axis) -> None:
    """Label a logarithmic axis at 1, 2 and 5 of each decade: numbers that do not overlap."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


@contextmanager
def style() -> Iterator[None]:
    """What is made, or saved, inside has the look of all figures."""
    from matplotlib import rc_context

    with rc_context(_RC):
        yield


def new_figure(*, width_mm: float, height_mm: float) -> Figure:
    """Empty figure of that size on paper, outside pyplot, drawn without a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = width_mm / _MM_PER_INCH, height_mm / _MM_PER_INCH
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, stem: str | Path) -> tuple[Path, Path]:
    """Write `stem`.svg (text as text) and `stem`.png (300 dpi); the same bytes every time."""
    stem = Path(stem)
    svg, png = (stem.with_name(stem.name + suffix) for suffix in (".svg", ".png"))
    with style():
        _lay_out(figure)
        figure.savefig(svg, metadata={"Date": None, "Creator": "perrin"})
        figure.savefig(png, metadata={"Software": "perrin"}, pil_kwargs={"compress_level": 3})
    return svg, png


def _lay_out(figure: Figure) -> None:
    """Place the axes once, as for the PNG; else each format draws everything twice for it."""
    engine = figure.get_layout_engine()
    if engine is None:
        return
    figure.dpi = _RC["savefig.dpi"]
    engine.execute(figure)
    figure.set_layout_engine(None)
