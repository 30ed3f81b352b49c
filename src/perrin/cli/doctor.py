"""The command that says whether perrin is well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perrin._version import __version__
from perrin.cli.layout import LOOK

if TYPE_CHECKING:
    from perrin.doctor import Network


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor", rich_help_panel=LOOK)(doctor)


def doctor(
    speed: Annotated[
        bool, typer.Option(help="Measure how fast this machine is, for some seconds.")
    ] = True,
) -> None:
    """Say what is installed, whether the networks work, and how fast this machine is.

    For example::

        perrin doctor
    """
    from perrin import doctor as look

    typer.echo(f"perrin {__version__}, {look.system()}")
    found = look.packages()
    missing = [name for name, version in found.items() if version is None]
    typer.echo("packages")
    there = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    typer.echo(f"  {there}")
    for name in missing:
        typer.echo(f"  MISSING: {name} (pip install {name})")
    typer.echo("extras")
    for extra in look.extras():
        state = "installed"
        if extra.missing:
            state = f"not installed: pip install 'perrin[{extra.name}]'"
        typer.echo(f"  {extra.name:<12}{extra.purpose:<32}{state}")
    typer.echo("networks, each given its own test input")
    networks = [_say(network) for network in look.networks()]
    if speed:
        _say_speed()
    if missing or not all(networks):
        typer.echo("NOT WELL: install perrin again, into an environment of its own")
        raise typer.Exit(1)
    typer.echo("all is well")


def _say(network: Network) -> bool:
    well = network.deviation is not None
    said = f"FAILED: {network.problem}"
    if well:
        said = f"answers as recorded, {1e3 * network.seconds:.0f} ms"
    typer.echo(f"  {network.name:<18}{said}")
    return well


def _say_speed() -> None:
    from perrin import doctor as look

    typer.echo("speed")
    if not look.kernels_compiled():
        typer.echo(
            f"  first run   compiles kernels, once: about {look.compiling_s():.0f} s more; "
            "how long an analysis takes is said after it"
        )
        return
    typer.echo("  first run   done: the kernels are compiled")
    typer.echo(
        f"  landings    a minute of movie (150 x 38 pixels) takes about {look.analysis_s():.0f} s "
        "to find and fit, some seconds more for networks, spectra and figures"
    )
