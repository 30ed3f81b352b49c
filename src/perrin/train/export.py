"""From a trained network to the files of a bundle: what all networks share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perrin.errors import PerrinError
from perrin.io.atomic import written_whole
from perrin.models.bundle import read_card


def record_figures(folder: Path, figures: dict[str, Any]) -> None:
    """Write measured `figures` into the card of a bundle."""
    card = read_card(folder)
    with written_whole(folder / "card.json") as partial:
        partial.write_text(
            card.model_copy(update={"figures": figures}).model_dump_json(indent=1) + "\n"
        )


def check_same(worst: float, *, allowed: float, where: str) -> None:
    """Raise `PerrinError` where torch and ONNX Runtime differ by more than rounding."""
    if not worst < allowed:
        raise PerrinError(
            f"ONNX Runtime and torch differ by {worst:.2g} {where}; {allowed:g} is allowed. Try "
            "another version of torch, onnx or onnxruntime."
        )
