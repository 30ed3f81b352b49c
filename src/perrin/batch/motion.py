"""A row of motion: a movie, a table of tracks or a results folder to what moves each particle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from perrin.batch.settings import MOVIE
from perrin.errors import PerrinError

if TYPE_CHECKING:
    import pandas as pd

    from perrin.batch.job import Job, Status
    from perrin.diffusion.characterize import DiffusionResult
    from perrin.types import Progress


def analyze(job: Job, progress: Progress | None) -> tuple[Status, dict[str, Any]]:
    """Analyze a row as `perrin track` and `perrin diffusion` do, and write its results.

    Raises `PerrinError` where that cannot be done.
    """
    from perrin.results import write_results

    tracks = _tracks(job, progress)
    if not len(tracks):
        return "no events", {"tracks": 0, "unit": "motion"}
    found = _characterized(job, tracks)
    write_results(
        job.folder, found, inputs=job.inputs, overwrite=True, figures=job.settings.figures
    )
    return "ok", _found_in(found)


def problems_of_tracks(job: Job) -> Iterator[str]:
    """Yield what speaks against a row before it is run: no tracks, no units."""
    from perrin.pipeline.tracks import scale_of

    chosen = job.settings
    if job.input_kind == "movie":
        if chosen.particles is None:
            yield "it is a movie: say what moves with a column particles (rods, spheres, molecules)"
        return
    try:
        scale_of(_read(job), units=chosen.units)
    except PerrinError as error:
        yield str(error)


def _read(job: Job) -> pd.DataFrame:
    """Return the tracks of a table or of the results of `perrin track` or `perrin diffusion`."""
    from perrin.io.tracks import read_tracks

    chosen = job.settings
    interval = chosen.frame_interval_s
    if interval is None and chosen.frame_rate_hz is not None:
        interval = 1 / chosen.frame_rate_hz
    path = job.path / "tracks.csv" if job.input_kind == "results" else job.path
    if not path.is_file():
        raise PerrinError(f"{job.path} holds no tracks.csv: these are results of something else")
    return read_tracks(path, pixel_nm=chosen.pixel_nm, frame_interval_s=interval)


def _tracks(job: Job, progress: Progress | None) -> pd.DataFrame:
    from perrin.io import open_movie
    from perrin.pipeline import track

    chosen = job.settings
    if job.input_kind != "movie":
        return _read(job)
    if chosen.particles is None:
        raise PerrinError("it is a movie, and no column particles says what moves")
    given = {name: getattr(chosen, name) for name in MOVIE}
    with open_movie(job.path, contents="moving", **given) as movie:
        return track(movie, chosen.particles, seed=chosen.seed, progress=progress).tracks


def _characterized(job: Job, tracks: pd.DataFrame) -> DiffusionResult:
    from perrin.pipeline import characterize
    from perrin.settings.base import settings_from
    from perrin.settings.diffusion import WindowSettings

    chosen = job.settings
    return characterize(
        tracks,
        units=chosen.units,
        localization_error=chosen.localization_error,
        exposure=chosen.exposure,
        settings=settings_from(WindowSettings, frames=chosen.window, stride=chosen.stride),
    )


def _found_in(found: DiffusionResult) -> dict[str, Any]:
    """Return what the tables over all rows need besides the row's own tables, as plain data."""
    from perrin.diffusion.by_kind import answered
    from perrin.diffusion.summary import counted

    table = found.trajectories
    return {
        "unit": "motion",
        "tracks": len(table),
        "characterized": int(answered(table).sum()),
        "length_unit": found.scale.length_unit,
        "time_unit": found.scale.time_unit,
        "kinds": counted(table),
        "notes": list(found.notes),
    }
