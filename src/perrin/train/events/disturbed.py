"""Instruments that are not good ones: each drawn with a few of the ways to go wrong, or none.

Each way has a probability of its own and a strength uniform in the logarithm, so that a network
sees many instruments that are good but for one thing, and many that are just good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from perrin.landing.exchange import PsfExchange
from perrin.optics.psf import Psf
from perrin.settings.optics import PupilSettings
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.render import widening_coefficients
from perrin.train.events.source import Source, no_exchange, varied

Group = dict[str, tuple[float, float]]

WAYS: dict[str, tuple[float, str, Group]] = {
    "light": (0.25, "camera", {"electrons": (1.5e5, 4e5)}),
    "few bits": (0.15, "camera", {"counts": (150.0, 4000.0)}),
    "stage": (
        0.15,
        "background",
        {"drift_nm_per_s": (3.0, 25.0), "drift_nm_per_sqrt_s": (2.0, 8.0)},
    ),
    "focus": (0.15, "background", {"focus_contrast": (0.015, 0.08)}),
    "slow speckle": (
        0.2,
        "background",
        {"dynamic_contrast": (3e-4, 1.5e-3), "dynamic_time_s": (0.5, 10.0)},
    ),
    "fast speckle": (
        0.2,
        "disturbances",
        {"speckle_contrast": (1e-4, 1e-3), "speckle_time_s": (0.01, 1.0)},
    ),
    "fringes": (
        0.2,
        "disturbances",
        {
            "fringe_contrast": (2e-4, 2e-3),
            "fringe_period_um": (1.5, 10.0),
            "fringe_hz": (0.1, 5.0),
        },
    ),
    "debris": (
        0.15,
        "disturbances",
        {
            "debris_per_um2": (0.1, 2.0),
            "debris_contrast": (1e-3, 4e-3),
            "debris_um2_per_s": (0.02, 0.5),
        },
    ),
    "heavy": (0.25, "masses", {"high_kda": (800.0, 6000.0)}),
}
"""Probability, group of settings and range of each way; `counts` is the mean count of a pixel."""

PUPIL = 0.6
"""Fraction of the instruments with a pupil of their own, which an analysis exchanges."""
_PLAIN = 0.4  # of them without aberrations
_ABERRATION_RAD = 0.25  # standard deviation of each
_DEFOCUS_NM = 120.0
_MEASURED_WIDTH = 0.02  # rms error of the width of a measured PSF


def disturbed(
    plain: ThumbnailSettings, *, rng: np.random.Generator, noticed: float = 0.75
) -> Source:
    """Return another instrument and sample: varied, and with a few things wrong.

    Its PSF is exchanged for the default one as an analysis does it, where the analysis notices:
    in a fraction `noticed` of the instruments.
    """
    exchanged = rng.random() < noticed
    error = _MEASURED_WIDTH * rng.standard_normal()
    return Source(
        settings=draw_settings(plain, rng=rng),
        exchange=Exchanged(error) if exchanged else no_exchange,
    )


def draw_settings(plain: ThumbnailSettings, *, rng: np.random.Generator) -> ThumbnailSettings:
    """Return settings varied about `plain`, with a few of the `WAYS` to go wrong."""
    values = varied(plain, rng=rng).model_dump()
    for probability, group, ranges in WAYS.values():
        if rng.random() < probability:
            drawn = {name: _between(*ends, rng=rng) for name, ends in ranges.items()}
            values[group] |= _in_units(drawn, values["camera"])
    if rng.random() < PUPIL:
        values["instrument"]["pupil"] = draw_pupil(rng=rng).model_dump()
    return ThumbnailSettings.model_validate(values)


def draw_pupil(*, rng: np.random.Generator) -> PupilSettings:
    """Draw a pupil: cores of 190 to 340 nm and rings to about -.35."""
    masked, plain = rng.random() < 0.5, rng.random() < _PLAIN
    off = 0.0 if plain else 1.0
    spherical, astigmatism, coma = off * _ABERRATION_RAD * rng.standard_normal(3)
    return PupilSettings(
        numerical_aperture=rng.uniform(1.2, 1.49),
        apodization=rng.uniform(0.0, 1.5),
        mask_radius=rng.uniform(0.2, 0.6),
        mask_transmission=rng.uniform(0.0, 1.0) if masked else 1.0,
        defocus_nm=float(np.clip(off * _DEFOCUS_NM * rng.standard_normal(), -300, 300)),
        spherical_rad=spherical,
        astigmatism_rad=astigmatism,
        coma_rad=coma,
        angle_deg=rng.uniform(0, 360),
    )


@dataclass(frozen=True)
class Exchanged:
    """The exchange of PSFs that an analysis makes, which measures the width a little off."""

    error: float
    """Relative error of the width."""

    def __call__(self, psf: Psf) -> PsfExchange | None:
        """Return it for the PSF that landings have; None where that is the default one."""
        coefficients = psf.coefficients + self.error * widening_coefficients(psf)
        measured = Psf(coefficients, psf.pixel_nm, psf.card)
        return PsfExchange.between(measured, Psf.analytic(pixel_nm=psf.pixel_nm))


def _between(low: float, high: float, *, rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _in_units(drawn: dict[str, float], camera: dict[str, Any]) -> dict[str, float]:
    """Settings of what was drawn: a mean count is a gain."""
    if "counts" in drawn:
        return {"electrons_per_count": camera["electrons"] / drawn["counts"]}
    return drawn
