"""A short movie with the tracks drawn over it: mp4 where ffmpeg is there, else GIF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perrin.report import style as look
from perrin.report.tracking_figures import overlay_frame

if TYPE_CHECKING:
    from perrin.tracking.clip import Clip
from perrin.tracking.track import TrackingResult

_TAIL = 20  # frames of the tracks drawn behind each position
_PER_SECOND = 10
_DPI = 90
_WIDTH_MM = 90.0


def write_track_movie(folder: Path, found: TrackingResult, clip: Clip) -> Path:
    """Write a stretch of the movie as overlay.mp4 or overlay.gif; return where."""
    from matplotlib import animation, rc_context

    frame_interval_s = found.recorded["frame_interval_s"]
    height, width = clip.images.shape[1:]
    mp4 = animation.FFMpegWriter.isAvailable()
    with look.style(), rc_context({"savefig.dpi": _DPI}):
        tall = float(np.clip(_WIDTH_MM * height / width, 40, 160))
        figure = look.new_figure(width_mm=_WIDTH_MM, height_mm=tall + 8)
        axes = figure.subplots()

        def draw(index: int) -> list[object]:
            axes.clear()
            overlay_frame(
                axes,
                clip.images[index],
                found.tracks,
                found.positions,
                frame=clip.first + index,
                tail=_TAIL,
                limits=(0.0, 255.0),
            )
            axes.set_title(f"{(clip.first + index) * frame_interval_s:.3g} s")
            return []

        path = folder / ("overlay.mp4" if mp4 else "overlay.gif")
        writer = (
            animation.FFMpegWriter(fps=_PER_SECOND, bitrate=1800)
            if mp4
            else animation.PillowWriter(fps=_PER_SECOND)
        )
        made = animation.FuncAnimation(figure, draw, frames=len(clip.images), blit=False)  # type: ignore[arg-type]
        made.save(path, writer=writer, dpi=_DPI)
    return path
