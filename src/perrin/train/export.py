"""From a trained network to the files of a bundle: what all networks share."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perrin.errors import PerrinError
from perrin.io.output_folder import rewrite
from perrin.models.bundle import Arrays, read_card
from perrin.models.cards import Card

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WEIGHTS = "weights.npz"

_COUNT, _QUARTER, _DIMS = (torch.export.Dim(name) for name in ("count", "quarter", "dims"))
_FREE: dict[str, dict[int, Any]] = {
    "view": {0: _COUNT},
    "positions": {0: _COUNT, 1: 4 * _QUARTER, 2: _DIMS},
    "seen": {0: _COUNT, 1: 4 * _QUARTER},
    "known": {0: _COUNT},
}
"""Axes of any length, by the name of the input."""


def to_onnx(network: nn.Module, path: Path, *, inputs: Arrays, outputs: Sequence[str]) -> bytes:
    """Write a network as ONNX, norms folded into the convolutions; return the file's bytes.

    `inputs` are examples, in the order and by the names of `forward`. The number of events or
    tracks is free, that of frames (a multiple of 4) and dimensions too where tracks go in.
    """
    with _quiet_exporter():
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


def read_weights(network: nn.Module, path: Path) -> None:
    """Give a network the weights of a file. Raises `PerrinError` for those of another network."""
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


def both_predictions(
    network: nn.Module, session: InferenceSession, *, inputs: Arrays, outputs: Sequence[str]
) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
    """Yield each output's name, and what ONNX Runtime and torch give for it."""
    with torch.inference_mode():
        expected = [
            prediction.numpy() for prediction in network(*map(torch.from_numpy, inputs.values()))
        ]
    yield from zip(outputs, session.run(list(outputs), inputs), expected, strict=True)


def check_same(worst: float, *, allowed: float, where: str) -> None:
    """Raise `PerrinError` where torch and ONNX Runtime differ by more than rounding."""
    if not worst < allowed:
        raise PerrinError(
            f"ONNX Runtime and torch differ by {worst:.2g} {where}; {allowed:g} is allowed. Try "
            "another version of torch, onnx or onnxruntime."
        )


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Keep the exporter from talking about packages and Python versions that do not matter."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


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
