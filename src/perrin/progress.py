"""Progress as lines, for a program that runs the commands and shows a bar of its own."""

from __future__ import annotations

VARIABLE = "PERRIN_PROGRESS"
"""Set to ``lines``, it turns progress bars into lines ``progress 0.42`` on standard error."""

LINE = "progress"
"""How each of these lines starts; the fraction done follows, 0 to 1."""
