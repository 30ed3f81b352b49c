"""Masses and motions of single particles from their movies, with uncertainties.

>>> import perrin
>>> movie = perrin.open_movie("bsa.mp")  # doctest: +SKIP
>>> result = perrin.analyze_landings(movie)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perrin._compiled import keep_kernels_somewhere
from perrin._names import shown
from perrin._version import __version__
from perrin.errors import PerrinError

if TYPE_CHECKING:
    from perrin.andi2.submission import submit_andi2
    from perrin.batch import fit_affinity, read_batch, read_sheet, run_batch
    from perrin.io.inspecting import Inspection, inspect
    from perrin.io.movie import Movie
    from perrin.io.opening import open_movie
    from perrin.io.refeyn_write import write_mp, write_mpr
    from perrin.io.tables import read_events, write_events
    from perrin.io.tracks import read_tracks
    from perrin.mass.calibration import Calibration, apply_calibration, check_recorded
    from perrin.models.classifier import ClassifierModel
    from perrin.models.quantifier import QuantifierModel
    from perrin.optics.psf import Psf
    from perrin.pipeline import (
        LandingsResult,
        analyze_landings,
        andi,
        build_psf,
        calibrate,
        characterize,
        edit_tracks,
        fit_spectrum,
        link,
        track,
        track_stack,
    )
    from perrin.report.page import write_report
    from perrin.results import read_results, write_results
    from perrin.settings.diffusion import WindowSettings
    from perrin.settings.landing import DetectionSettings, LandingSettings
    from perrin.settings.motion import MotionMovie
    from perrin.settings.scores import ScoreSettings
    from perrin.settings.simulation import LandingAssay, Species, ThumbnailSettings
    from perrin.settings.spectrum import SpectrumSettings
    from perrin.settings.tracking import TrackingSettings
    from perrin.simulate.movie import simulate_landings, simulate_movie
    from perrin.simulate.moving import simulate_motion
    from perrin.simulate.presets import preset
    from perrin.simulate.thumbnails import simulate_thumbnails
    from perrin.simulate.walk_sets import simulate_walks
    from perrin.tracking.track import TrackingResult

keep_kernels_somewhere()

# Public name -> module that has it. Imported on first use, so that `import perrin` is quick.
_HOME = {
    "Calibration": "mass.calibration",
    "ClassifierModel": "models.classifier",
    "DetectionSettings": "settings.landing",
    "Inspection": "io.inspecting",
    "LandingAssay": "settings.simulation",
    "LandingSettings": "settings.landing",
    "LandingsResult": "pipeline",
    "MotionMovie": "settings.motion",
    "Movie": "io.movie",
    "Psf": "optics.psf",
    "QuantifierModel": "models.quantifier",
    "ScoreSettings": "settings.scores",
    "Species": "settings.simulation",
    "SpectrumSettings": "settings.spectrum",
    "ThumbnailSettings": "settings.simulation",
    "TrackingResult": "tracking.track",
    "TrackingSettings": "settings.tracking",
    "WindowSettings": "settings.diffusion",
    "analyze_landings": "pipeline",
    "andi": "pipeline",
    "apply_calibration": "mass.calibration",
    "build_psf": "pipeline",
    "calibrate": "pipeline",
    "characterize": "pipeline",
    "check_recorded": "mass.calibration",
    "edit_tracks": "pipeline",
    "fit_affinity": "batch",
    "fit_spectrum": "pipeline",
    "inspect": "io.inspecting",
    "link": "pipeline",
    "open_movie": "io.opening",
    "preset": "simulate.presets",
    "read_batch": "batch",
    "read_events": "io.tables",
    "read_results": "results",
    "read_sheet": "batch",
    "read_tracks": "io.tracks",
    "run_batch": "batch",
    "simulate_landings": "simulate.movie",
    "simulate_motion": "simulate.moving",
    "simulate_movie": "simulate.movie",
    "simulate_thumbnails": "simulate.thumbnails",
    "simulate_walks": "simulate.walk_sets",
    "submit_andi2": "andi2.submission",
    "track": "pipeline",
    "track_stack": "pipeline",
    "write_events": "io.tables",
    "write_mp": "io.refeyn_write",
    "write_mpr": "io.refeyn_write",
    "write_report": "report.page",
    "write_results": "results",
}

__all__ = [
    "Calibration",
    "ClassifierModel",
    "DetectionSettings",
    "Inspection",
    "LandingAssay",
    "LandingSettings",
    "LandingsResult",
    "MotionMovie",
    "Movie",
    "PerrinError",
    "Psf",
    "QuantifierModel",
    "ScoreSettings",
    "Species",
    "SpectrumSettings",
    "ThumbnailSettings",
    "TrackingResult",
    "TrackingSettings",
    "WindowSettings",
    "__version__",
    "analyze_landings",
    "andi",
    "apply_calibration",
    "build_psf",
    "calibrate",
    "characterize",
    "check_recorded",
    "edit_tracks",
    "fit_affinity",
    "fit_spectrum",
    "inspect",
    "link",
    "open_movie",
    "preset",
    "read_batch",
    "read_events",
    "read_results",
    "read_sheet",
    "read_tracks",
    "run_batch",
    "simulate_landings",
    "simulate_motion",
    "simulate_movie",
    "simulate_thumbnails",
    "simulate_walks",
    "submit_andi2",
    "track",
    "track_stack",
    "write_events",
    "write_mp",
    "write_mpr",
    "write_report",
    "write_results",
]


__getattr__, __dir__ = shown(__name__, _HOME, ("PerrinError", "__version__"))
