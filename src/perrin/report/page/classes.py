"""The classes of events: how a page names them, and what sets each apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

CLASSES: Mapping[str, str] = {
    "binder": "Lands and stays. The trace is the dashed triangle: it rises while the landing "
    "enters the later window and falls while it leaves the earlier one.",
    "unbinder": "Lands and leaves again within the window: the trace turns early and swings to "
    "the other sign. The contrast, and so the mass, comes out too small.",
    "neighbors": "Another molecule lands close by, within the 17 pixels or the same windows: "
    "the fit mixes both.",
    "roller": "Lands and moves on in one direction: the spot smears along its path, and a "
    "shadow of the other sign stays behind.",
    "wobbler": "Lands and jitters around its place: the spot is blurred, and too weak.",
    "buffer": "Nothing landed: noise or speckle that passed the detection.",
    "duplicate": "Seen before: another event within 3 pixels and the same windows has the higher "
    "score. One landing is counted once.",
    "unscored": "Too near the start or end of the movie to have a whole thumbnail: no score.",
}
_UNLABELED = {True: "landing", False: "unbinding"}


def has_scores(events: pd.DataFrame) -> bool:
    """Whether a classifier has scored and labeled the events."""
    return {"score_binder", "label"} <= set(events.columns)


def kinds(events: pd.DataFrame) -> list[str]:
    """What each event (n,) is called: its label, or its sign where it has none."""
    landing = (events["contrast"] < 0).tolist()
    if "label" not in events.columns:
        return [_UNLABELED[is_landing] for is_landing in landing]
    labels = events["label"].fillna("").tolist()
    return [label or _UNLABELED[lands] for label, lands in zip(labels, landing, strict=True)]


def meaning(kind: str) -> str:
    """What to see in events of that name."""
    if kind in CLASSES:
        return CLASSES[kind]
    if kind == "landing":
        return "A molecule lands: the contrast is negative. Nothing has judged its quality."
    if kind == "unbinding":
        return "A molecule leaves: the contrast is positive."
    return f"Left out before any class was given: {kind}."
