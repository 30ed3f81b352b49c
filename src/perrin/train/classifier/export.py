"""From a trained classifier to a bundle, and back to weights to go on from."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.events import CLASSES, PAPER_CLASSES
from perrin.io.output_folder import written_folder
from perrin.landing.thumbnails import THUMBNAIL_PX
from perrin.landing.views import HISTORY_CHANNELS, View, look
from perrin.models.bundle import bundle_folder, load_bundle, load_bundle_of, open_session
from perrin.models.cards import ClassifierCard, Vector
from perrin.models.classifier import ClassifierModel
from perrin.settings.classifier import ClassifierTraining, PaperTraining
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.thumbnail_simulator import ThumbnailSimulator
from perrin.simulate.thumbnails import threads
from perrin.train.classifier.network import BLOCKS, WIDTH, HistoryNetwork
from perrin.train.classifier.resnet import ResNet3D
from perrin.train.events.source import VARIED, WIDER, Source
from perrin.train.export import (
    WEIGHTS,
    as_stored,
    begun,
    both_predictions,
    check_same,
    read_weights,
    to_onnx,
    write_weights,
)

OUTPUTS = ("score", "probability", "features", "activations")
LIMITS = (
    "Trained on simulated landings: behavior of molecules that the simulator does not have "
    "(slow dissociation, diffusion before binding, two molecules at once in one place) gets a "
    "class too, which may mean nothing.",
    "A score says how an event looks, not how heavy it is: a binder of the wrong mass, such as a "
    "fragment, stays a binder.",
    "Unbinding events are predicted as the class of the molecule that leaves, a molecule at rest "
    "as an unbinder.",
)
_TOLERANCE = 2e-4  # between torch and ONNX Runtime, float32
_OWN_INSTRUMENT = 1.02  # of pixel and frame interval, for a network that saw one instrument


class _OurOutputs(nn.Module):
    """Histories (B, 33, 17, 17) -> what a bundle gives."""

    def __init__(self, network: HistoryNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, view: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return scores, probabilities, features and mean activations (B, 17, 17)."""
        maps = self.network.maps(view)
        features = self.network.features(maps[-1])
        scores, classes = self.network.out(features).chunk(2, dim=1)
        return scores.sigmoid(), classes.softmax(dim=1), features, maps[0].mean(dim=1)


