"""Simulated movies of moving particles, with their truth."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.optics.camera import GAUSSIAN_FROM, few_electrons, record
from perrin.optics.psf import Psf
from perrin.settings.motion import MotionMovie
from perrin.simulate.background import (
    TEXTURE_PX,
    Texture,
    fill_light,
    ornstein_uhlenbeck,
    parabola,
)
from perrin.simulate.movie import SimulatedFrames, simulated
from perrin.simulate.moving_particles import Moving, draw_moving
from perrin.simulate.particles import add_gold, add_molecules
from perrin.types import Float32Array, FloatArray, Progress

if TYPE_CHECKING:
    from collections.abc import Callable


_BLOCK_FRAMES = 32
_TEXTURE_OPTICS_NM = 72.0  # the membrane's structure is as fine as the PSF on such pixels


def simulate_motion(
    settings: MotionMovie, *, seed: int = 0, psf: Psf | None = None
) -> tuple[Movie, pd.DataFrame, pd.DataFrame]:
    """Return a movie in memory, its truth (a row a particle and frame), and the walks' truth.

    The truth has the columns ``particle, frame, x, y`` (pixels, drift of the stage in them),
    ``angle_deg`` (continuous), ``contrast``, ``present``, ``stuck``, ``drift_x, drift_y``, and
    ``mass_kda`` for molecules. Same settings and seed, same frames.
    """
    movie, truth, walks = lazy_motion(settings, seed=seed, psf=psf)
    frames = movie.frames[:]
    return _movie(settings, frames, seed), truth, walks


def write_motion(
    settings: MotionMovie,
    *,
    seed: int,
    out: str | os.PathLike[str],
    psf: Psf | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Write a movie (.tif or .mp) with ``.truth.csv`` and ``.walks.csv``; return the truth.

    All appear whole or not at all. Raises `PerrinError` for another suffix, and for a file that
    is there, without `overwrite`.
    """
    from perrin.io import write_mp
    from perrin.io.movies.tiff_write import write_tiff
    from perrin.io.output import output_files, written_files

    writers: dict[str, Callable[[Path, Movie], object]] = {
        ".tif": write_tiff,
        ".tiff": write_tiff,
        ".mp": write_mp,
    }
    suffix = Path(out).suffix
    if suffix not in writers:
        raise PerrinError(f"--out is {out}; a simulated movie is written as .tif or .mp")
    targets = output_files(out, ".truth.csv", ".walks.csv", overwrite=overwrite)
    movie, truth, walks = lazy_motion(settings, seed=seed, psf=psf, progress=progress)
    with written_files(targets) as (movie_file, truth_file, walks_file):
        truth.to_csv(truth_file, index=False)
        walks.to_csv(walks_file, index=False)
        writers[suffix](movie_file, movie)
    return truth


def lazy_motion(
    settings: MotionMovie,
    *,
    seed: int,
    psf: Psf | None = None,
    progress: Progress | None = None,
) -> tuple[Movie, pd.DataFrame, pd.DataFrame]:
    """As `simulate_motion`, with frames that are rendered when they are read."""
    seeds = np.random.SeedSequence(seed).spawn(2)
    moving = draw_moving(settings, rng=np.random.default_rng(seeds[0]))
    shape = psf or Psf.analytic(settings.optics, pixel_nm=settings.pixel_nm)

    def blocks() -> Iterator[NDArray[np.uint16]]:
        return _blocks(settings, moving, psf=shape, seed=seeds[1])

    size = (settings.frames, settings.height_px, settings.width_px)
    frames = SimulatedFrames(blocks, shape=size, progress=progress)
    return _movie(settings, frames, seed), _truth(settings, moving), moving.walks


