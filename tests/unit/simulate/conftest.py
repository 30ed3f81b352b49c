"""What the tests of the simulator fraction."""

from __future__ import annotations

import pytest

from perrin.optics.psf import Psf
from perrin.settings.simulation import InstrumentSettings


@pytest.fixture(scope="session")
def psf() -> Psf:
    return Psf.analytic(pixel_nm=72.0)


@pytest.fixture(scope="session")
def instrument() -> InstrumentSettings:
    return InstrumentSettings()
