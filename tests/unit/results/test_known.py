"""Whatever a result can hold can be stored with it: no type is forgotten."""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Any, get_args, get_type_hints

import numpy as np
import pandas as pd

import perrin.types
from perrin.pipeline import LandingsResult
from perrin.results import landings
from perrin.settings.base import Settings

LEFT_OUT = {"FieldMovie", "Thumbnails"}  # in files of their own


NAMES = (
    {one.__name__: one for one in landings._KNOWN}
    | vars(perrin.types)
    | {"pd": pd, "np": np, "Any": Any}
)
"""For annotations of what only type checkers import."""


def held(kind: type, found: set[type]) -> set[type]:
    """All data classes and settings that the fields of a type can hold, itself included."""
    if kind in found or not (is_dataclass(kind) or issubclass(kind, Settings)):
        return found
    found.add(kind)
    if is_dataclass(kind):
        for hint in get_type_hints(kind, localns=NAMES).values():
            for one in parts(hint):
                held(one, found)
    return found


def parts(hint: Any) -> list[type]:
    inner = get_args(hint)
    if inner:
        return [one for part in inner for one in parts(part)]
    return [hint] if isinstance(hint, type) else []


def test_every_type_in_a_result_is_known() -> None:
    needed = {one.__name__ for one in held(LandingsResult, set())} - LEFT_OUT
    assert len(needed) > 20
    assert needed - {one.__name__ for one in landings._KNOWN} == set()