def _blocks(
    settings: MotionMovie, moving: Moving, *, psf: Psf, seed: np.random.SeedSequence
) -> Iterator[NDArray[np.uint16]]:
    """Blocks of counts (T, Y, X)."""
    # a fresh copy: SeedSequence.spawn counts, and a movie may be rendered twice
    parts = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key).spawn(2)
    rng, noise = (np.random.default_rng(part) for part in parts)
    texture = Texture.of(Psf.analytic(pixel_nm=_TEXTURE_OPTICS_NM), rng=rng)
    origin = rng.uniform(0, TEXTURE_PX, size=(1, 2))
    uneven = parabola(settings.falloff, settings.height_px, settings.width_px)
    slow = ornstein_uhlenbeck(
        3, settings.frames, time_frames=settings.change_s / settings.frame_interval_s, rng=rng
    )
    for first in range(0, settings.frames, _BLOCK_FRAMES):
        part = slice(first, min(settings.frames, first + _BLOCK_FRAMES))
        light = fill_light(
            texture=texture,
            speckle_contrast=settings.texture,
            origin=origin,
            stage=moving.drift[None, part],
            keys=np.zeros(
                (1, (part.stop - first) // 4 + 2, settings.height_px, settings.width_px), np.float32
            ),
        )[0]
        light *= uneven * _changing(settings, slow[:, part])
        _add_particles(light, settings, moving, part, psf=psf)
        yield _recorded(light, settings, rng=noise)


def _recorded(
    light: Float32Array, settings: MotionMovie, *, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Counts (T, Y, X) of relative light: pixels are alike."""
    electrons = np.float32(settings.electrons)
    if electrons < GAUSSIAN_FROM:
        noise = few_electrons(np.maximum(light, 0) * electrons, rng=rng)
    else:
        noise = rng.standard_normal(light.shape, dtype=np.float32)
    camera = settings.model_dump(include={"electrons", "electrons_per_count", "offset_counts"})
    counts: NDArray[np.uint16] = record(light[None], noise=noise[None], **camera)[0]
    return counts


def _add_particles(
    light: NDArray[np.float32], settings: MotionMovie, moving: Moving, part: slice, *, psf: Psf
) -> None:
    """Multiply what is in sight in the frames `part` into their `light` (T, Y, X)."""
    x, y = moving.inside_x[:, part], moving.inside_y[:, part]
    present = moving.present[:, part]
    if settings.kind == "molecules":
        contrast = moving.contrast[:, part]
        add_molecules(light, psf=psf, contrast=contrast, x=x, y=y, present=present)
        return
    add_gold(
        light,
        tables=moving.tables,
        x=x,
        y=y,
        angle=moving.angle[:, part],
        present=present,
        sign=-1.0 if settings.contrast == "dark" else 1.0,
    )


def _changing(settings: MotionMovie, slow: FloatArray) -> NDArray[np.float32]:
    """Light (T, Y, X) that changes slowly: its level, and its slopes along both axes."""
    y = np.linspace(-1, 1, settings.height_px)[None, :, None]
    x = np.linspace(-1, 1, settings.width_px)[None, None, :]
    level, down, across = (settings.change * part[:, None, None] for part in slow)
    return np.asarray(np.maximum(1 + level + down * y + across * x, 0.05), np.float32)


def _truth(settings: MotionMovie, moving: Moving) -> pd.DataFrame:
    count, frames = moving.x.shape
    table = pd.DataFrame(
        {
            "particle": np.repeat(np.arange(count), frames),
            "frame": np.tile(np.arange(frames), count),
            "x": moving.x.ravel(),
            "y": moving.y.ravel(),
            "angle_deg": np.degrees(moving.angle).ravel(),
            "contrast": moving.contrast.ravel(),
            "present": moving.present.ravel(),
            "stuck": moving.stuck.ravel(),
            "drift_x": np.tile(moving.drift[:, 1], count),
            "drift_y": np.tile(moving.drift[:, 0], count),
        }
    )
    if settings.kind == "molecules":
        table["mass_kda"] = np.abs(table["contrast"] / settings.contrast_per_kda)
    if settings.kind != "rods":
        table = table.drop(columns="angle_deg")
    return table


def _movie(settings: MotionMovie, frames: NDArray[np.uint16] | SimulatedFrames, seed: int) -> Movie:
    sign = -1 if settings.contrast == "dark" else 1
    said = {"motion": settings.model_dump(mode="json")}
    return simulated(frames, settings, landing_sign=sign, seed=seed, said=said)
