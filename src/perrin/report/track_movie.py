"""A short movie with the tracks drawn over it: mp4 where ffmpeg is there, else GIF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perrin.report import style as look
from perrin.report.tracking_figures import overlay_frame
from perrin.tracking.background import contrast

if TYPE_CHECKING:
    from perrin.io.movie import Movie
    from perrin.tracking.track import TrackingResult

_TAIL = 20  # frames of the tracks drawn behind each position
_PER_SECOND = 10
_DPI = 90
_WIDTH_MM = 90.0


def write_track_movie(folder: Path, movie: Movie, found: TrackingResult, *, frames: int) -> Path:
    """Write the busiest stretch of `frames` frames as overlay.mp4 or overlay.gif; return where."""
    from matplotlib import animation, rc_context

    first = _busiest(found, movie.n_frames, frames)
    stop = min(movie.n_frames, first + frames)
    images = contrast(movie.frames[first:stop], found.seen.mean, sign=1)
    low, high = (float(value) for value in np.percentile(images, (0.2, 99.8)))
    mp4 = animation.FFMpegWriter.isAvailable()
    with look.style(), rc_context({"savefig.dpi": _DPI}):
        tall = float(np.clip(_WIDTH_MM * movie.height / movie.width, 40, 160))
        figure = look.new_figure(width_mm=_WIDTH_MM, height_mm=tall + 8)
        axes = figure.subplots()

        def draw(index: int) -> list[object]:
            axes.clear()
            overlay_frame(
                axes,
                images[index],
                found.tracks,
                found.positions,
                frame=first + index,
                tail=_TAIL,
                limits=(low, high),
            )
            axes.set_title(f"{(first + index) * movie.frame_interval_s:.3g} s")
            return []

        path = folder / ("overlay.mp4" if mp4 else "overlay.gif")
        writer = (
            animation.FFMpegWriter(fps=_PER_SECOND, bitrate=1800)
            if mp4
            else animation.PillowWriter(fps=_PER_SECOND)
        )
        made = animation.FuncAnimation(figure, draw, frames=stop - first, blit=False)  # type: ignore[arg-type]
        made.save(path, writer=writer, dpi=_DPI)
    return path


def _busiest(found: TrackingResult, n_frames: int, frames: int) -> int:
    """Return the first frame of the stretch with most positions."""
    counts = np.bincount(found.positions["frame"].to_numpy(np.int64), minlength=n_frames)
    total = np.concatenate([[0], np.cumsum(counts)])
    length = min(frames, n_frames)
    return int(np.argmax(total[length:] - total[:-length]))
