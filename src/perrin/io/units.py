"""One name for each unit of length and time, however programs spell it; sizes: `quantities`."""

from __future__ import annotations

from perrin.io.quantities import Quantity, factor

PIXEL = "px"
"""What pixels, voxels and slices are called here."""
FRAME = "frame"

_PIXELS = {"px", "pix", "pxl", "pixel", "pixels", "voxel", "voxels", "slice", "slices"}
_FRAMES = {"frame", "frames", "px", "pixel", "pixels"}  # pixels: lines of a kymograph
_SHORT = {"a": "angstrom", "å": "angstrom", "ang": "angstrom", "mum": "um"}
"""What only tracks call units; mum is a LaTeX command that lost its backslash."""


def _sizes(quantity: Quantity, names: tuple[str, ...]) -> dict[str, float]:
    known = {name: factor(name, quantity) for name in names}
    return {name: size for name, size in known.items() if size is not None}


_NM = _sizes("length", ("pm", "angstrom", "nm", "um", "mm", "cm", "m", "inch"))
SECONDS = _sizes("time", ("ns", "us", "ms", "s", "min", "h", "d"))
"""Seconds in each unit of time, by the name it has here."""


def length_unit(text: str) -> str | None:
    """Return the one name of a unit of length (``"px"`` for pixels), None for an unknown one."""
    plain = _plain(text)
    if plain in _PIXELS:
        return PIXEL
    return _named(_SHORT.get(plain, plain), "length", _NM)


def time_unit(text: str) -> str | None:
    """Return the one name of a unit of time (``"frame"`` for frames), None for an unknown one."""
    plain = _plain(text)
    return FRAME if plain in _FRAMES else _named(plain, "time", SECONDS)


def nanometers(unit: str) -> float | None:
    """Return the length of one `unit` (a name from `length_unit`), None for pixels."""
    return _NM.get(unit)


def _named(text: str, quantity: Quantity, sizes: dict[str, float]) -> str | None:
    """The name here of the unit with the size that a text has; None for another size."""
    size = factor(text, quantity)
    return next((name for name, one in sizes.items() if one == size), None)


def _plain(text: str) -> str:
    return text.strip().strip("()[]").strip().lower().rstrip(".")
