"""Whole simulated measurements: a sample lands, a camera records, the truth is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.io.movie import ArrayFrames, Movie
from perrin.optics.camera import fixed_pattern, record
from perrin.optics.psf import Psf
from perrin.optics.pupil import psf_of
from perrin.settings.simulation import InstrumentSettings, LandingAssay
from perrin.simulate.background import (
    TEXTURE_PX,
    Texture,
    draw_focus,
    draw_laser,
    draw_stage,
    dynamic_keys,
    fill_light,
    illumination,
)
from perrin.simulate.disturbances import Disturbances
from perrin.simulate.motions import Particles
from perrin.simulate.recorded import add_to_recorded, instrument_of
from perrin.simulate.render import multiply_landings, widening_coefficients
from perrin.simulate.sample import draw_sample
from perrin.types import Progress

if TYPE_CHECKING:
    import pandas as pd

BLOCK_FRAMES = 128
_DISTURBED = 1_000_000  # key of a stream of random numbers that nothing else draws from

Block = NDArray[np.uint16]


class SimulatedFrames(ArrayFrames):
    """Frames (T, Y, X) uint16 of a simulated measurement, rendered as they are asked for.

    Blocks come out in order and cheaply; going back starts again from the first frame. Memory
    does not grow with the length of the movie.
    """

    dtype: np.dtype[Any] = np.dtype(np.uint16)

    def __init__(
        self,
        blocks: Callable[[], Iterator[Block]],
        *,
        shape: tuple[int, int, int],
        progress: Progress | None = None,
    ) -> None:
        self.shape = shape
        self._make_blocks = blocks
        self._progress = progress
        self._restart()

    def _read(self, start: int, stop: int) -> Block:
        if start < self._start:
            self._restart()
        parts = []
        while True:
            begin, end = max(start, self._start), min(stop, self._start + len(self._block))
            if begin < end:
                parts.append(self._block[begin - self._start : end - self._start])
            if end >= stop:
                break
            self._advance()
        return np.concatenate(parts)

    def _restart(self) -> None:
        self._blocks = self._make_blocks()
        self._start = 0
        self._block = np.empty((0, *self.shape[1:]), np.uint16)

    def _advance(self) -> None:
        self._start += len(self._block)
        self._block = next(self._blocks)
        if self._progress is not None:
            self._progress(min(1.0, (self._start + len(self._block)) / len(self)))


def simulate_landings(
    assay: LandingAssay,
    *,
    seconds: float = 60.0,
    seed: int = 0,
    out: str | os.PathLike[str],
    background: Movie | None = None,
    psf: Psf | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Simulate a measurement into an `.mp` file with its truth table beside it.

    Parameters
    ----------
    assay, seconds, seed
        Instrument, sample, background; length of the movie. Same settings and seed, same bytes.
    out : path
        ``name.mp``; the truth goes to ``name.truth.csv``. Both appear whole or not at all.
    background, psf : optional
        A recorded buffer movie instead of the background model; an empirical PSF instead of
        the analytic one of the assay's optics.
    overwrite, progress
        Replace a movie and a truth that are there; called with the fraction done, 0 to 1.

    Returns
    -------
    DataFrame
        The truth, one row a molecule; see `perrin.simulate.sample.truth_table`.

    Raises
    ------
    PerrinError
        For a length that is not positive, a buffer movie that does not fit, and a file that is
        there, without `overwrite`, that is read, or cannot be written.

    """
    from perrin.io import write_mp
    from perrin.io.output import output_files, written_files

    read = [] if background is None or background.path is None else [background.path]
    targets = output_files(out, ".truth.csv", overwrite=overwrite, inputs=read)
    movie, truth = lazy_movie(
        assay, seconds=seconds, seed=seed, background=background, psf=psf, progress=progress
    )
    truth.insert(0, "measurement", targets[0].shown.stem)
    with written_files(targets) as (movie_file, truth_file):
        truth.to_csv(truth_file, index=False)
        write_mp(movie_file, movie)
    return truth