class _PaperOutputs(nn.Module):
    """Thumbnails (B, 1, T, 17, 17) -> what a bundle gives."""

    def __init__(self, network: ResNet3D) -> None:
        super().__init__()
        self.network = network

    def forward(self, view: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return scores, probabilities, features and mean activations (B, 20, 9, 9)."""
        first = self.network.first(view)
        features = self.network.features(first)
        logits = self.network.out(features)
        return logits.sigmoid(), logits.softmax(dim=1), features, first.mean(dim=1)


def write_our_bundle(
    network: HistoryNetwork,
    folder: Path,
    *,
    settings: ClassifierTraining,
    source: Source,
    curve: list[dict[str, float]],
    start: str | None,
    overwrite: bool = False,
) -> None:
    """Write our network as a bundle: valid for all instruments that it has seen.

    Its figures, confusion matrix and thresholds are those of `record_measured`.
    """
    instrument = source.settings.instrument
    factor = VARIED["instrument"] if settings.varied > 0 else {}
    pixel, interval = (factor.get(name, _OWN_INSTRUMENT) for name in ("pixel_nm", "camera_rate_hz"))
    _write(
        _OurOutputs(network),
        folder,
        {
            "inputs": {
                "view": f"(N, {HISTORY_CHANNELS}, {THUMBNAIL_PX}, {THUMBNAIL_PX}) float32, "
                "perrin.landing.views.histories"
            },
            "classes": CLASSES,
            "view": "history",
            "score": "sigmoid of a logit of its own, trained one class against the rest",
            "n_avg": settings.n_avg_range,
            "pixel_nm": (instrument.pixel_nm / pixel, instrument.pixel_nm * pixel),
            "frame_interval_s": (
                instrument.frame_interval_s / interval,
                instrument.frame_interval_s * interval,
            ),
            "training": {
                "recipe": "perrin",
                "settings": settings.model_dump(mode="json"),
                "start": begun(start, ClassifierModel.load),
                "source": source.describe(),
                "varied": {**VARIED, "psf_width": WIDER},
                "curve": curve,
            },
        },
        example=_example("history", settings.n_avg_range[0]),
        overwrite=overwrite,
    )


def write_paper_bundle(
    network: ResNet3D,
    folder: Path,
    *,
    settings: PaperTraining,
    curve: list[dict[str, float]],
    overwrite: bool = False,
) -> None:
    """Write the paper's network as a bundle: valid for the one instrument that it has seen."""
    instrument = ThumbnailSettings().instrument
    around = (1 / _OWN_INSTRUMENT, _OWN_INSTRUMENT)
    _write(
        _PaperOutputs(network),
        folder,
        {
            "inputs": {
                "view": f"(N, 1, T, {THUMBNAIL_PX}, {THUMBNAIL_PX}) float32, "
                "perrin.landing.views.standardized"
            },
            "classes": PAPER_CLASSES,
            "view": "thumbnail",
            "score": "sigmoid of the logit of a cross-entropy network (paper 002)",
            "n_avg": (settings.n_avg, settings.n_avg),
            "pixel_nm": tuple(instrument.pixel_nm * k for k in around),
            "frame_interval_s": tuple(instrument.frame_interval_s * k for k in around),
            "training": {
                "recipe": "paper 002, Model Training",
                "settings": settings.model_dump(mode="json"),
                "parameters": sum(p.numel() for p in network.parameters()),
                "curve": curve,
            },
        },
        example=_example("thumbnail", settings.n_avg),
        overwrite=overwrite,
    )


def load_weights(name: str | Path) -> HistoryNetwork:
    """Return our network with the weights of a bundle, to go on training from.

    Raises `PerrinError` for a bundle of another kind.
    """
    name = ClassifierModel.shipped if name == "default" else name
    bundle = load_bundle_of(name, ClassifierCard)
    if bundle.card.view != "history":
        raise PerrinError(
            f"{name} is the paper's network; only perrin's own can be tuned. Take 'classifier'."
        )
    sizes = bundle.card.training["settings"]
    network = HistoryNetwork(sizes.get("width", WIDTH), sizes.get("blocks", BLOCKS))
    read_weights(network, bundle_folder(name) / WEIGHTS)
    return network


def _write(
    outputs: nn.Module,
    folder: Path,
    about: dict[str, Any],
    *,
    example: NDArray[np.float32],
    overwrite: bool,
) -> None:
    outputs.eval()
    if isinstance(outputs, _OurOutputs):
        as_stored(outputs.network)
    with written_folder(folder, overwrite=overwrite) as partial:
        inputs = {"view": example}
        content = to_onnx(outputs, partial / "model.onnx", inputs=inputs, outputs=OUTPUTS)
        if isinstance(outputs, _OurOutputs):
            write_weights(outputs.network, partial / WEIGHTS)
        session = open_session(content)
        for name, told, own in both_predictions(outputs, session, inputs=inputs, outputs=OUTPUTS):
            worst = float(np.abs(told - own).max() / max(1.0, np.abs(own).max()))
            check_same(worst, allowed=_TOLERANCE, where=f"in {name}")
        count = len(about["classes"])
        tested = np.round(example[:2].astype(float), 2).astype(np.float32)
        predictions = session.run(["score", "probability"], {"view": tested})
        card = ClassifierCard(
            name=folder.name,
            perrin_version=__version__,
            sha256=hashlib.sha256(content).hexdigest(),
            license="MIT",
            limits=LIMITS,
            figures={},
            confusion=tuple(map(tuple, np.eye(count).tolist())),
            thresholds={},
            vector=Vector(
                inputs={"view": np.round(tested.astype(float), 2).tolist()},
                outputs=dict(
                    zip(("score", "probability"), (a.tolist() for a in predictions), strict=True)
                ),
            ),
            **about,
        )
        (partial / "card.json").write_text(card.model_dump_json(indent=None) + "\n")
    load_bundle(folder)


def _example(view: View, n_avg: int) -> NDArray[np.float32]:
    """One event of each of the paper's classes, as a network sees it."""
    settings = ThumbnailSettings(n_avg=n_avg)
    model_seed, draw_seed = np.random.SeedSequence(1).spawn(2)
    simulator = ThumbnailSimulator.of(
        settings, centering="truth", background=None, psf=None, seed=model_seed
    )
    with threads(1) as pool:
        (part,) = simulator.events(np.array(PAPER_CLASSES), seed=draw_seed, pool=pool)
    return look(part.stacks, part.inside, view=view, n_avg=n_avg, landing_sign=-1)
