"""Figures are drawn here as users get them."""

from __future__ import annotations

import pytest

from perrin.report import style

_RC, _LAY_OUT = dict(style._RC), style._lay_out


@pytest.fixture(autouse=True)
def figures_as_they_are(figures_are_drafts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back what the other unit tests leave out."""
    monkeypatch.setattr(style, "_RC", _RC)
    monkeypatch.setattr(style, "_lay_out", _LAY_OUT)
