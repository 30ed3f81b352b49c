"""Results as a file that gives them back: numbers as JSON, arrays beside them, no pickle.

Only classes that are named in advance are made of what a file says.
"""

from __future__ import annotations

import json
import shlex
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.io.output_folder import SUMMARY
from perrin.results.folder import REPORT
from perrin.settings.base import Settings
from perrin.types import Array

FILE = "result.npz"
_FORMAT = 1
_WRITERS = ("landings", "spectrum", "track", "edit-tracks", "diffusion")  # commands
_EXACT: dict[str, Any] = (  # the default since pandas 3.1, where saying so is deprecated
    {}
    if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)
    else {"float_precision": "round_trip"}
)
_KEPT = (type(None), bool, int, float, str)


def store(folder: Path, kind: str, value: Any, known: Iterable[type]) -> None:
    """Write `value` into a folder: frozen dataclasses, settings, tables, arrays, plain values.

    known: the dataclasses and settings in it. Raises `TypeError` for anything else.
    """
    arrays: dict[str, Any] = {}
    writer = _Writer({one.__name__ for one in known}, arrays)
    text = json.dumps(
        {"format": _FORMAT, "perrin": __version__, "kind": kind, "value": writer.plain(value)}
    )
    with (folder / FILE).open("wb") as stream:
        np.savez_compressed(stream, json=np.frombuffer(text.encode(), np.uint8), **arrays)


def stored_kind(folder: Path) -> str:
    """Return what kind of result a folder holds. Raises `PerrinError` where it holds none."""
    return str(_load(folder)[0]["kind"])


def restore(folder: Path, known: Iterable[type]) -> Any:
    """Return what `store` wrote. Raises `PerrinError` for what another version wrote."""
    said, arrays = _load(folder)
    try:
        return _Reader({one.__name__: one for one in known}, arrays).value(said["value"])
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise PerrinError(_outdated(folder, said, error)) from error


def _load(folder: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    path = folder / FILE
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        said = json.loads(arrays.pop("json").tobytes())
        kept = said["format"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        typed = _typed(_summary(folder))
        if not path.exists() and len(typed) > 1 and typed[1] in _WRITERS:
            raise PerrinError(_outdated(folder, {}, f"no {FILE} in it")) from error
        raise PerrinError(
            f"{folder} is no results folder that can be read back: no readable {FILE} in it "
            f"({error}). Give one that `perrin landings`, `spectrum`, `track` or `diffusion` wrote."
        ) from error
    if kept != _FORMAT:
        raise PerrinError(_outdated(folder, said, f"format {kept}"))
    return said, arrays


def _summary(folder: Path) -> dict[str, Any]:
    """What the summary of a folder says; nothing where it cannot be read."""
    try:
        found = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _typed(summary: Mapping[str, Any]) -> Sequence[str]:
    """The command that a summary says its folder was made with."""
    run = summary.get("run")
    found = run.get("command") if isinstance(run, dict) else None
    return [str(word) for word in found] if isinstance(found, list) else []


def _outdated(folder: Path, said: Mapping[str, Any], why: object) -> str:
    """Say that another version wrote a folder, and what makes it anew."""
    summary = _summary(folder)
    version = said.get("perrin") or summary.get("perrin_version") or "unknown"
    typed = _typed(summary)
    again = "Analyze its file again"
    if typed:
        again = f"Analyze again, with another --out or with --overwrite: {shlex.join(typed)}"
    return (
        f"{folder} was written by another version of perrin ({version}) and does not fit this one "
        f"({__version__}): {why}. {again}. Its tables (CSV) and its {REPORT} open as before."
    )


class _Writer:
    def __init__(self, known: set[str], arrays: dict[str, Any]) -> None:
        self.known = known
        self.arrays = arrays

    def plain(self, value: Any) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, _KEPT):
            return value
        if isinstance(value, Path):
            return {"path": value.name}
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, pd.DataFrame):
            return self._table(value)
        if isinstance(value, (tuple, list)):
            return {type(value).__name__: [self.plain(item) for item in value]}
        if isinstance(value, Mapping):
            return {"dict": [[self.plain(key), self.plain(item)] for key, item in value.items()]}
        return self._object(value)

    def _object(self, value: Any) -> Any:
        name = type(value).__name__
        if name not in self.known:
            raise TypeError(f"{name} cannot be stored with a result")
        if isinstance(value, Settings):
            return {"settings": name, "values": value.model_dump(mode="json")}
        own = {one.name: self.plain(getattr(value, one.name)) for one in fields(value)}
        return {"object": name, "fields": own}

    def _array(self, value: Array) -> Any:
        if value.dtype == object:
            return {"objects": [self.plain(item) for item in value.tolist()]}
        name = f"a{len(self.arrays)}"
        self.arrays[name] = value
        return {"array": name}

    def _table(self, table: pd.DataFrame) -> Any:
        columns = [
            [self.plain(name), str(table[name].dtype), self._array(table[name].to_numpy())]
            for name in table.columns
        ]
        usual = table.index.equals(pd.RangeIndex(len(table)))
        return {
            "table": columns,
            "rows": len(table),
            "index": None if usual else self._array(table.index.to_numpy()),
            "attrs": self.plain(table.attrs),
        }


