"""The mixture network at work: arrays in, calibrated predictions out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from perrin.diffusion.standard import TARGETS, Prediction, Standard, grouped, joined
from perrin.diffusion.windows import Track
from perrin.errors import PerrinError
from perrin.models import predictive
from perrin.models.bundle import Bundle, load_bundle_of
from perrin.models.cards import Interval, MixtureCard
from perrin.models.track_range import outside
from perrin.threads import cores
from perrin.types import BoolArray, FloatArray

_NOTHING = 0.005  # ends of intervals closer than this to 0 or 1 are 0 or 1
_NOISE, _MIDDLE = 3, 1  # row of the noise fraction; column of the middle


class MixtureModel:
    """What `perrin.diffusion.characterize` needs: is a track in range, and what is in it."""

    def __init__(self, bundle: Bundle[MixtureCard]) -> None:
        self.bundle = bundle

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """Return the model of a bundle; raises `PerrinError` for one of another task."""
        return cls(load_bundle_of(name, MixtureCard))

    @property
    def name(self) -> str:
        """Name of the bundle."""
        return self.bundle.card.name

    def refusal(self, seen: BoolArray, dims: int) -> str | None:
        """Return why a track, seen (L,), is outside what the card covers; None if it is not."""
        card = self.bundle.card
        if (refused := outside(card, frames=len(seen), dims=dims)) is not None:
            return refused
        missing = 1 - float(seen.mean())
        if missing > card.max_missing:
            return f"{missing:.0%} of the frames missing; the model covers {card.max_missing:.0%}"
        return None

    def predict(
        self,
        positions: Sequence[FloatArray],
        seen: Sequence[BoolArray],
        *,
        noise: FloatArray | None = None,
        exposure: FloatArray | None = None,
    ) -> Prediction:
        """Return what is in each track; lengths may differ.

        positions: (L, d) each, seen: (L,) each. noise (N,): localization error of one axis, in
        the unit of the positions; exposure (N,): fraction of the frame with light; NaN, or no
        array: not known. Raises `PerrinError` for a track out of range, or one that never moves.
        """
        for track, frames in zip(positions, seen, strict=True):
            refused = self.refusal(frames, track.shape[1])
            if refused:
                raise PerrinError(f"a track has {refused}. Cut it into windows, or leave it out.")
        lengths = np.array([len(track) for track in positions])
        parts = grouped(lengths)

        def run(part: NDArray[np.int64]) -> tuple[Standard, dict[str, NDArray[np.float32]]]:
            standard = joined(
                [positions[i] for i in part],
                [seen[i] for i in part],
                noise=None if noise is None else noise[part],
                exposure=None if exposure is None else exposure[part],
            )
            return standard, self.bundle.run(inputs_of(standard), ["answer", "frames"])

        raw = np.zeros((len(lengths), len(TARGETS), 3))
        camera = np.zeros(len(lengths), dtype=np.int64)
        steps: list[FloatArray] = [np.zeros((0, 2))] * len(lengths)
        with ThreadPoolExecutor(cores()) as pool:
            for part, (standard, told) in zip(parts, pool.map(run, parts), strict=True):
                raw[part], camera[part] = told["answer"], standard.camera
                for i, of_frames in zip(part, told["frames"], strict=True):
                    steps[i] = of_frames[: lengths[i] - 1].astype(float)
        return Prediction(calibrated(raw, lengths, camera, self.bundle.card.interval), steps)

    def predict_tracks(self, tracks: Sequence[Track]) -> Prediction:
        """Return what is in each track; see `predict`."""
        return self.predict(
            [track.positions for track in tracks],
            [track.seen for track in tracks],
            noise=np.array([track.noise for track in tracks]),
            exposure=np.array([track.exposure for track in tracks]),
        )

    def posterior_predictive_p(self, tracks: Sequence[Track], prediction: Prediction) -> FloatArray:
        """Return posterior predictive p-values (N,): the fraction of replicates more discrepant.

        `prediction` is that of the tracks. NaN where a track has nothing to compare, and for all
        of them where the card has no table of discrepancies. How: `perrin.models.predictive`.
        """
        table = self.bundle.card.discrepancies
        if table is None:
            return np.full(len(tracks), np.nan)
        lengths = np.array([len(track.seen) for track in tracks])
        return predictive.p_values(self.distances(tracks, prediction), lengths, table)

    def distances(self, tracks: Sequence[Track], prediction: Prediction) -> FloatArray:
        """Return how far each track is from replicates of its prediction, (N,)."""
        found = [
            predictive.distance(track, quantiles, steps)
            for track, quantiles, steps in zip(
                tracks, prediction.quantiles, prediction.steps, strict=True
            )
        ]
        return np.array(found, dtype=np.float64)


def inputs_of(standard: Standard) -> dict[str, NDArray[np.float32]]:
    """Return the inputs of the network by name."""
    return {"positions": standard.positions, "seen": standard.seen, "known": standard.known}


def calibrated(
    raw: FloatArray,
    lengths: NDArray[np.int64],
    camera: NDArray[np.int64],
    interval: Interval,
) -> FloatArray:
    """Return `raw` (N, 10, 3) with intervals scaled by the factors of the card, within 0 to 1.

    lengths (N,): of the tracks; camera (N,): which of `perrin.diffusion.standard.CAMERAS`.
    """
    factors = np.array(interval.factors)  # (10, 2, camera, lengths, noise, middle)
    length, noise, middle = cells(raw, lengths, interval)
    target = np.arange(raw.shape[1])
    camera, length, noise = camera[:, None], length[:, None], noise[:, None]
    factor = factors[target, :, camera, length, noise, middle]  # (N, 10, 2)
    prediction = raw.copy()
    prediction[..., 0] = raw[..., 1] - factor[..., 0] * (raw[..., 1] - raw[..., 0])
    prediction[..., 2] = raw[..., 1] + factor[..., 1] * (raw[..., 2] - raw[..., 1])
    # a part that is not there has a fraction of exactly 0, which a ratio of answers never is
    prediction[..., 0][prediction[..., 0] < _NOTHING] = 0.0
    prediction[..., 2][prediction[..., 2] > 1 - _NOTHING] = 1.0
    clipped: FloatArray = np.clip(prediction, 0.0, 1.0)
    return clipped


def cells(
    raw: FloatArray, lengths: NDArray[np.int64], interval: Interval
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the calibration cell of each prediction: length (N,), noise (N,), middle (N, 10)."""
    apart = np.abs(np.log(np.divide.outer(lengths, np.array(interval.lengths))))
    noise = np.searchsorted(interval.noise_edges, raw[:, _NOISE, _MIDDLE])
    middle = np.searchsorted(interval.middle_edges, raw[..., _MIDDLE])
    return apart.argmin(axis=1), noise, middle
