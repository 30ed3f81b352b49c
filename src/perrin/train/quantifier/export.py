"""From a trained quantifier to a bundle, and back to weights to go on from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from perrin.events import CLASSES
from perrin.landing.quantifier.quantify import SE_OF_90
from perrin.landing.quantifier.quantities import INTEGRATION, TARGETS
from perrin.mass.errors import ErrorShape
from perrin.models.bundle import Arrays, load_bundle_of
from perrin.models.cards import QuantifierCard, QuantityIntervals
from perrin.models.quantifier import OUTPUTS, QuantifierModel, calibrated
from perrin.settings.quantifier import QuantifierTraining
from perrin.train.classifier.network import BLOCKS, WIDTH, HistoryNetwork
from perrin.train.events.export import around, history_inputs, vector_of
from perrin.train.events.source import VARIED, Source
from perrin.train.export import Exported, as_stored, begun, read_weights, written_bundle
from perrin.train.quantifier.data import Batch, draw_block, events
from perrin.train.quantifier.intervals import HeldOut, fit_error_shape, fit_intervals
from perrin.train.quantifier.network import UNITS, QuantifierNetwork
from perrin.train.quantifier.ours import flatness

LIMITS = (
    "Trained on simulated landings of one PSF: with another PSF or pixel size contrasts are "
    "wrong by as much as those of a fit with the wrong PSF. Train or tune it for yours.",
    "Behavior that the simulator does not have (slow dissociation, diffusion before binding, "
    "two molecules at once in one place) is predicted as the nearest class that it has, unless it "
    "is flagged as out of distribution.",
    "Masses are predicted for molecules that land, not for those that leave.",
    "Residence times are followed for 24 frames; longer ones are right-censored.",
)
_TOLERANCE = 1e-3  # between torch and ONNX Runtime, float32, relative to the largest
_SAME = 1.02  # of the pixel size: the PSF is that of the instrument
_OUT_OF_DISTRIBUTION = 0.98  # of training events: the most crowded ones are as far out
_BATCH = 200
_FRESH = 1_000_000  # number of the first block that no training reaches
_BLOCKS = 5  # of events as the training draws them: what is usual
_LEAST_SD = 1e-6
_SHRINK = 0.001  # of the covariance of standardized features towards its mean variance


class _Outputs(nn.Module):
    """Histories (B, 33, 17, 17) -> what a bundle gives.

    Strangeness is the squared distance of what it knows from the nearest class of training
    events, in units of their spread (Mahalanobis), over their number.
    """

    means: Tensor
    whiten: Tensor

    def __init__(self, network: QuantifierNetwork, means: Tensor, whiten: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("means", means @ whiten)  # (C, F)
        self.register_buffer("whiten", whiten)  # (F, F)

    def forward(self, view: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return quantiles (B, 5, 3), scores, probabilities (B, 6), out_of_distribution (B,)."""
        known, maps, logits = self.network.look(view)
        quantiles = self.network.read(view, known, self.network.weigh(maps))
        scores, classes = logits.chunk(2, dim=1)
        apart = (known @ self.whiten)[:, None] - self.means  # (B, C, F)
        out_of_distribution = (apart**2).mean(dim=2).amin(dim=1)
        return quantiles, scores.sigmoid(), classes.softmax(dim=1), out_of_distribution


def write_bundle(
    network: QuantifierNetwork,
    folder: Path,
    *,
    settings: QuantifierTraining,
    source: Source,
    curve: list[dict[str, float]],
    start: str | None,
    classifier: str,
    count: int,
    overwrite: bool = False,
) -> None:
    """Write a network as a bundle, its intervals calibrated on `count` fresh events.

    They are centered as the detector does, of all classes and masses of the training.
    `classifier` is the identity of the classifier that the trunk is of.
    """
    as_stored(network.eval())
    held_out = _held_out(source, settings, count=count)
    usual = Batch.joined([draw_block(settings, source, _FRESH + k) for k in range(_BLOCKS)])
    example = held_out.views[:5].astype(np.float32)

    def card_of(exported: Exported) -> QuantifierCard:
        far = _predictions(exported, usual)["out_of_distribution"]
        intervals, errors = _calibration(_predictions(exported, held_out), held_out, settings)
        exported.check({"view": example}, allowed=_TOLERANCE, relative=True)
        return QuantifierCard(
            **exported.about,
            limits=LIMITS,
            inputs=history_inputs("scaled_histories"),
            training=_training(network, settings, source)
            | {"start": begun(start, QuantifierModel.load), "curve": curve}
            | {"calibration_events": count},
            out_of_distribution=round(float(np.quantile(far, _OUT_OF_DISTRIBUTION)), 4),
            interval=intervals,
            errors=errors,
            vector=vector_of(exported, example, OUTPUTS[:3]),
            classifier=classifier,
            **_covers(source, settings),
        )

    written_bundle(
        _Outputs(network, *_spread(network, usual)),
        folder,
        example={"view": example},
        outputs=OUTPUTS,
        card_of=card_of,
        weights=network,
        overwrite=overwrite,
    )


