"""What every test may use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from perrin.io.movie import Movie

# No deadline: the first example of a test may compile a kernel.
settings.register_profile("perrin", deadline=None)
settings.load_profile("perrin")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared real data; a test that needs it skips where there is none."""
    root = os.environ.get("PERRIN_SHARED")
    if not root:
        pytest.skip("shared real data: set PERRIN_SHARED to the folder that holds data/")
    folder = Path(root) / "data"
    if not folder.is_dir():
        pytest.skip(f"shared real data: {folder} is not a folder")
    return folder


@pytest.fixture(scope="session")
def two_mp() -> Callable[..., Movie]:
    """Frames as a movie of a TwoMP: 726 camera frames a second, binned by 3 and 6."""

    def movie(frames: np.ndarray[Any, Any]) -> Movie:
        return Movie.from_array(
            frames,
            frame_interval_s=3 / 726,
            pixel_nm=6 * 11.8,
            instrument="Refeyn TwoMP",
            provenance={"frame_binning": 3, "exposure_ms": 1.3, "camera": "simulated"},
        )

    return movie


@pytest.fixture(scope="session")
def run_apart() -> Callable[..., str]:
    """Run a script in a process of its own; returns what it prints, fails where it fails."""

    def run(script: str, *words: str | Path, timeout_s: float = 300) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, words)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
