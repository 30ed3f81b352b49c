"""What a movie says of its instrument before any mass is measured: pixels, light, PSF."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from perrin.errors import PerrinError
from perrin.io.held import held
from perrin.io.movie import Movie
from perrin.landing.epsf import measure_epsf
from perrin.landing.exchange import DEEP_RING, PsfExchange
from perrin.landing.patterns import MovingPatterns, without_moving_patterns
from perrin.landing.pixels import BadPixels, without_bad_pixels
from perrin.landing.whitening import NoiseFilter, find_noise_filter
from perrin.optics.psf import Psf
from perrin.types import Progress

PsfChoice = Psf | Literal["default"] | None
"""A PSF, ``"default"`` for the analytic one of the pixel size, or None: measured in the movie."""

_SAME_WIDTH, _SAME_RING = 0.04, 0.03
_SURE = 3.0  # standard errors


@dataclass(frozen=True)
class Instrument:
    """An instrument as its movie shows it."""

    pixels: BadPixels
    """Which pixels do not see."""
    light: MovingPatterns
    """What moves over the field besides a plane."""
    noise: NoiseFilter
    """What made the noise of the movie white, where neighboring pixels shared it."""
    psf: Psf
    """What landings are found and fitted with, as the filter of the noise leaves it."""
    unfiltered: Psf
    """The same before that filter."""
    chosen: str
    """``"measured"``, ``"default"`` or ``"given"``."""
    shape: dict[str, Any]
    """Card of the PSF that was measured (`perrin.landing.epsf`); empty where none was."""
    notes: tuple[str, ...]
    """What a user should know."""

    def exchange_for(self, model: object) -> PsfExchange | None:
        """Return what brings landings to the PSF that a network has learned, where it differs."""
        white = self.noise.kernel is not None
        learned = Psf.analytic(pixel_nm=self.psf.pixel_nm)
        if getattr(model, "psf", "analytic") != "analytic":
            if not white:
                return None  # it was trained with the PSF of an instrument
            learned = self.unfiltered
        return PsfExchange.between(self.psf, learned, white=white)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, units in the names."""
        return {
            "pixels": self.pixels.to_dict(),
            "moving_light": self.light.to_dict(),
            "shared_noise": self.noise.to_dict(),
            "psf": self.chosen,
            "psf_measured": self.shape,
        }


def cleaned(movie: Movie, *, n_avg: int) -> tuple[Movie, BadPixels, MovingPatterns]:
    """Return the movie, in memory, without bad pixels and moving light, and what these were."""
    movie, pixels = without_bad_pixels(held(movie))
    movie, light = without_moving_patterns(movie, n_avg=n_avg)
    return movie, pixels, light


def look_at(
    movie: Movie, psf: PsfChoice, *, n_avg: int, progress: Progress | None = None
) -> tuple[Movie, Instrument]:
    """Return the movie, `cleaned` and of white noise, and what it says of the instrument.

    Raises `PerrinError` for a movie without living pixels.
    """
    movie, pixels, light = cleaned(movie, n_avg=n_avg)
    noise = find_noise_filter(movie, n_avg=n_avg)
    notes = pixels.notes + light.notes + noise.notes
    default = Psf.analytic(pixel_nm=movie.pixel_nm)
    known = psf if isinstance(psf, Psf) else default
    filtered, gain = noise.seen(known)
    white = noise.applied(movie, gain=gain)
    seen = Instrument(pixels, light, noise, filtered, known, "default", {}, notes)
    if psf is not None:
        return white, replace(seen, chosen="given" if isinstance(psf, Psf) else "default")
    try:
        found = measure_epsf(white, n_avg=n_avg, progress=progress).psf
    except PerrinError as error:
        note = f"PSF not measured, the default is used: {error}"
        return white, replace(seen, notes=(*notes, note))
    seen = replace(seen, shape=found.card)
    if _fits(seen.psf, found.card):
        return white, seen
    notes = (*notes, _described(seen.psf, found.card))
    unfiltered, gain = noise.before(found)
    white = noise.applied(movie, gain=gain)
    return white, replace(seen, psf=found, unfiltered=unfiltered, chosen="measured", notes=notes)


def _fits(default: Psf, card: dict[str, Any]) -> bool:
    width = default.fwhm_px() * default.pixel_nm
    wider, deeper = abs(card["fwhm_nm"] / width - 1), abs(card["ring"] - default.ring())
    same_width = wider < max(_SAME_WIDTH, _SURE * card["fwhm_se_nm"] / width)
    return bool(same_width and deeper < max(_SAME_RING, _SURE * card["ring_se"]))


def _described(default: Psf, card: dict[str, Any]) -> str:
    """What was found, and what it means for the networks."""
    text = (
        f"PSF measured in {card['events']} landings: {card['fwhm_nm']:.0f} nm wide with a ring of "
        f"{card['ring']:.2f} (the default: {default.fwhm_px() * default.pixel_nm:.0f} nm, "
        f"{default.ring():.2f}). Landings are found and fitted with it; networks that have not "
        "learned it see it exchanged for the default"
    )
    if card["ring"] < DEEP_RING:
        text += (
            ". With so deep a ring the classifier keeps fewer binders than it would, and the "
            "network's masses are not given: train both for this instrument (perrin train "
            "classifier --epsf, perrin train quantifier --epsf)"
        )
    return text
