"""Whether a movie looks like what the networks have learned, and what speaks against it.

All of it comes from the movie itself. What is beyond the range of a network is not decided by the
network: the fit's mass is kept, and it is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.classifier.classify import BINDER
from perrin.landing.epsf import ring_left
from perrin.landing.whitening import CORRELATED, noise_correlation
from perrin.pipeline.instrument import Instrument
from perrin.types import BoolArray, FloatArray

_UNSURE = 0.35  # of the landings called binder; a movie as in training has .05 to .2
_LEAST = 30
_FALLS = 3.0  # standard errors
_MANY = 0.05
_RING = 0.05  # of the height; measured rings are right to .02


@dataclass(frozen=True)
class Verdict:
    """What speaks for and against the networks on one movie.

    Attributes
    ----------
    learned : bool
        Whether the movie looks like what the networks have learned.
    causes : tuple of str
        What is unlike it, the clearest first.
    noise_correlation : float
        Of neighboring pixels in ratiometric frames, events left out.
    ring_left : float
        What landings leave around them when the PSF is taken off, over their height; NaN where
        fewer than 30 are clear and alone.
    unsure : float
        Fraction of the landings called binder whose score is below the threshold; NaN for none.
    heavy : int
        Landings heavier than the classifier has learned.
    notes : tuple of str
        What a user should know.

    """

    learned: bool
    causes: tuple[str, ...]
    noise_correlation: float
    ring_left: float
    unsure: float
    heavy: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        return {
            "looks_as_learned": self.learned,
            "causes": list(self.causes),
            "noise_correlation": self.noise_correlation,
            "ring_left": self.ring_left,
            "uncertain_binders": self.unsure,
            "heavier_than_learned": self.heavy,
        }


def heavier(events: pd.DataFrame, model: object) -> BoolArray:
    """Whether each landing (N,) is heavier than any that a network has learned from."""
    most = getattr(model, "heaviest_contrast", np.inf)
    found: BoolArray = (events["contrast"] < -most).to_numpy()
    return found


def keep_heavy(events: pd.DataFrame, *, single: BoolArray, model: object) -> pd.DataFrame:
    """Return the events with landings retained that are called binders and beyond its range.

    Scores there are not those of anything learned: they fall, while the class stays right.
    """
    kept = heavier(events, model) & single & (events["label"] == BINDER).to_numpy()
    return events.assign(retained=events["retained"].to_numpy(bool) | kept)


def without_heavy(events: pd.DataFrame, model: object) -> pd.DataFrame:
    """Return the events without the predictions of a quantifier that is beyond its range."""
    beyond = heavier(events, model)
    columns = [name for name in events.columns if "_pred" in name]
    return events.assign(**{name: events[name].mask(beyond) for name in columns})


def judge(
    movie: Movie,
    events: pd.DataFrame,
    *,
    instrument: Instrument,
    classifier: object | None,
    single: BoolArray,
    n_avg: int,
) -> Verdict:
    """Return the verdict on an analyzed movie; `single`: events that could be retained."""
    correlation = noise_correlation(movie, n_avg=n_avg)
    causes: list[str] = []
    notes: list[str] = []
    if instrument.chosen == "measured":
        shape = instrument.shape
        causes.append(f"the PSF: {shape['fwhm_nm']:.0f} nm wide, ring {shape['ring']:.2f}")
    left, left_se = _ring_left(movie, events[single], instrument, n_avg)
    if abs(left) > max(_RING, _FALLS * left_se):
        causes.append(f"landings leave a ring of {left:.0%} of their height")
        notes.append(
            f"LANDINGS LEAVE A RING of {left:.0%} (+- {left_se:.0%}) of their height around them: "
            "the PSF used is not that of this movie. Let it be measured (no --psf), or build it "
            "(perrin psf)"
        )
    if correlation > CORRELATED * n_avg:
        causes.append(
            f"noise of neighboring pixels is correlated ({correlation:.2f}): speckle, or landings "
            "so dense that they overlap"
        )
    if instrument.pixels.saturated_fraction > 0:
        causes.append(f"saturated counts ({instrument.pixels.saturated_fraction:.2%})")
    unsure, heavy = float("nan"), 0
    if classifier is not None:
        unsure, heavy = _sorting(events, classifier, single, causes, notes)
    unknown = _fraction_out_of_distribution(events)
    if unknown > _MANY:
        causes.append(f"{unknown:.0%} of the landings are out of the quantifier's distribution")
    learned = not causes
    if not learned:
        notes.insert(0, f"UNLIKE WHAT THE NETWORKS HAVE LEARNED: {'; '.join(causes)}")
    return Verdict(learned, tuple(causes), correlation, left, unsure, heavy, tuple(notes))


def _ring_left(
    movie: Movie, events: pd.DataFrame, instrument: Instrument, n_avg: int
) -> tuple[float, float]:
    """What the PSF in use leaves of landings, and its standard error; NaN where too few are clear.

    Where the PSF was measured to be chosen, that measurement says it.
    """
    if instrument.shape:
        left = instrument.shape["ring"] - instrument.psf.ring()
        return float(left), float(instrument.shape["ring_se"])
    try:
        clear = events[events["label"].isin(["", BINDER])].assign(label="")
        return ring_left(movie, clear, psf=instrument.psf, n_avg=n_avg)
    except PerrinError:
        return float("nan"), float("nan")


def _sorting(
    events: pd.DataFrame,
    classifier: object,
    single: BoolArray,
    causes: list[str],
    notes: list[str],
) -> tuple[float, int]:
    """Add what the retained landings say; fraction of uncertain binders, and heavy landings."""
    called = single & (events["label"] == BINDER).to_numpy()
    called &= (events["contrast"] < 0).to_numpy()
    heavy = heavier(events, classifier) & single
    kept = events["retained"].to_numpy(bool)
    if heavy.any():
        fraction = heavy.sum() / max((single & (events["contrast"] < 0).to_numpy()).sum(), 1)
        notes.append(
            f"{heavy.sum()} landings are heavier than the classifier has learned: "
            f"{(heavy & kept).sum()} that it calls binders are kept whatever their score, with the "
            "mass of the fit; the network gives none"
        )
        if fraction > _MANY:
            causes.append(f"masses: {fraction:.0%} of the landings beyond its range")
    count = int(called.sum())
    if count and not kept.any():
        notes.append(
            f"NOTHING IS RETAINED: {count} landings are called binders, none passes the threshold. "
            "The movie is unlike the training, or its threshold too high (--threshold)"
        )
    if count < _LEAST:
        return float("nan"), int(heavy.sum())
    unsure = float(1 - kept[called].mean())
    if unsure > _UNSURE:
        causes.append("scores")
        notes.append(
            f"{unsure:.0%} of the {count} landings called binders fall below the threshold: the "
            "classifier is not sure of them"
        )
    falls = _fall(-events["contrast"].to_numpy(float)[called], kept[called])
    if falls is not None:
        notes.append(
            f"RETENTION FALLS WITH MASS: {falls[0]:.0%} of the lighter and {falls[1]:.0%} of the "
            "heavier half of the landings called binders are kept: fractions of heavy species are "
            "too small"
        )
    return unsure, int(heavy.sum())


def _fall(size: FloatArray, kept: BoolArray) -> tuple[float, float] | None:
    """Kept fractions of the lighter and the heavier half, where the latter is surely smaller."""
    heavy = size > np.median(size)
    if heavy.sum() < _LEAST or (~heavy).sum() < _LEAST:
        return None
    light_rate, heavy_rate = float(kept[~heavy].mean()), float(kept[heavy].mean())
    rate = float(kept.mean())
    se = np.sqrt(max(rate * (1 - rate), 1e-9) * (1 / heavy.sum() + 1 / (~heavy).sum()))
    return (light_rate, heavy_rate) if light_rate - heavy_rate > _FALLS * se else None


def _fraction_out_of_distribution(events: pd.DataFrame) -> float:
    if "out_of_distribution" not in events.columns or "contrast_pred" not in events.columns:
        return 0.0
    looked_at = events["contrast_pred"].notna()
    if looked_at.sum() < _LEAST:
        return 0.0
    return float(events["out_of_distribution"][looked_at].mean())
