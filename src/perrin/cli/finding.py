"""Options for how landings are found and fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from perrin.cli import options as o
from perrin.cli import scores
from perrin.cli.layout import FINDING

if TYPE_CHECKING:
    from perrin.settings.landing import LandingSettings


@dataclass(frozen=True)
class LandingOptions:
    """How landings are found and fitted."""

    n_avg: o.NAvg = 10
    fit_n_avg: o.FitNAvg = None
    permissive: Annotated[
        bool,
        typer.Option(
            "--permissive",
            help="Low thresholds, for masses below about 45 kDa.",
            rich_help_panel=FINDING,
        ),
    ] = False
    spatial_threshold: Annotated[
        float | None,
        typer.Option(help="Matched-filter contrast over its noise.", rich_help_panel=FINDING),
    ] = None
    temporal_threshold: Annotated[
        float | None,
        typer.Option(help="Signal-to-noise ratio of the step in time.", rich_help_panel=FINDING),
    ] = None
    persistence_ms: Annotated[
        float | None,
        typer.Option(
            "--persistence-ms",
            help="Persistence check: measure all events again at this integration time, ms (140).",
            rich_help_panel=FINDING,
        ),
    ] = None
    reported_spectrum: scores.ReportedSpectrum = "filtered"

    def settings(self) -> LandingSettings:
        """Return the settings; raises `PerrinError` for values out of bounds."""
        from perrin.settings.landing import DetectionSettings, LandingSettings

        start = DetectionSettings.permissive() if self.permissive else DetectionSettings()
        thresholds = o.given(
            spatial_threshold=self.spatial_threshold, temporal_threshold=self.temporal_threshold
        )
        return o.settings_from(
            LandingSettings,
            n_avg=self.n_avg,
            fit_n_avg=self.fit_n_avg,
            detection=o.settings_from(DetectionSettings, **start.model_dump() | thresholds),
            persistence_ms=self.persistence_ms,
            reported_spectrum=self.reported_spectrum,
        )
