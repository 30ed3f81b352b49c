"""What the page of the app writes: values, addresses, how far a job is."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from perrin.app.job import Job


_WRITING = 0.995  # of a job: what is shown as 100% while the last files are written


def typed(value: Any) -> str:
    """How a value would be typed; empty for none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:g}"


def same(names: list[str]) -> dict[Any, str]:
    """Options that are shown as they are called."""
    return {name: name for name in names}


def address(results: str, file: str) -> str:
    """Where the page finds a file of some results."""
    return f"/files/{quote(results)}/{file}"


def status(job: Job) -> str:
    """The state in words; the command as it would be typed, and what it said."""
    if job.stopping:
        return f"{job.title}: stopping. It cleans up, which may take some seconds."
    if job.state == "running" and job.fraction > _WRITING:
        return f"{job.title}: finishing (tables, figures, report)."
    if job.state == "running":
        left = job.left_s()
        more = "" if left is None else f", about {left:.0f} s left"
        return f"{job.title}: {job.fraction:.0%}{more}"
    if job.state == "stopped":
        return "Stopped; " + (
            "what was finished is kept." if job.finished else "nothing was written."
        )
    if job.state == "failed":
        return ""
    if job.note:
        return job.note
    failed = ""
    if job.failures:
        failed = f" {len(job.failures)} of {len(job.commands)} failed: why is below each file."
    typed = "\n".join(f"perrin {shlex.join(words)}" for words in job.commands)
    return f"Done in {job.took_s:.0f} s.{failed}\n{typed}\n" + "\n".join(job.said)
