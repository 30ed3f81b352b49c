"""Micro-Manager's metadata.txt beside pictures and stacks: pixel, interval, frames that lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from perrin.errors import PerrinError
from perrin.io import inspect, open_movie

FRAMES = np.random.default_rng(1).normal(1000, 10, (12, 16, 20)).astype(np.uint16)


def said(version: int = 1, *, announced: int = 12, asked_ms: float = 50) -> dict[str, Any]:
    """Return the metadata of 12 frames, 50 ms apart."""
    content: dict[str, Any] = {"Summary": {"Frames": announced, "Interval_ms": asked_ms}}
    if version == 1:
        content["Summary"]["PixelSize_um"] = 0.1
    for t in range(12):
        stamp = {"ElapsedTime-ms": 7 + 50.0 * t, "Frame": t}
        if version == 2:
            content[f"Coords-Default/{name(2, t)}"] = {"Frame": t}
            stamp["PixelSizeUm"] = 0.1
        key = f"FrameKey-{t}-0-0" if version == 1 else f"Metadata-Default/{name(2, t)}"
        content[key] = stamp
    return content


def name(version: int, t: int) -> str:
    one = f"img_{t:09d}_Default_000.tif"
    return one if version == 1 else f"img_channel000_position000_time{t:09d}_z000.tif"


def folder(path: Path, text: str, version: int = 1, lacking: int | None = None) -> Path:
    path.mkdir()
    for t, frame in enumerate(FRAMES):
        if t != lacking:
            tifffile.imwrite(path / name(version, t), frame)
    (path / "metadata.txt").write_text(text)
    return path


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("end", [0, 1])
def test_images_of_their_own(version: int, end: int, tmp_path: Path) -> None:
    text = json.dumps(said(version))
    seen = inspect(folder(tmp_path / "run", text[: len(text) - end], version))  # stopped: no }
    assert (seen.pixel_nm, seen.frame_interval_s) == (100, 0.05)
    assert seen.missing == ()
    assert "metadata.txt beside it" in str(seen.notes)


def test_frames_that_lack_are_said(tmp_path: Path) -> None:
    seen = inspect(folder(tmp_path / "run", json.dumps(said(announced=40))))
    assert "metadata.txt says 40 frames and 12 are there" in str(seen.notes)
    seen = inspect(folder(tmp_path / "hole", json.dumps(said()), lacking=7))
    assert "1 in between are missing (7)" in seen.problems[0]


def test_time_stamps_go_before_the_interval_that_was_asked_for(tmp_path: Path) -> None:
    seen = inspect(folder(tmp_path / "run", json.dumps(said(asked_ms=10))))
    assert seen.frame_interval_s == 0.05
    assert "10 ms a frame were asked of the microscope" in str(seen.notes)
    content = {key: said()[key] for key in ("Summary",)}
    assert inspect(folder(tmp_path / "b", json.dumps(content))).frame_interval_s == 0.05


@pytest.mark.parametrize("text", ['{"Summary": {"Frames', "[1, 2]", "a note\n", '{"a": 1}'])
def test_what_is_none_of_it_changes_nothing(text: str, tmp_path: Path) -> None:
    seen = inspect(folder(tmp_path / "run", text))
    assert (seen.pixel_nm, seen.frame_interval_s) == (None, None)
    assert ("cannot be read" in str(seen.notes)) == text.startswith('{"Summary')


@pytest.mark.parametrize("beside", ["MMStack_Pos0_metadata.txt", "metadata.txt"])
def test_a_stack_beside_it(beside: str, tmp_path: Path) -> None:
    path = tmp_path / "MMStack_Pos0.ome.tif"
    tifffile.imwrite(path, FRAMES, ome=False, photometric="minisblack", metadata={"axes": "TYX"})
    (tmp_path / beside).write_text(json.dumps(said(announced=13)))
    seen = inspect(path)
    assert (seen.pixel_nm, seen.frame_interval_s) == (100, 0.05)
    assert "says 13 frames and 12 are there" in str(seen.notes)
    tifffile.imwrite(tmp_path / "another.tif", FRAMES)
    known = 100 if beside != "metadata.txt" else None  # of which of both is it?
    assert inspect(path).pixel_nm == known


def test_a_pixel_that_cannot_be_is_noted(tmp_path: Path) -> None:
    content = said()
    content["Summary"]["PixelSize_um"] = 1e-9
    seen = inspect(folder(tmp_path / "run", json.dumps(content)))
    assert seen.pixel_nm is None
    assert "1e-09 um" in str(seen.notes)
    with pytest.raises(PerrinError, match="--pixel-nm"):
        open_movie(seen.path)
