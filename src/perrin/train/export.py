"""From a trained network to the files of a bundle: what all networks share."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.io.output_folder import rewrite, written_folder
from perrin.models.bundle import Arrays, bundle_folder, load_bundle, open_session, read_card
from perrin.models.cards import Card, Vector
from perrin.quiet import quiet

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

OfKind = TypeVar("OfKind", bound=Card)

WEIGHTS = "weights.npz"

_COUNT, _QUARTER, _DIMS = (torch.export.Dim(name) for name in ("count", "quarter", "dims"))
_FREE: dict[str, dict[int, Any]] = {
    "view": {0: _COUNT},
    "positions": {0: _COUNT, 1: 4 * _QUARTER, 2: _DIMS},
    "seen": {0: _COUNT, 1: 4 * _QUARTER},
    "known": {0: _COUNT},
    "evidence": {0: _COUNT},
}
"""Axes of any length, by the name of the input."""


def to_onnx(network: nn.Module, path: Path, *, inputs: Arrays, outputs: Sequence[str]) -> bytes:
    """Write a network as ONNX, norms folded into the convolutions; return the file's bytes.

    `inputs` are examples, in the order and by the names of `forward`. The number of events or
    tracks is free, that of frames (a multiple of 4) and dimensions too where tracks go in.
    """
    with quiet("torch.onnx", level=logging.ERROR):  # packages and Python versions
        torch.onnx.export(
            network,
            tuple(map(torch.from_numpy, inputs.values())),
            path,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamo=True,
            external_data=False,
            dynamic_shapes={name: _FREE[name] for name in inputs},
            verbose=False,
        )
    return _without_traces(path)


def as_stored(network: nn.Module) -> None:
    """Round weights as `write_weights` stores them: both files of a bundle hold one network."""
    with torch.no_grad():
        for weight in (*network.parameters(), *network.buffers()):
            if weight.ndim > 1:
                weight.copy_(weight.half())


def write_weights(network: nn.Module, path: Path) -> None:
    """Write what can be trained on: model.onnx has the norms folded into the convolutions.

    Weights in half precision, of which training does not need more; norms in full.
    """
    arrays = {
        key: value.numpy().astype(np.float16 if value.ndim > 1 else np.float32)
        for key, value in network.state_dict().items()
        if value.ndim > 0
    }
    np.savez_compressed(path, **arrays)


def read_weights(network: nn.Module, name: str | Path) -> None:
    """Give a network the weights of a bundle. Raises `PerrinError` for those of another network."""
    path = bundle_folder(name) / WEIGHTS
    try:
        with np.load(path, allow_pickle=False) as stored:
            state: dict[str, Tensor] = {
                key: torch.from_numpy(stored[key]).float() for key in stored.files
            }
        # the number of batches that a norm has seen does not matter, all else has to be there
        counts = {k: v for k, v in network.state_dict().items() if v.ndim == 0}
        network.load_state_dict(counts | state)
    except (OSError, ValueError, KeyError, RuntimeError, BadZipFile) as error:
        raise PerrinError(
            f"{path} does not hold the weights of this version's network ({error}). Train from "
            "nothing, or install the model again."
        ) from error


def begun(start: str | None, load: Callable[[str], Any]) -> str | dict[str, Any]:
    """Return what a training began with: the model that `load` gives, and how it was trained."""
    if start is None:
        return "nothing"
    card: Card = load(start).bundle.card
    found = {"sha256": card.sha256, "training": card.training}
    if "training_curve" in card.figures:
        found["curve"] = card.figures["training_curve"]
    return found


def record_measured(folder: Path, **measured: Any) -> None:
    """Write what was measured (figures, and what else the kind of card has) into a card."""
    card = read_card(folder)
    changed = type(card).model_validate(card.model_dump() | measured)
    rewrite(folder, "card.json", changed.model_dump_json() + "\n")


@dataclass(frozen=True)
class Exported:
    """A network, and what ONNX Runtime has of it: to be compared, and asked for its card."""

    network: nn.Module
    outputs: tuple[str, ...]
    session: InferenceSession
    about: dict[str, Any]
    """What every card says: name, version, sha256, license, no figures yet."""

    def run(self, inputs: Arrays, names: Sequence[str]) -> Arrays:
        """Return outputs of ONNX Runtime by name."""
        return dict(zip(names, self.session.run(list(names), inputs), strict=True))

    def check(
        self, inputs: Arrays, *, allowed: float, relative: bool = False, where: str = ""
    ) -> None:
        """Raise `PerrinError` where torch and ONNX Runtime differ by more than rounding.

        relative: to the largest number of an output, where that is above 1.
        """
        with torch.inference_mode():
            expected = self.network(*map(torch.from_numpy, inputs.values()))
        told = self.run(inputs, self.outputs)
        for (name, found), own in zip(told.items(), expected, strict=True):
            worst = float(np.abs(found - own.numpy()).max())
            if relative:
                worst /= max(1.0, float(own.abs().max()))
            if not worst < allowed:
                raise PerrinError(
                    f"ONNX Runtime and torch differ by {worst:.2g} in {name}{where}; {allowed:g} "
                    "is allowed. Try another version of torch, onnx or onnxruntime."
                )

    def vector(
        self, inputs: Mapping[str, NDArray[np.floating[Any]]], names: Sequence[str]
    ) -> Vector:
        """Return the self-test of a card: these inputs, and these outputs of them."""
        told = self.run({name: x.astype(np.float32) for name, x in inputs.items()}, names)
        return Vector(
            inputs={name: values.tolist() for name, values in inputs.items()},
            outputs={name: values.tolist() for name, values in told.items()},
        )


def written_bundle(
    network: nn.Module,
    folder: Path,
    *,
    example: Arrays,
    outputs: Sequence[str],
    card_of: Callable[[Exported], OfKind],
    weights: nn.Module | None = None,
    indent: int | None = None,
    overwrite: bool = False,
) -> OfKind:
    """Write `network` as a bundle to `folder`, load it once, and return its card.

    `example` holds inputs, `outputs` the names of what comes out; `card_of` compares, measures and
    makes the card. `weights`: the network whose weights are kept to train on, if any.
    """
    network.eval()
    with written_folder(folder, overwrite=overwrite, network=True) as partial:
        content = to_onnx(network, partial / "model.onnx", inputs=example, outputs=outputs)
        if weights is not None:
            write_weights(weights, partial / WEIGHTS)
        about = {
            "name": folder.name,
            "perrin_version": __version__,
            "sha256": hashlib.sha256(content).hexdigest(),
            "license": "MIT",
            "figures": {},
        }
        card = card_of(Exported(network, tuple(outputs), open_session(content), about))
        (partial / "card.json").write_text(card.model_dump_json(indent=indent) + "\n")
    load_bundle(folder)
    return card


def _without_traces(path: Path) -> bytes:
    """Take out what the exporter notes of the machine it ran on; return the new file's bytes.

    It writes the stack trace of every operation, with the paths of the source files.
    """
    import onnx

    model = onnx.load(str(path))
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output):
        del part.metadata_props[:]
    for tensor in graph.initializer:
        del tensor.metadata_props[:]
    onnx.save(model, str(path))
    return path.read_bytes()
