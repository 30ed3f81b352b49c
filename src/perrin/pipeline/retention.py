"""What fraction of each species is kept, from a simulation at the noise of a measurement.

Molecules with the masses of the measurement's peaks land in a simulated movie: in the fractions in
which they were detected (heavy neighbors hide light molecules), with the motions that the
classifier tells, as densely, at the measured noise. It is analyzed as the measurement was, with
the same threshold. What is retained of each species corrects its counts
(`perrin.mass.abundance`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.events import MOTIONS
from perrin.landing.matched import MatchedFilter
from perrin.landing.networks import Classifier
from perrin.mass.abundance import correct_fractions, uneven_note
from perrin.mass.modes import FWHM_PER_SD
from perrin.optics.pupil import psf_of
from perrin.pipeline.measurement import LandingsResult
from perrin.pipeline.simulated import Measured, analyze
from perrin.settings.planned import PlannedMeasurement
from perrin.settings.simulation import InstrumentSettings, LandingAssay, Species
from perrin.simulate.movie import simulate_movie
from perrin.types import IntArray

if TYPE_CHECKING:
    import pandas as pd


MEANING = (
    "corrected fractions: for what noise, detection and crowding lose, from a simulation at the "
    "measured noise; not for a species that sticks to the glass in another way"
)
_SECONDS, _TRIAL_S = 120.0, 10.0
_DENSITY = (0.3, 3.0)  # landings per um^2 and second: enough molecules, and not all crowded
_NOISE = 0.1  # relative difference between simulated and measured noise that is worth a note


def correct_abundances(
    measured: LandingsResult,
    *,
    model: Classifier,
    seed: int,
    seconds: float = _SECONDS,
    progress: Callable[[float], None] | None = None,
) -> LandingsResult:
    """Return the measurement with corrected fractions of its peaks, as ``abundances``.

    measured: of a movie, with masses, classified by `model`. seed: of the simulation and of the
    interval. seconds: length of the simulated movie. progress: called with the fraction done, 0
    to 1. Raises `PerrinError` without masses, a classifier or peaks.
    """
    peaks, found = measured.spectrum.peaks, measured.classification
    if measured.settings is None or found is None:
        raise PerrinError(
            "fractions are corrected for a movie with a classifier; there is none here"
        )
    if measured.calibration is None or not peaks:
        raise PerrinError("fractions are corrected for peaks in kDa; give --calibration")
    windows = [(peak.low, peak.high) for peak in peaks]
    names = [f"{peak.mode.value:.0f} kDa" for peak in peaks]
    instrument = _instrument(measured)
    noise_kda = _noise_kda(measured.events["contrast_noise"].to_numpy(float), instrument)
    start = _planned_like(measured, names=names, windows=windows, noise_kda=noise_kda)
    planned = _as_noisy(
        start, noise_kda, _noise_of(_simulate(start, model, _TRIAL_S, seed), instrument)
    )
    if progress is not None:
        progress(_TRIAL_S / (seconds + _TRIAL_S))
    pool = _simulate(planned, model, seconds, seed + 1)
    kept, landed = kept_and_landed([pool], [found.threshold], windows=windows, species=names)
    table = correct_fractions(
        [peak.counts for peak in peaks],
        kept=kept,
        landed=landed,
        names=names,
        rng=np.random.default_rng(seed),
        confidence=measured.spectrum.confidence or 0.95,
    )
    if progress is not None:
        progress(1.0)
    notes = _notes(table, simulated_kda=_noise_of(pool, instrument), measured_kda=noise_kda)
    return replace(measured, abundances=table, notes=(*measured.notes, *notes))


def _planned_like(
    measured: LandingsResult,
    *,
    names: Sequence[str],
    windows: Sequence[tuple[float, float]],
    noise_kda: float,
) -> PlannedMeasurement:
    """A simulated measurement with the molecules of a measured one, at the usual noise."""
    assert measured.settings is not None and measured.classification is not None  # noqa: S101, PT018
    peaks = measured.spectrum.peaks
    widths = [np.nan if peak.fwhm is None else peak.fwhm.value / FWHM_PER_SD for peak in peaks]
    found = {one.name: one.fraction.value for one in measured.classification.fractions}
    assay = sample_like(
        [peak.mode.value for peak in peaks],
        names=names,
        counts=_detected(measured.events, windows),
        widths_kda=[_width(sd, noise_kda) for sd in widths],
        fractions=found,
        density=1.0 if measured.density is None else measured.density.mean,
    ).model_copy(update={"instrument": _instrument(measured)})
    landing = measured.settings.model_copy(update={"persistence_ms": None})
    return PlannedMeasurement(name="retention", assay=assay, seconds=1.0, seed=0, landing=landing)


def _notes(table: pd.DataFrame, *, simulated_kda: float, measured_kda: float) -> list[str]:
    """What a user should know of the correction."""
    notes = [MEANING]
    if (uneven := uneven_note(table)) is not None:
        notes.append(uneven)
    if abs(simulated_kda / measured_kda - 1) > _NOISE:
        notes.append(
            f"the noise of the simulation behind the corrected fractions is {simulated_kda:.1f} "
            f"kDa, that of the measurement {measured_kda:.1f} kDa: take the correction as a rough "
            "one"
        )
    return notes


def sample_like(
    masses: Sequence[float],
    *,
    names: Sequence[str],
    counts: Sequence[int] | IntArray,
    fractions: Mapping[str, float],
    density: float,
    widths_kda: Sequence[float] | None = None,
) -> LandingAssay:
    """Return a sample like a measured one, to be simulated.

    Parameters
    ----------
    masses, names, counts : (S,)
        Of the species: kDa, and how many landings were detected of each, before any filter.
    fractions : mapping
        Fraction of each class among the landings. Neighbors are binders that landed close.
    density : float
        Landings per um^2 and second; kept between 0.3 and 3.
    widths_kda : (S,), optional
        Standard deviation of the mass of each species.

    """
    usual = [Species(mass_kda=1.0, abundance=1.0).width_kda] * len(masses)
    species = tuple(
        # half a molecule where none was detected: every species needs some
        Species(mass_kda=mass, abundance=max(float(count), 0.5), name=name, width_kda=width)
        for mass, name, count, width in zip(masses, names, counts, widths_kda or usual, strict=True)
    )
    weights = {name: fractions.get(name, 0.0) for name in MOTIONS}
    weights["binder"] += fractions.get("neighbors", 0.0)
    whole = sum(weights.values())
    return LandingAssay(
        species=species,
        density=float(np.clip(density, *_DENSITY)),
        motions={name: weight / whole for name, weight in weights.items()},
    )


def kept_and_landed(
    pool: Sequence[Measured],
    least: Sequence[float],
    *,
    windows: Sequence[tuple[float, float]],
    species: Sequence[str],
) -> tuple[IntArray, IntArray]:
    """Molecules (S,) of each species retained in their window of mass, and those that landed."""
    kept, landed = np.zeros(len(species), np.int64), np.zeros(len(species), np.int64)
    for one, threshold in zip(pool, least, strict=True):
        event = one.molecules["event"].to_numpy(np.int64)
        name = one.molecules["species"].to_numpy()
        mass = one.events["mass_kda"].to_numpy(float)[event]
        stays = (event >= 0) & (one.kept(threshold) & one.landing)[event]
        for k, (low, high) in enumerate(windows):
            own = name == species[k]
            landed[k] += own.sum()
            kept[k] += (own & stays & (mass > low) & (mass <= high)).sum()
    return kept, landed


def _detected(events: pd.DataFrame, windows: Sequence[tuple[float, float]]) -> IntArray:
    """Landings (S,) in each window of mass, before the filter."""
    mass = events["mass_kda"].to_numpy(float)
    return np.array([((mass > low) & (mass <= high)).sum() for low, high in windows])


def _instrument(measured: LandingsResult) -> InstrumentSettings:
    """The simulator's instrument with the pixel, frame interval and contrast of a measurement."""
    assert measured.calibration is not None  # noqa: S101
    return InstrumentSettings(
        pixel_nm=measured.recorded["pixel_nm"],
        camera_rate_hz=1.0 / measured.recorded["frame_interval_s"],
        frame_binning=1,
        contrast_per_kda=measured.calibration.gradient_per_kda,
    )


