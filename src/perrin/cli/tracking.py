"""Commands for movies of moving particles: track them, simulate them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perrin.cli import options as o
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.tracking.track import TrackingResult


def register(app: typer.Typer, *, simulate: typer.Typer) -> None:
    """Add the commands to `perrin` and `perrin simulate`."""
    app.command("track")(track)
    simulate.command("motion")(motion)


@o.takes_movie_options
def track(
    movie: Annotated[Path, typer.Argument(help="Movie of moving particles.")],
    out: o.Out,
    kind: Annotated[str, typer.Option(help="What moves: rods, spheres or molecules.")],
    exposure: Annotated[
        float | None, typer.Option(help="Fraction of that time with light, 0 to 1: motion blur.")
    ] = None,
    contrast: Annotated[
        str | None,
        typer.Option(help="Contrast of the particles, dark or bright; detected where not given."),
    ] = None,
    width_nm: Annotated[
        float | None, typer.Option(help="Diameter of rods or spheres; measured where not given.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Signal over noise of a particle.")] = 5.0,
    search_px: Annotated[
        float | None, typer.Option(help="Longest step between frames, px; suggested.")
    ] = None,
    memory_frames: Annotated[
        int | None, typer.Option(help="Frames a particle may be missing; suggested.")
    ] = None,
    min_positions: Annotated[int, typer.Option(help="Shortest track that is kept.")] = 5,
    window_frames: Annotated[
        int, typer.Option(help="Frames that the running median is taken over.")
    ] = 401,
    keep_drift: Annotated[
        bool, typer.Option("--keep-drift", help="Leave the drift of the stage in the tracks.")
    ] = False,
    calibration: o.CalibrationFile = None,
    allow_calibration_mismatch: Annotated[
        bool,
        typer.Option(
            "--allow-calibration-mismatch",
            help="Use a calibration that was recorded with other settings.",
        ),
    ] = False,
    psf: o.PsfFile = None,
    overlay_frames: Annotated[
        int, typer.Option(min=0, help="Frames of the short movie with overlays; 0: none.")
    ] = 50,
    overwrite: o.Overwrite = False,
    *,
    movie_options: o.MovieOptions,
) -> None:
    """Track a movie of moving particles: positions with errors, angles, contrasts, masses."""
    from perrin.io.output_folder import output_folder
    from perrin.pipeline import track as run
    from perrin.settings.tracking import (
        SAMPLES,
        LinkSettings,
        LocateSettings,
        MedianSettings,
        TrackingSettings,
    )
    from perrin.track_results import write_tracking_results
    from perrin.tracking.particles import SEED

    inputs = [movie, *(path for path in (calibration, psf) if path is not None)]
    target = output_folder(out, overwrite=overwrite, inputs=inputs)
    settings = o.settings_from(
        TrackingSettings,
        kind=kind,
        contrast=contrast,
        exposure=exposure,
        keep_drift=keep_drift,
        median=o.settings_from(
            MedianSettings, window_frames=window_frames, samples=SAMPLES.get(kind, 31)
        ),
        locate=o.settings_from(LocateSettings, threshold=threshold, width_nm=width_nm),
        link=o.settings_from(
            LinkSettings,
            search_px=search_px,
            memory_frames=memory_frames,
            min_positions=min_positions,
        ),
    )
    line, shape = o.calibration_in(calibration), o.psf_in(psf)
    with (
        movie_options.open(movie, contents="moving") as opened,
        o.progress_bar(movie.name) as progress,
    ):
        found = run(
            opened,
            settings,
            psf=shape,
            calibration=line,
            check_calibration=not allow_calibration_mismatch,
            progress=progress,
        )
        write_tracking_results(
            target,
            found,
            movie=opened,
            inputs=[movie],
            run=o.this_run(SEED),
            overlay_frames=overlay_frames,
        )
    _say(found, out)


def motion(
    out: Annotated[Path, typer.Option("--out", help="Movie to write, .tif or .mp; truth beside.")],
    kind: Annotated[str, typer.Option(help="What moves: rods, spheres or molecules.")],
    walk: Annotated[
        str,
        typer.Option(
            help="superposition, increments, interleaved, subordination, "
            "or one walk: brownian, fbm, ctrw, sbm, levy, attm."
        ),
    ] = "brownian",
    count: Annotated[int | None, typer.Option(help="Particles.")] = None,
    frames: Annotated[int | None, typer.Option(help="Frames of the movie.")] = None,
    size_px: Annotated[int | None, typer.Option(help="Rows and columns of a frame.")] = None,
    step_nm: Annotated[
        float | None, typer.Option(help="Root mean square step of one axis, nm.")
    ] = None,
    alpha: Annotated[float | None, typer.Option(help="Exponent of a single walk.")] = None,
    exposure: Annotated[
        float | None, typer.Option(help="Fraction of the frame with light: blur.")
    ] = None,
    contrast: Annotated[str | None, typer.Option(help="Particles are dark or bright.")] = None,
    electrons: Annotated[
        float | None, typer.Option(help="Electrons in a pixel of a frame (dose).")
    ] = None,
    length_nm: Annotated[float | None, typer.Option(help="Length of rods, nm.")] = None,
    width_nm: Annotated[float | None, typer.Option(help="Width of rods, spheres, nm.")] = None,
    rotation_rad2_per_s: Annotated[
        float | None, typer.Option(help="Rotational diffusion coefficient of rods.")
    ] = None,
    mass_kda: Annotated[float | None, typer.Option(help="Mass of molecules.")] = None,
    steps_to_kda: Annotated[
        float | None, typer.Option(help="Mass from the middle of the movie on.")
    ] = None,
    drift_nm_per_s: Annotated[float | None, typer.Option(help="Drift of the stage.")] = None,
    sticks_per_s: Annotated[float | None, typer.Option(help="Rate of sticking.")] = None,
    leaves_per_s: Annotated[float | None, typer.Option(help="Rate of going out of sight.")] = None,
    immobile: Annotated[int | None, typer.Option(help="Further immobile particles.")] = None,
    pixel_nm: Annotated[float | None, typer.Option(help="Pixel in the sample, nm.")] = None,
    frame_interval_s: Annotated[float | None, typer.Option(help="Time between frames, s.")] = None,
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
) -> None:
    """Simulate a movie of moving particles, with the truth beside it."""
    given = dict(locals())
    from perrin.settings.motion import MotionMovie
    from perrin.settings.tracking import PARTICLE_KINDS
    from perrin.simulate.moving import write_motion

    if kind not in PARTICLE_KINDS:
        raise PerrinError(f"--kind is {kind!r}; choose {', '.join(PARTICLE_KINDS)}.")
    changes: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if value is not None and name in MotionMovie.model_fields and name != "kind"
    }
    if size_px is not None:
        changes |= {"height_px": size_px, "width_px": size_px}
    usual = MotionMovie.of(kind).model_dump()
    settings = o.settings_from(MotionMovie, **(usual | changes))
    with o.progress_bar(out.name) as progress:
        truth = write_motion(settings, seed=seed, out=out, overwrite=overwrite, progress=progress)
    beside = out.with_suffix(".truth.csv")
    typer.echo(f"{truth['particle'].nunique()} {kind} in {out}; truth in {beside}")


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
