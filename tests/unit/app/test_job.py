"""Commands in processes of their own."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from perrin.app.job import Job

START = asyncio.create_subprocess_exec
SIMULATE = ["simulate", "landings", "--species", "150:1", "--density", "1", "--out"]


def test_progress_and_what_was_said(tmp_path: Path) -> None:
    job = Job([[*SIMULATE, "a.mp", "--seconds", "1"], ["inspect", "a.mp"]], tmp_path, "both")
    seen: list[float] = []

    async def watch() -> None:
        running = asyncio.create_task(job.run())
        while not running.done():
            seen.append(job.fraction)
            await asyncio.sleep(0.02)
        await running

    asyncio.run(watch())
    assert job.state == "done", job.error
    assert seen == sorted(seen)
    assert any("Refeyn .mp" in line for line in job.said)


def test_a_failure_is_one_readable_line(tmp_path: Path) -> None:
    job = Job([["inspect", "absent.mp"], ["inspect", "never.mp"]], tmp_path, "absent")
    asyncio.run(job.run())
    assert job.state == "failed"
    assert "absent.mp" in job.error
    assert "never" not in job.error


@pytest.mark.skipif(sys.platform == "win32", reason="interrupting a process differs there")
@pytest.mark.parametrize("background", [False, True])
def test_canceled_it_leaves_nothing(tmp_path: Path, background: bool) -> None:
    """Also of a program that a shell runs in the background, where Ctrl-C is ignored."""
    job = Job([[*SIMULATE, "long.mp", "--seconds", "600"]], tmp_path, "long")

    async def run() -> None:
        running = asyncio.create_task(job.run())
        while job.fraction == 0 and not running.done():
            await asyncio.sleep(0.05)
        assert job.left_s() is None or job.left_s() > 0
        await job.cancel()
        await running

    before = signal.signal(signal.SIGINT, signal.SIG_IGN if background else signal.SIG_DFL)
    try:
        asyncio.run(run())
    finally:
        signal.signal(signal.SIGINT, before)
    assert job.state == "stopped"
    assert not list(tmp_path.iterdir())


def say(monkeypatch: pytest.MonkeyPatch, *scripts: str) -> None:
    """Let the commands of a job be these scripts, one after the other."""
    left = list(scripts)

    async def instead(*_: object, **given: object) -> object:
        return await START(sys.executable, "-c", left.pop(0), **given)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", instead)


def test_a_line_without_end_does_not_hold_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, "print('x' * 3_000_000); print('after')")
    job = Job([["any"]], tmp_path, "long")
    asyncio.run(asyncio.wait_for(job.run(), 60))
    assert job.state == "done"
    assert [len(line) for line in job.said] == [10_000, 5]


def test_the_others_run_where_one_fails_and_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = "import sys; print('perrin: no movie', file=sys.stderr); sys.exit(1)"
    say(monkeypatch, bad, "print('fine')")
    job = Job([["a"], ["b"]], tmp_path, "two", apart=("a.mp", "b.mp"))
    asyncio.run(job.run())
    assert (job.state, job.said, job.failures) == ("done", ["fine"], {"a.mp": "no movie"})
    say(monkeypatch, bad, bad)
    job = Job([["a"], ["b"]], tmp_path, "two", apart=("a.mp", "b.mp"))
    asyncio.run(job.run())
    assert (job.state, list(job.failures)) == ("failed", ["a.mp", "b.mp"])


def test_a_crash_without_a_word_of_perrin_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(monkeypatch, "raise MemoryError('no room')")
    job = Job([["a"]], tmp_path, "crash")
    asyncio.run(job.run())
    assert job.state == "failed"
    assert "status 1: MemoryError: no room" in job.error
