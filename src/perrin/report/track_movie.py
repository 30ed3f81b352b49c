"""A short movie with the tracks drawn over it: mp4 where ffmpeg is there, else GIF.

The frames are pictures of few colors that lines are drawn into, pixel by pixel: a figure for
each would take longer than tracking.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perrin.report import style as look
from perrin.types import FloatArray, IntArray

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from perrin.tracking.clip import Clip
    from perrin.tracking.track import TrackingResult

_TAIL = 20  # frames of the tracks drawn behind each position
_PER_SECOND = 10
_LEAST_SIDE = 400  # pixels of a picture
_MOST_SCALE = 4
_LINE_PX = 2
_LABELS = {"": look.GREEN, "touching": look.ORANGE, "merged": look.VERMILLION}
_TRACKS = look.SERIES[:-1]
_COLORS = (*_TRACKS, *_LABELS.values(), "#ffffff")
_GRAYS = 256 - len(_COLORS)


def write_track_movie(folder: Path, found: TrackingResult, clip: Clip) -> Path:
    """Write a stretch of the movie as overlay.mp4 or overlay.gif; return where."""
    pictures = _pictures(found, clip)
    ffmpeg = _ffmpeg()
    if ffmpeg is not None:
        return _mp4(folder / "overlay.mp4", pictures, ffmpeg)
    path = folder / "overlay.gif"
    first, *others = pictures
    first.save(path, save_all=True, append_images=others, duration=1000 // _PER_SECOND, loop=0)
    return path


def _ffmpeg() -> str | None:
    from matplotlib import rcParams

    return shutil.which(str(rcParams["animation.ffmpeg_path"]))


def _pictures(found: TrackingResult, clip: Clip) -> list[Picture]:
    """Return a picture for each frame, of even height and width."""
    from PIL import Image, ImageDraw

    height, width = clip.images.shape[1:]
    scale = int(np.clip(np.ceil(_LEAST_SIDE / max(height, width)), 1, _MOST_SCALE))
    palette = _palette()
    tails, rings = _Tails(found, scale), _rings(found)
    interval = float(found.recorded["frame_interval_s"])
    drawn = []
    for index, shades in enumerate(clip.images):
        frame = clip.first + index
        gray = (shades.astype(np.uint16) * (_GRAYS - 1) // 255).astype(np.uint8)
        gray = np.repeat(np.repeat(gray, scale, axis=0), scale, axis=1)
        gray = np.pad(gray, [(0, size % 2) for size in gray.shape], mode="edge")
        picture = Image.fromarray(gray, "L")
        picture.putpalette(palette)
        canvas = ImageDraw.Draw(picture)
        tails.draw(canvas, frame)
        reach = 4 * _LINE_PX
        for x, y, color in rings.get(frame, ()):
            at = (scale * (x + 0.5), scale * (y + 0.5))
            box = (at[0] - reach, at[1] - reach, at[0] + reach, at[1] + reach)
            canvas.ellipse(box, outline=int(color))
        canvas.text((4, 2), f"{frame * interval:.3g} s", fill=255)
        drawn.append(picture)
    return drawn


def _palette() -> list[int]:
    """Return the colors of a picture, red, green and blue in turn: grays, then those of lines."""
    grays = np.repeat(np.linspace(0, 255, _GRAYS).astype(int), 3).tolist()
    return grays + [int(color[k : k + 2], 16) for color in _COLORS for k in (1, 3, 5)]


class _Tails:
    """The last stretch of each track, in the pixels of the pictures."""

    def __init__(self, found: TrackingResult, scale: int) -> None:
        table = found.tracks.sort_values(["particle", "frame"])
        x, y = (
            scale * (table[axis] + table[f"drift_{axis}"] + 0.5).to_numpy(float) for axis in "xy"
        )
        frame, particle = (table[name].to_numpy(np.int64) for name in ("frame", "particle"))
        first = np.flatnonzero(np.diff(particle, prepend=-1))
        parts = zip(
            particle[first],
            np.split(frame, first[1:]),
            np.split(np.stack([x, y], axis=1), first[1:]),
            strict=True,
        )
        self._tracks: list[tuple[int, IntArray, FloatArray]] = list(parts) if len(table) else []

    def draw(self, canvas: Any, frame: int) -> None:
        """Draw what lies up to so many frames behind."""
        for particle, frames, places in self._tracks:
            start, stop = np.searchsorted(frames, (frame - _TAIL, frame), side="right")
            if stop - start > 1:
                color = _GRAYS + int(particle) % len(_TRACKS)
                canvas.line(places[start:stop].ravel().tolist(), fill=color, width=_LINE_PX)


def _rings(found: TrackingResult) -> dict[int, FloatArray]:
    """Return x, y and color of the positions of each frame, (N, 3)."""
    table = found.positions
    color = _GRAYS + len(_TRACKS) + table["label"].map(list(_LABELS).index).to_numpy(int)
    frame = table["frame"].to_numpy(np.int64)
    rows = np.column_stack([table["x"], table["y"], color]).astype(np.float64)
    order = np.argsort(frame, kind="stable")
    first = np.flatnonzero(np.diff(frame[order], prepend=-1))
    return dict(zip(frame[order][first].tolist(), np.split(rows[order], first[1:]), strict=False))


def _mp4(path: Path, pictures: list[Picture], ffmpeg: str) -> Path:
    size = "x".join(map(str, pictures[0].size))
    raw = ["-f", "rawvideo", "-vcodec", "rawvideo", "-s", size, "-pix_fmt", "rgba"]
    made = ["-vcodec", "h264", "-pix_fmt", "yuv420p", "-b", "1800k", "-y", str(path)]
    command = [ffmpeg, *raw, "-framerate", str(_PER_SECOND), "-i", "pipe:", *made]
    frames = b"".join(picture.convert("RGBA").tobytes() for picture in pictures)
    subprocess.run(command, input=frames, check=True, capture_output=True)  # noqa: S603
    return path
