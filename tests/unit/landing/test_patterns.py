"""Moving fringes are found as two patterns and taken out; what is none is left alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.light import evened, light_field
from perrin.landing.patterns import find_moving_patterns, without_moving_patterns

FRAMES, HEIGHT, WIDTH, N_AVG = 1000, 36, 80, 10
NOISE = 1.1e-3
PIXEL_NM, RATE_HZ = 72.0, 242.0


@cache
def quiet() -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    return 1 + NOISE * rng.standard_normal((FRAMES, HEIGHT, WIDTH))


def fringes(contrast: float, *, period_um: float = 2.6, angle: float = 0.6) -> NDArray[np.float64]:
    """A wave of this rms contrast whose phase runs and wanders."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:HEIGHT, :WIDTH] * PIXEL_NM * 1e-3
    along = x * np.cos(angle) + y * np.sin(angle)
    phase = 2 * np.pi * 0.7 * np.arange(FRAMES) / RATE_HZ
    phase += np.cumsum(rng.normal(0, 0.03, FRAMES))
    wave = np.sin(2 * np.pi * along / period_um + phase[:, None, None])
    return np.sqrt(2) * contrast * wave


def landings(contrast: float, per_frame: float) -> NDArray[np.float64]:
    """Spots that land and stay, as a factor."""
    rng = np.random.default_rng(2)
    frames = np.zeros((FRAMES, HEIGHT, WIDTH))
    for _ in range(rng.poisson(per_frame * FRAMES)):
        y, x = rng.uniform(0, HEIGHT), rng.uniform(0, WIDTH)
        rows, columns = np.ogrid[:HEIGHT, :WIDTH]
        spot = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 1.7**2))
        frames[rng.integers(FRAMES) :] -= contrast * spot
    return frames


def movie_of(light: NDArray[np.float64]) -> Movie:
    counts = np.rint(40_000 * light).astype(np.uint16)
    return Movie.from_array(counts, frame_interval_s=1 / RATE_HZ, pixel_nm=PIXEL_NM)


def ratiometric_noise(movie: Movie) -> float:
    """Of frames as `find_moving_patterns` sees them, smoothed to half a micrometer."""
    frames = movie.frames[:]
    frames = evened(frames, light_field(frames))
    steps = [
        gaussian_filter(
            frames[k + N_AVG : k + 2 * N_AVG].mean(0) - frames[k : k + N_AVG].mean(0), 3.0
        )
        for k in range(0, FRAMES - 2 * N_AVG, 2 * N_AVG)
    ]
    return float(np.std(steps))


def test_fringes_are_two_patterns_and_go() -> None:
    clean, disturbed = movie_of(quiet()), movie_of(quiet() + fringes(1e-3))
    found_in, found = without_moving_patterns(disturbed, n_avg=N_AVG)
    assert len(found.patterns) == 2
    # a wave of 36 x 80 pixels is known to about the field's own width: 5.8 um hold 2.2 of it
    assert found.wavelength_um == pytest.approx(2.6, rel=0.25)
    assert ratiometric_noise(disturbed) > 2 * ratiometric_noise(clean)
    assert ratiometric_noise(found_in) == pytest.approx(ratiometric_noise(clean), rel=0.05)
    assert "fringes" in found.notes[0]
    assert found.to_dict()["patterns"] == 2


def test_the_size_of_fringes_is_that_of_a_ratiometric_frame() -> None:
    wave = fringes(1e-3)
    found = find_moving_patterns(movie_of(quiet() + wave), n_avg=N_AVG)
    steps = [
        wave[k + N_AVG : k + 2 * N_AVG].mean(0) - wave[k : k + N_AVG].mean(0)
        for k in range(0, FRAMES - 2 * N_AVG, N_AVG)
    ]
    # the plane of each frame takes a few percent of a wave that fits the field but twice
    assert found.rms == pytest.approx(float(np.std(steps)), rel=0.15)


@pytest.mark.parametrize(
    "light",
    [
        pytest.param(quiet(), id="noise"),
        pytest.param(quiet() + landings(0.01, 0.2), id="many landings"),
        pytest.param(quiet() + landings(0.1, 0.01), id="heavy landings"),
    ],
)
def test_what_does_not_move_as_a_pattern_is_left_alone(light: NDArray[np.float64]) -> None:
    movie = movie_of(light)
    same, found = without_moving_patterns(movie, n_avg=N_AVG)
    assert same is movie
    assert found.notes == ()
    assert found.to_dict() == {"patterns": 0, "wavelength_um": None, "rms": 0.0}


def test_a_stage_that_moves_is_no_fringe() -> None:
    rng = np.random.default_rng(4)
    rough = gaussian_filter(rng.standard_normal((HEIGHT + 8, WIDTH + 8)), 1.7)
    rough *= 0.012 / rough.std()
    down, right = np.gradient(rough)
    walk = np.cumsum(rng.normal(0, 3e-3, (2, FRAMES)), axis=1)  # pixels
    moved = walk[0][:, None, None] * down + walk[1][:, None, None] * right
    still = rough + moved
    found = find_moving_patterns(movie_of(quiet() + still[:, 4:-4, 4:-4]), n_avg=N_AVG)
    assert len(found.patterns) == 0


def test_fringes_taken_out_take_little_of_a_landing() -> None:
    rng, size, sigma = np.random.default_rng(3), 0.02, 1.7
    moments = np.arange(60, FRAMES - 60, 40)
    at = np.column_stack([rng.integers(5, HEIGHT - 5, 99), rng.integers(5, WIDTH - 5, 99)])
    at = at[: len(moments)]
    light = quiet()
    for t, (y, x) in zip(moments, at, strict=True):
        rows, columns = np.ogrid[:HEIGHT, :WIDTH]
        spot = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2))
        light = light - size * spot * (np.arange(FRAMES) >= t)[:, None, None]
    clean = movie_of(light)
    without, found = without_moving_patterns(movie_of(light + fringes(2e-3)), n_avg=N_AVG)
    assert len(found.patterns) == 2
    kept = [
        _step(without, t, y, x) / _step(clean, t, y, x)
        for t, (y, x) in zip(moments, at, strict=True)
    ]
    # two patterns of mean square 1 take twice the area of a spot over that of the field
    taken = 2 * 2 * np.pi * sigma**2 / (HEIGHT * WIDTH)
    noise = NOISE * np.sqrt(2 / 16) / size * np.sqrt(2 / len(moments))
    assert -taken - 3 * noise < np.mean(kept) - 1 < 3 * noise


def _step(movie: Movie, t: int, y: int, x: int) -> float:
    """Change of a pixel over 16 frames on both sides, of frames over their planes."""
    block = movie.frames[t - 16 : t + 16]
    even = evened(block, light_field(block))[:, y, x]
    return float(even[16:].mean() / even[:16].mean() - 1)


def test_a_field_of_few_waves_is_left_alone() -> None:
    small = movie_of((quiet() + fringes(2e-3))[:, :16, :16])
    assert without_moving_patterns(small, n_avg=N_AVG)[0] is small


@pytest.mark.parametrize("place", [0, 515])  # of those that the mean is of, and of none
def test_a_black_frame_is_named_by_its_number(place: int) -> None:
    light = quiet().copy()
    light[place] = 0
    with pytest.raises(PerrinError, match=f"frame {place} has a mean of 0"):
        without_moving_patterns(movie_of(light), n_avg=N_AVG)