class _Reader:
    def __init__(self, known: Mapping[str, type], arrays: Mapping[str, Array]) -> None:
        self.known = known
        self.arrays = arrays

    def value(self, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        kind = next(iter(said))
        return getattr(self, f"_{kind}")(said)

    def _path(self, said: Any) -> Path:
        return Path(said["path"])

    def _array(self, said: Any) -> Array:
        return self.arrays[said["array"]]

    def _objects(self, said: Any) -> Array:
        found = np.empty(len(said["objects"]), object)
        found[:] = [self.value(item) for item in said["objects"]]
        return found

    def _tuple(self, said: Any) -> tuple[Any, ...]:
        return tuple(self.value(item) for item in said["tuple"])

    def _list(self, said: Any) -> list[Any]:
        return [self.value(item) for item in said["list"]]

    def _dict(self, said: Any) -> dict[Any, Any]:
        return {self.value(key): self.value(item) for key, item in said["dict"]}

    def _settings(self, said: Any) -> Any:
        return self.known[said["settings"]].model_validate_json(json.dumps(said["values"]))  # type: ignore[attr-defined]

    def _object(self, said: Any) -> Any:
        made = self.known[said["object"]]
        if not is_dataclass(made):
            raise TypeError(f"{said['object']} is no dataclass")
        return made(**{name: self.value(one) for name, one in said["fields"].items()})

    def _table(self, said: Any) -> pd.DataFrame:
        index = None if said["index"] is None else self.value(said["index"])
        rows = pd.RangeIndex(said["rows"]) if index is None else pd.Index(index)
        columns = {
            self.value(name): pd.Series(self.value(column), index=rows).astype(kind)
            for name, kind, column in said["table"]
        }
        table = pd.DataFrame(columns, index=rows)
        table.attrs = self.value(said["attrs"])
        return table


def schema_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table without its rows: names and types of its columns, and what it says."""
    empty = table.iloc[:0]
    empty.attrs = dict(table.attrs)
    return empty


def as_schema(table: pd.DataFrame, schema: pd.DataFrame) -> pd.DataFrame:
    """Return a table that was read, with the columns, types and attrs of its `schema`."""
    found = table[list(schema.columns)].reset_index(drop=True)
    found = found.astype({name: schema[name].dtype for name in schema.columns})
    found.attrs = dict(schema.attrs)
    return found


def read_table(path: Path, schema: pd.DataFrame) -> pd.DataFrame:
    """Return a CSV table that perrin wrote, digit by digit; an empty cell is NaN or no text.

    Raises `PerrinError` where it is not there or lacks a column.
    """
    text = {name for name in schema.columns if schema[name].dtype.kind not in "iufb"}
    try:
        table = pd.read_csv(
            path,
            **_EXACT,
            keep_default_na=False,
            dtype=dict.fromkeys(text, str),
            na_values={name: [""] for name in schema.columns if name not in text},
        )
        return as_schema(table, schema)
    except (OSError, ValueError, KeyError) as error:
        raise PerrinError(
            f"{path} is not the table that was written with these results ({error})."
        ) from error
