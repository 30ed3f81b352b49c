"""Tables that are done, kept in a folder: an evaluation that was stopped goes on after them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from perrin.errors import PerrinError
from perrin.io.output import written_file

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Kept:
    """Tables by name in `folder`; without a folder nothing is kept."""

    folder: Path | None = None
    _names: list[str] = field(default_factory=list, repr=False)

    def table(self, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return the table of that name, made where it is not there yet.

        Columns hold numbers or strings. Raises `PerrinError` for a file that cannot be read.
        """
        import pandas as pd

        if self.folder is None:
            return make()
        path = self.folder / f"{name}.npz"
        self._names.append(path.name)
        if path.exists():
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                    return pd.DataFrame({column: stored[column] for column in stored.files})
            except (OSError, ValueError, EOFError, BadZipFile) as error:
                raise PerrinError(
                    f"{path} cannot be read ({error}). Delete it: it is made again."
                ) from error
        table = make()
        columns = {str(column): values.to_numpy() for column, values in table.items()}
        strings = {c: v.astype(str) for c, v in columns.items() if v.dtype.kind not in "biuf"}
        with written_file(path, overwrite=True) as partial, partial.open("wb") as out:
            np.savez_compressed(out, **(columns | strings))  # type: ignore[arg-type]
        return table

    def clear(self) -> None:
        """Delete the tables that were asked for, and their folder where nothing else lies in it."""
        if self.folder is None:
            return
        for name in self._names:
            (self.folder / name).unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()
