"""Events that no training has, and how many of them a quantifier flags instead of guessing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.evaluate.predictions import drawn, fresh_seed
from perrin.events import LANDING_CLASSES
from perrin.models.quantifier import QuantifierModel
from perrin.optics.psf import Psf
from perrin.settings.optics import OpticsSettings
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.thumbnail_simulator import ThumbnailSimulator
from perrin.types import Float32Array

_WIDER = 1.5
_SPOT = 0.02  # contrast of a hot pixel


def flagged(
    model: QuantifierModel,
    simulated: ThumbnailSettings,
    *,
    count: int,
    seed: int,
    psf: Psf | None = None,
) -> pd.DataFrame:
    """Return ``kind``, ``events`` and the fraction ``flagged`` of typical and of other events.

    Out of distribution are: another polarity (the molecule brightens), a bright pixel that
    switches on, the stage that jumps by a pixel as something lands, frames in the wrong order,
    and a PSF half as wide again. Usual ones have the analytic PSF, or `psf`.
    """
    typical, inside = _events(simulated, count=count, seed=seed, psf=psf)
    rng = np.random.default_rng([seed, 1])
    kinds: dict[str, Callable[[Float32Array], Float32Array]] = {
        "typical": lambda stacks: stacks,
        "brightens instead of darkens": lambda stacks: 2 - stacks,
        "a hot pixel": _hot,
        "the stage jumps by a pixel": _jump,
        "frames in the wrong order": lambda stacks: rng.permuted(stacks, axis=1),
    }
    rows = [
        _row(model, name, change(typical.copy()), inside, count) for name, change in kinds.items()
    ]
    optics = simulated.instrument.optics
    wide = optics.model_dump() | {
        "wavelength_nm": _WIDER * optics.wavelength_nm,
        "envelope_nm": _WIDER * optics.envelope_nm,
    }
    wider = Psf.analytic(
        OpticsSettings.model_validate(wide), pixel_nm=simulated.instrument.pixel_nm
    )
    broad, inside = _events(simulated, count=count, seed=seed, psf=wider)
    return pd.DataFrame([*rows, _row(model, f"PSF {_WIDER:g} times as wide", broad, inside, count)])


def _events(
    simulated: ThumbnailSettings, *, count: int, seed: int, psf: Psf | None
) -> tuple[Float32Array, NDArray[np.bool_]]:
    shared, own = fresh_seed(seed, 5).spawn(2)
    simulator = ThumbnailSimulator.of(
        simulated, centering="detector", background=None, psf=psf, seed=shared
    )
    labels = np.resize(np.array(LANDING_CLASSES), count)
    parts = [part for _, part in drawn(simulator, labels, seed=own)]
    return (
        np.concatenate([part.stacks for part in parts]),
        np.concatenate([part.inside for part in parts]),
    )


def _hot(stacks: Float32Array) -> Float32Array:
    middle = stacks.shape[2] // 2
    stacks[:, stacks.shape[1] // 2 :, middle, middle] *= 1 - _SPOT
    return stacks


def _jump(stacks: Float32Array) -> Float32Array:
    later = stacks[:, stacks.shape[1] // 2 :]
    stacks[:, stacks.shape[1] // 2 :] = np.roll(later, 1, axis=3)
    return stacks


def _row(
    model: QuantifierModel, kind: str, stacks: Float32Array, inside: NDArray[np.bool_], count: int
) -> dict[str, object]:
    predicted = model.predict(stacks, inside, landing_sign=-1)
    return {"kind": kind, "events": count, "flagged": float(predicted.out_of_distribution.mean())}
