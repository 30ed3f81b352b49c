"""The command of the app says an address only once there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nicegui", reason="app: pip install 'perrin[app]'")


def test_a_wrong_folder_has_no_address(run: Any, tmp_path: Path) -> None:
    status, out, err = run("app", "--folder", tmp_path / "absent", "--no-show")
    assert status == 1
    assert "is not a folder" in err
    assert "http" not in out
