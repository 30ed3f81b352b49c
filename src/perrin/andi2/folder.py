"""Folders of the second AnDi challenge: tracks of each experiment and field of view."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.types import FloatArray

_COLUMNS = ("traj_idx", "frame", "x", "y")


@dataclass(frozen=True)
class Field:
    """A field of view: numbers of its tracks and their positions (L, 2), in pixels."""

    number: int
    indices: list[int]
    tracks: list[FloatArray]


def read_experiments(folder: str | Path) -> dict[int, list[Field]]:
    """Return the fields of view of each experiment of a folder in the challenge's layout.

    ``track_2/exp_E/trajs_fov_F.csv`` below the folder or its ``data``, with columns traj_idx,
    frame, x, y. Raises `PerrinError` for a folder without such files, for files without these
    columns, and for tracks with missing frames, which the challenge has not.
    """
    root = Path(folder)
    found: dict[int, list[Field]] = {}
    for path in files_of(root):
        experiment, field = (_number(name) for name in (path.parent.name, path.stem))
        found.setdefault(experiment, []).append(_field(path, field))
    if not found:
        raise PerrinError(
            f"{root} holds no track_2/exp_E/trajs_fov_F.csv: give a folder in the layout of the "
            "second AnDi challenge, or analyze a single table with `perrin diffusion`."
        )
    return {key: sorted(found[key], key=lambda field: field.number) for key in sorted(found)}


def files_of(root: Path) -> Iterator[Path]:
    """Give the files of the fields of view below a folder, or below its ``data``."""
    for base in (root, root / "track_2", root / "data" / "track_2"):
        yield from base.glob("exp_*/trajs_fov_*.csv")


def _number(name: str) -> int:
    match = re.search(r"(\d+)$", name)
    if match is None:
        raise PerrinError(f"{name!r} does not end with a number, as exp_0 and trajs_fov_0 do.")
    return int(match.group(1))


def _field(path: Path, number: int) -> Field:
    try:
        table = pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise PerrinError(f"{path} is no CSV table: {error}") from error
    lacking = [name for name in _COLUMNS if name not in table.columns]
    if lacking:
        raise PerrinError(
            f"{path} has no column {', '.join(lacking)}; it needs traj_idx, frame, x and y."
        )
    values = table[list(_COLUMNS)].to_numpy(np.float64)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise PerrinError(f"{path}, row {row + 1}: NaN or infinity; leave such rows out.")
    values = values[np.lexsort((values[:, 1], values[:, 0]))]
    index = values[:, 0].astype(np.int64)
    cuts = np.flatnonzero(np.diff(index)) + 1
    parts = np.split(values, cuts) if len(values) else []
    for part in parts:
        if (np.diff(part[:, 1]) != 1).any():
            raise PerrinError(
                f"{path}: track {int(part[0, 0])} has missing or repeated frames, which the "
                "challenge's tracks have not; analyze the table with `perrin diffusion`."
            )
    return Field(number, [int(part[0, 0]) for part in parts], [part[:, 2:] for part in parts])