def _training(
    network: QuantifierNetwork, settings: QuantifierTraining, source: Source
) -> dict[str, Any]:
    """What the card says of how it was trained, and on what."""
    return {
        "settings": settings.model_dump(mode="json"),
        "trunk_size": [network.trunk.widths[0], network.trunk.blocks],
        "source": source.describe(),
        "varied": {group: VARIED[group] for group in ("camera", "background")},
    }


def load_weights(name: str | Path) -> QuantifierNetwork:
    """Return a quantifier with the weights of a bundle, to go on training from.

    Raises `PerrinError` for a bundle of another kind.
    """
    name = QuantifierModel.shipped if name == "default" else name
    bundle = load_bundle_of(name, QuantifierCard)
    size = bundle.card.training.get("trunk_size", (WIDTH, BLOCKS))
    network = QuantifierNetwork(HistoryNetwork(*size))
    read_weights(network, name)
    return network


def _covers(source: Source, settings: QuantifierTraining) -> dict[str, Any]:
    """What the card says of targets, classes and the data it is valid for."""
    instrument = source.settings.instrument
    interval = VARIED["instrument"]["camera_rate_hz"] if settings.varied > 0 else _SAME
    each = abs(instrument.contrast_per_kda)
    return {
        "targets": TARGETS,
        "units": UNITS,
        "classes": CLASSES,
        "integration": INTEGRATION,
        "pixel_nm": around(instrument.pixel_nm, _SAME),
        "frame_interval_s": around(instrument.frame_interval_s, interval),
        "contrast": (each * settings.masses.low_kda, each * settings.masses.high_kda),
    }


def _held_out(source: Source, settings: QuantifierTraining, *, count: int) -> Batch:
    """Return events of the source that no training draws, as the detector sees them."""
    plain = source.settings.model_copy(update={"masses": settings.masses})
    return events(
        replace(source, settings=plain),
        count=count,
        centering="detector",
        seed=np.random.SeedSequence([settings.seed, 1]),
        rng=np.random.default_rng([settings.seed, 2]),
    )


def _predictions(exported: Exported, batch: Batch) -> Arrays:
    """Outputs of a bundle, not calibrated, by name."""
    parts = [
        exported.run({"view": batch.views[first : first + _BATCH].astype(np.float32)}, OUTPUTS)
        for first in range(0, len(batch.labels), _BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in OUTPUTS}


def _calibration(
    said: Arrays, batch: Batch, settings: QuantifierTraining
) -> tuple[QuantityIntervals, ErrorShape]:
    """Intervals from held-out events, and what errors are left in units of them."""
    raw = torch.from_numpy(said["quantiles"][:, 0, 1])
    units = np.array(UNITS)
    found = HeldOut(
        quantiles=said["quantiles"].astype(np.float64) * units[:, None],
        probability=said["probability"].astype(np.float64),
        truth=batch.target.astype(np.float64),
        known=batch.known > 0,
        weight=flatness(batch, raw, settings.masses).numpy().astype(np.float64),
    )
    intervals = fit_intervals(found, classes=len(CLASSES))
    low, middle, high = calibrated(found.quantiles, found.probability, intervals)[:, 0].T
    good = (high > low) & found.known[:, 0]
    pulls = (middle - found.truth[:, 0])[good] / (high - low)[good] * SE_OF_90
    return intervals, fit_error_shape(pulls, found.weight[good])


def _spread(network: QuantifierNetwork, batch: Batch) -> tuple[Tensor, Tensor]:
    """Means of the classes' features (C, F), what makes their common covariance one (F, F)."""
    parts = []
    with torch.inference_mode():
        for first in range(0, len(batch.labels), _BATCH):
            view = torch.from_numpy(batch.views[first : first + _BATCH].astype(np.float32))
            parts.append(network.look(view)[0].numpy())
    features, labels = np.concatenate(parts), batch.labels
    present = np.unique(labels)
    means = np.stack([features[labels == c].mean(axis=0) for c in present]).astype(np.float64)
    left = features - means[np.searchsorted(present, labels)]
    sd = left.std(axis=0) + _LEAST_SD
    covariance = (left / sd).T @ (left / sd) / len(left)
    values, vectors = np.linalg.eigh(covariance)
    floor = _SHRINK * float(np.trace(covariance)) / len(covariance)
    whiten = vectors / np.sqrt(np.maximum(values, 0) + floor) / sd[:, None]
    return torch.from_numpy(means).float(), torch.from_numpy(whiten).float()
