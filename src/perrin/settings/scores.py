"""Settings of the filter by score: which events a classifier's scores retain."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from perrin.settings.base import Settings


class ScoreSettings(Settings):
    """How the least ``score_binder`` of a retained event is chosen.

    By hand, unless a target precision or the thresholds of a card are given.
    """

    threshold: float = Field(0.9, ge=0, le=1, description="least score_binder, by hand")
    precision: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="instead: the lowest threshold at which this fraction of the retained landings "
        "are binders, as estimated from the measurement's own p_binder",
    )
    best_f1: dict[str, float] | None = Field(
        None,
        description="instead: thresholds by range of mass, such as {'30 to 55 kDa': 0.8}, of "
        "which the one of the measurement's own masses is taken; a card has them as thresholds",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.precision is not None and self.best_f1 is not None:
            raise ValueError("give a target precision or thresholds by mass, not both")
        if self.best_f1 is not None and not self.best_f1:
            raise ValueError("best_f1 holds no thresholds; give at least one range of mass")
        return self
