"""Results folders are read back only as perrin wrote them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.manifest import write_manifest
from perrin.io.tables import write_events
from perrin.report.page.folders import LandingFolder, read_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A results folder of one measurement without figures."""
    events = pd.DataFrame(
        {
            "measurement": pd.Series(["a"] * 4, dtype="str"),
            "event": np.arange(4),
            "frame": np.arange(4) * 9,
            "x_px": 5.0,
            "y_px": 6.0,
            "contrast": -0.003,
            "retained": True,
        }
    )
    write_events(events, tmp_path / "events.h5")
    write_events(events, tmp_path / "events.csv")
    summary = {"measurements": [{"name": "a", "events": 4}]}
    (tmp_path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    write_manifest(tmp_path)
    return tmp_path


def test_a_folder_is_read_as_it_was_written(folder: Path) -> None:
    found = read_folder(folder)
    assert isinstance(found, LandingFolder)
    assert len(found.events["a"]) == 4


@pytest.mark.parametrize("name", ["events.h5", "events.csv", "summary.json"])
def test_a_file_that_changed_is_named(name: str, folder: Path) -> None:
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(PerrinError, match=rf"{name}|summary\.json"):
        read_folder(folder)


def test_a_note_of_the_user_in_the_folder_changes_nothing(folder: Path) -> None:
    (folder / "note.txt").write_text("mine", encoding="utf-8")
    read_folder(folder)
