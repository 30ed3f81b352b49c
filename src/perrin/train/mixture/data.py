"""Fresh trajectories for training: every batch is new."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from perrin.diffusion.standard import MULTIPLE, TARGETS, standardize, to_unit
from perrin.settings.diffusion import MixtureSettings, MixtureTraining
from perrin.simulate.mixtures import Mixture, Truth, simulate_mixture
from perrin.types import FloatArray

_PURE: dict[str, object] = {"w": (0.0, 0.0)}
_WIDE: dict[str, object] = {"alpha_fbm": (0.05, 1.95)}
LENGTHS = (
    *(12, 16, 20, 28, 28, 36, 48, 52, 64, 80, 100, 100, 128, 160, 200, 252, 300, 300, 400),
    *(512, 640, 800, 1000),
)
"""Padded lengths of batches, about equally far apart in logarithm; some count twice."""
KINDS: tuple[tuple[float, dict[str, object]], ...] = (
    (0.36, {}),
    (0.12, {"start": "aged"}),
    (0.06, {"alpha_fbm": (0.1, 1.9)}),
    (0.05, {"kind": "increments", "brownian": (0.0, 1.0)}),
    (0.02, {"kind": "increments", "start": "aged"}),
    (0.07, {"kind": "interleaved"}),
    (0.08, {"kind": "interleaved", "start": "aged"}),
    (0.12, {**_PURE, **_WIDE}),
    (0.04, {**_PURE}),
    (0.02, {**_PURE, "brownian": (0.0, 1.0)}),
    (0.06, {"w": (1.0, 1.0), "start": "aged"}),
)
"""Fraction of the training trajectories and what differs from the defaults of the simulator."""


SEGMENTS = (10, 150)
"""Frames of a segment in the second kind of interleaved mixture, uniform in logarithm."""

CAMERA: dict[str, object] = {
    "noise": "uniform, 0 to 1 step (in one of three 0 to 3)",
    "exposure": "uniform, 0.1 to 1",
    "missing": "uniform, 0.02 to 0.3",
    "known": "noise, exposure or both, each for half of the trajectories; noise to 5%",
}
"""What `_draw_camera` draws, for the card."""


@dataclass(frozen=True)
class Batch:
    """What the network takes and what is true; float32.

    positions (N, T, d), seen (N, T), known (N, 4): see `perrin.diffusion.standard`.
    target, weight (N, 10): in 0 to 1. moved (N, d, T): standardized displacement of the CTRW
    part from a frame to the next. segment (N, T): 1 where that step follows the CTRW, 0 where
    it follows FBM, -1 where both move it.
    """

    positions: NDArray[np.float32]
    seen: NDArray[np.float32]
    known: NDArray[np.float32]
    target: NDArray[np.float32]
    weight: NDArray[np.float32]
    moved: NDArray[np.float32]
    segment: NDArray[np.float32]


def draw_batch(settings: MixtureTraining, *, rng: np.random.Generator) -> Batch:
    """Draw one batch: one length and dimension, every kind of mixture and camera."""
    padded = _draw_length(settings, rng)
    length = padded - int(rng.integers(0, MULTIPLE))
    dims = int(rng.choice((1, 2, 3), p=settings.dims))
    wanted = settings.tokens // padded
    counts = rng.multinomial(wanted + wanted // 20 + 2, [fraction for fraction, _ in KINDS])
    parts = []
    for count, (_, kind) in zip(counts, KINDS, strict=True):
        if count == 0:
            continue
        camera = _draw_camera(settings, rng)
        if kind == {"kind": "interleaved", "start": "aged"}:
            camera["segment_frames"] = int(np.exp(rng.uniform(*np.log(SEGMENTS))))
        drawn = MixtureSettings.model_validate({"length": length, "dims": dims, **camera, **kind})
        mixture = simulate_mixture(drawn, count=int(count), rng=rng)
        parts.append(_as_batch(mixture, exposure=drawn.exposure, rng=rng))
    # equal shapes again and again: the convolutions are prepared once for each
    kept = rng.permutation(sum(len(part.seen) for part in parts))[:wanted]
    names = [field.name for field in fields(Batch)]
    return Batch(
        **{name: np.concatenate([getattr(part, name) for part in parts])[kept] for name in names}
    )


def _as_batch(mixture: Mixture, *, exposure: float, rng: np.random.Generator) -> Batch:
    # an interleaved track may hold nothing but a CTRW that never jumps
    moves = (np.diff(mixture.positions, axis=1) != 0).any(axis=2)
    usable = (moves & mixture.seen[:, 1:] & mixture.seen[:, :-1]).any(axis=1)
    sigma = mixture.truth.noise_sigma[usable]
    known_noise, known_exposure = rng.random((2, len(sigma))) < 0.5
    standard = standardize(
        mixture.positions[usable],
        mixture.seen[usable],
        noise=np.where(known_noise, sigma * rng.normal(1.0, 0.05, len(sigma)), np.nan),
        exposure=np.where(known_exposure, exposure, np.nan),
    )
    target, weight = targets(mixture.truth, standard.step, usable)
    count, length, dims = standard.positions.shape
    steps = mixture.positions.shape[1] - 1
    moved = np.zeros((count, dims, length), np.float32)
    jumps = np.diff(mixture.ctrw[usable], axis=1) / standard.step[:, None, None]
    moved[..., :steps] = jumps.transpose(0, 2, 1)
    segment = np.full((count, length), -1.0, np.float32)
    if mixture.mask is not None:
        segment[:, :steps] = mixture.mask[usable]
    else:
        fractions = mixture.truth.fractions[usable]
        segment[fractions[:, 1] == 0, :steps] = 0.0
        segment[fractions[:, 0] + fractions[:, 2] == 0, :steps] = 1.0
    return Batch(standard.positions, standard.seen, standard.known, target, weight, moved, segment)


def targets(
    truth: Truth, step: FloatArray, rows: NDArray[np.bool_] | slice
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the targets of `rows` in 0 to 1 and their weights, (N, 10) each.

    An exponent counts as far as its part holds a tenth of the squared step; what has no
    meaning counts nothing.
    """
    fractions = truth.fractions[rows]
    gaussian = fractions[:, 0] + fractions[:, 2]
    values = np.column_stack(
        [
            fractions,
            truth.w[rows],
            truth.alpha_fbm[rows],
            truth.alpha_ctrw[rows],
            truth.frames_ctrw[rows],
            2 * np.log(truth.fbm_step[rows] / step),
            truth.jump_rate[rows],
        ]
    )
    unit = np.column_stack([to_unit(values[:, k], k) for k in range(len(TARGETS))])
    weight = np.isfinite(unit).astype(np.float32)
    weight[:, 5] *= np.clip(10 * gaussian, 0.05, 1)
    weight[:, 6] *= np.clip(10 * fractions[:, 1], 0.05, 1)
    weight[:, 8] *= np.clip(10 * gaussian, 0.05, 1)
    weight[np.isnan(weight)] = 0.0
    return np.nan_to_num(unit).astype(np.float32), weight


def _draw_length(settings: MixtureTraining, rng: np.random.Generator) -> int:
    """Return a padded length: usual ones more often than long ones."""
    usual = [length for length in LENGTHS if length <= settings.typical_length]
    longer = [length for length in LENGTHS if length > settings.typical_length]
    return int(rng.choice(longer if rng.random() < settings.long_fraction else usual))


def _draw_camera(settings: MixtureTraining, rng: np.random.Generator) -> dict[str, object]:
    camera: dict[str, object] = {}
    if rng.random() < settings.noisy:
        camera["noise"] = (0.0, float(rng.choice((1.0, 1.0, 3.0))))
    if rng.random() < settings.blurred:
        camera["exposure"] = float(rng.uniform(0.1, 1.0))
    if rng.random() < settings.gappy:
        camera["missing"] = float(rng.uniform(0.02, 0.3))
    return camera
