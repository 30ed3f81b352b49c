"""The folder of a batch: what was asked for, the rows' own results, and the tables over them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perrin.batch.settings import Kind
from perrin.batch.sheet import Sheet, sheet_of
from perrin.errors import PerrinError
from perrin.io.output_folder import OutputFolder, output_folder, written_folder
from perrin.io.plain import plain

ASKED = "batch.json"
"""What was asked for: settings of all rows, species, where the sheet lay."""
SHEET = "sheet.csv"
ROWS = "rows"


@dataclass(frozen=True)
class Asked:
    """What a batch was asked to do; `defaults`: settings of all rows, files by absolute path."""

    sheet: Sheet
    kind: Kind
    defaults: dict[str, Any]
    species: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, from which `read_asked` makes it again."""
        defaults = {key: str(v) if isinstance(v, Path) else v for key, v in self.defaults.items()}
        return {
            "sheet": str(self.sheet.path.resolve()),
            "kind": self.kind,
            "defaults": plain(defaults),
            "species": self.species,
        }


def is_batch(folder: Path) -> bool:
    """Whether a folder is that of a batch."""
    return (folder / ASKED).is_file() and (folder / SHEET).is_file()


def read_asked(folder: Path) -> Asked:
    """Return what the batch in a folder was asked to do.

    Raises `PerrinError` for a folder of anything else.
    """
    try:
        stored = json.loads((folder / ASKED).read_text(encoding="utf-8"))["asked"]
        text = (folder / SHEET).read_text(encoding="utf-8")
        path, kind, defaults = Path(stored["sheet"]), stored["kind"], dict(stored["defaults"])
        species = stored["species"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PerrinError(
            f"{folder} is not the folder of a batch (no readable {ASKED} and {SHEET} in it). Give "
            "a sheet (CSV) and --out; perrin batch --template FILES makes a sheet."
        ) from error
    return Asked(sheet_of(text, path, **defaults), kind, defaults, species)


def start(out: Path, asked: Asked, *, overwrite: bool, inputs: list[Path]) -> OutputFolder:
    """Make the folder of a batch, or find the one that is there; rows then go below it.

    The errors are those of `perrin.io.output_folder`; a batch that is there is gone on with.
    """
    if not is_batch(out):
        target = output_folder(out, overwrite=overwrite, inputs=inputs)
        with written_folder(target) as partial:
            write_asked(partial, asked)
    return output_folder(out, overwrite=True, inputs=inputs)


def write_asked(folder: Path, asked: Asked) -> None:
    """Write what is needed to run the batch again."""
    stored = json.dumps({"asked": asked.to_dict()}, indent=1)
    (folder / ASKED).write_text(stored + "\n", encoding="utf-8")
    (folder / SHEET).write_text(asked.sheet.text, encoding="utf-8")
