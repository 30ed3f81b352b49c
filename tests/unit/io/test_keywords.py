"""Keywords of a movie file reach the readers; functions that take them show each."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import perrin
from perrin.io.found import Asked, Given
from perrin.io.keywords import MovieKeywords, split


def test_every_keyword_is_one_of_the_inside_or_a_number() -> None:
    known = {option.name for kind in (Asked, Given) for option in fields(kind)}
    assert known == set(MovieKeywords.__annotations__)
    asked, given = split({"pixel_nm": 84.4, "landing_sign": 1, "axes": "YXT", "unsigned": True})
    assert asked == Asked(axes="YXT", unsigned=True)
    assert given == Given(pixel_nm=84.4, landing_sign=1)


@pytest.mark.parametrize("function", [perrin.open_movie, perrin.inspect])
def test_functions_show_each_keyword_and_take_no_other(function: Any, tmp_path: Path) -> None:
    shown = inspect.signature(function).parameters
    assert list(shown) == ["path", *MovieKeywords.__annotations__]
    assert shown["unsigned"].default is False
    assert shown["contents"].default == "landings"
    with pytest.raises(TypeError, match="pixel_um"):
        function(tmp_path / "a.tif", pixel_um=0.08)
