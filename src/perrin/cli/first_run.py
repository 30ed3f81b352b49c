"""What the first run on a machine says: its kernels are compiled, which later runs read."""

from __future__ import annotations

import typer


def say_first_run(steps: str = "landings") -> None:
    """Say so on standard error where kernels of the steps are not compiled yet.

    steps: "landings", or "diffusion".
    """
    from perrin.doctor import kernels_compiled

    if not kernels_compiled(steps):
        typer.echo("first run: kernels are compiled, once, for half a minute or so", err=True)
