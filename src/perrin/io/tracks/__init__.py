"""Tables of tracks: one reader a format, and one last step for all (`finish`)."""

from __future__ import annotations

from perrin.io.tracks.reading import read_tracks

__all__ = ["read_tracks"]
