"""Commands for moving particles: analyze tracks, simulate walks, train and test networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perrin.cli import options as o
from perrin.cli.bundles import bundled
from perrin.cli.evaluation import FreshTracks
from perrin.cli.layout import ANALYZE
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.diffusion.characterize import DiffusionResult

DEFAULT_MODEL = "mixture"


def register(
    app: typer.Typer,
    *,
    simulate: typer.Typer,
    evaluate: typer.Typer,
) -> None:
    """Add the commands to `perrin` and to its groups."""
    app.command("diffusion", rich_help_panel=ANALYZE)(diffusion)
    simulate.command("walks")(walks)
    evaluate.command("mixture")(evaluate_mixture)
    evaluate.command("kinds")(evaluate_kinds)


LengthNm = Annotated[
    float | None,
    typer.Option(
        "--pixel-nm", help="Length of one unit of the coordinates, nm, if the file has none."
    ),
]
ZStepNm = Annotated[float | None, typer.Option(help="Distance of slices, nm, if z counts slices.")]
Units = Annotated[
    str | None, typer.Option(help="'unknown': keep the file's unit of length, and frames.")
]
LocalizationError = Annotated[
    float | None,
    typer.Option(
        "--localization-error",
        "--localisation-error",
        help="Localization error of one axis, in the unit of the coordinates, where the "
        "table has no x_se; 0: none.",
    ),
]
Exposure = Annotated[
    float | None,
    typer.Option(help="Fraction of the frame interval with light, if the file does not say."),
]
Out = Annotated[
    Path | None,
    o.output(o.RESULTS, "NAME-results; of a results folder NAME-diffusion"),
]
Table = Annotated[Path | None, o.output("Table to write, .csv; truth beside it.", "KIND.csv")]
Window = Annotated[int, typer.Option(help="Frames of a window along a track.")]
Stride = Annotated[int, typer.Option(help="Frames from one window to the next.")]


def diffusion(
    tracks: o.Tracks,
    out: Out = None,
    frame_interval_s: o.FrameIntervalS = None,
    frame_rate_hz: o.FrameRateHz = None,
    pixel_nm: LengthNm = None,
    z_step_nm: ZStepNm = None,
    units: Units = None,
    localization_error: LocalizationError = None,
    exposure: Exposure = None,
    window: Window = 100,
    stride: Stride = 50,
    model: o.ModelName = DEFAULT_MODEL,
    overwrite: o.Overwrite = False,
) -> None:
    """Characterize the diffusion of each particle: fractions, w, exponents, D, with intervals.

    For example::

        perrin diffusion tracks.csv --pixel-nm 100 --frame-interval-s 0.02
        perrin diffusion tracks.csv --units unknown -o motion
    """
    from perrin.cli.first_run import say_first_run
    from perrin.io.output_folder import output_folder
    from perrin.io.tracks import read_tracks
    from perrin.pipeline import characterize
    from perrin.results import write_results
    from perrin.settings.diffusion import WindowSettings

    out = o.out_of(out, tracks, "-diffusion" if tracks.is_dir() else "-results")
    interval = o.interval_s(frame_interval_s, frame_rate_hz)
    if units is not None and (units != "unknown" or pixel_nm is not None or interval is not None):
        raise PerrinError("--units is 'unknown', without --pixel-nm and --frame-interval-s.")
    settings = o.settings_from(WindowSettings, frames=window, stride=stride)
    target = output_folder(out, overwrite=overwrite, inputs=[tracks])
    table = read_tracks(tracks, pixel_nm=pixel_nm, frame_interval_s=interval, z_step_nm=z_step_nm)
    typer.echo(table.attrs["read_as"])
    say_first_run("diffusion")
    found = characterize(
        table,
        model=model,
        units=units,
        localization_error=localization_error,
        exposure=exposure,
        settings=settings,
    )
    write_results(target, found, command=o.this_command())
    _say(found, out)


def _say(found: DiffusionResult, out: Path) -> None:
    from perrin.diffusion.summary import (
        characterized,
        kinds_in_words,
        normal_diffusion_in_words,
    )

    changed = found.time_course.regimes.loc[
        found.time_course.regimes["start_low"].notna(), "particle"
    ]
    answer = kinds_in_words(found.trajectories, changing=changed.nunique())
    for said in (answer, normal_diffusion_in_words(found.trajectories)):
        if said:
            typer.echo(said)
    for note in found.notes:
        typer.echo(f"  note: {note}")
    checked = found.trajectories["posterior_predictive_p"].notna().any()
    odd = int(found.trajectories["out_of_model"].sum()) if checked else "not known how many"
    typer.echo(f"{characterized(found.trajectories)}; results in {out}")
    typer.echo(f"{changed.nunique()} change between FBM-like and CTRW-like; {odd} out of the model")


@dataclass(frozen=True)
class WalkOptions:
    """What moves, and how it is seen: the options of `simulate_walks`, by name."""

    kind: Annotated[
        str,
        typer.Option(
            help="superposition, increments, interleaved, subordination, "
            "or one walk: fbm, ctrw, brownian, attm, levy, sbm."
        ),
    ] = "superposition"
    length: Annotated[int, typer.Option(help="Frames of a trajectory.")] = 100
    count: Annotated[int, typer.Option(min=1, help="Number of trajectories.")] = 1000
    dims: Annotated[int, typer.Option(help="Dimensions, 1 to 3.")] = 2
    noise: Annotated[
        str, typer.Option(help="Localization error over the one-frame step: 0.5, or 0.1,0.5.")
    ] = "0"
    start: Annotated[str, typer.Option(help="First wait of a CTRW: ordinary or aged.")] = "ordinary"
    exposure: Annotated[float, typer.Option(help="Fraction of the frame with light: blur.")] = 0.0
    missing: Annotated[float, typer.Option(help="Expected fraction of missing frames.")] = 0.0
    segment_frames: Annotated[
        int, typer.Option("--segment", help="Frames of a segment of an interleaved walk.")
    ] = 30
    alpha: Annotated[float, typer.Option(help="Exponent of a single walk (not of a mixture).")] = (
        0.7
    )
    seed: o.Seed = 0


@bundled
def walks(
    walk: WalkOptions,
    out: Table = None,
    overwrite: o.Overwrite = False,
) -> None:
    """Simulate trajectories into a CSV table, with the truth of each beside it.

    For example::

        perrin simulate walks --kind fbm --count 200 --seed 1 -o walks.csv
    """
    from perrin.io.output import output_files, written_files
    from perrin.simulate.walk_sets import simulate_walks

    out = Path(f"{walk.kind}.csv") if out is None else out
    targets = output_files(out, ".truth.csv", overwrite=overwrite)
    tracks, truth = simulate_walks(**vars(walk) | {"noise": _range(walk.noise)})
    with written_files(targets) as partials:
        for table, partial in zip((tracks, truth), partials, strict=True):
            table.to_csv(partial, index=False)
    typer.echo(f"{walk.count} trajectories in {out}; truth in {out.with_suffix('.truth.csv')}")


@bundled
def evaluate_mixture(
    fresh: FreshTracks,
    model: o.ModelName = DEFAULT_MODEL,
    count: Annotated[int, typer.Option(min=50, help="Trajectories of each cell.")] = 5000,
) -> None:
    """Measure what a network reaches on fresh trajectories: errors, coverage, speed.

    For example::

        perrin evaluate mixture --count 500 -o figures
    """
    from perrin.evaluate.mixture import evaluate_mixture as evaluate
    from perrin.models.mixture import MixtureModel

    found = fresh.measure(
        evaluate,
        MixtureModel.load(model),
        count=count,
        tables=("cells", "ratio_bins", "fbm"),
        numbers=("trajectories_per_s",),
    )
    shown = ["cell", "n", "w_mae", "w_cover", "alpha_fbm_mae", "alpha_ctrw_mae", "frames_ctrw_mae"]
    typer.echo(found.cells[shown].round(3).to_string(index=False))
    typer.echo(found.fbm.round(3).to_string(index=False))
    typer.echo(f"{found.trajectories_per_s:.0f} trajectories of 100 frames a second")


@bundled
def evaluate_kinds(
    fresh: FreshTracks,
    model: Annotated[
        str, typer.Option("--model", help="Name or folder of a network of kinds.")
    ] = "kinds",
    mixture: Annotated[
        str, typer.Option("--mixture", help="Mixture network that it stands beside.")
    ] = DEFAULT_MODEL,
    count: Annotated[int, typer.Option(min=50, help="Tracks of each length.")] = 3000,
) -> None:
    """Measure how often kinds of motion of fresh tracks are predicted right, and how surely.

    For example::

        perrin evaluate kinds --count 500 -o figures
    """
    from perrin.evaluate.kinds import evaluate_kinds as evaluate
    from perrin.models.kinds import KindsModel
    from perrin.models.mixture import MixtureModel

    networks = KindsModel.load(model), MixtureModel.load(mixture)
    tables = ("cells", "confusion", "calibration")
    found = fresh.measure(evaluate, *networks, count=count, tables=tables)
    typer.echo(found.cells.round(3).to_string(index=False))
    typer.echo(found.confusion.round(2).to_string())
    typer.echo(found.calibration.round(3).to_string(index=False))


def _range(text: str) -> tuple[float, float]:
    """Return '0.5' or '0.1,0.5' as a range."""
    want = "one number, or two with a comma"
    found = o.numbers(text, "--noise", want)
    if len(found) not in (1, 2):
        raise PerrinError(f"--noise is {text!r}; give {want}")
    return found[0], found[-1]
