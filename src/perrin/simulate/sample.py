"""A sample that lands: which molecules, when, where, and the table of the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.events import MOTIONS
from perrin.landing.thumbnails import THUMBNAIL_PX, half_length
from perrin.optics.psf import HALF_WIDTH_PX
from perrin.settings.simulation import InstrumentSettings, LandingAssay, Species
from perrin.simulate.background import tilt
from perrin.simulate.motions import Landings, Motions, Particles, draw_motions, place
from perrin.types import FloatArray

if TYPE_CHECKING:
    import pandas as pd


def parse_species(text: str) -> tuple[Species, ...]:
    """Read ``66:0.8,132:0.2``: masses in kDa with their relative abundances.

    Raises `PerrinError` for anything else, for a mass or an abundance that is not above 0.
    """
    species = []
    for part in text.split(","):
        fields = part.split(":")
        try:
            mass, abundance = float(fields[0]), float(fields[1]) if len(fields) == 2 else 1.0
        except ValueError:
            mass = abundance = np.nan
        if len(fields) > 2 or not (0 < mass < 1e5 and 0 < abundance < np.inf):
            raise PerrinError(
                f"species {part.strip()!r} is not mass:abundance with numbers above 0. Write "
                "masses in kDa with their fractions, for instance 66:0.8,132:0.2"
            )
        species.append(Species(mass_kda=mass, abundance=abundance))
    return tuple(species)


def draw_sample(
    assay: LandingAssay,
    instrument: InstrumentSettings,
    *,
    focus: FloatArray,
    rng: np.random.Generator,
) -> tuple[Particles, pd.DataFrame]:
    """Draw the molecules of a measurement, in order of landing, and their truth table.

    Landings are a Poisson process over the field and a margin of one PSF around it, its rate
    falling exponentially with `decay_s`; `density` is its mean over the movie. focus (T,) is
    the relative change of the contrast in each frame.
    """
    n_frames = len(focus)
    land = _landing_times(assay, instrument, n_frames=n_frames, rng=rng)
    count = len(land)
    margin = HALF_WIDTH_PX
    x = rng.uniform(-margin, instrument.width_px - 1 + margin, size=count)
    y = rng.uniform(-margin, instrument.height_px - 1 + margin, size=count)
    kind, names = _species_and_motions(assay, count, rng)
    nominal = np.array([species.mass_kda for species in assay.species])[kind]
    mass = _masses(assay, kind, rng)
    motions = draw_motions(names, settings=assay.motion, rng=rng)
    direction = rng.uniform(0, 2 * np.pi)
    change = focus[land.astype(np.int64)] + tilt(
        assay.background, instrument, direction_rad=direction, x_px=x, y_px=y
    )
    landings = Landings(land, x, y, mass, change)
    particles = place(motions, landings, assay.background, instrument)
    truth = truth_table(particles, motions, mass_kda=mass, focus=change, instrument=instrument)
    truth.insert(1, "species", np.array([species.label for species in assay.species])[kind])
    truth.insert(2, "nominal_mass_kda", nominal)
    neighbors = _count_neighbors(particles)
    truth["n_neighbors"] = neighbors
    crowded = (names == "binder") & (neighbors > 0)
    truth.insert(1, "class", np.where(crowded, "neighbors", names))
    return particles, truth


def truth_table(
    particles: Particles,
    motions: Motions,
    *,
    mass_kda: FloatArray,
    focus: FloatArray,
    instrument: InstrumentSettings,
) -> pd.DataFrame:
    """Return every drawn parameter, one row a molecule.

    ``motion`` is what the molecule does; ``frame + phase`` when it lands; ``residence_time_frames``
    the residence time of an unbinder, the time in motion of one that moves, infinite for a binder;
    ``end_frame`` when it leaves, infinite if it stays. ``speeds_nm_per_ms`` and
    ``directions_rad`` list the steps of its path. ``contrast`` is nominal (mass times contrast
    per kDa); the focus changes it by the factor ``1 + focus``.
    """
    import pandas as pd

    rows = np.arange(len(particles))
    frame = np.floor(particles.land)
    path = np.hypot(np.diff(particles.x, axis=1), np.diff(particles.y, axis=1)).sum(axis=1)
    return pd.DataFrame(
        {
            "particle": rows,
            "motion": motions.names,
            "mass_kda": mass_kda,
            "contrast": instrument.contrast_per_kda * mass_kda,
            "focus": focus,
            "frame": frame.astype(np.int64),
            "phase": particles.land - frame,
            "time_s": particles.land * instrument.frame_interval_s,
            "x_px": particles.x[:, 0],
            "y_px": particles.y[:, 0],
            "residence_time_frames": motions.residence_time_frames,
            "unbinds": motions.unbinds,
            "end_frame": particles.leave,
            "end_x_px": particles.x[rows, particles.steps],
            "end_y_px": particles.y[rows, particles.steps],
            "steps": particles.steps,
            "path_px": path,
            "speeds_nm_per_ms": _listed(motions.speed_nm_per_ms),
            "directions_rad": _listed(motions.direction_rad),
        }
    )


def _listed(values: FloatArray) -> list[str]:
    """Finite entries of each row as text, separated by spaces."""
    listed = [""] * len(values)
    for row in np.flatnonzero(np.isfinite(values[:, 0])):
        listed[row] = " ".join(f"{value:.6g}" for value in values[row] if value == value)
    return listed


def _landing_times(
    assay: LandingAssay, instrument: InstrumentSettings, *, n_frames: int, rng: np.random.Generator
) -> FloatArray:
    seconds = n_frames * instrument.frame_interval_s
    sides = np.array([instrument.width_px, instrument.height_px]) - 1 + 2 * HALF_WIDTH_PX
    area_um2 = float(np.prod(sides)) * (instrument.pixel_nm / 1000) ** 2
    count = rng.poisson(assay.density * area_um2 * seconds)
    fraction = rng.random(count)
    if assay.decay_s is not None:
        fall = seconds / assay.decay_s
        fraction = -np.log1p(-fraction * -np.expm1(-fall)) / fall
    # the very last instant belongs to no frame
    return np.sort(np.minimum(fraction * n_frames, np.nextafter(float(n_frames), 0)))


def _species_and_motions(
    assay: LandingAssay, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    if not assay.species:
        return np.empty(0, np.int64), np.empty(0, "<U8")
    abundance = np.array([species.abundance for species in assay.species])
    kind = rng.choice(len(abundance), size=count, p=abundance / abundance.sum())
    fractions = np.array(
        [
            [(species.motions or assay.motions).get(name, 0.0) for name in MOTIONS]
            for species in assay.species
        ]
    )
    limits = np.cumsum(fractions / fractions.sum(axis=1, keepdims=True), axis=1)[kind]
    chosen = (rng.random(count)[:, None] >= limits[:, :-1]).sum(axis=1)
    return kind, np.array(MOTIONS)[chosen]


def _masses(assay: LandingAssay, kind: NDArray[np.int64], rng: np.random.Generator) -> FloatArray:
    """Nominal mass with the spread of its species; at least a tenth of it."""
    nominal = np.array([species.mass_kda for species in assay.species])[kind]
    width = np.array([species.width_kda for species in assay.species])[kind]
    spread: FloatArray = nominal + width * rng.standard_normal(len(kind))
    return np.maximum(spread, 0.1 * nominal)


def _count_neighbors(particles: Particles) -> NDArray[np.int64]:
    """Other molecules that land or leave within 8 px and 20 frames of each landing."""
    from scipy.spatial import cKDTree

    if not len(particles):
        return np.empty(0, np.int64)
    scale = np.array([THUMBNAIL_PX / 2, THUMBNAIL_PX / 2, half_length(1)])
    landings = np.column_stack([particles.x[:, 0], particles.y[:, 0], particles.land]) / scale
    rows = np.flatnonzero(np.isfinite(particles.leave))
    ends = particles.x[rows, -1], particles.y[rows, -1], particles.leave[rows]
    leavings = np.column_stack(ends) / scale
    count = cKDTree(landings).query_ball_point(landings, 1.0, p=np.inf, return_length=True) - 1
    if len(rows):
        tree = cKDTree(leavings)
        count += tree.query_ball_point(landings, 1.0, p=np.inf, return_length=True)
        own = (np.abs(leavings - landings[rows]) <= 1.0).all(axis=1)
        count[rows] -= own
    return np.asarray(count, np.int64)
