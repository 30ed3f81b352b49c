"""Plain movies for the tests of the landing analysis: a PSF on a flat field, white noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from perrin.io.movie import Movie
from perrin.optics.psf import Psf, evaluate

PIXEL_NM = 72.0
ELECTRONS = 8e5
Landing = tuple[float, float, float, float]  # moment in frames, y, x, contrast

PlainMovie = Callable[..., Movie]


@pytest.fixture(scope="session")
def psf() -> Psf:
    return Psf.analytic(pixel_nm=PIXEL_NM)


@pytest.fixture(scope="session")
def plain_movie(psf: Psf) -> PlainMovie:
    """A function: landings -> movie; a moment of 12.3 means that frame 12 has 70% of it."""

    def make(
        landings: Sequence[Landing],
        *,
        n_frames: int = 60,
        height: int = 38,
        width: int = 64,
        seed: int | None = 0,
        landing_sign: int = -1,
    ) -> Movie:
        relative = np.ones((n_frames, height, width))
        image = np.empty((height, width))
        for moment, y, x, contrast in landings:
            evaluate(psf.coefficients, x, y, image)
            fraction = np.clip(np.arange(1, n_frames + 1) - moment, 0.0, 1.0)
            relative += contrast * fraction[:, None, None] * image
        frames = relative * ELECTRONS
        if seed is not None:
            frames += np.random.default_rng(seed).normal(scale=ELECTRONS**0.5, size=frames.shape)
        return Movie.from_array(
            np.rint(frames / 16).astype(np.uint16),
            frame_interval_s=1 / 242,
            pixel_nm=PIXEL_NM,
            landing_sign=landing_sign,
        )

    return make
