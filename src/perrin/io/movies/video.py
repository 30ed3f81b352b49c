"""Video (extra `video`): AVI, MP4, MOV, MKV, as far as its frames are gray or can be."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np

from perrin.errors import PerrinError
from perrin.io.found import Asked, Found, refuse_encoding
from perrin.io.movie import LazyFrames
from perrin.io.movies.frames import DECODING, closed, unreadable
from perrin.io.sniff import head_of, video
from perrin.types import Array

_LOSSLESS = ("rawvideo", "ffv1", "png", "huffyuv", "ffvhuff", "tiff", "zlib", "utvideo", "lagarith")


class VideoFrames(LazyFrames):
    """Frames of the first video stream, decoded one after the other.

    Reading on is quick; reading back starts at the beginning again.
    """

    anywhere = False

    def __init__(
        self, path: Path, n_frames: int, size: tuple[int, int], deep: bool, channel: int | None
    ) -> None:
        super().__init__(path, (n_frames, *size), np.dtype(np.uint16 if deep else np.uint8))
        self.deep = deep
        self.channel = channel
        self._container: Any = open_video(path)
        weakref.finalize(self, self._container.close)
        self._restart()

    def __reduce__(self) -> tuple[Any, ...]:
        size = (self.shape[1], self.shape[2])
        return type(self), (self.path, self.shape[0], size, self.deep, self.channel)

    def _restart(self) -> None:
        context = self._container.streams.video[0].codec_context
        if not context.is_open:
            context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
        self._container.seek(0)
        self._decoded = self._container.decode(video=0)
        self._next = 0

    def _read(self, start: int, stop: int) -> Array:
        if self._container is None:
            raise closed(self.path)
        frames = np.empty((stop - start, *self.shape[1:]), self.dtype)
        try:
            if self._next > start:
                self._restart()
            while self._next < stop:
                frame = next(self._decoded)
                if frame.is_corrupt:
                    raise ValueError("the decoder could not make it out, and fills it in")
                if self._next >= start:
                    frames[self._next - start] = gray(frame, self.deep, self.channel, self.path)
                self._next += 1
        except PerrinError:
            raise
        except _decoding() as error:
            at = self._next
            self._restart()
            raise unreadable(self.path, at, stop, error) from error
        return frames

    def close(self) -> None:
        """Close the file; reading afterwards is an error."""
        if self._container is not None:
            self._container.close()
            self._container = None


def gray(frame: Any, deep: bool, channel: int | None, path: Path) -> Array:
    """Return a decoded frame as gray (Y, X): its luminance, or the gray that its colors are.

    Raises `PerrinError` for frames in colors without a channel.
    """
    name = frame.format.name
    if name.startswith(("gray", "yuv", "nv")) and channel is None:
        return _first_plane(frame, deep)
    colors: Array = frame.to_ndarray(format="rgb48le" if deep else "rgb24")
    if channel is not None:
        return colors[..., channel]
    if not (colors == colors[..., :1]).all():
        raise PerrinError(
            f"{path} is in colors: a movie has one intensity a pixel; choose one with --channel 0 "
            "(red), 1 (green) or 2 (blue)."
        )
    return colors[..., 0]


def _first_plane(frame: Any, deep: bool) -> Array:
    """Return the plane of the luminance as it is stored; no conversion changes its values."""
    plane = frame.planes[0]
    dtype = np.dtype(("<u2" if frame.format.name.endswith("le") else ">u2") if deep else "u1")
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height]
    line = np.ascontiguousarray(rows[:, : frame.width * dtype.itemsize]).view(dtype)
    return line.astype(np.uint16 if deep else np.uint8)


def _decoding() -> tuple[type[Exception], ...]:
    """Return what decoding a damaged video raises."""
    import av

    return (*DECODING, StopIteration, av.FFmpegError)


def open_video(path: Path) -> Any:
    """Open a video. Raises `PerrinError` without the package av, and for a damaged file."""
    kind = video(head_of(path))
    try:
        import av
    except ImportError as error:
        raise PerrinError(
            f"{path} is a video ({kind}), and the package av is not installed: pip install "
            "'perrin[video]', or export it as a TIFF stack."
        ) from error
    try:
        container = av.open(str(path), options={"err_detect": "crccheck+explode"})
        if not container.streams.video:
            container.close()
            raise PerrinError(f"{path} is a {kind} file without a video in it.")
    except _decoding() as error:
        if isinstance(error, PerrinError):
            raise
        raise PerrinError(
            f"{path} is a video ({kind}) that cannot be read: {error}. Copy it again, or export "
            "it from its source as a TIFF stack."
        ) from error
    return container


def find_video(path: Path, asked: Asked) -> Found:
    """Find the movie in a video: its first stream.

    The rate that a video is played at need not be the one it was recorded at: it is asked for.
    Raises `PerrinError` for a damaged file.
    """
    refuse_encoding(asked.encoding, path, "video")
    if asked.axes is not None or asked.z:
        raise PerrinError(f"{path} is a video, one frame after the other; leave --axes, --z away.")
    with open_video(path) as container:
        stream = container.streams.video[0]
        if stream.codec_context is None or not stream.codec_context.height:
            raise PerrinError(
                f"{path} is a video without a description of its frames: cut off? Copy it again or "
                "export it from its source as a TIFF stack."
            )
        said, codec = stream.frames, stream.codec_context.name
        rate, name = stream.average_rate, stream.codec_context.format
        pixels = name.name if name is not None else "unknown"
        try:
            stamps = [packet.pts for packet in container.demux(stream) if packet.size]
        except _decoding() as error:
            raise PerrinError(f"{path}: its frames cannot be counted: {error}.") from error
        held, said = len(stamps), said or _said(container.duration, rate)
        deep = name is not None and any(c.bits > 8 for c in name.components)
        size = (stream.codec_context.height, stream.codec_context.width)
    notes = [_about(codec, pixels)]
    if said and held < said:
        notes.append(f"incomplete: the video says {said} frames and holds {held} (cut off?)")
    gap = _gap(stamps)
    plays = f"it plays {float(rate):.6g} frames a second; " if rate else ""
    hint = f"if that is the rate of the recording, give --frame-rate-hz {float(rate):.6g}"
    return Found(
        path=path,
        format="video",
        description=f"video, {codec}, {pixels}",
        frames=None if gap else VideoFrames(path, held, size, deep, asked.channel),
        axes_named=True,
        axes="TYX",
        stored_shape=(held, *size),
        notes=tuple(note for note in notes if note),
        asks={"frame_rate_hz": f"{plays}{hint}" if rate else "the file does not say it"},
        problem=gap,
    )


def _said(duration: int | None, rate: Any) -> int:
    """Return how many frames the length that is said (us) holds; 0 where it is not said."""
    return round(duration * 1e-6 * float(rate)) if duration and rate else 0


def _gap(stamps: list[int | None]) -> str | None:
    """Return what is wrong with time stamps that are not even: frames are missing."""
    known = sorted(stamp for stamp in stamps if stamp is not None)
    steps = np.diff(known)
    if len(known) < len(stamps) or len(steps) < 2:
        return None
    usual = float(np.median(steps))
    # stamps are rounded to a tick, so that steps scatter by two
    wide = np.flatnonzero((steps > 1.5 * usual) & (steps > usual + 2))
    if not len(wide):
        return None
    lost = int(np.round(steps[wide] / usual - 1).sum()) if usual else 0
    return (
        f"is incomplete: its time stamps leap behind frame {int(wide[0])}"
        f"{' and others' if len(wide) > 1 else ''}, as if about {lost} frames were missing, and "
        "time would not be even. Use the movie as it was recorded, or export it as a TIFF stack"
    )


def _about(codec: str, pixels: str) -> str:
    if codec in _LOSSLESS:
        return "" if pixels.startswith("gray") else f"pixels of a video in {pixels}"
    return (
        f"{codec} changes pixel values and makes the noise of neighbors alike: stated errors of "
        "positions and contrasts are too small; use the uncompressed movie where there is one"
    )
