"""A trained network as one folder: model.onnx and card.json. Never a pickle.

The card says what goes in, what comes out, what the network is valid for, how it was trained
and what it was measured to reach. It holds a test input and output: a bundle that does not
give its own answers back is not used.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from perrin.errors import PerrinError
from perrin.settings.base import Settings

WEIGHTS = Path(__file__).parent / "weights"
_TOLERANCE = 1e-4


class Interval(Settings):
    """Calibration of the 90% intervals: factors on the distances middle - low, high - middle.

    Cells: nearest `lengths` (in logarithm), then the predicted noise share and the predicted
    middle, each by its inner `edges`; factors[target][side][length][noise][middle].
    """

    lengths: tuple[int, ...]
    noise_edges: tuple[float, ...]
    middle_edges: tuple[float, ...]
    factors: tuple[tuple[tuple[tuple[tuple[float, ...], ...], ...], ...], ...]


class Vector(Settings):
    """A test input and the output that belongs to it."""

    positions: tuple[tuple[tuple[float, ...], ...], ...] = Field(description="(N, T, d)")
    seen: tuple[tuple[float, ...], ...] = Field(description="(N, T)")
    output: tuple[tuple[tuple[float, ...], ...], ...] = Field(description="(N, 10, 3)")


class MixtureCard(Settings):
    """What a mixture network is, was trained on, is valid for, and was measured to reach."""

    name: str
    task: str = Field("mixture", pattern="^mixture$")
    perrin_version: str
    sha256: str = Field(description="of model.onnx")
    licence: str
    inputs: dict[str, str]
    outputs: tuple[str, ...]
    frames: tuple[int, int] = Field(description="shortest and longest trajectory")
    dims: tuple[int, ...]
    max_missing: float = Field(description="largest share of missing frames")
    limits: tuple[str, ...] = Field(description="what it cannot tell, in sentences")
    training: dict[str, Any] = Field(description="settings, kinds of trajectories, seed")
    figures: dict[str, Any] = Field(description="measured, with protocol and number")
    interval: Interval
    vector: Vector


class Bundle:
    """A loaded bundle: `card` and `run`. Make one with `load_bundle`."""

    def __init__(self, card: MixtureCard, session: Any) -> None:
        self.card = card
        self._session = session

    def run(self, positions: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's raw answer, (N, T, d), (N, T) -> (N, 10, 3)."""
        (answer,) = self._session.run(None, {"positions": positions, "seen": seen})
        result: NDArray[np.float32] = answer
        return result

    def check_vector(self) -> float:
        """Return the largest deviation from the card's test output.

        Raises `PerrinError` where it is beyond rounding.
        """
        vector = self.card.vector
        answer = self.run(np.array(vector.positions, np.float32), np.array(vector.seen, np.float32))
        worst = float(np.abs(answer - np.array(vector.output)).max())
        if not worst < _TOLERANCE:
            raise PerrinError(
                f"model {self.card.name}: its test input gives answers that are off by {worst:.2g} "
                f"(allowed {_TOLERANCE:g}). The file or the installed onnxruntime is damaged: "
                "install them again."
            )
        return worst


def bundle_folder(name: str | Path) -> Path:
    """Return the folder of a bundle: a path, or the name of one that comes with the package.

    Raises `PerrinError` for a name that is neither.
    """
    for folder in (Path(name), WEIGHTS / str(name)):
        if (folder / "card.json").is_file():
            return folder
    raise PerrinError(
        f"{name}: no model folder and no model of that name. Installed: "
        f"{', '.join(list_bundles()) or 'none'}."
    )


def list_bundles() -> list[str]:
    """Return the names of the models that come with the package."""
    return sorted(card.parent.name for card in WEIGHTS.glob("*/card.json"))


def read_card(folder: Path) -> MixtureCard:
    """Return the card of a bundle. Raises `PerrinError` for one that does not fit."""
    try:
        return MixtureCard.model_validate_json((folder / "card.json").read_bytes())
    except ValidationError as error:
        raise PerrinError(
            f"{folder / 'card.json'} is no card of this version of perrin ({error.error_count()} "
            f"errors, the first: {error.errors()[0]['msg']}). Train or install the model again."
        ) from error


def load_bundle(name: str | Path) -> Bundle:
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
