"""Simulated thumbnails with their labels and truth, in memory and in a file."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError, why_unreadable
from perrin.io.output import written_file

_FILE_VERSION = 1


@dataclass(frozen=True)
class ThumbnailSet:
    """Thumbnails with their labels and truth."""

    thumbnails: NDArray[np.float32]
    """(N, T, 17, 17): ratiometric contrast, negative for a landing; 0 beyond the field of view."""
    inside: NDArray[np.bool_]
    """(N, 17, 17): whether a pixel lies in the field of view."""
    labels: NDArray[np.str_]
    """(N,): class of each event."""
    truth: pd.DataFrame
    """Every drawn parameter (`perrin.simulate.sample.truth_table`); frame and pixels count from the
    first of the thumbnail, ``row`` and ``column`` place it in the field. Empty cells (NaN) for
    buffer events."""
    neighbors: pd.DataFrame
    """The same for the neighbors; ``event`` is the row of their thumbnail."""
    card: dict[str, Any]
    """Settings, seed, centering and version."""

    def __len__(self) -> int:
        return len(self.labels)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write to one .npz (no pickle), whole or not at all.

        Raises `PerrinError` for a file that is there, without `overwrite`.
        """
        arrays: dict[str, Any] = {
            "version": np.int64(_FILE_VERSION),
            "thumbnails": self.thumbnails,
            "inside": self.inside,
            "labels": self.labels,
            "card": np.array(json.dumps(self.card)),
        }
        for table in ("truth", "neighbors"):
            for name, column in getattr(self, table).items():
                values = column.to_numpy()
                arrays[f"{table}/{name}"] = values.astype(str) if values.dtype == object else values
        with written_file(path, overwrite=overwrite) as partial, partial.open("wb") as stream:
            np.savez(stream, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> ThumbnailSet:
        """Read what `save` wrote; `PerrinError` if the file is anything else."""
        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                version = int(stored["version"])
                tables: dict[str, dict[str, Any]] = {"truth": {}, "neighbors": {}}
                for key in stored.files:
                    table, _, name = key.partition("/")
                    if name:
                        values = stored[key]
                        text = values.dtype.kind == "U"
                        tables[table][name] = values.astype(object) if text else values
                found = cls(
                    thumbnails=stored["thumbnails"],
                    inside=stored["inside"],
                    labels=stored["labels"],
                    truth=pd.DataFrame(tables["truth"]),
                    neighbors=pd.DataFrame(tables["neighbors"]),
                    card=json.loads(str(stored["card"])),
                )
        except OSError as error:
            raise PerrinError(f"{path} cannot be read: {why_unreadable(error)}.") from error
        except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
            raise PerrinError(f"{path} is not a thumbnail file of perrin ({error})") from error
        if version != _FILE_VERSION:
            raise PerrinError(
                f"{path} holds thumbnails of version {version}; this perrin reads version "
                f"{_FILE_VERSION}. Simulate them again."
            )
        return found
