"""The demo is the commands that it shows, with their results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_demo_from_nothing_to_a_report(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "shown"
    status, said, _ = run("demo", "-o", out, "--seconds", 20)
    assert status == 0
    typed = [line.removeprefix("$ ").split() for line in said.splitlines() if line[:2] == "$ "]
    assert [words[1] for words in typed] == ["simulate", "calibrate", "simulate", "landings"]
    assert {path.name for path in out.iterdir()} >= {
        "dynamin.mp", "bsa.mp", "calibration.json", "calibration.svg", "results",
    }  # fmt: skip
    summary = json.loads((out / "results" / "summary.json").read_text())
    assert summary["run"]["command"] == typed[-1]
    assert summary["measurements"][0]["spectrum"]["unit"] == "kDa"
    assert (out / "results" / "report.html").is_file()
    status, _, err = run("demo", "-o", out, "--seconds", 20)
    assert status == 1
    assert "--overwrite" in err
