"""Options for the networks of landings: which ones, and what their scores retain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perrin.cli import options as o
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.io.movie import Movie
    from perrin.models.classifier import ClassifierModel
    from perrin.models.quantifier import QuantifierModel
    from perrin.settings.landing import LandingSettings
    from perrin.settings.scores import ScoreSettings

ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        help="Classifier: default, none, a name (see perrin model list) or a folder. The default "
        "is left out, with a note, for movies that it was not trained for.",
    ),
]
QuantifierName = Annotated[
    str,
    typer.Option(
        "--quantifier",
        help="Network that predicts the mass of every landing: default, none, a name or a "
        "folder. The default is left out, with a note, for movies that it was not trained for.",
    ),
]
ReportedSpectrum = Annotated[
    str,
    typer.Option(
        "--reported-spectrum",
        help="Which landings make the reported spectrum: filtered, as fitted, or all, with "
        "the masses that the network predicts. The other one is given beside it.",
    ),
]
Threshold = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        help="Lowest binder score of a retained event, 0 to 1 (0.9); auto: the one with the "
        "best F1 for the masses at hand.",
    ),
]
Precision = Annotated[
    float | None,
    typer.Option(
        "--precision", help="Instead: the lowest threshold with this estimated precision."
    ),
]


def classifier(name: str) -> ClassifierModel | None:
    """The classifier that was asked for; None for none."""
    from perrin.models.classifier import ClassifierModel

    return None if name == "none" else ClassifierModel.load(name)


def quantifier(name: str) -> QuantifierModel | None:
    """The quantifier that was asked for; None for none."""
    from perrin.models.quantifier import QuantifierModel

    return None if name == "none" else QuantifierModel.load(name)


def why_not_quantified(
    model: QuantifierModel | None, movie: Movie, landing: LandingSettings, *, named: str
) -> tuple[str, ...]:
    """Return a note that says why no masses are predicted, if nobody said so.

    Raises `PerrinError` where the user named the model that does not fit, or wants the main
    spectrum to be its own.
    """
    if model is None:
        return ()
    try:
        model.check_range(pixel_nm=movie.pixel_nm, frame_interval_s=movie.frame_interval_s)
    except PerrinError as error:
        if named != "default" or landing.reported_spectrum == "all":
            raise
        return (f"bad landings have no mass of the network: {error}",)
    return ()


def settings(
    threshold: str | None, precision: float | None, *, model: ClassifierModel | None
) -> ScoreSettings:
    """How the threshold is chosen; raises `PerrinError` for what makes no sense."""
    from perrin.settings.scores import ScoreSettings

    if threshold is None and precision is None:
        return ScoreSettings()
    if model is None:
        raise PerrinError("--threshold and --precision need a classifier; there is none here")
    if threshold is not None and precision is not None:
        raise PerrinError("give --threshold or --precision, not both")
    if threshold is None:
        return o.settings_from(ScoreSettings, precision=precision)
    if threshold == "auto":
        if not model.bundle.card.thresholds:
            raise PerrinError(
                f"the card of {model.name} has no thresholds: none were measured yet. Give "
                "--threshold a number, or --precision."
            )
        return ScoreSettings(best_f1=model.bundle.card.thresholds)
    try:
        value = float(threshold)
    except ValueError as error:
        raise PerrinError(
            f"--threshold is {threshold!r}; give a number from 0 to 1, or auto"
        ) from error
    return o.settings_from(ScoreSettings, threshold=value)


def why_not(
    model: ClassifierModel | None, movie: Movie, landing: LandingSettings, *, named: str
) -> tuple[str, ...]:
    """Return a note that says why a movie is not scored, if it is not though nobody said so.

    Raises `PerrinError` where the user named the model that does not fit.
    """
    from perrin.landing.classifier.classify import check_model

    if model is None:
        return ()
    try:
        check_model(model, movie, n_avg=landing.n_avg)
    except PerrinError as error:
        if named != "default":
            raise
        return (f"NOT SCORED, every event enters the spectrum: {error}",)
    return ()
