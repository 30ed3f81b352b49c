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


def test_ended_by_ctrl_c_it_does_not_deny_what_it_wrote(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("perrin.app.server.serve", serve)
    status, _, err = run("app", "--folder", tmp_path, "--no-show")
    assert status == 130
    assert err == "perrin's app has ended; what it has finished is kept\n"
