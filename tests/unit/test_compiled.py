"""Where compiled kernels are kept when nothing that numba looks at can be written to."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from perrin import _compiled

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="homes are always there")


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing can be written to but a folder for temporary files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # as if it were not there; put back afterwards
    monkeypatch.setitem(sys.modules, "numba", None)  # as long as it is not imported
    monkeypatch.delitem(sys.modules, "numba")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_an_own_folder_is_made_and_found_again(
    read_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _compiled.keep_kernels_somewhere()
    (made,) = read_only.iterdir()
    assert os.environ["NUMBA_CACHE_DIR"] == str(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    _compiled.keep_kernels_somewhere()
    assert os.environ["NUMBA_CACHE_DIR"] == str(made)


def test_a_folder_that_others_can_write_to_is_not_used(
    read_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = read_only / f"perrin-kernels-{os.getuid()}"
    theirs.mkdir()
    theirs.chmod(0o777)
    _compiled.keep_kernels_somewhere()
    assert os.environ["NUMBA_CACHE_DIR"] != str(theirs)
    assert stat.S_IMODE(Path(os.environ["NUMBA_CACHE_DIR"]).stat().st_mode) == 0o700


def test_nothing_is_chosen_where_numba_finds_a_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # as if it were not there; put back afterwards
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    package = Path(_compiled.__file__).parent
    there = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != package and there(path, mode))
    _compiled.keep_kernels_somewhere()
    assert os.environ["NUMBA_CACHE_DIR"] == ""
