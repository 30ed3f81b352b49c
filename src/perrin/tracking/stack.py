"""The movie around one track: a small window that goes with the particle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.binned import binned
from perrin.io.given import MOVIE, check_opened
from perrin.io.movie import Movie
from perrin.tracking.track import TrackingResult

_EXTENTS = 4.0  # of the particle, from the center to the edge of the window
_LEAST_SIDE = 16  # px


@dataclass(frozen=True)
class TrackStack:
    """The frames of a track, cut out around it.

    Attributes
    ----------
    movie : Movie
        (T, side, side) in the movie's own numbers, from the first frame of the track to the last,
        gaps too; pixel size and frame interval are those of the whole.
    places : DataFrame
        A row a frame: ``frame`` of the whole movie, ``left`` and ``top``, the pixel of the whole
        that is the first of the window, ``x`` and ``y`` of the particle in the window;
        ``located`` is False in gaps.

    """

    movie: Movie
    places: pd.DataFrame


def track_stack(
    movie: Movie, result: TrackingResult, particle: int, *, side_px: int | None = None
) -> TrackStack:
    """Return the frames of one track, cut out of its movie: what `perrin stack` does.

    The window follows the particle in whole pixels; nothing is interpolated. Near the edge of the
    field it stays inside, and the particle is off its middle. A movie that was binned to be
    tracked is binned here too.

    Raises `PerrinError` for a particle that has no track, and for another movie.

    Parameters
    ----------
    movie : Movie
        That was tracked.
    result : TrackingResult
        What came out.
    particle : int
        Number of the track.
    side_px : int, optional
        Rows and columns of the window; eight times the particle's radius where not given.

    """
    check_opened(movie, MOVIE)
    movie = binned(movie, result.settings.bin)
    _check_same(movie, result)
    part = result.tracks[result.tracks["particle"] == particle]
    if not len(part):
        raise PerrinError(
            f"{result.name} has no track {particle}: its {len(result.particles)} tracks are in "
            "particles.csv."
        )
    side = min(side_px or _usual_side(result), movie.height, movie.width)
    places = _places(part, movie, side)
    frames = np.stack(
        [
            movie.frames[k : k + 1][0, top : top + side, left : left + side]
            for k, left, top in places[["frame", "left", "top"]].to_numpy(np.int64)
        ]
    )
    said = f"{side} x {side} px around particle {particle} of {movie.name}"
    cut = Movie(
        frames=frames,
        frame_interval_s=movie.frame_interval_s,
        pixel_nm=movie.pixel_nm,
        landing_sign=movie.landing_sign,
        provenance={"format": "array", "notes": [said]},
    )
    return TrackStack(cut, places)


def _check_same(movie: Movie, result: TrackingResult) -> None:
    tracked = (result.recorded["frames"], *result.seen.mean.shape)
    if movie.frames.shape != tracked:
        here, there = (" x ".join(map(str, shape)) for shape in (movie.frames.shape, tracked))
        raise PerrinError(
            f"{movie.name} has {here} frames and pixels, the movie that was tracked {there}. "
            "Give the movie that was tracked."
        )


def _usual_side(result: TrackingResult) -> int:
    seen = result.seen.appearance
    reach = _EXTENTS * seen.extent_px if seen is not None else 0.0
    return max(_LEAST_SIDE, 2 * int(np.ceil(reach)) + 1)


def _places(part: pd.DataFrame, movie: Movie, side: int) -> pd.DataFrame:
    """Return where the window is in each frame, and the particle in it."""
    known = part["frame"].to_numpy(np.int64)
    frame = np.arange(known[0], known[-1] + 1)
    places = pd.DataFrame({"frame": frame})
    for axis, corner, size in (("x", "left", movie.width), ("y", "top", movie.height)):
        own = (part[axis] + part[f"drift_{axis}"]).to_numpy(float)
        at = np.interp(frame, known, own)
        places[corner] = np.clip(np.rint(at).astype(np.int64) - side // 2, 0, size - side)
        places[axis] = at - places[corner]
    places["located"] = np.isin(frame, known)
    return places
