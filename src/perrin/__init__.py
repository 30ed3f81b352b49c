"""Movies of single particles, turned into masses, motions and how sure we are of them.

>>> import perrin
>>> movie = perrin.open_movie("bsa.mp")  # doctest: +SKIP
>>> result = perrin.analyse_landings(movie)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from perrin._version import __version__
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.io.movie import Movie
    from perrin.io.opening import Inspection, inspect, open_movie
    from perrin.io.refeyn_write import write_mp, write_mpr
    from perrin.io.tables import read_events, write_events
    from perrin.landing.epsf import build_epsf
    from perrin.mass.calibrants import calibrate_from_events
    from perrin.mass.calibration import Calibration, apply_calibration, calibrate
    from perrin.mass.spectrum import fit_spectrum
    from perrin.optics.psf import Psf
    from perrin.pipeline import Measurement, analyse_events, analyse_landings
    from perrin.results import write_results
    from perrin.settings.landing import DetectionSettings, LandingSettings
    from perrin.settings.spectrum import SpectrumSettings

# Public name -> module that has it. Imported on first use, so that `import perrin` is quick.
_HOME = {
    "Calibration": "mass.calibration",
    "DetectionSettings": "settings.landing",
    "Inspection": "io.opening",
    "LandingSettings": "settings.landing",
    "Measurement": "pipeline",
    "Movie": "io.movie",
    "Psf": "optics.psf",
    "SpectrumSettings": "settings.spectrum",
    "analyse_events": "pipeline",
    "analyse_landings": "pipeline",
    "apply_calibration": "mass.calibration",
    "build_epsf": "landing.epsf",
    "calibrate": "mass.calibration",
    "calibrate_from_events": "mass.calibrants",
    "fit_spectrum": "mass.spectrum",
    "inspect": "io.opening",
    "open_movie": "io.opening",
    "read_events": "io.tables",
    "write_events": "io.tables",
    "write_mp": "io.refeyn_write",
    "write_mpr": "io.refeyn_write",
    "write_results": "results",
}

__all__ = [
    "Calibration",
    "DetectionSettings",
    "Inspection",
    "LandingSettings",
    "Measurement",
    "Movie",
    "PerrinError",
    "Psf",
    "SpectrumSettings",
    "__version__",
    "analyse_events",
    "analyse_landings",
    "apply_calibration",
    "build_epsf",
    "calibrate",
    "calibrate_from_events",
    "fit_spectrum",
    "inspect",
    "open_movie",
    "read_events",
    "write_events",
    "write_mp",
    "write_mpr",
    "write_results",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
