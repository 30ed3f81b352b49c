"""The dose of electrons that a file of an electron microscope says, quoted as it stands there.

Programs write it under names and in units of their own, per pixel or area, per frame or second;
rosettasciio hands none of it on. So it is looked for by name and said, never computed with.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from perrin.io.read_as import listed

_DEPTH, _MOST = 12, 3
NOT_SAID = "the file does not say the dose of electrons"
# headers of Thermo Fisher (FEI1 and FEI2) behind that of MRC: see mrcfile's table of their fields
_FEI, _FEI_KIND, _FEI_START = (b"FEI1", b"FEI2"), 104, 1024
_FEI_GIVEN, _FEI_DOSE, _FEI_LEAST = 8, 92, 100  # bytes: bits of what is given, electrons/m2
_DOSE_BIT = 1 << 6
_PER_NM2 = 1e-18


def dose_said(*metadata: object) -> list[str]:
    """Return a note: what the metadata (nested mappings) say of a dose, or that they do not.

    Numbers above 0 whose names hold the word dose are quoted, three at the most, with their places.
    """
    found = [said for tree in metadata for said in _doses(tree, "", _DEPTH)]
    if not found:
        return [NOT_SAID]
    return [f"dose of electrons, as the file says it: {listed(dict.fromkeys(found[:_MOST]))}"]


def _doses(tree: object, place: str, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    items: list[tuple[str, Any]] = []
    if isinstance(tree, Mapping):
        items = [(str(name), value) for name, value in tree.items()]
    elif isinstance(tree, Sequence) and not isinstance(tree, (str, bytes)):
        items = [(str(number), value) for number, value in enumerate(tree[:100])]
    for name, value in items:
        here = f"{place}.{name}".strip(".")
        if isinstance(value, (Mapping, list, tuple)):
            yield from _doses(value, here, depth - 1)
        elif "dose" in here.lower() and (number := _number(value)):
            yield f"{here} {number:.6g}"


def _number(value: object) -> float:
    """Return a number, also one in text; 0 for anything else."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0
    return number if 0 < number < float("inf") and not isinstance(value, bool) else 0.0


def dose_of_mrc(path: Path) -> list[str]:
    """Return a note on the dose in Thermo Fisher's header of an MRC file, or that there is none."""
    with path.open("rb") as file:
        head = file.read(_FEI_START + _FEI_LEAST)
    if head[_FEI_KIND : _FEI_KIND + 4] not in _FEI or len(head) < _FEI_START + _FEI_LEAST:
        return [NOT_SAID]
    (given,) = struct.unpack_from("<I", head, _FEI_START + _FEI_GIVEN)
    dose = _number(struct.unpack_from("<d", head, _FEI_START + _FEI_DOSE)[0])
    if not given & _DOSE_BIT or not dose:
        return [NOT_SAID]
    return [f"dose of electrons, as the file says it: {dose * _PER_NM2:.6g} a nm2"]
