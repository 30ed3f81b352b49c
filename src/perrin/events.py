"""The classes of events, each once: settings, training, figures, report and simulator read these.

A new class is a row here, and its motion in `perrin.simulate.motions`. It goes to the end: the
outputs of a network are in this order, and a trained network's card names its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Hue = Literal[
    "blue", "vermillion", "green", "purple", "orange", "sky", "gray", "black", "brown", "olive"
]
"""Colors of `perrin.report.style.PALETTE`; the page has each for light and for dark. Brown and
olive are those that no class has yet."""


@dataclass(frozen=True)
class EventClass:
    """One class of events."""

    name: str
    """In columns, settings and messages."""
    meaning: str
    """What to see in such an event, in words for the report."""
    color: Hue
    """In every figure and in the report."""
    lands: bool = True
    """A molecule lands (a background's fluctuation does not)."""
    alone: bool = True
    """What makes the class is the molecule itself, not what is near it: a kind of motion."""
    moves: bool = False
    leaves: bool = False
    """moves, leaves: the molecule moves on the surface; it may leave while it is looked at."""
    paper: bool = False
    """A class of the network of paper 002."""
    coating: str = ""
    """What many of them say of the surface: "molecules hang on a soft coating"."""


EVENT_CLASSES = (
    EventClass(
        "binder",
        "Lands and stays. The trace is the dashed triangle: it rises while the landing "
        "enters the later window and falls while it leaves the earlier one.",
        "blue",
        paper=True,
    ),
    EventClass(
        "unbinder",
        "Lands and leaves again within the window: the trace turns early and swings to "
        "the other sign. The contrast, and so the mass, comes out too small.",
        "vermillion",
        leaves=True,
        paper=True,
    ),
    EventClass(
        "neighbors",
        "Another molecule lands close by, within the 17 pixels or the same windows: "
        "the fit mixes both.",
        "green",
        alone=False,
        paper=True,
    ),
    EventClass(
        "roller",
        "Lands and moves on in one direction: the spot smears along its path, and a "
        "shadow of the other sign stays behind.",
        "orange",
        moves=True,
        leaves=True,
        paper=True,
        coating="molecules slide in one direction before they hold: flow or a smooth coat",
    ),
    EventClass(
        "wobbler",
        "Lands and jitters around its place: the spot is blurred, and too weak.",
        "purple",
        moves=True,
        leaves=True,
        paper=True,
        coating="molecules move to and fro about their place: they hang on a soft or thick "
        "coating, or hold by few contacts",
    ),
    EventClass(
        "buffer",
        "Nothing landed: noise or speckle that passed the detection.",
        "sky",
        lands=False,
        alone=False,
    ),
)

CLASSES = tuple(one.name for one in EVENT_CLASSES)
"""In the order of a network's outputs."""
LANDING_CLASSES = tuple(one.name for one in EVENT_CLASSES if one.lands)
"""Those that the simulator makes with a molecule."""
MOTIONS = tuple(one.name for one in EVENT_CLASSES if one.alone)
"""What a molecule may do after it landed."""
MOVERS = tuple(one.name for one in EVENT_CLASSES if one.moves)
LEAVERS = tuple(one.name for one in EVENT_CLASSES if one.leaves)
PAPER_CLASSES = tuple(one.name for one in EVENT_CLASSES if one.paper)
"""The five of the network of paper 002, in its order."""

DUPLICATE, UNSCORED = "duplicate", "unscored"
"""Labels of events that got no class, or whose class does not count."""
LABELS: dict[str, tuple[str, Hue]] = {
    **{one.name: (one.meaning, one.color) for one in EVENT_CLASSES},
    DUPLICATE: (
        "Seen before: another event within 3 pixels and the same windows has the higher "
        "score. One landing is counted once.",
        "black",
    ),
    UNSCORED: (
        "Too near the start or end of the movie to have a whole thumbnail: no score.",
        "gray",
    ),
    "landing": (
        "A molecule lands: the contrast is negative. Nothing has judged its quality.",
        "blue",
    ),
    "unbinding": ("A molecule leaves: the contrast is positive.", "vermillion"),
}
"""Meaning and color of every label of an event, and of the signs of those that have none."""


def meaning_of(label: str) -> str:
    """What to see in events of that label; a label of the fit says why there is no class."""
    known = LABELS.get(label)
    return f"Left out before any class was given: {label}." if known is None else known[0]


def color_of(label: str) -> Hue:
    """Hue of a label; gray where it is none of these."""
    known = LABELS.get(label)
    return "gray" if known is None else known[1]
