"""Commands for movies of moving particles: track them, simulate them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perrin.cli import options as o
from perrin.cli.bundles import InstrumentFiles, MovieOptions, bundled
from perrin.cli.layout import ANALYZE, LINKING, LOOK
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.settings.motion import MotionMovie
    from perrin.settings.tracking import TrackingSettings
    from perrin.tracking.track import TrackingResult

Kind = Annotated[str, typer.Option(help="What moves: rods, spheres or molecules.")]
Overlays = Annotated[
    int, typer.Option(min=0, help="Most frames of the movie on the page; 0: none.")
]


def register(app: typer.Typer, *, simulate: typer.Typer) -> None:
    """Add the commands to `perrin` and `perrin simulate`."""
    app.command("track", rich_help_panel=ANALYZE)(track)
    app.command("edit-tracks", rich_help_panel=ANALYZE)(edit_tracks)
    app.command("stack", rich_help_panel=LOOK)(stack)
    simulate.command("motion")(motion)


@dataclass(frozen=True)
class TrackingOptions:
    """What moves, and how it is found and linked."""

    kind: Kind
    exposure: Annotated[
        float | None, typer.Option(help="Fraction of that time with light, 0 to 1: motion blur.")
    ] = None
    contrast: Annotated[
        str | None,
        typer.Option(help="Contrast of the particles, dark or bright; detected where not given."),
    ] = None
    width_nm: Annotated[
        float | None,
        typer.Option(
            help="Diameter of rods or spheres; measured where not given.", rich_help_panel=LINKING
        ),
    ] = None
    threshold: Annotated[
        float, typer.Option(help="Signal over noise of a particle.", rich_help_panel=LINKING)
    ] = 5.0
    search_px: Annotated[
        float | None,
        typer.Option(help="Longest step between frames, px; suggested.", rich_help_panel=LINKING),
    ] = None
    memory_frames: Annotated[
        int | None,
        typer.Option(help="Frames a particle may be missing; suggested.", rich_help_panel=LINKING),
    ] = None
    min_positions: Annotated[
        int, typer.Option(help="Shortest track that is kept.", rich_help_panel=LINKING)
    ] = 5
    window_frames: Annotated[
        int,
        typer.Option(help="Frames that the running median is taken over.", rich_help_panel=LINKING),
    ] = 401
    bin_px: Annotated[
        int,
        typer.Option(
            "--bin",
            help="Average squares of so many pixels each way first.",
            rich_help_panel=LINKING,
        ),
    ] = 1
    keep_drift: Annotated[
        bool,
        typer.Option(
            "--keep-drift",
            help="Leave the drift of the stage in the tracks.",
            rich_help_panel=LINKING,
        ),
    ] = False
    keep_immobile: Annotated[
        bool,
        typer.Option(
            "--keep-immobile",
            help="Keep tracks of immobile particles while others move.",
            rich_help_panel=LINKING,
        ),
    ] = False

    def settings(self) -> TrackingSettings:
        """Return the settings; raises `PerrinError` for values out of bounds."""
        from perrin.settings import tracking as s

        return o.settings_from(
            s.TrackingSettings,
            kind=self.kind,
            contrast=self.contrast,
            exposure=self.exposure,
            bin=self.bin_px,
            keep_drift=self.keep_drift,
            keep_immobile=self.keep_immobile,
            median=o.settings_from(
                s.MedianSettings,
                window_frames=self.window_frames,
                samples=s.SAMPLES.get(self.kind, 31),
            ),
            locate=o.settings_from(
                s.LocateSettings, threshold=self.threshold, width_nm=self.width_nm
            ),
            link=o.settings_from(
                s.LinkSettings,
                search_px=self.search_px,
                memory_frames=self.memory_frames,
                min_positions=self.min_positions,
            ),
        )


@bundled
def track(
    movie: Annotated[Path, typer.Argument(help="Movie of moving particles.")],
    tracking: TrackingOptions,
    instrument: InstrumentFiles,
    movie_options: MovieOptions,
    out: o.Out = None,
    overwrite: o.Overwrite = False,
    overlay_frames: Overlays = 500,
    seed: o.Seed = 0,
) -> None:
    """Track a movie of moving particles: positions with errors, angles, contrasts, masses.

    For example::

        perrin track rods.tif --kind rods --exposure 0.1
        perrin track molecules.mp --kind molecules --calibration cal.json
    """
    from perrin.io.output_folder import output_folder
    from perrin.pipeline import track as run
    from perrin.results import write_results

    out = o.out_of(out, movie)
    inputs = [movie, *instrument.paths()]
    settings = tracking.settings()
    target = output_folder(out, overwrite=overwrite, inputs=inputs)
    known = instrument.load()
    if known["psf"] == "default":
        known["psf"] = None  # here it is the analytic one anyway
    with (
        movie_options.open(movie, contents="moving") as opened,
        o.progress_bar(movie.name) as progress,
    ):
        found = run(
            opened,
            settings,
            seed=seed,
            overlay_frames=overlay_frames,
            progress=progress,
            **known,
        )
    write_results(target, found, inputs=inputs, command=o.this_command())
    _say(found, out)


def edit_tracks(
    results: Annotated[Path, typer.Argument(help="Results folder of `perrin track`.")],
    edited: Annotated[
        Path,
        typer.Argument(help="Its tracks, edited by hand: TrackMate's XML, napari's .npy, a CSV."),
    ],
    out: Annotated[
        Path | None,
        o.output("Folder for the results.", "NAME-edited"),
    ] = None,
    overwrite: o.Overwrite = False,
) -> None:
    """Take tracks that were edited by hand in another program back, with the movie's own errors.

    For example::

        perrin edit-tracks rods-results edited.xml
    """
    from perrin.io.output_folder import output_folder
    from perrin.io.tracks import read_tracks
    from perrin.pipeline import edit_tracks as run
    from perrin.results import write_results

    out = o.out_of(out, results, "-edited")
    target = output_folder(out, overwrite=overwrite, inputs=[results, edited])
    found = run(_tracked(results), read_tracks(edited))
    write_results(target, found, inputs=[edited], command=o.this_command())
    typer.echo(found.read_as)
    _say(found, out)


@bundled
def stack(
    movie: Annotated[Path, typer.Argument(help="Movie that was tracked.")],
    results: Annotated[Path, typer.Argument(help="Results folder of `perrin track`.")],
    particle: Annotated[int, typer.Option(help="Number of the track.")],
    movie_options: MovieOptions,
    out: Annotated[
        Path | None,
        o.output("TIFF to write; a CSV with places beside.", "NAME-particle-N.tif"),
    ] = None,
    side_px: Annotated[
        int | None, typer.Option(min=2, help="Side of the window, px; eight radii.")
    ] = None,
    overwrite: o.Overwrite = False,
) -> None:
    """Cut the frames of one track out of its movie, in a window that goes with the particle.

    For example::

        perrin stack rods.tif rods-results --particle 3
    """
    from perrin.pipeline import track_stack
    from perrin.results.stacks import stack_files, write_stack

    out = o.out_of(out, movie, f"-particle-{particle}.tif")
    targets = stack_files(out, overwrite=overwrite, inputs=[movie, results])
    result = _tracked(results)
    with movie_options.open(movie, contents="moving") as opened:
        cut = track_stack(opened, result, particle, side_px=side_px)
    write_stack(targets, cut)
    side = cut.movie.height
    typer.echo(
        f"{cut.movie.n_frames} frames of {side} x {side} px around particle {particle} in {out}"
    )


def _tracked(folder: Path) -> TrackingResult:
    from perrin.results import read_results
    from perrin.tracking.track import TrackingResult

    found = read_results(folder)
    if not isinstance(found, TrackingResult):
        raise PerrinError(
            f"{folder} holds no tracked movie. Give a results folder of `perrin track`."
        )
    return found


@dataclass(frozen=True)
class MotionOptions:
    """What moves, how, and how it is recorded: the fields of `MotionMovie`, by name."""

    kind: Kind
    walk: Annotated[
        str,
        typer.Option(
            help="superposition, increments, interleaved, subordination, "
            "or one walk: brownian, fbm, ctrw, sbm, levy, attm."
        ),
    ] = "brownian"
    count: Annotated[int | None, typer.Option(help="Particles.")] = None
    frames: Annotated[int | None, typer.Option(help="Frames of the movie.")] = None
    size_px: Annotated[int | None, typer.Option(help="Rows and columns of a frame.")] = None
    step_nm: Annotated[
        float | None, typer.Option(help="Root mean square step of one axis, nm.")
    ] = None
    alpha: Annotated[float | None, typer.Option(help="Exponent of a single walk.")] = None
    exposure: Annotated[
        float | None, typer.Option(help="Fraction of the frame with light: blur.")
    ] = None
    contrast: Annotated[str | None, typer.Option(help="Particles are dark or bright.")] = None
    electrons: Annotated[
        float | None, typer.Option(help="Electrons in a pixel of a frame (dose).")
    ] = None
    length_nm: Annotated[float | None, typer.Option(help="Length of rods, nm.")] = None
    width_nm: Annotated[float | None, typer.Option(help="Width of rods, spheres, nm.")] = None
    rotation_rad2_per_s: Annotated[
        float | None, typer.Option(help="Rotational diffusion coefficient of rods.")
    ] = None
    mass_kda: Annotated[float | None, typer.Option(help="Mass of molecules.")] = None
    steps_to_kda: Annotated[
        float | None, typer.Option(help="Mass from the middle of the movie on.")
    ] = None
    drift_nm_per_s: Annotated[float | None, typer.Option(help="Drift of the stage.")] = None
    sticks_per_s: Annotated[float | None, typer.Option(help="Rate of sticking.")] = None
    leaves_per_s: Annotated[float | None, typer.Option(help="Rate of going out of sight.")] = None
    immobile: Annotated[int | None, typer.Option(help="Further immobile particles.")] = None
    pixel_nm: Annotated[float | None, typer.Option(help="Pixel in the sample, nm.")] = None
    frame_interval_s: Annotated[float | None, typer.Option(help="Time between frames, s.")] = None

    def settings(self) -> MotionMovie:
        """Return the usual movie of that kind with what was given; `PerrinError` for no kind."""
        from perrin.settings.motion import MotionMovie
        from perrin.settings.tracking import PARTICLE_KINDS

        if self.kind not in PARTICLE_KINDS:
            raise PerrinError(f"--kind is {self.kind!r}; choose {', '.join(PARTICLE_KINDS)}.")
        changes = o.given(**vars(self))
        size = changes.pop("size_px", None)
        if size is not None:
            changes |= {"height_px": size, "width_px": size}
        return o.settings_from(MotionMovie, **MotionMovie.of(self.kind).model_dump() | changes)


@bundled
def motion(
    moving: MotionOptions,
    out: Annotated[
        Path | None,
        o.output("Movie to write, .tif or .mp; truth beside.", "KIND.tif"),
    ] = None,
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
) -> None:
    """Simulate a movie of moving particles, with the truth beside it.

    For example::

        perrin simulate motion --kind rods --count 8 --seed 1 -o rods.tif
    """
    from perrin.simulate.moving import write_motion

    settings = moving.settings()
    out = Path(f"{moving.kind}.tif") if out is None else out
    with o.progress_bar(out.name) as progress:
        truth = write_motion(settings, seed=seed, out=out, overwrite=overwrite, progress=progress)
    beside = out.with_suffix(".truth.csv")
    typer.echo(f"{truth['particle'].nunique()} {moving.kind} in {out}; truth in {beside}")


def _say(found: TrackingResult, out: Path) -> None:
    typer.echo(f"{found.name}: {len(found.particles)} tracks, {len(found.tracks)} positions")
    if found.linked is not None and len(found.particles):
        error = found.particles["localisation_se_nm"].median()
        typer.echo(
            f"  localization error {error:.3g} nm; linked within {found.linked.search_px:.3g} px, "
            f"gaps of up to {found.linked.memory_frames} frames closed; "
            f"about {found.linked.wrong_fraction:.2%} of the links wrong"
        )
    for note in found.notes:
        typer.echo(f"  note: {note}")
    typer.echo(f"results in {out}")
