"""What a page calls each event: its label, or its sign where nothing labeled it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perrin.tables import signs

if TYPE_CHECKING:
    import pandas as pd

_UNLABELED = {True: "landing", False: "unbinding"}


def has_scores(events: pd.DataFrame) -> bool:
    """Whether a classifier has scored and labeled the events."""
    return {"score_binder", "label"} <= set(events.columns)


def kinds(events: pd.DataFrame) -> list[str]:
    """What each event (n,) is called: its label, or its sign where it has none."""
    landing = (signs(events) < 0).tolist()
    if "label" not in events.columns:
        return [_UNLABELED[is_landing] for is_landing in landing]
    labels = events["label"].fillna("").tolist()
    return [label or _UNLABELED[lands] for label, lands in zip(labels, landing, strict=True)]