def simulate_movie(
    assay: LandingAssay,
    *,
    seconds: float,
    seed: int,
    background: Movie | None = None,
    psf: Psf | None = None,
) -> tuple[Movie, pd.DataFrame]:
    """Like `simulate_landings`, with all frames in memory (11 MB a second) and no file."""
    movie, truth = lazy_movie(assay, seconds=seconds, seed=seed, background=background, psf=psf)
    return replace(movie, frames=movie.frames[:]), truth


def lazy_movie(
    assay: LandingAssay,
    *,
    seconds: float,
    seed: int,
    background: Movie | None = None,
    psf: Psf | None = None,
    progress: Progress | None = None,
) -> tuple[Movie, pd.DataFrame]:
    """Return a movie whose frames are rendered when they are read, and its truth."""
    instrument = assay.instrument
    if not 0 < seconds <= 1e5:
        raise PerrinError(f"a movie of {seconds:g} s cannot be simulated; give seconds above 0")
    n_frames = max(1, round(seconds / instrument.frame_interval_s))
    sign = -1
    if background is not None:
        instrument = instrument_of(background, instrument, n_frames=n_frames)
        sign = background.landing_sign
    seeds = np.random.SeedSequence(seed).spawn(3)
    rng = np.random.default_rng(seeds[0])
    focus = draw_focus(assay.background, instrument, count=1, n_frames=n_frames, rng=rng)[0]
    particles, truth = draw_sample(assay, instrument, focus=focus, rng=rng)
    shape = psf or psf_of(instrument)
    shape.check_pixel(instrument.pixel_nm)

    def blocks() -> Iterator[Block]:
        landings = _Landings(particles, instrument, psf=shape, landing_sign=sign)
        if background is not None:
            return _recorded_blocks(background, landings, n_frames=n_frames, seed=seeds[1])
        return _model_blocks(assay, landings, n_frames=n_frames, psf=shape, seed=seeds[1])

    frames = SimulatedFrames(
        blocks, shape=(n_frames, instrument.height_px, instrument.width_px), progress=progress
    )
    said = {
        "assay": assay.model_dump(mode="json"),
        "background": "model" if background is None else background.name,
        "psf": shape.card,
    }
    return simulated(frames, instrument, landing_sign=sign, seed=seed, said=said), truth


class Timed(Protocol):
    """Settings that hold a frame interval and a pixel size."""

    @property
    def frame_interval_s(self) -> float:
        """Time from frame to frame."""

    @property
    def pixel_nm(self) -> float:
        """Pixel in the sample."""


def simulated(
    frames: Block | SimulatedFrames,
    settings: Timed,
    *,
    landing_sign: int,
    seed: int,
    said: dict[str, Any],
) -> Movie:
    """Return frames as a movie whose provenance says how they were made."""
    return Movie(
        frames=frames,
        frame_interval_s=settings.frame_interval_s,
        pixel_nm=settings.pixel_nm,
        landing_sign=landing_sign,
        instrument="perrin simulation",
        format="simulated",
        provenance={"simulated_by": f"perrin {__version__}", "seed": seed, **said},
    )


class _Landings:
    """The molecules of a measurement, multiplied into one block of frames after the other."""

    def __init__(
        self, particles: Particles, instrument: InstrumentSettings, *, psf: Psf, landing_sign: int
    ) -> None:
        self._waiting = particles.seen_with(landing_sign)
        self._settled = np.ones((1, 1, instrument.height_px, instrument.width_px), np.float32)
        self._psf = psf
        self._wider = widening_coefficients(psf)

    def multiply(self, light: NDArray[np.float32], *, first: int) -> None:
        """Multiply `light` (1, T, Y, X), which starts at frame `first`, in place."""
        stop = first + light.shape[1]
        light *= self._settled
        self._apply(light, self._waiting[self._waiting.land < stop], first)
        settled = np.isinf(self._waiting.leave) & (self._waiting.at_rest <= stop)
        self._apply(self._settled, self._waiting[settled], stop)
        self._waiting = self._waiting[~settled & (self._waiting.leave > stop)]

    def _apply(self, light: NDArray[np.float32], particles: Particles, first: int) -> None:
        multiply_landings(
            light,
            particles,
            window=np.array([[first, 0, 0]]),
            owned=np.array([0, len(particles)]),
            psf=self._psf,
            wider=self._wider,
        )


