from __future__ import annotations

import base64
import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perrin.report.page.encode import as_json, packed


@given(st.text())
def test_no_tag_can_begin_inside_the_data(text: str) -> None:
    made = as_json({"name": text})
    assert "<" not in made
    assert json.loads(made) == {"name": text}


def test_numbers_that_json_lacks_are_null() -> None:
    made = as_json({"a": float("nan"), "b": np.float64("inf"), "c": np.int64(3), "d": (1, None)})
    assert json.loads(made) == {"a": None, "b": None, "c": 3, "d": [1, None]}


@given(st.lists(st.floats()))
def test_doubles_keep_every_bit(values: list[float]) -> None:
    made = packed(values, "f8")
    again = np.frombuffer(base64.b64decode(made["data"]), "<f8")
    np.testing.assert_array_equal(again, np.array(values, dtype=float))
