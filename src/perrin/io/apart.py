"""Files are first walked through by a second process, so that no library can end this one.

Libraries are written for whole files. What one makes of a damaged file is found out in a process
that may end, loop, or want all memory. It is started once and then asked about file after file.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from perrin.errors import PerrinError

_READY, _DONE, _MEMORY, _REASON = "ready", "done", "memory", "reason: "
MEMORY_BYTES = 2**31  # of addresses, those of Python and its libraries included
_CPU_S = 3.0  # for any file, and per byte
_CPU_S_PER_BYTE = 1e-7
_WALL_S = 20.0  # slow disks and busy machines: real time, where the CPU does not count
_WALL_S_PER_BYTE = 1e-6
_START_S = 120.0
_KNOWN_AT_MOST = 10_000


def serve(walk: Callable[[str], None]) -> None:
    """Walk through the files that are asked for, a line of JSON each, until there are no more.

    For the second process. walk: what is done with a path; a `PerrinError` says what no reader
    can cope with. All else that it raises but `MemoryError` is ignored: the reader that needs that
    part of a file says what is wrong with it.
    """
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_AS", MEMORY_BYTES)
    answers = _own_answers()
    print(_READY, file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        _limit("RLIMIT_CPU", int(sum(os.times()[:2]) + asked["cpu_s"]) + 1)
        verdict = _DONE
        try:
            walk(asked["path"])
        except MemoryError:
            verdict = _MEMORY
        except PerrinError as error:
            verdict = f"{_REASON}{error}"
        except Exception:  # noqa: S110
            pass
        print(verdict, file=answers, flush=True)


def _own_answers() -> TextIO:
    """Return where to answer, so that what libraries print is taken for no answer."""
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answers


def _limit(what: str, most: int) -> None:
    """Set a limit of this process, where the system has it."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        number = getattr(resource, what)
        resource.setrlimit(number, (most, resource.getrlimit(number)[1]))


class Walker:
    """A second process that walks through files; started when the first is asked about.

    module: what runs there with ``python -m``; it calls `serve`. what: the kind of file.
    cpu_s, wall_s: how long it may take for a small file.
    """

    def __init__(
        self, module: str, what: str, *, cpu_s: float = _CPU_S, wall_s: float = _WALL_S
    ) -> None:
        self.module = module
        self.what = what
        self.cpu_s = cpu_s
        self.wall_s = wall_s
        self._child: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._ready = self._none = False
        self._owner = 0
        self._lock = threading.Lock()
        self._known: set[tuple[str, int, int, int]] = set()
        atexit.register(self.close)

    def start(self) -> None:
        """Start the second process, without waiting for it, unless it runs."""
        with self._lock:
            self._start()

    def check(self, path: Path) -> None:
        """Raise `PerrinError` where the second process does not come through the file.

        A file that it came through is not walked again until it changes. Where no process can be
        started (an application that was frozen into one file), nothing is checked here.
        """
        try:
            stat = path.stat()
        except OSError:
            return  # whoever opens it says why not
        mark = (str(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ino)
        with self._lock:
            if mark in self._known:
                return
            reason = self._walk(mark[0], stat.st_size)
            if reason is None:
                if len(self._known) >= _KNOWN_AT_MOST:
                    self._known.clear()
                self._known.add(mark)
                return
        raise PerrinError(
            f"{path}: the {self.what} file is damaged: {reason}. Copy it again from where it was "
            "recorded."
        )

    def close(self) -> None:
        """End the second process."""
        child, self._child = self._child, None
        if child is None or self._owner != os.getpid():
            return  # a copy of this object in a forked process
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _walk(self, path: str, size: int) -> str | None:
        """Return why the file is not to be opened; None where it may be."""
        child = self._start()
        if child is None or child.stdin is None or not self._is_ready():
            return None
        cpu_s = self.cpu_s + _CPU_S_PER_BYTE * size
        try:
            child.stdin.write(json.dumps({"path": path, "cpu_s": cpu_s}) + "\n")
            child.stdin.flush()
            answer = self._answers.get(timeout=self.wall_s + _WALL_S_PER_BYTE * size)
        except queue.Empty:
            self.close()
            return f"the library that reads it does not come back within {self.wall_s:g} s"
        except OSError:
            answer = ""
        if answer == _DONE:
            return None
        if answer.startswith(_REASON):
            return answer.removeprefix(_REASON)
        if answer == _MEMORY:
            return f"it asks for more than {MEMORY_BYTES >> 30} GiB of memory to be opened"
        code = child.wait()
        self.close()
        return _ended(code, cpu_s)

    def _is_ready(self) -> bool:
        """Wait for a process that was started; False, for good, where it does not come up."""
        if not self._ready:
            with contextlib.suppress(queue.Empty):
                self._ready = self._answers.get(timeout=_START_S) == _READY
            if not self._ready:
                self.close()
                self._none = True
        return self._ready

    def _start(self) -> subprocess.Popen[str] | None:
        """Return the running process; None where none can be had."""
        if self._owner != os.getpid():
            self._child, self._owner = None, os.getpid()
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        if self._none or getattr(sys, "frozen", False) or not sys.executable:
            return None
        own = str(Path(__file__).parents[2])
        paths = [own, *(one for one in sys.path if one)]
        single = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
        child = subprocess.Popen(  # noqa: S603  this Python and a module of perrin
            [sys.executable, "-S", "-P", "-m", self.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **single, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self._answers, self._ready = queue.SimpleQueue(), False
        threading.Thread(target=_pass_on, args=(child, self._answers), daemon=True).start()
        self._child = child
        return child


HDF5 = Walker("perrin.io.hdf5_walk", "HDF5")
"""The one process that walks through HDF5 files."""


def _pass_on(child: subprocess.Popen[str], answers: queue.SimpleQueue[str]) -> None:
    """Hand on what the process says, and an empty answer when it ends."""
    with contextlib.suppress(OSError, ValueError):
        for line in child.stdout or ():
            answers.put(line.strip())
    answers.put("")


def _ended(code: int, cpu_s: float) -> str:
    late = {-getattr(signal, name, 0) for name in ("SIGXCPU", "SIGKILL")} - {0}
    if code in late:
        return f"the library that reads it does not come back within {cpu_s:.0f} s"
    how = signal.Signals(-code).name if code < 0 else f"code {code}"
    return f"the library that reads it cannot get through it ({how})"
