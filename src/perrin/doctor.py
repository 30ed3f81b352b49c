"""What is installed, whether it works, and how fast this machine is: what `perrin doctor` says."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from perrin.errors import PerrinError

EXTRAS = {
    "app": "the app in the browser",
    "cluster": "batches on a cluster (Dask)",
    "em": "movies of electron microscopes",
    "evaluate": "t-SNE and ROC of evaluations",
    "parquet": "parquet tables",
    "compressed": "compressed TIFF and HDF5",
    "hdf5": "rare compression of HDF5",
    "train": "training networks",
    "video": "AVI, MP4 and other video",
    "zarr": "Zarr movies",
}
"""What each extra is for; those for developers are left out."""
_SECONDS = 2.0  # of the movie that the speed is measured on
_COMPILING = 55.0  # CPU time of all kernels over that of the sample kernel, measured


@dataclass(frozen=True)
class Extra:
    """An extra: what it is for, and which of its packages are missing."""

    name: str
    purpose: str
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """A network that comes with perrin: its self-test, and the time of one input.

    deviation: largest from its recorded answer; None where it failed, with the `problem`.
    """

    name: str
    deviation: float | None
    seconds: float
    problem: str = ""


def system() -> str:
    """Return Python, operating system, cores and memory in a line."""
    parts = [f"Python {platform.python_version()}", platform.system(), platform.machine()]
    parts.append(f"{os.cpu_count() or 1} cores")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        parts.append(f"{size / 2**30:.0f} GiB of memory")
    return ", ".join(parts)


def packages() -> dict[str, str | None]:
    """Return the version of each package that perrin cannot do without; None: not installed."""
    return {name: _version(name) for name, extra in _requirements() if not extra}


def extras() -> list[Extra]:
    """Return the extras, each with the packages that it lacks."""
    needs: dict[str, list[str]] = {name: [] for name in EXTRAS}
    for package, extra in _requirements():
        if extra in needs:
            needs[extra].append(package)
    return [
        Extra(name, EXTRAS[name], tuple(one for one in names if _version(one) is None))
        for name, names in needs.items()
    ]


def networks() -> Iterator[Network]:
    """Load each network and give it its own test input."""
    from perrin.models.bundle import list_bundles, load_bundle

    for name in list_bundles():
        try:
            bundle = load_bundle(name)
            start = time.perf_counter()
            deviation = bundle.check_vector()
            yield Network(name, deviation, time.perf_counter() - start)
        except (PerrinError, OSError) as error:
            yield Network(name, None, 0.0, str(error))


def kernels_compiled(steps: str = "landings") -> bool:
    """Whether the kernels of steps are compiled: of the landings, or of the diffusion.

    The first run does it; one kernel of each stands for all.
    """
    module, name = _ONE_KERNEL[steps]
    kernel: Any = getattr(import_module(module), name)
    folder = kernel.stats.cache_path  # NUMBA_CACHE_DIR, beside the code, or the user's cache
    compiled = f"{module.rpartition('.')[2]}.{name}-*.nbi"
    return not folder or any(Path(folder).glob(compiled))


_ONE_KERNEL = {
    "landings": ("perrin.landing.fit", "fit_patch"),
    "diffusion": ("perrin.diffusion.likelihood", "best_fit"),
}


def compiling_s() -> float:
    """Return about how long all kernels take to compile here, from compiling a small one."""
    from numba import njit

    compiled: Any = njit
    start = time.process_time()
    compiled(_sample)(10.0)
    return _COMPILING * (time.process_time() - start)


def analysis_s() -> float:
    """Return how long a minute of movie takes from frames to fitted landings on this machine.

    Measured on a simulated movie of 2 s; spectra, networks and figures come on top.
    """
    from perrin.optics.psf import Psf
    from perrin.pipeline import find_events
    from perrin.settings.landing import LandingSettings
    from perrin.simulate.movie import simulate_movie
    from perrin.simulate.presets import preset

    movie, _ = simulate_movie(preset("bsa"), seconds=_SECONDS, seed=0)
    settings, psf = LandingSettings(), Psf.analytic(pixel_nm=movie.pixel_nm)
    find_events(movie, settings=settings, psf=psf)  # so that kernels are loaded
    start = time.perf_counter()
    find_events(movie, settings=settings, psf=psf)
    return (time.perf_counter() - start) * 60 / _SECONDS


def _sample(x: float) -> float:
    total = 0.0
    for step in range(int(x)):
        total += (step * x) % 3.0
    return total


def _requirements() -> list[tuple[str, str]]:
    """Packages that perrin names, each with the extra that it is for (empty: needed always)."""
    try:
        said = metadata.requires("perrin") or []
    except metadata.PackageNotFoundError:
        raise PerrinError(
            "perrin runs from a folder and is not installed: pip install . in that folder."
        ) from None
    found = []
    for one in said:
        name = re.match(r"[\w.-]+", one)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", one)
        if name is not None:
            found.append((name[0], extra[1] if extra else ""))
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
