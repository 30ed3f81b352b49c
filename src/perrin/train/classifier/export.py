"""From a trained classifier to a bundle, and back to weights to go on from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from perrin.errors import PerrinError
from perrin.events import CLASSES, PAPER_CLASSES
from perrin.landing.thumbnails import THUMBNAIL_PX
from perrin.landing.views import View, look
from perrin.models.bundle import load_bundle_of
from perrin.models.cards import ClassifierCard
from perrin.models.classifier import ClassifierModel
from perrin.settings.classifier import ClassifierTraining, PaperTraining
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.thumbnail_simulator import ThumbnailSimulator
from perrin.simulate.thumbnails import threads
from perrin.train.classifier.network import BLOCKS, WIDTH, HistoryNetwork
from perrin.train.classifier.resnet import ResNet3D
from perrin.train.events.export import around, history_inputs, vector_of
from perrin.train.events.source import VARIED, WIDER, Source
from perrin.train.export import Exported, as_stored, begun, read_weights, written_bundle

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


class _Outputs(nn.Module):
    """From what a network sees to what a bundle gives."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network


class _OurOutputs(_Outputs):
    """Histories (B, 33, 17, 17) -> what a bundle gives."""

    network: HistoryNetwork

    def forward(self, view: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return scores, probabilities, features and mean activations (B, 17, 17)."""
        maps = self.network.maps(view)
        features = self.network.features(maps[-1])
        scores, classes = self.network.out(features).chunk(2, dim=1)
        return scores.sigmoid(), classes.softmax(dim=1), features, maps[0].mean(dim=1)


class _PaperOutputs(_Outputs):
    """Thumbnails (B, 1, T, 17, 17) -> what a bundle gives."""

    network: ResNet3D

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
            "inputs": history_inputs("histories"),
            "classes": CLASSES,
            "view": "history",
            "score": "sigmoid of a logit of its own, trained one class against the rest",
            "n_avg": settings.n_avg_range,
            "pixel_nm": around(instrument.pixel_nm, pixel),
            "frame_interval_s": around(instrument.frame_interval_s, interval),
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
            "pixel_nm": around(instrument.pixel_nm, _OWN_INSTRUMENT),
            "frame_interval_s": around(instrument.frame_interval_s, _OWN_INSTRUMENT),
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
    read_weights(network, name)
    return network


def _write(
    outputs: _Outputs,
    folder: Path,
    about: dict[str, Any],
    *,
    example: NDArray[np.float32],
    overwrite: bool,
) -> None:
    ours = outputs.network if isinstance(outputs, _OurOutputs) else None
    if ours is not None:
        as_stored(ours.eval())

    def card_of(exported: Exported) -> ClassifierCard:
        exported.check({"view": example}, allowed=_TOLERANCE, relative=True)
        return ClassifierCard(
            **exported.about,
            limits=LIMITS,
            confusion=tuple(map(tuple, np.eye(len(about["classes"])).tolist())),
            thresholds={},
            vector=vector_of(exported, example, ("score", "probability")),
            **about,
        )

    written_bundle(
        outputs,
        folder,
        example={"view": example},
        outputs=OUTPUTS,
        card_of=card_of,
        weights=ours,
        overwrite=overwrite,
    )


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
