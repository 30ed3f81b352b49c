"""Settings of the evaluation of an event classifier, saved beside its results."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from perrin.settings.base import Resamples, Seed, Settings


class ClassifierEvaluation(Settings):
    """How many events of which kind are drawn, and from which seed."""

    count: int = Field(20_000, ge=50, description="events in each range of mass, protocol paper")
    n_avg: int = Field(10, ge=1, le=500, description="integration of both protocols, frames")
    n_avgs: tuple[int, ...] = Field(
        (5, 10, 20, 40), description="integrations compared, over all masses, protocol paper"
    )
    use_count: int = Field(6_000, ge=0, description="events of protocol use; 0 leaves it out")
    movies: int = Field(3, ge=0, description="protein A movies; 0 leaves them out")
    movie_s: float = Field(60.0, ge=2, le=600, description="length of each, s")
    shown: int = Field(1_500, ge=0, description="events in the t-SNE; 0 leaves it out")
    resamples: Resamples = 1_000
    seed: Seed = 7

    @model_validator(mode="after")
    def _enough_to_show(self) -> Self:
        if 0 < self.shown < 50:
            raise ValueError("a t-SNE needs 50 events or more; 0 leaves it out")
        return self


class QuantifierEvaluation(Settings):
    """How many events of which kind a quantifier is measured on, and from which seed."""

    count: int = Field(10_000, ge=50, description="events of each class and mass")
    masses_kda: tuple[float, ...] = Field(
        (60.0, 100.0, 180.0, 400.0, 800.0), min_length=1, description="masses of the cells"
    )
    bound_count: int = Field(
        500, ge=0, description="events of each class at the middle mass that the oracle measures"
    )
    fitted_count: int = Field(
        100, ge=0, description="of those, how many the fit of the path measures"
    )
    seed: Seed = 7
