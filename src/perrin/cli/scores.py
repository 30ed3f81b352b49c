"""Options for the networks of landings: which ones, and what their scores retain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli import options as o
from perrin.cli.layout import SCORES
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.pipeline.networks import Scores

ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        help="Classifier: default, none, a name (see perrin model list) or a folder. The default "
        "is left out, with a note, for movies that it was not trained for.",
        rich_help_panel=SCORES,
    ),
]
QuantifierName = Annotated[
    str,
    typer.Option(
        "--quantifier",
        help="Network that predicts the mass of every landing: default, none, a name or a "
        "folder. The default is left out, with a note, for movies that it was not trained for.",
        rich_help_panel=SCORES,
    ),
]
ReportedSpectrum = Annotated[
    str,
    typer.Option(
        "--reported-spectrum",
        help="Which landings make the reported spectrum: filtered, as fitted, or all, with "
        "the masses that the network predicts. The other one is given beside it.",
        rich_help_panel=SCORES,
    ),
]
Threshold = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        help="Lowest binder score of a retained event, 0 to 1 (0.9); auto: the one with the "
        "best F1 for the masses at hand.",
        rich_help_panel=SCORES,
    ),
]
Precision = Annotated[
    float | None,
    typer.Option(
        "--precision",
        help="Instead: the lowest threshold with this estimated precision.",
        rich_help_panel=SCORES,
    ),
]


@dataclass(frozen=True)
class NetworkOptions:
    """Which networks look at a movie, and what their scores retain."""

    model: ModelName = "default"
    threshold: Threshold = None
    precision: Precision = None
    quantifier: QuantifierName = "default"

    def check(self) -> None:
        """Raise `PerrinError` for a network that is not there, before any movie is opened."""
        from perrin.models.bundle import bundle_folder

        for name in (self.model, self.quantifier):
            if name not in ("default", "none"):
                bundle_folder(name)

    def by_name(self) -> dict[str, Any]:
        """Return them as keywords of `analyze_landings`."""
        return {
            "classifier": self.model,
            "quantifier": self.quantifier,
            "scores": _settings(self.threshold, self.precision),
        }


def _settings(threshold: str | None, precision: float | None) -> Scores:
    """How the threshold is chosen; raises `PerrinError` for what makes no sense."""
    from perrin.settings.scores import ScoreSettings

    if threshold is None and precision is None:
        return None
    if threshold is not None and precision is not None:
        raise PerrinError("give --threshold or --precision, not both")
    if threshold is None:
        return o.settings_from(ScoreSettings, precision=precision)
    if threshold == "auto":
        return "auto"
    try:
        value = float(threshold)
    except ValueError as error:
        raise PerrinError(
            f"--threshold is {threshold!r}; give a number from 0 to 1, or auto"
        ) from error
    return o.settings_from(ScoreSettings, threshold=value)
