"""Commands run one after the other in processes of their own: progress, cancel, how it ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from perrin import progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

State = Literal["running", "done", "failed", "stopped"]
_PATIENCE_S = 10.0  # between asking a command to stop and ending it
_LONGEST = 10_000  # bytes of a line that are kept


@dataclass
class Job:
    """Commands (the words after ``perrin``) in `folder`; stops at the first that fails.

    A canceled command gets what Ctrl-C sends, so it cleans up and leaves nothing behind.
    `fraction` is that of all commands, each counted alike; `said` what they printed; `error`
    the line that the failed one ended with. With `apart`, a name for each command, the others run
    where one fails; `failures` says by its name why, and the job has failed if all have. `note` is
    to be said when it is done; `finished` counts the commands that went well.
    """

    commands: Sequence[Sequence[str]]
    folder: Path
    title: str
    apart: Sequence[str] = ()
    note: str = ""
    failures: dict[str, str] = field(default_factory=dict)
    finished: int = 0
    state: State = "running"
    fraction: float = 0.0
    said: list[str] = field(default_factory=list)
    error: str = ""
    started: float = field(default_factory=time.monotonic)
    took_s: float = 0.0
    _process: asyncio.subprocess.Process | None = None
    _canceled: bool = False

    async def run(self) -> None:
        """Run them all; never raises for what a command does."""
        self.state = await self._all()
        self.took_s = time.monotonic() - self.started

    async def _all(self) -> State:
        for number, words in enumerate(self.commands):
            if self._canceled:
                break
            self.error = ""
            status = await self._one(number, words)
            if self.stopping:
                break
            if status == 0:
                self.finished += 1
                continue
            self.error = self.error or f"the command ended with status {status}: {self._last()}"
            if not self.apart:
                return "failed"
            self.failures[self.apart[number]] = self.error
        if self._canceled:
            return "stopped"
        return "failed" if self.apart and len(self.failures) == len(self.commands) else "done"

    @property
    def stopping(self) -> bool:
        """Whether it was canceled and has not ended yet."""
        return self._canceled and self.state == "running"

    def _last(self) -> str:
        return self.said[-1] if self.said else "it said nothing"

    def left_s(self) -> float | None:
        """Seconds left, if it goes on as it did; None where nothing can be said yet."""
        if self.state != "running" or self.fraction < 0.02:
            return None
        return (time.monotonic() - self.started) * (1 - self.fraction) / self.fraction

    async def cancel(self) -> None:
        """Stop the command that runs, and start no further."""
        self._canceled = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        if sys.platform == "win32":
            process.terminate()
        else:
            process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), _PATIENCE_S)
        except TimeoutError:
            process.kill()

    async def _one(self, number: int, words: Sequence[str]) -> int:
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "perrin",
            *words,
            cwd=self.folder,
            env=os.environ | {progress.VARIABLE: "lines"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        if self._canceled:  # while it was started
            await self.cancel()
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        await asyncio.gather(
            self._listen(process.stdout, number), self._listen(process.stderr, number)
        )
        return await process.wait()

    async def _listen(self, stream: asyncio.StreamReader, number: int) -> None:
        """Take progress lines for the bar, and keep the rest as said."""
        rest = b""
        while chunk := await stream.read(1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[:_LONGEST]  # of a line without end
            for line in lines:
                self._hear(line, number)
        self._hear(rest, number)

    def _hear(self, line: bytes, number: int) -> None:
        text = line[:_LONGEST].decode(errors="replace").rstrip()
        head, _, rest = text.partition(" ")
        if head == progress.LINE:
            with suppress(ValueError):
                self.fraction = (number + float(rest)) / len(self.commands)
        elif text.startswith("perrin: "):
            self.error = text.removeprefix("perrin: ")
        elif text:
            self.said.append(text)
