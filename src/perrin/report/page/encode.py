"""Numbers as a page carries them: plain JSON, and typed arrays in base64."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.io.plain import plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_TYPES = {"f8": "<f8", "f4": "<f4", "i4": "<i4", "i1": "|i1", "u1": "|u1"}


def packed(values: ArrayLike, kind: str) -> dict[str, str]:
    """Return an array as ``{"type": kind, "data": base64}``; kind f8, f4, i4, i1 or u1.

    f8 keeps every bit: what the page counts with it is what Python counts.
    """
    data = np.ascontiguousarray(values, dtype=_TYPES[kind]).tobytes()
    return {"type": kind, "data": base64.b64encode(data).decode("ascii")}


def deflated(values: ArrayLike, kind: str) -> dict[str, str]:
    """Return an array as `packed` does, its bytes deflated: the page inflates them when needed."""
    data = np.ascontiguousarray(values, dtype=_TYPES[kind]).tobytes()
    squeezer = zlib.compressobj(9, strategy=zlib.Z_HUFFMAN_ONLY)  # noise repeats nothing
    small = squeezer.compress(data) + squeezer.flush()
    return {"type": kind, "deflated": base64.b64encode(small).decode("ascii")}


def inlined(picture: bytes, kind: str) -> str:
    """Return a picture as the address of an image that stands in the page; kind svg or png."""
    mime = {"svg": "svg+xml", "png": "png"}[kind]
    return f"data:image/{mime};base64,{base64.b64encode(picture).decode('ascii')}"


def as_json(value: Any) -> str:
    """Return JSON that may stand inside a <script>: NaN as null, no tag can begin in it."""
    text = json.dumps(plain(value), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("&", "\\u0026").replace("\u2028", "\\u2028")
