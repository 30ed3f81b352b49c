"""Staging folders are gone when their work is over, however it ends."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from perrin.io.staging import staged


def test_ctrl_c_while_a_folder_is_cleared_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = shutil.rmtree
    interrupted = iter([True])

    def clear(folder: Path, **how: Any) -> None:
        if next(interrupted, False):
            raise KeyboardInterrupt
        really(folder, **how)

    monkeypatch.setattr("perrin.io.staging.shutil.rmtree", clear)
    with pytest.raises(KeyboardInterrupt), staged(tmp_path) as staging:
        (staging.folder / "half").write_text("of a result")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), staged(tmp_path / "missing"):
        pytest.fail("there is no folder to work in")
