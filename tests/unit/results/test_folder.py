"""What every results folder holds: where it is from, and a summary that any program reads."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from perrin.errors import PerrinError
from perrin.results import folder as folders
from perrin.results.folder import provenance, results_folder
from perrin.types import NetworkId


def test_a_folder_has_the_hash_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "movie.zarr"
    (folder / "c").mkdir(parents=True)
    (folder / "c" / "0").write_bytes(b"one")
    (folder / "zarr.json").write_bytes(b"{}")
    (folder / "empty").mkdir()
    (found,) = provenance(inputs=[folder])["inputs"]
    one, two = (hashlib.sha256(content).hexdigest() for content in (b"one", b"{}"))
    listed = f"{one}  c/0\n{two}  zarr.json\n"
    assert found == {
        "name": "movie.zarr",
        "files": 2,
        "bytes": 5,
        "sha256": hashlib.sha256(listed.encode()).hexdigest(),
    }
    (folder / "c" / "0").write_bytes(b"two")
    assert provenance(inputs=[folder])["inputs"][0]["sha256"] != found["sha256"]


def test_files_of_a_folder_are_hashed_in_one_order_wherever_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "bac":
        (tmp_path / name).write_text(name)
    (first,) = provenance(inputs=[tmp_path])["inputs"]
    walk = folders.walk
    monkeypatch.setattr(folders, "walk", lambda path: sorted(walk(path), reverse=True))
    assert provenance(inputs=[tmp_path])["inputs"] == [first]


def test_what_was_used_is_said_once_each(tmp_path: Path) -> None:
    movie = tmp_path / "a.mp"
    movie.write_bytes(b"one")
    network = NetworkId("classifier", "events", "0f")
    found = provenance(
        command=["perrin", "landings"], seed=5, inputs=[movie, movie], networks=[network, network]
    )
    assert found["run"] == {"command": ["perrin", "landings"], "seed": 5}
    assert [one["name"] for one in found["inputs"]] == ["a.mp"]
    assert found["networks"] == [{"name": "classifier", "task": "events", "sha256": "0f"}]


def test_a_summary_is_plain_json_and_a_folder_that_is_an_input_is_not_replaced(
    tmp_path: Path,
) -> None:
    with results_folder(tmp_path / "out", {"missing": float("nan"), "value": 1.5}):
        pass
    text = (tmp_path / "out" / "summary.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=pytest.fail) == {"missing": None, "value": 1.5}
    with (
        pytest.raises(PerrinError, match="is to be read"),
        results_folder(
            tmp_path / "out", {}, inputs=[tmp_path / "out" / "summary.json"], overwrite=True
        ),
    ):
        pytest.fail("the folder was opened")
    assert (tmp_path / "out" / "summary.json").read_text(encoding="utf-8") == text
