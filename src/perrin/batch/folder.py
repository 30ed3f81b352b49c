"""The folder of a batch: what was asked for, the rows' own results, and the tables over them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perrin.batch.settings import Kind
from perrin.batch.sheet import Sheet, sheet_of
from perrin.errors import PerrinError
from perrin.io.manifest import changed, read_manifest
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


def check_own_tables(out: Path) -> None:
    """Raise `PerrinError` where a table or page of a batch was edited since it was written."""
    edited = changed(out, read_manifest(out) or {})
    if edited:
        raise PerrinError(
            f"{', '.join(edited)} in {out} changed since perrin wrote it, and would be made again. "
            "Copy it to another folder if the change is to stay, delete it here, and give the same "
            "command again. Notes have their place in columns of the sheet: they come back in "
            "every table."
        )


def replaced_by(out: Path, asked: Asked) -> tuple[list[str], list[str]]:
    """What the tables of an earlier run in `out` would lose to what is asked now, and what changes.

    Lost are rows and columns of the sheet; changed are species and rows that are new.
    """
    earlier = read_asked(out)
    before = {row.name: row for row in earlier.sheet.rows}
    now = {row.name for row in asked.sheet.rows}
    lost = [str(row) for name, row in before.items() if name not in now]
    lost += [f"column {name}" for name in earlier.sheet.columns if name not in asked.sheet.columns]
    found = []
    if earlier.species != asked.species:
        found.append(f"species {_species(asked)} instead of {_species(earlier)}")
    new = len(now - set(before))
    if new:
        found.append("1 row is new" if new == 1 else f"{new} rows are new")
    return lost, found


def _species(asked: Asked) -> str:
    return asked.species or "of all samples together"


def original_changed(asked: Asked) -> bool:
    """Whether the sheet that a batch was run from now says something else than its copy."""
    try:
        return asked.sheet.path.read_text(encoding="utf-8-sig") != asked.sheet.text
    except (OSError, UnicodeDecodeError):
        return False


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
