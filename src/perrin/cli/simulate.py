"""Commands that simulate: landings, thumbnails."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from perrin.cli import options as o
from perrin.cli.bundles import MovieOptions, bundled
from perrin.errors import PerrinError

BackgroundMovie = Annotated[
    Path | None,
    typer.Option("--background", help="Recorded buffer movie instead of the background model."),
]


@dataclass(frozen=True)
class Surroundings:
    """On what, and seen through what, molecules land: a recorded movie and PSF, or the model's."""

    seed: o.Seed = 0
    background: BackgroundMovie = None
    psf: o.PsfOnly = None

    def paths(self) -> list[Path]:
        """Return the files that were named."""
        return o.paths(self.background, self.psf)

    def load(self, movie_options: MovieOptions) -> dict[str, Any]:
        """Return them as keywords of simulations; `movie_options` are of the recorded movie."""
        from perrin.optics.psf import Psf

        recorded = self.background
        return {
            "seed": self.seed,
            "background": None if recorded is None else movie_options.open(recorded),
            "psf": None if self.psf is None else Psf.load(self.psf),
        }


def register(app: typer.Typer) -> None:
    """Add the commands to `perrin simulate`."""
    app.command("landings")(landings)
    app.command("thumbnails")(thumbnails)


Preset = Annotated[
    str | None, typer.Option(help="A sample: bsa, dynamin, hsp27, antibody, protein-a, ...")
]


SpeciesOf = Annotated[
    str | None, typer.Option(help="Masses in kDa and abundances, as 66:0.8,132:0.2.")
]


@bundled
def landings(
    surroundings: Surroundings,
    movie_options: MovieOptions,
    out: Annotated[
        Path | None,
        o.output("Movie to write, .mp; truth beside it.", "PRESET.mp"),
    ] = None,
    preset: Preset = None,
    species: SpeciesOf = None,
    density: Annotated[
        float | None, typer.Option(help="Landings per um^2 and second, mean over the movie.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Length of the movie, s.")] = 60.0,
    overwrite: o.Overwrite = False,
) -> None:
    """Simulate a landing assay into a vendor-layout movie, with its truth.

    For example::

        perrin simulate landings --preset bsa --seconds 60 --seed 2 -o sample.mp
        perrin simulate landings --species 66:0.8,132:0.2 --density 1 -o mix.mp
    """
    from perrin.settings.simulation import LandingAssay
    from perrin.simulate.movie import simulate_landings
    from perrin.simulate.presets import preset as preset_of
    from perrin.simulate.sample import parse_species

    if (preset is None) == (species is None):
        raise PerrinError("say what lands: either --preset, or --species with --density")
    out = Path(f"{preset or 'landings'}.mp") if out is None else out
    _check_suffix(out, ".mp")
    if preset is not None:
        assay = preset_of(preset, density=density)
    else:
        if species is None or density is None:
            raise PerrinError("how densely do they land? Give --density, landings per um^2 and s")
        assay = o.settings_from(LandingAssay, species=parse_species(species), density=density)
    around = surroundings.load(movie_options)
    with o.progress_bar(out.name) as progress:
        truth = simulate_landings(
            assay, seconds=seconds, out=out, overwrite=overwrite, progress=progress, **around
        )
    typer.echo(f"{len(truth)} molecules in {out}; truth in {out.with_suffix('.truth.csv')}")


@bundled
def thumbnails(
    count: Annotated[int, typer.Option(min=1, help="Number of thumbnails, all classes together.")],
    surroundings: Surroundings,
    movie_options: MovieOptions,
    out: Annotated[Path, o.output("File to write, .npz.")] = Path("thumbnails.npz"),
    n_avg: o.NAvg = 10,
    detected: Annotated[
        bool,
        typer.Option("--detected", help="Centered as the detector does it, not on the truth."),
    ] = False,
    buffer_fraction: Annotated[
        float, typer.Option(min=0, max=1, help="Fraction of buffer events, a sixth class.")
    ] = 0.0,
    overwrite: o.Overwrite = False,
) -> None:
    """Simulate labeled thumbnails, the classes in equal parts, masses as in the paper.

    For example::

        perrin simulate thumbnails --count 1000 --seed 1 -o train.npz
    """
    from perrin.io.output import output_file
    from perrin.settings.simulation import ThumbnailSettings
    from perrin.simulate.thumbnails import simulate_thumbnails

    _check_suffix(out, ".npz")
    settings = ThumbnailSettings(n_avg=n_avg)
    if buffer_fraction:
        fractions = {name: part * (1 - buffer_fraction) for name, part in settings.classes.items()}
        settings = o.settings_from(
            ThumbnailSettings, n_avg=n_avg, classes=fractions | {"buffer": buffer_fraction}
        )
    target = output_file(out, overwrite=overwrite, inputs=surroundings.paths())
    around = surroundings.load(movie_options)
    with o.progress_bar(out.name) as progress:
        made = simulate_thumbnails(
            count,
            settings=settings,
            centering="detector" if detected else "truth",
            workers=os.cpu_count() or 1,
            progress=progress,
            **around,
        )
    made.save(target)
    typer.echo(f"{len(made)} thumbnails in {out}")


def _check_suffix(path: Path, suffix: str) -> None:
    if path.suffix != suffix:
        raise PerrinError(f"--out is {path}; it needs the suffix {suffix}")
