"""What the time course and the out-of-model flag reach, on simulated tracks with known truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from perrin.diffusion.regimes import find_regimes, fraction_near
from perrin.diffusion.standard import TARGETS, Prediction
from perrin.diffusion.windows import Track
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.mixtures import simulate_mixture
from perrin.train.mixture.discrepancies import IN_MODEL, NOISES
from perrin_benchmarks.matches import Matches

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

TOLERANCE = 10
"""Frames by which a change point may be off and still count."""
WINDOW_SIZES, WINDOW_STRIDE = (30, 100), 10
_FRAMES = [name for name, _, _ in TARGETS].index("frames_ctrw")


@dataclass(frozen=True)
class Drawn:
    """Simulated tracks, the answer, and which steps follow the CTRW: (N, L - 1), or (N, 0)."""

    tracks: list[Track]
    prediction: Prediction
    masks: BoolArray


def draw(
    model: MixtureModel,
    settings: MixtureSettings,
    *,
    count: int,
    rng: np.random.Generator,
    known: bool = True,
) -> Drawn:
    """Return up to `count` tracks (without those that never move), and what `model` says."""
    mixture = simulate_mixture(settings, count=count, rng=rng)
    kept = (np.diff(mixture.positions, axis=1) != 0).any(axis=(1, 2))
    tracks = as_tracks(
        mixture.positions[kept],
        noise=mixture.truth.noise_sigma[kept] if known else None,
        exposure=settings.exposure if known else np.nan,
    )
    masks = np.zeros((len(kept), 0), dtype=bool) if mixture.mask is None else mixture.mask
    return Drawn(tracks, model.predict_tracks(tracks), masks[kept])


def as_tracks(
    positions: FloatArray, *, noise: FloatArray | None, exposure: float = 0.0
) -> list[Track]:
    """Return positions (N, L, d) as tracks without gaps."""
    errors = np.full(len(positions), np.nan) if noise is None else noise
    seen = np.ones(positions.shape[1], dtype=bool)
    return [
        Track(i, 0, track, seen, noise=float(errors[i]), exposure=exposure)
        for i, track in enumerate(positions)
    ]


def frame_errors(drawn: Drawn) -> tuple[float, float]:
    """Return the mean absolute error of p_ctrw step by step, and the coverage of ctrw_near."""
    errors, covered = [], []
    for steps, mask in zip(drawn.prediction.steps, drawn.masks, strict=True):
        errors.append(np.abs(steps[:, 1] - mask).mean())
        said, true = fraction_near(steps[:, 1]), fraction_near(mask.astype(float))[:, 1]
        covered.append(((said[:, 0] <= true) & (true <= said[:, 2])).mean())
    return float(np.mean(errors)), float(np.mean(covered))


def window_errors(model: MixtureModel, drawn: Drawn) -> dict[str, float]:
    """Return the error of the CTRW fraction at each step from windows, by their length in frames.

    At a step: the mean of `frames_ctrw` of the windows over it; "both": weighted by the inverse
    square of the width of their intervals.
    """
    length = drawn.masks.shape[1] + 1
    sums = {size: np.zeros((2, *drawn.masks.shape)) for size in WINDOW_SIZES}
    for size, total in sums.items():
        starts = range(0, length - size + 1, WINDOW_STRIDE)
        cuts = [(i, s) for i in range(len(drawn.tracks)) for s in starts]
        positions = [drawn.tracks[i].positions[s : s + size] for i, s in cuts]
        moving = [k for k, part in enumerate(positions) if (np.diff(part, axis=0) != 0).any()]
        predicted = model.predict(
            [positions[k] for k in moving],
            [np.ones(size, dtype=bool)] * len(moving),
            noise=np.array([drawn.tracks[cuts[k][0]].noise for k in moving]),
            exposure=np.array([drawn.tracks[cuts[k][0]].exposure for k in moving]),
        ).quantiles[:, _FRAMES]
        quantiles = np.tile([0.95, 1.0, 1.0], (len(cuts), 1))  # what never moves waits in a CTRW
        quantiles[moving] = predicted
        for (i, s), (low, middle, high) in zip(cuts, quantiles, strict=True):
            weight = 1 / max(high - low, 0.05) ** 2
            total[:, i, s : s + size - 1] += np.array([weight * middle, weight])[:, None]
    errors = {}
    totals = {str(size): total for size, total in sums.items()}
    totals["both"] = np.sum(list(sums.values()), axis=0)
    for name, total in totals.items():
        fraction = np.divide(
            total[0], total[1], out=np.full_like(total[0], 0.5), where=total[1] > 0
        )
        errors[name] = float(np.abs(fraction - drawn.masks).mean())
    return errors


@dataclass(frozen=True)
class ChangeScore(Matches):
    """Change points, matched within `TOLERANCE`; coverage of their intervals."""

    covered: float


def change_points(p: FloatArray) -> list[tuple[int, float, float]]:
    """Return the step at which each change comes, and its interval."""
    return [(r.start, r.start_low, r.start_high) for r in find_regimes(p) if r.changed]


def score_changes(
    found: Sequence[Sequence[tuple[int, float, float]]], masks: BoolArray
) -> ChangeScore:
    """Compare change points of tracks with the truth, one to one, nearest first."""
    number = true = matched = 0
    covered = []
    for points, mask in zip(found, masks, strict=True):
        real = np.flatnonzero(np.diff(mask.astype(int))) + 1
        number, true = number + len(points), true + len(real)
        if not len(points) or not len(real):
            continue
        apart = np.abs(np.subtract.outer([point[0] for point in points], real))
        rows, columns = linear_sum_assignment(np.minimum(apart, 2 * TOLERANCE))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            matched += bool(apart[row, column] <= TOLERANCE)
            if apart[row, column] < 2 * TOLERANCE:
                _, low, high = points[row]
                covered.append(low <= real[column] <= high)
    return ChangeScore(number, true, matched, float(np.mean(covered)) if covered else float("nan"))


def in_model(
    model: MixtureModel, *, length: int, count: int, rng: np.random.Generator
) -> list[tuple[str, Drawn]]:
    """Return tracks of the model, kind by kind: half with noise up to half a step, half told."""
    found = []
    for fraction, changes in IN_MODEL:
        number = max(4, round(fraction * count))
        for noise, known in NOISES:
            settings = MixtureSettings.model_validate({"length": length, "noise": noise, **changes})
            part = max(1, number // (2 if noise[1] == 0 else 4))
            drawn = draw(model, settings, count=part, rng=rng, known=known)
            if drawn.tracks:
                found.append((str(changes.get("kind", "superposition")), drawn))
    return found


def flagged(
    model: MixtureModel,
    walk: Callable[..., FloatArray],
    *,
    count: int,
    length: int,
    rng: np.random.Generator,
    noise: float = 0.2,
) -> FloatArray:
    """Return the p-values of walks with localization noise of `noise` steps, which is known."""
    clean = walk(count, length=length, rng=rng)
    sigma = noise * np.sqrt((np.diff(clean, axis=1) ** 2).mean(axis=(1, 2)))
    positions = clean + sigma[:, None, None] * rng.standard_normal(clean.shape)
    tracks = as_tracks(positions, noise=sigma)
    return model.posterior_predictive_p(tracks, model.predict_tracks(tracks))
