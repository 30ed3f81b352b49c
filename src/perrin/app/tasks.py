"""What the app can do with a file: one task a command, with the choices that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["movie", "events", "tracks", "sheet", "tracked", "batch", "challenge"]
"""Files, then folders: of a tracked movie, of a batch, of the second AnDi challenge."""

FILE = ""
"""Stands for the files among the arguments of a task."""
OF_A_MOVIE = (
    "pixel_nm", "frame_rate_hz", "landing_sign", "dataset", "encoding", "axes", "channel", "z",
)  # fmt: skip
"""Choices that say what the file of a movie does not."""


@dataclass(frozen=True)
class Task:
    """A command: what it makes of which kinds of files, and the choices that are its options.

    needs: choices that must be made. ending: of the name of what comes out, after that of the
    file. together: several files may go into one result. arguments: what stands behind the verb,
    `FILE` for the files and else the choices that name others.
    """

    verb: str
    label: str
    kinds: tuple[Kind, ...]
    options: tuple[str, ...]
    needs: tuple[str, ...] = ()
    ending: str = "-results"
    together: bool = False
    network: str | None = None
    arguments: tuple[str, ...] = (FILE,)

    @property
    def choices(self) -> tuple[str, ...]:
        """All that is chosen for it."""
        return (*(name for name in self.arguments if name != FILE), *self.options)


LANDINGS = Task(
    "landings",
    "Masses of what lands (mass photometry)",
    ("movie",),
    (
        "calibration", "psf", "model", "threshold", "precision", "reported_spectrum", "n_avg",
        "fit_n_avg", "permissive", "spatial_threshold", "temporal_threshold", "resamples",
        *OF_A_MOVIE,
    ),
    together=True,
    network="classifier",
)  # fmt: skip
CALIBRATE = Task(
    "calibrate",
    "A calibration, from a calibrant of known masses",
    ("movie", "events"),
    ("ladder", "psf", "model", "n_avg", "fit_n_avg", *OF_A_MOVIE),
    needs=("ladder",),
    ending="-calibration.json",
    network="classifier",
)
PSF = Task(
    "psf",
    "The point-spread function of the instrument",
    ("movie",),
    ("n_avg", *OF_A_MOVIE),
    ending="-psf.npz",
)
TRACK = Task(
    "track",
    "Tracks of what moves",
    ("movie",),
    (
        "particles", "exposure", "width_nm", "locate_threshold", "keep_drift", "keep_immobile",
        "mass_calibration", *OF_A_MOVIE,
    ),
    needs=("particles",),
)  # fmt: skip
SPECTRUM = Task(
    "spectrum",
    "Mass spectrum",
    ("events",),
    ("table_calibration", "bin_kda", "resamples"),
    together=True,
)
DIFFUSION = Task(
    "diffusion",
    "What moves the particles: kinds of motion, exponents, D",
    ("tracks", "tracked"),
    (
        "model", "pixel_nm", "frame_interval_s", "units", "localization_error", "exposure",
        "window", "stride",
    ),
    network="mixture",
)  # fmt: skip
ANDI = Task(
    "andi",
    "Exponent and model of each track, as in the AnDi challenge",
    ("tracks", "tracked"),
    ("frame_interval_s",),
    ending="-andi.csv",
)
BATCH = Task(
    "batch",
    "Many measurements, a row of the sheet each",
    ("sheet",),
    ("calibration", "species", "n_avg", "pixel_nm", "frame_rate_hz", "landing_sign", "resamples"),
)
EDIT_TRACKS = Task(
    "edit-tracks",
    "Tracks that were edited by hand in another program",
    ("tracked",),
    (),
    needs=("edited",),
    ending="-edited",
    arguments=(FILE, "edited"),
)
STACK = Task(
    "stack",
    "The frames of one track, cut out of its movie",
    ("tracked",),
    ("particle", "side_px", *OF_A_MOVIE),
    needs=("movie", "particle"),
    ending="-particle.tif",
    arguments=("movie", FILE),
)
AFFINITY = Task(
    "affinity",
    "Dissociation constants from a titration",
    ("batch",),
    ("reaction", "efficiency_error", "concentration_error"),
    needs=("reaction",),
    ending="-affinity",
)
ANDI2 = Task(
    "andi2",
    "A submission to the second AnDi challenge",
    ("challenge",),
    ("localization_error",),
    ending="-submission",
)
TASKS = (
    LANDINGS, TRACK, SPECTRUM, CALIBRATE, PSF, DIFFUSION, ANDI, EDIT_TRACKS, STACK, BATCH,
    AFFINITY, ANDI2,
)  # fmt: skip

_LANDINGS_NM = (20.0, 500.0)  # pixels of instruments that see landings
_LANDINGS_S = 0.1  # the longest frame interval in which landings are seen


def tasks_for(
    kind: Kind, *, pixel_nm: float | None = None, frame_interval_s: float | None = None
) -> list[Task]:
    """Return what can be done with a file of some kind, the usual first.

    A movie whose pixel or frame interval no instrument for landings has is offered for tracking
    only.
    """
    found = [task for task in TASKS if kind in task.kinds]
    low, high = _LANDINGS_NM
    moving = pixel_nm is not None and not low <= pixel_nm <= high
    moving |= frame_interval_s is not None and frame_interval_s > _LANDINGS_S
    return [TRACK] if kind == "movie" and moving else found
