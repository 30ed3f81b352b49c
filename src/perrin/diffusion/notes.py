"""What is said beside the numbers of moving particles: noise, blur, and what was not checked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.diffusion.agreement import note_on_exponents
from perrin.diffusion.by_kind import answered, w_may_be_anything, without_w

_BLURRED = 0.05  # correlation of neighboring steps from which blur is mentioned
_SURE = 3.0  # standard errors
_HELD = -0.4  # of neighboring steps, below which hardly anything moves on: noise has -1/2


def notes_on(trajectories: pd.DataFrame, *, model: str) -> list[str]:
    """Return sentences on the TRAJECTORIES table; model: name of the mixture network."""
    notes = []
    if answered(trajectories).any() and trajectories["posterior_predictive_p"].isna().all():
        notes.append(
            f"no track was checked against the model: the card of {model} has no table of "
            "discrepancies, so nothing says whether a mixture explains them; train or export "
            "the network with this version of perrin"
        )
    known = trajectories["fraction_noise_known"].median()
    if np.isfinite(known):
        notes.append(
            f"localization errors of the table: {known:.1%} of the mean squared step; the "
            "network is given them, and fbm_alpha takes them off"
        )
    exposure = trajectories["exposure"].max()
    if exposure > 0:
        notes.append(
            f"light during {exposure:.0%} of the frame interval: the network takes it into "
            "account, alpha_fbm, D and fbm_alpha are those without its motion blur"
        )
    correlation = _correlated_steps(trajectories)
    if correlation is not None:
        notes.append(
            f"neighboring steps correlate at {correlation:+.2f}, and the exposure is not "
            "known: motion blur does that, as persistent motion does. The intervals of alpha_fbm "
            "and D of Brownian and FBM tracks hold any exposure, what stands between them is "
            "without blur, as is fbm_alpha; give --exposure (the fraction of the frame interval "
            "with light) where it is known"
        )
    notes += _held(trajectories) + note_on_exponents(trajectories)
    return notes + _outside_the_models(trajectories) + _suspects(trajectories)


def _outside_the_models(trajectories: pd.DataFrame) -> list[str]:
    """Return how many tracks have no w, or any w, because of their kind."""
    notes = []
    without, anything = int(without_w(trajectories).sum()), w_may_be_anything(trajectories)
    if without:
        notes.append(
            f"w is not given for {without} of {len(trajectories)} tracks: they are no FBM, CTRW or "
            "mixture of both with a probability above .9 (columns p_immobile to p_mixture); "
            "windows and regimes are not judged so, w and exponents mean nothing in those of "
            "these tracks"
        )
    if anything.any():
        notes.append(
            f"w of {int(anything.sum())} of {len(trajectories)} tracks may be anything from 0 to "
            "1: they are rather no FBM, CTRW or mixture of both"
        )
    return notes


def _suspects(trajectories: pd.DataFrame) -> list[str]:
    """Return how many steps are suspect, and what they change."""
    if not (trajectories["suspect_steps"] > 0).any():
        return []
    own = trajectories[trajectories["suspect_steps"] > 0]
    off = (own["w_without_suspects"] - own["w"]).median()
    changed = int((own["kind"] != own["kind_without_suspects"]).sum())
    w = f"; without them w changes by {off:+.2f} (median)" if np.isfinite(off) else ""
    return [
        f"{int(own['suspect_steps'].sum())} steps of {len(own)} tracks are suspect (links rather "
        f"to another particle: suspect_steps.csv){w}, and {changed} are of another kind "
        "(w_without_suspects, kind_without_suspects)"
    ]


def _held(trajectories: pd.DataFrame) -> list[str]:
    """Return that most trajectories may be held in place, where the noise that tells is missing."""
    values = trajectories["vacf_1"].dropna()
    if trajectories["localisation_se"].notna().any() or not len(values):
        return []
    held = int((values < _HELD).sum())
    if 2 * held <= len(values):
        return []
    return [
        f"neighboring steps of {held} of {len(values)} tracks correlate near -1/2, as those of "
        "particles do that stay where they are: they rest with localization errors, or are held so "
        "tightly that they come back within a frame. Without the localization error these are "
        "the same, and kind, exponent and w mean little: give --localization-error"
    ]


def _correlated_steps(trajectories: pd.DataFrame) -> float | None:
    """Return the mean correlation of neighboring steps where it is positive and blur not known.

    Light over the whole frame interval makes it 1/4 for Brownian motion without localization
    errors (Berglund, Phys. Rev. E 82, 011917, 2010).
    """
    values = trajectories["vacf_1"].dropna()
    if trajectories["exposure"].notna().any() or len(values) < 3:
        return None
    mean, error = float(values.mean()), float(values.std() / np.sqrt(len(values)))
    return mean if mean > max(_BLURRED, _SURE * error) else None
