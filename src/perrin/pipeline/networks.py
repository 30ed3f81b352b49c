"""Which networks look at a movie, and why one that nobody named does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.classifier.classify import check_model
from perrin.landing.networks import Classifier, Quantifier
from perrin.models.bundle import Bundle
from perrin.models.classifier import ClassifierModel
from perrin.models.quantifier import QuantifierModel
from perrin.pipeline.instrument import Instrument
from perrin.settings.landing import LandingSettings
from perrin.settings.scores import ScoreSettings
from perrin.types import NetworkId

ClassifierChoice = Classifier | str | Path | None
"""``"default"``, a name (`perrin model list`), a folder (a path), a loaded network, or None."""
QuantifierChoice = Quantifier | str | Path | None
Scores = ScoreSettings | Literal["auto"] | None

DEFAULT = "default"
"""The network that comes with perrin, where it covers the movie."""
NONE = "none"

Network = TypeVar("Network", Classifier, Quantifier)


@dataclass(frozen=True)
class Choice:
    """Which networks are used, and how the threshold on the scores is chosen."""

    classifier: ClassifierChoice
    quantifier: QuantifierChoice
    scores: Scores

    @property
    def sorts(self) -> bool:
        """Whether a classifier is used."""
        return self.classifier is not None and self.classifier != NONE


@dataclass(frozen=True)
class Networks:
    """The networks that look at a movie; notes say why a default one does not."""

    classifier: Classifier | None = None
    quantifier: Quantifier | None = None
    scores: ScoreSettings = field(default_factory=ScoreSettings)
    notes: tuple[str, ...] = ()


def choose(movie: Movie, choice: Choice, settings: LandingSettings) -> Networks:
    """Load the networks that were asked for, and leave a default one out that does not fit.

    Raises `PerrinError` where one that was named does not cover the movie.
    """
    sorter = _loaded(choice.classifier, ClassifierModel.load)
    predictor = _loaded(choice.quantifier, QuantifierModel.load)
    scores = score_settings(choice.scores, sorter)
    classifier, not_sorted = classifier_for(
        movie, sorter, settings, named=choice.classifier != DEFAULT
    )
    quantifier, not_predicted = quantifier_for(
        movie, predictor, settings, named=choice.quantifier != DEFAULT
    )
    return Networks(classifier, quantifier, scores, (*not_sorted, *not_predicted))


def _loaded(
    choice: Network | str | Path | None, load: Callable[[str | Path], Network]
) -> Network | None:
    """Return the network that was chosen; None for None or ``"none"``."""
    if choice is None or choice == NONE:
        return None
    return load(choice) if isinstance(choice, (str, Path)) else choice


def identity_of(network: object | None, *, task: str) -> tuple[NetworkId, ...]:
    """Return which network that is; nothing for None."""
    if network is None:
        return ()
    bundle = getattr(network, "bundle", None)
    if isinstance(bundle, Bundle):
        return (bundle.identity,)
    return (NetworkId(str(getattr(network, "name", type(network).__name__)), task, None),)


def classifier_for(
    movie: Movie, model: Classifier | None, settings: LandingSettings, *, named: bool
) -> tuple[Classifier | None, tuple[str, ...]]:
    """Return the classifier of a movie, or none and a note why the default one does not fit.

    Raises `PerrinError` where a network that was `named` does not cover the movie.
    """
    if model is None:
        return None, ()
    try:
        check_model(model, movie, n_avg=settings.n_avg)
    except PerrinError as error:
        if named:
            raise
        return None, (f"NOT SCORED, every event enters the spectrum: {error}",)
    return model, ()


def quantifier_for(
    movie: Movie, model: Quantifier | None, settings: LandingSettings, *, named: bool
) -> tuple[Quantifier | None, tuple[str, ...]]:
    """Return the quantifier of a movie, or none and a note why the default one does not fit.

    Raises `PerrinError` where a network that was `named` does not cover the movie, or where the
    reported spectrum is to be its own.
    """
    wanted = settings.reported_spectrum == "all"
    if model is None:
        if wanted:
            raise PerrinError(
                "reported_spectrum = 'all': only a quantifier predicts the masses of all "
                "landings, and there is none here"
            )
        return None, ()
    try:
        model.check_range(pixel_nm=movie.pixel_nm, frame_interval_s=movie.frame_interval_s)
    except PerrinError as error:
        if named or wanted:
            raise
        return None, (f"bad landings have no mass of the network: {error}",)
    return model, ()


def covering(chosen: Networks, instrument: Instrument, settings: LandingSettings) -> Networks:
    """Return the networks without a quantifier whose PSF is too far from that of the instrument.

    The note of the instrument says so. Raises `PerrinError` where the reported spectrum is to be
    that quantifier's.
    """
    model = chosen.quantifier
    exchange = None if model is None else instrument.exchange_for(model)
    if exchange is None or exchange.kernel is None:
        return chosen
    if settings.reported_spectrum == "all":
        raise PerrinError(
            f"reported_spectrum = 'all': the PSF has a ring of {instrument.psf.ring():.2f}, and "
            "the network's masses hold down to -0.2. Train one for this instrument (perrin train "
            "quantifier --epsf), or report the filtered spectrum."
        )
    return replace(chosen, quantifier=None)


def score_settings(scores: Scores, model: Classifier | None) -> ScoreSettings:
    """Return how the threshold on the scores is chosen; ``"auto"``: best F1, from the card.

    Raises `PerrinError` for a threshold without a classifier, or a card without thresholds.
    """
    if scores is None:
        return ScoreSettings()
    if model is None:
        raise PerrinError("a threshold or a precision needs a classifier; there is none here")
    if isinstance(scores, ScoreSettings):
        return scores
    thresholds: dict[str, float] = getattr(model, "thresholds", {})
    if not thresholds:
        raise PerrinError(
            f"the card of {model.name} has no thresholds: none were measured yet. Give the "
            "threshold a number, or a precision."
        )
    return ScoreSettings(best_f1=thresholds)
