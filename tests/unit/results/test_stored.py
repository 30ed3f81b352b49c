"""Values as a file that gives them back: each kind of value, and what is no such file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.results import stored
from perrin.settings.spectrum import SpectrumSettings


@dataclass(frozen=True)
class Held:
    value: Any


def back(value: Any, folder: Path) -> Any:
    stored.store(folder, "held", Held(value), [Held, SpectrumSettings])
    assert stored.stored_kind(folder) == "held"
    return stored.restore(folder, [Held, SpectrumSettings]).value


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        7,
        0.1,
        "text",
        (1, "two", None),
        [1.5, (2,)],
        {"a": 1, ("b", 2): [3]},
        np.int64(3),
        np.bool_(False),
        SpectrumSettings(resamples=7),
    ],
)
def test_a_plain_value_comes_back(value: Any, tmp_path: Path) -> None:
    found = back(value, tmp_path)
    assert found == value
    plain = value.item() if isinstance(value, np.generic) else value
    assert type(found) is type(plain)


def test_a_path_comes_back_without_its_folders(tmp_path: Path) -> None:
    assert back(tmp_path / "a.mp", tmp_path) == Path("a.mp")


def test_arrays_come_back_with_their_types(tmp_path: Path) -> None:
    arrays = (np.arange(4, dtype=np.uint16), np.array(["a", None, 1.5], object), np.zeros((2, 0)))
    for found, array in zip(back(arrays, tmp_path), arrays, strict=True):
        np.testing.assert_array_equal(found, array)
        assert (found.dtype, found.shape) == (array.dtype, array.shape)


def test_a_table_comes_back_with_types_index_and_what_it_says(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "frame": np.array([1, 2], np.int32),
            "label": pd.Series(["binder", ""], dtype=object),
            "kind": pd.Categorical(["a", "b"]).astype(str),
            "seen": [True, False],
        },
        index=[5, 9],
    )
    table.attrs = {"frame_interval_s": 0.004}
    found = back(table, tmp_path)
    pd.testing.assert_frame_equal(found, table)
    assert found.attrs == table.attrs
    plain = back(table.reset_index(drop=True), tmp_path)
    pd.testing.assert_frame_equal(plain, table.reset_index(drop=True))
    nothing = back(table.iloc[:0], tmp_path)
    assert nothing.dtypes.to_dict() == table.dtypes.to_dict()


def test_what_is_not_named_in_advance_is_neither_written_nor_made(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="Held cannot be stored"):
        stored.store(tmp_path, "held", Held(1), [])
    stored.store(tmp_path, "held", Held(1), [Held])
    with pytest.raises(PerrinError, match="another version"):
        stored.restore(tmp_path, [])
    rewrite(tmp_path, {"value": {"object": "dict", "fields": {}}})
    with pytest.raises(PerrinError, match="dict is no dataclass"):
        stored.restore(tmp_path, [dict])


def rewrite(folder: Path, changes: dict[str, Any], **arrays: Any) -> None:
    """Change what the file of a folder says."""
    with np.load(folder / stored.FILE) as file:
        said = json.loads(file["json"].tobytes()) | changes
    text = np.frombuffer(json.dumps(said).encode(), np.uint8)
    with (folder / stored.FILE).open("wb") as stream:
        np.savez(stream, json=text, **arrays)


def test_another_format_and_pickles_are_refused(tmp_path: Path) -> None:
    stored.store(tmp_path, "held", Held(1), [Held])
    rewrite(tmp_path, {"format": 99, "perrin": "9.9"})
    with pytest.raises(PerrinError, match=r"another version of perrin \(9.9\).*format 99"):
        stored.restore(tmp_path, [Held])
    stored.store(tmp_path, "held", Held(1), [Held])
    rewrite(tmp_path, {}, a0=np.array([{"a": 1}], object))  # numpy pickles it
    with pytest.raises(PerrinError, match="no results folder that can be read back"):
        stored.restore(tmp_path, [Held])


def test_a_csv_table_comes_back_digit_by_digit_with_its_texts(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"x": [0.1 + 0.2, np.nan, 1e-17 / 3], "name": ["NA", "", "null"], "frame": [1, 2, 3]}
    )
    table.attrs = {"pixel_nm": 72.0}
    table.to_csv(tmp_path / "a.csv", index=False)
    found = stored.read_table(tmp_path / "a.csv", stored.schema_of(table))
    pd.testing.assert_frame_equal(found, table, check_exact=True)
    assert found.attrs == {"pixel_nm": 72.0}
    table.drop(columns="frame").to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(PerrinError, match="is not the table that was written"):
        stored.read_table(tmp_path / "a.csv", stored.schema_of(table))
