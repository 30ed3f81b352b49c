"""Errors of settings name the option that was typed, and an option of that name exists."""

from __future__ import annotations

from typing import Any

import pytest

CASES = [
    (["spectrum", "x.csv", "--bin-kda", "0"], "--bin-kda 0: must be above 0"),
    (["diffusion", "x.csv", "--window", "0"], "--window 0: must be"),
    (["diffusion", "x.csv", "--stride", "0"], "--stride 0: must be"),
    (["track", "x.tif", "--kind", "rod"], "--kind rod: must be rods, spheres or molecules"),
    (["track", "x.tif", "--kind", "rods", "--exposure", "3"], "--exposure 3: must be 1 or less"),
    (["track", "x.tif", "--kind", "rods", "--bin", "0"], "--bin 0: must be 1 or more"),
    (["track", "x.tif", "--kind", "rods", "--window-frames", "1"], "--window-frames 1: must be"),
    (["landings", "x.mp", "--spatial-threshold", "nan"], "--spatial-threshold nan: must be"),
    (
        ["simulate", "motion", "--kind", "rods", "--size-px", "1", "-o", "x.tif"],
        "--size-px 1: must be",
    ),
]


@pytest.mark.parametrize(("words", "said"), CASES)
def test_the_option_is_named(
    run: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / words[1]).write_text("particle,frame,x,y\n0,0,1,1\n0,1,1,2\n")
    status, _, err = run(*words)
    assert status == 1
    assert said in err
