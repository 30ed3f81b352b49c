"""A short simulated measurement that several tests share."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from perrin.io import write_mp
from perrin.io.movie import Movie
from perrin.mass.calibration import Calibration, calibrate
from perrin.settings.simulation import LandingAssay, Species
from perrin.simulate.movie import simulate_movie

Simulated = tuple[Movie, pd.DataFrame]


@pytest.fixture(scope="session")
def measurement() -> Simulated:
    """Eight seconds of binders of 150 and 300 kDa, with their truth."""
    assay = LandingAssay(
        species=(
            Species(mass_kda=150, abundance=0.5),
            Species(mass_kda=300, abundance=0.5),
        ),
        density=1.0,
    )
    return simulate_movie(assay, seconds=8, seed=5)


@pytest.fixture(scope="session")
def movie_file(measurement: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a vendor-layout file."""
    path = tmp_path_factory.mktemp("movies") / "sample.mp"
    write_mp(path, measurement[0])
    return path


@pytest.fixture(scope="session")
def calibration() -> Calibration:
    """The line of the simulation."""
    masses = [66.0, 150.0, 480.0]
    return calibrate(masses, [-3.8e-5 * mass for mass in masses], contrast_se=[1e-5, 1e-5, 2e-5])
