"""What goes on in the app, whatever browser looks at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perrin.app.job import Job
    from perrin.app.looking import Look
    from perrin.app.workspace import Workspace


@dataclass
class Session:
    """One person, one folder, one job at a time.

    looks: of the chosen files. outs: what each command of the job makes. apart: several files are
    analyzed each by itself. shown: the results, or the calibration, on the right.
    """

    workspace: Workspace
    chosen: list[str] = field(default_factory=list)
    looks: dict[str, Look] = field(default_factory=dict)
    apart: bool = True
    job: Job | None = None
    outs: list[str] = field(default_factory=list)
    shown: str | None = None

    def readable(self) -> list[str]:
        """Return the chosen files that can be read."""
        return [
            name
            for name in self.chosen
            if name not in self.looks or self.looks[name].kind is not None
        ]

    def why(self, name: str) -> str:
        """Return why a file failed, or cannot be read among several; empty for others."""
        if self.job is not None and name in self.job.failures:
            return self.job.failures[name]
        if len(self.chosen) > 1 and name in self.looks and self.looks[name].kind is None:
            return self.looks[name].description
        return ""
