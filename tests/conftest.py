"""What every test may use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher

from perrin.io.movie import Movie

try:
    import fcntl
except ImportError:  # Windows: each process compiles for itself
    fcntl = None  # type: ignore[assignment]

# No deadline: the first example of a test may compile a kernel.
settings.register_profile("perrin", deadline=None)
settings.load_profile("perrin")


@pytest.fixture(scope="session", autouse=True)
def kernels_are_compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where tests run in several processes, each kernel is compiled by one of them.

    On a fresh machine every worker would compile the same beside the others: who comes second waits
    for the first and loads what it wrote.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    folder = tmp_path_factory.getbasetemp().parent / "kernels"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        _compile_in_turn(folder, patch)
        yield


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


def _compile_in_turn(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let a kernel that is cached on disk be compiled under a lock of its own in `folder`.

    A kernel waits for those that it calls only, so no two processes wait for each other. Threads of
    one process are kept apart by numba's own lock, which has to be taken first.
    """
    if fcntl is None:
        return
    plain = Dispatcher.compile

    def in_turn(self: Any, signature: Any) -> Any:
        kept = self.stats.cache_path
        if kept is None:
            return plain(self, signature)
        name = sha256(f"{kept} {self.py_func.__qualname__} {signature}".encode()).hexdigest()
        with global_compiler_lock, _locked(folder / name):
            return plain(self, signature)

    patch.setattr(Dispatcher, "compile", in_turn)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
