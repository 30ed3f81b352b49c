"""A trained network as one folder: model.onnx and card.json. Never a pickle.

The card says what goes in, what comes out, what the network is valid for, how it was trained
and what it was measured to reach. It holds a test input and output: a bundle that does not
give its own answers back is not used.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from perrin.errors import PerrinError
from perrin.models.cards import CARDS, Card
from perrin.types import NetworkId

WEIGHTS = Path(__file__).parent / "weights"
_TOLERANCE = 1e-4
_SEPARATORS = {"/", os.sep, os.altsep or "/"}

Arrays = dict[str, NDArray[np.float32]]
Run = Callable[[Arrays, Sequence[str]], Arrays]
"""From named inputs to the outputs that are asked for, by name."""
OfKind = TypeVar("OfKind", bound=Card)


class Bundle(Generic[OfKind]):
    """A loaded bundle: `card` and `run`. Make one with `load_bundle`."""

    def __init__(self, card: OfKind, session: Any) -> None:
        self.card = card
        self._session = session

    @property
    def identity(self) -> NetworkId:
        """Name, task and hash of the weights."""
        return NetworkId(self.card.name, self.card.task, self.card.sha256)

    def run(self, inputs: Mapping[str, NDArray[np.float32]], outputs: Sequence[str]) -> Arrays:
        """Return the network's raw `outputs` for `inputs`, by name."""
        predictions = self._session.run(list(outputs), dict(inputs))
        return dict(zip(outputs, predictions, strict=True))

    def check_vector(self) -> float:
        """Return the largest deviation from the card's test output.

        Raises `PerrinError` where it is beyond rounding.
        """
        vector = self.card.vector
        inputs = {name: np.array(values, np.float32) for name, values in vector.inputs.items()}
        predictions = self.run(inputs, list(vector.outputs))
        worst = max(
            float(np.abs(predictions[name] - np.array(expected)).max())
            for name, expected in vector.outputs.items()
        )
        if not worst < _TOLERANCE:
            raise PerrinError(
                f"model {self.card.name}: its test input gives answers that are off by {worst:.2g} "
                f"(allowed {_TOLERANCE:g}). The file or the installed onnxruntime is damaged: "
                "install them again."
            )
        return worst


def bundle_folder(name: str | Path) -> Path:
    """Return the folder of a bundle: the name of one that comes with the package, or a path.

    Text is a name; it is a path where it has a separator, as ``./mine``, or is a `Path`. So a
    folder that happens to be called as a shipped network is never taken for it. Raises
    `PerrinError` for a name that is neither.
    """
    by_path = isinstance(name, Path) or any(mark in name for mark in _SEPARATORS)
    folder = Path(name) if by_path else WEIGHTS / name
    if name and (folder / "card.json").is_file():
        return folder
    raise PerrinError(
        f"{name}: no model folder (there is no card.json in it)."
        if by_path
        else f"{name or 'an empty name'}: no model of that name. Installed: "
        f"{', '.join(list_bundles()) or 'none'}. A folder is given with a separator, as ./NAME."
    )


def list_bundles() -> list[str]:
    """Return the names of the models that come with the package."""
    return sorted(card.parent.name for card in WEIGHTS.glob("*/card.json"))


def read_card(folder: Path) -> Card:
    """Return the card of a bundle. Raises `PerrinError` for one that does not fit."""
    path = folder / "card.json"
    try:
        values = json.loads(path.read_bytes())
        return CARDS[values["task"]].model_validate_json(path.read_bytes())
    except (ValueError, KeyError, TypeError) as error:
        said = str(error)
        if isinstance(error, ValidationError):
            said = f"{error.error_count()} errors, the first: {error.errors()[0]['msg']}"
        raise PerrinError(
            f"{path} is no card of this version of perrin ({said}). Train or install the model "
            "again."
        ) from error


def load_bundle(name: str | Path) -> Bundle[Card]:
    """Return a bundle ready to run.

    Raises `PerrinError` for a missing or changed file, or a failed self-test.
    """
    folder = bundle_folder(name)
    card = read_card(folder)
    path = folder / "model.onnx"
    if not path.is_file():
        raise PerrinError(f"{path} is missing. Install the model again.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise PerrinError(f"{path} is not the file that its card describes. Install it again.")
    bundle = Bundle(card, open_session(content))
    bundle.check_vector()
    return bundle


def load_bundle_of(name: str | Path, kind: type[OfKind]) -> Bundle[OfKind]:
    """Return a bundle whose card is of `kind`; raises `PerrinError` for another task."""
    bundle = load_bundle(name)
    if not isinstance(bundle.card, kind):
        raise PerrinError(
            f"{name} is a {bundle.card.task} network; a {kind.model_fields['task'].default} "
            "network is needed. See `perrin model list`."
        )
    return Bundle(bundle.card, bundle._session)


def open_session(content: bytes) -> Any:
    """Return an ONNX Runtime session that works in the thread that calls it.

    Raises `PerrinError` where ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise PerrinError(
            "onnxruntime cannot be loaded: pip install onnxruntime (on Windows it also needs the "
            "current Visual C++ runtime)."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # several calls at a time use the cores better
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