def _model_blocks(
    assay: LandingAssay,
    landings: _Landings,
    *,
    n_frames: int,
    psf: Psf,
    seed: np.random.SeedSequence,
) -> Iterator[Block]:
    """Blocks of counts with the background model."""
    instrument, background, camera = assay.instrument, assay.background, assay.camera
    # a fresh copy: SeedSequence.spawn counts, and a movie may be rendered twice
    parts = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key).spawn(3)
    rng, speckle_rng, noise_rng = (np.random.default_rng(part) for part in parts)
    texture = Texture.of(psf, rng=rng)
    disturbances = _disturbances(assay, psf, texture, n_frames, seed=seed)
    stage = draw_stage(background, instrument, count=1, n_frames=n_frames, rng=rng)
    laser = draw_laser(background, instrument, count=1, n_frames=n_frames, rng=rng)
    origin = rng.uniform(0, TEXTURE_PX, size=(1, 2))
    gain = fixed_pattern(camera, instrument, rng=rng)[None]
    electrons = camera.electrons * illumination(background, instrument)[None]
    keys = None
    for first in range(0, n_frames, BLOCK_FRAMES):
        stop = min(n_frames, first + BLOCK_FRAMES)
        keys = dynamic_keys(
            background,
            instrument,
            texture=texture,
            n_frames=stop - first,
            shape=(instrument.height_px, instrument.width_px),
            count=1,
            rng=speckle_rng,
            previous=None if keys is None else keys[:, -1],
        )
        light = fill_light(
            texture=texture,
            speckle_contrast=background.speckle_contrast,
            origin=origin,
            stage=stage[:, first:stop],
            keys=disturbances.add_speckle(keys, n_frames=stop - first),
        )
        disturbances.multiply(light, corner=np.zeros((1, 2), np.int64), first=first)
        landings.multiply(light, first=first)
        yield record(
            light,
            electrons=electrons,
            gain=gain,
            exposure=laser[:, first:stop],
            noise=noise_rng.standard_normal(light.shape, dtype=np.float32),
            **camera.of_record(),
        )[0]


def _disturbances(
    assay: LandingAssay, psf: Psf, texture: Texture, n_frames: int, *, seed: np.random.SeedSequence
) -> Disturbances:
    """What disturbs a movie, drawn from a stream of its own."""
    instrument = assay.instrument
    key = (*seed.spawn_key, _DISTURBED)
    rng = np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=key))
    return Disturbances.draw(
        assay.disturbances,
        instrument,
        psf=psf,
        texture=texture,
        shape=(instrument.height_px, instrument.width_px),
        count=1,
        n_frames=n_frames,
        rng=rng,
    )


def _recorded_blocks(
    background: Movie, landings: _Landings, *, n_frames: int, seed: np.random.SeedSequence
) -> Iterator[Block]:
    """Blocks of a recorded movie, from a random frame on, with landings added."""
    start = int(np.random.default_rng(seed).integers(background.n_frames - n_frames + 1))
    for first in range(0, n_frames, BLOCK_FRAMES):
        stop = min(n_frames, first + BLOCK_FRAMES)
        counts = background.frames[start + first : start + stop]
        light = np.ones((1, *counts.shape), np.float32)
        landings.multiply(light, first=first)
        yield add_to_recorded(counts, light[0])