def _width(sd: float, noise_kda: float) -> float:
    """The part of a peak's width that is not noise; the simulator's own where it has none."""
    usual = Species(mass_kda=1.0, abundance=1.0).width_kda
    return usual if np.isnan(sd) else float(np.sqrt(max(sd**2 - noise_kda**2, 0.0)))


def _simulate(
    planned: PlannedMeasurement, model: Classifier, seconds: float, seed: int
) -> Measured:
    movie, truth = simulate_movie(planned.assay, seconds=seconds, seed=seed)
    return analyze(movie, truth, planned=planned, model=model)


def _noise_kda(contrast_noise: NDArray[np.float64], instrument: InstrumentSettings) -> float:
    return float(np.nanmedian(contrast_noise)) / -instrument.contrast_per_kda


def _noise_of(one: Measured, instrument: InstrumentSettings) -> float:
    return _noise_kda(one.events["contrast_noise"].to_numpy(float), instrument)


def _as_noisy(
    planned: PlannedMeasurement, wanted_kda: float, found_kda: float
) -> PlannedMeasurement:
    """The measurement with a camera whose shot noise makes up for a difference of matched noises.

    Of a ratiometric pixel it is sqrt(2 / (n_avg electrons)); of the matched contrast that, over
    sqrt(sum P^2 - (sum P)^2 / N).
    """
    instrument, camera = planned.assay.instrument, planned.assay.camera
    kernel = MatchedFilter.of(psf_of(instrument)).kernel
    pixel = np.sqrt(2 / (planned.landing.n_avg * camera.electrons))
    shot = float(pixel * np.sqrt((kernel**2).sum())) / -instrument.contrast_per_kda
    variance = shot**2 + wanted_kda**2 - found_kda**2
    ratio = float(np.clip(shot**2 / max(variance, 1e-9), 0.05, 20.0))
    electrons = camera.electrons * ratio
    per_count = camera.electrons_per_count * max(1.0, ratio)  # stored frames have 16 bits
    noisy = camera.model_copy(update={"electrons": electrons, "electrons_per_count": per_count})
    return planned.model_copy(update={"assay": planned.assay.model_copy(update={"camera": noisy})})
