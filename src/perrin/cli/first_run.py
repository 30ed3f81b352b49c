"""What the first run on a machine says: its kernels are compiled, which later runs read."""

from __future__ import annotations

from pathlib import Path

import typer


def say_first_run() -> None:
    """Say so on standard error where the kernels of the landing steps are not compiled yet."""
    from perrin.landing.fit import fit_patch

    folder = fit_patch.stats.cache_path  # NUMBA_CACHE_DIR, beside the code, or the user's cache
    if folder and not any(Path(folder).glob("fit.fit_patch-*.nbi")):
        typer.echo("first run: kernels are compiled, once, for half a minute or so", err=True)
