"""Things found and true things, matched one to one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Matches:
    """How many were found, how many are true, and how many are both."""

    found: int
    true: int
    matched: int

    @property
    def f1(self) -> float:
        """Harmonic mean of the fraction of found ones that are right and of true ones found."""
        return 2 * self.matched / max(self.found + self.true, 1)
