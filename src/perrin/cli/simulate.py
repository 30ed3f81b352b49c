"""Commands that simulate: landings, thumbnails."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from perrin.cli import options as o
from perrin.cli.bundles import MovieOptions, bundled
from perrin.errors import PerrinError

BackgroundMovie = Annotated[
    Path | None,
    typer.Option("--background", help="Recorded buffer movie instead of the background model."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to `perrin simulate`."""
    app.command("landings")(landings)
    app.command("thumbnails")(thumbnails)


@bundled
def landings(
    out: Annotated[Path, typer.Option("--out", help="Movie to write, .mp; truth beside it.")],
    movie_options: MovieOptions,
    preset: Annotated[
        str | None, typer.Option(help="A sample: bsa, dynamin, hsp27, antibody, protein-a, ...")
    ] = None,
    species: Annotated[
        str | None, typer.Option(help="Masses in kDa and abundances, as 66:0.8,132:0.2.")
    ] = None,
    density: Annotated[
        float | None, typer.Option(help="Landings per um^2 and second, mean over the movie.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Length of the movie, s.")] = 60.0,
    seed: o.Seed = 0,
    background: BackgroundMovie = None,
    psf: o.PsfOnly = None,
    overwrite: o.Overwrite = False,
) -> None:
    """Simulate a landing assay into a vendor-layout movie, with its truth."""
    from perrin.optics.psf import Psf
    from perrin.settings.simulation import LandingAssay
    from perrin.simulate.movie import simulate_landings
    from perrin.simulate.presets import preset as preset_of
    from perrin.simulate.sample import parse_species

    if (preset is None) == (species is None):
        raise PerrinError("say what lands: either --preset, or --species with --density")
    _check_suffix(out, ".mp")
    if preset is not None:
        assay = preset_of(preset, density=density)
    else:
        if species is None or density is None:
            raise PerrinError("how densely do they land? Give --density, landings per um^2 and s")
        assay = o.settings_from(LandingAssay, species=parse_species(species), density=density)
    buffer = None if background is None else movie_options.open(background)
    with o.progress_bar(out.name) as progress:
        truth = simulate_landings(
            assay,
            seconds=seconds,
            seed=seed,
            out=out,
            background=buffer,
            psf=None if psf is None else Psf.load(psf),
            overwrite=overwrite,
            progress=progress,
        )
    typer.echo(f"{len(truth)} molecules in {out}; truth in {out.with_suffix('.truth.csv')}")


@bundled
def thumbnails(
    out: Annotated[Path, typer.Option("--out", help="File to write, .npz.")],
    count: Annotated[int, typer.Option(min=1, help="Number of thumbnails, all classes together.")],
    movie_options: MovieOptions,
    n_avg: o.NAvg = 10,
    detected: Annotated[
        bool,
        typer.Option("--detected", help="Centered as the detector does it, not on the truth."),
    ] = False,
    buffer_fraction: Annotated[
        float, typer.Option(min=0, max=1, help="Fraction of buffer events, a sixth class.")
    ] = 0.0,
    seed: o.Seed = 0,
    background: BackgroundMovie = None,
    psf: o.PsfOnly = None,
    overwrite: o.Overwrite = False,
) -> None:
    """Simulate labeled thumbnails, the classes in equal parts, masses as in the paper."""
    from perrin.io.output import output_file
    from perrin.optics.psf import Psf
    from perrin.settings.simulation import ThumbnailSettings
    from perrin.simulate.thumbnails import simulate_thumbnails

    _check_suffix(out, ".npz")
    target = output_file(out, overwrite=overwrite, inputs=o.paths(background, psf))
    settings = ThumbnailSettings(n_avg=n_avg)
    if buffer_fraction:
        fractions = {name: part * (1 - buffer_fraction) for name, part in settings.classes.items()}
        settings = o.settings_from(
            ThumbnailSettings, n_avg=n_avg, classes=fractions | {"buffer": buffer_fraction}
        )
    buffer = None if background is None else movie_options.open(background)
    with o.progress_bar(out.name) as progress:
        made = simulate_thumbnails(
            count,
            settings=settings,
            seed=seed,
            centering="detector" if detected else "truth",
            background=buffer,
            psf=None if psf is None else Psf.load(psf),
            workers=os.cpu_count() or 1,
            progress=progress,
        )
    made.save(target)
    typer.echo(f"{len(made)} thumbnails in {out}")


def _check_suffix(path: Path, suffix: str) -> None:
    if path.suffix != suffix:
        raise PerrinError(f"--out is {path}; it needs the suffix {suffix}")
