"""From a trained network to a bundle: ONNX, calibration, card, self-test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from perrin.diffusion.standard import TARGETS, Standard, standardize
from perrin.models.bundle import Bundle, load_bundle_of
from perrin.models.cards import MixtureCard
from perrin.models.mixture import MixtureModel, inputs_of
from perrin.settings.diffusion import MixtureSettings, MixtureTraining
from perrin.simulate.mixtures import simulate_mixture
from perrin.train.export import Exported, begun, read_weights, written_bundle
from perrin.train.mixture.data import CAMERA, KINDS
from perrin.train.mixture.discrepancies import MOST, measure_discrepancies
from perrin.train.mixture.intervals import fit_interval
from perrin.train.mixture.network import MixtureNetwork

FRAMES = (10, 1000)
MAX_MISSING = 0.35
LIMITS = (
    "w and the exponents mean the superposition of positions of FBM and CTRW; a subordinated "
    "walk, a Levy walk or a confined particle gets numbers too, which mean nothing.",
    "Intervals are calibrated over superpositions with alpha_fbm in .1 to 1, alpha_ctrw in .2 to "
    ".98 and w in 0 to 1, all uniform, ordinary start, localization noise up to one step, without "
    "and with gaps, and motion blur where it is known; with other priors, unknown blur or aged "
    "walks they may cover less.",
    "Motion blur looks like a larger exponent: where the exposure is not known (not given with "
    "the tracks), alpha_fbm comes out too high with light over the whole frame interval.",
    "An FBM part with an exponent within .05 of 1 counts as Brownian; few tracks tell so much, so "
    "that fraction_brownian is close to 0 even there: read alpha_fbm and its interval.",
)
_OUTPUTS = ("answer", "frames")
_INPUTS = {
    "positions": "(N, T, d) float32, see perrin.diffusion.standard: mean at zero, root "
    "mean square one-frame step of one axis 1, zero where not seen, T a multiple of 4",
    "seen": "(N, T) float32, 1 where the frame has a position",
    "known": "(N, 4) float32, flag and sqrt(2) times the localization error over the "
    "step, flag and exposure; zeros where not known",
}
_COMPARED = ((12, 2), (25, 1), (100, 3), (1000, 2))  # frames and dimensions
_TOLERANCE = 2e-4  # between torch and ONNX Runtime, float32


def write_bundle(
    network: MixtureNetwork,
    folder: Path,
    *,
    settings: MixtureTraining,
    start: str | None,
    count: int,
    progress: Callable[[str], None],
    overwrite: bool = False,
) -> MixtureCard:
    """Write `network` as a bundle to `folder` and return its card.

    `start` is the bundle that the training began with. The ONNX file is compared with torch on
    trajectories of several lengths and dimensions; intervals are calibrated on `count` fresh
    trajectories of each length, noise and camera, and the discrepancies of the model's own tracks
    measured. Raises `PerrinError` where torch and ONNX
    Runtime differ.
    """
    progress("exporting")

    def card_of(exported: Exported) -> MixtureCard:
        for length, dims in _COMPARED:
            inputs = inputs_of(_example(settings.seed, length=length, dims=dims))
            exported.check(inputs, allowed=_TOLERANCE, where=f" at {length} frames, {dims}D")
        progress("calibrating the intervals")
        card = _card(exported, settings=settings, start=start, count=count)
        progress("measuring the discrepancies of its own tracks")
        model = MixtureModel(Bundle(card, exported.session))
        table = measure_discrepancies(model, count=min(count, MOST), seed=settings.seed)
        return card.model_copy(update={"discrepancies": table})

    return written_bundle(
        network,
        folder,
        example=inputs_of(_example(settings.seed, length=24, dims=2)),
        outputs=_OUTPUTS,
        card_of=card_of,
        weights=network,
        indent=1,
        overwrite=overwrite,
    )


def _card(
    exported: Exported, *, settings: MixtureTraining, start: str | None, count: int
) -> MixtureCard:
    """Calibrate the intervals, and return the card."""

    def run(standard: Standard) -> NDArray[np.float32]:
        return exported.run(inputs_of(standard), ["answer"])["answer"]

    seed = np.random.SeedSequence(settings.seed, spawn_key=(1 << 31,))
    example = _example(settings.seed, length=20, dims=2)
    example = replace(example, positions=np.round(example.positions, 4))
    return MixtureCard(
        **exported.about,
        inputs=_INPUTS,
        outputs=tuple(name for name, _, _ in TARGETS),
        frames=FRAMES,
        dims=(1, 2, 3),
        max_missing=MAX_MISSING,
        limits=LIMITS,
        training={
            "settings": settings.model_dump(mode="json"),
            "start": begun(start, MixtureModel.load),
            "kinds": [[fraction, kind] for fraction, kind in KINDS],
            "camera": CAMERA,
        },
        interval=fit_interval(run, count=count, rng=np.random.default_rng(seed)),
        vector=exported.vector(inputs_of(example), ["answer"]),
    )


def load_weights(name: str | Path) -> MixtureNetwork:
    """Return the network of a bundle, to go on training from.

    Raises `PerrinError` for a bundle of another kind.
    """
    load_bundle_of(name, MixtureCard)
    network = MixtureNetwork()
    read_weights(network, name)
    return network


def _example(seed: int, *, length: int, dims: int) -> Standard:
    settings = MixtureSettings(length=length, dims=dims, noise=(0.0, 1.0), missing=0.2)
    drawn = simulate_mixture(settings, count=4, rng=np.random.default_rng(seed))
    noise = drawn.truth.noise_sigma.copy()
    noise[::2] = np.nan
    return standardize(drawn.positions, drawn.seen, noise=noise)
