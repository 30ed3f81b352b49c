"""Simulated movies of moving particles, with their truth.

Paths are walks or mixtures of walks; a particle may stick (its path and its turning wait),
go out of sight and come back. With an exposure, its image is blurred over positions within
the frame, whose mean is the position that the walk reports for the frame.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.optics.psf import Psf
from perrin.settings.diffusion import MIXTURE_KINDS, MixtureSettings
from perrin.settings.motion import MotionMovie
from perrin.simulate.background import TEXTURE_PX, Texture, fill_light, ornstein_uhlenbeck
from perrin.simulate.mixtures import simulate_mixture
from perrin.simulate.movie import Progress, SimulatedFrames
from perrin.simulate.particles import add_gold, add_molecules, gold_table
from perrin.simulate.walk_noise import SUBFRAMES, expose
from perrin.simulate.walk_tables import truth_table
from perrin.simulate.walks import WALKS, brownian

if TYPE_CHECKING:
    from collections.abc import Callable

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_BLOCK_FRAMES = 32
_GAUSSIAN_FROM = 1000.0  # electrons from which shot noise is drawn as Gaussian
_TEXTURE_OPTICS_NM = 72.0  # the membrane's structure is as fine as the PSF on such pixels


@dataclass(frozen=True)
class Moving:
    """P particles in T frames: places in pixels, with the stage's drift in them.

    Attributes
    ----------
    x, y : (P, T)
        Mean place within the exposure.
    inside_x, inside_y : (P, T, K)
        Places within the exposure around it (K = 1 without exposure).
    angle : (P, T)
        Radians, continuous.
    present, stuck : (P, T)
        Whether in sight, whether at rest.
    contrast : (P, T)
        At the center, negative for dark ones.
    drift : (T, 2)
        Of the stage, y and x.
    tables : (P, V, U)
        Images of gold; empty for molecules.
    walks : DataFrame
        What the walks are made of (`perrin.simulate.walk_tables`), a row a particle.

    """

    x: FloatArray
    y: FloatArray
    inside_x: FloatArray
    inside_y: FloatArray
    angle: FloatArray
    present: BoolArray
    stuck: BoolArray
    contrast: FloatArray
    drift: FloatArray
    tables: FloatArray
    walks: pd.DataFrame


def simulate_motion(
    settings: MotionMovie, *, seed: int, psf: Psf | None = None
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


def draw_moving(settings: MotionMovie, *, rng: np.random.Generator) -> Moving:
    """Draw where every particle is in every frame."""
    count, frames = settings.count + settings.immobile, settings.frames
    mobile, walks = _paths(settings, rng)
    paths = np.concatenate([mobile, np.zeros((settings.immobile, frames, 2))])
    stuck = _states(
        count, frames, rate=settings.sticks_per_s, mean=settings.stuck_s, settings=settings, rng=rng
    )
    away = _states(
        count, frames, rate=settings.leaves_per_s, mean=settings.away_s, settings=settings, rng=rng
    )
    stuck[settings.count :] = True
    clock = np.cumsum(~stuck, axis=1) - 1  # a path goes on only while the particle is loose
    clock = np.maximum(clock, 0)
    paths = np.take_along_axis(paths, clock[..., None], axis=1)
    turn = np.sqrt(2 * settings.rotation_rad2_per_s * settings.frame_interval_s)
    turned = np.cumsum(turn * rng.standard_normal((count, frames)), axis=1)
    angle = rng.uniform(0, np.pi, (count, 1)) + np.take_along_axis(turned, clock, axis=1)
    direction = rng.uniform(0, 2 * np.pi)
    along = settings.drift_nm_per_s * settings.frame_interval_s / settings.pixel_nm
    drift = np.arange(frames)[:, None] * along * np.array([np.sin(direction), np.cos(direction)])
    place = _placed(paths, settings, rng) + drift[:, ::-1]
    inside = _within_exposure(place, stuck, settings, rng)
    tables, contrast = _looks(settings, count, rng)
    return Moving(
        x=place[..., 0],
        y=place[..., 1],
        inside_x=inside[..., 0],
        inside_y=inside[..., 1],
        angle=angle,
        present=~away,
        stuck=stuck,
        contrast=contrast,
        drift=drift,
        tables=tables,
        walks=walks,
    )


def _paths(settings: MotionMovie, rng: np.random.Generator) -> tuple[FloatArray, pd.DataFrame]:
    """Return the paths of the mobile particles (P, T, 2), pixels, and what they are made of."""
    if not settings.count:
        return np.zeros((0, settings.frames, 2)), pd.DataFrame({"particle": np.arange(0)})
    if settings.walk in MIXTURE_KINDS:
        mixture = simulate_mixture(
            MixtureSettings.model_validate(
                {
                    "kind": settings.walk,
                    "length": settings.frames,
                    "exposure": settings.exposure,
                }
            ),
            count=settings.count,
            rng=rng,
        )
        paths, walks = mixture.positions, truth_table(mixture.truth)
    else:
        fine = SUBFRAMES if settings.exposure else 1
        length = settings.frames * fine
        alpha = np.full(settings.count, 1.0 if settings.walk == "brownian" else settings.alpha)
        if settings.walk == "brownian":
            paths = brownian(settings.count, length=length, rng=rng)
        else:
            paths = WALKS[settings.walk](alpha, length=length, rng=rng)
        paths = expose(paths, settings.exposure) if fine > 1 else paths
        walks = pd.DataFrame({"particle": np.arange(settings.count), "kind": settings.walk})
        walks["alpha"] = alpha
    step = np.sqrt((np.diff(paths, axis=1) ** 2).mean(axis=(1, 2)))
    scale = settings.step_nm / settings.pixel_nm / np.where(step > 0, step, 1.0)
    return paths * scale[:, None, None], walks


def _states(
    count: int,
    frames: int,
    *,
    rate: float,
    mean: float,
    settings: MotionMovie,
    rng: np.random.Generator,
) -> BoolArray:
    """Return a two-state process (P, T) that is entered at `rate` and lasts `mean` seconds."""
    state = np.zeros((count, frames), bool)
    if not rate:
        return state
    enters = 1 - np.exp(-rate * settings.frame_interval_s)
    ends = 1 - np.exp(-settings.frame_interval_s / mean)
    drawn = rng.random((count, frames))
    for t in range(1, frames):
        state[:, t] = np.where(state[:, t - 1], drawn[:, t] >= ends, drawn[:, t] < enters)
    return state


def _placed(paths: FloatArray, settings: MotionMovie, rng: np.random.Generator) -> FloatArray:
    """Move every path (P, T, 2) to a random place, within the field where it fits."""
    margin = 0.5 * max(settings.length_nm, settings.width_nm) / settings.pixel_nm + 2
    if settings.kind == "molecules":
        margin = 6.0
    size = np.array([settings.width_px, settings.height_px]) - 1.0
    low, high = paths.min(axis=1), paths.max(axis=1)
    room = size - 2 * margin - (high - low)
    fraction = rng.random(low.shape)
    fits = margin - low + fraction * np.maximum(room, 0)
    anywhere = margin + fraction * (size - 2 * margin) - paths[:, 0]
    start: FloatArray = np.where(room > 0, fits, anywhere)
    return paths + start[:, None, :]


def _within_exposure(
    place: FloatArray, stuck: BoolArray, settings: MotionMovie, rng: np.random.Generator
) -> FloatArray:
    """Return places within each exposure, (P, T, K, 2), whose mean is `place` (P, T, 2).

    `step_nm` is what the mean places do; the particle itself moves more, since the mean over an
    exposure e leaves 1 - e / 3 of the variance of a Brownian step.
    """
    if not settings.exposure:
        return place[:, :, None, :]
    true = settings.step_nm / settings.pixel_nm / np.sqrt(1 - settings.exposure / 3)
    step = true * np.sqrt(settings.exposure / SUBFRAMES)
    walk = np.cumsum(step * rng.standard_normal((*place.shape[:2], SUBFRAMES, 2)), axis=2)
    walk -= walk.mean(axis=2, keepdims=True)
    walk[stuck] = 0.0
    inside: FloatArray = place[:, :, None, :] + walk
    return inside


def _looks(
    settings: MotionMovie, count: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return the images of gold (P, V, U) and the contrast at the center (P, T)."""
    if settings.kind == "molecules":
        mass = np.full((count, settings.frames), settings.mass_kda)
        if settings.steps_to_kda is not None:
            mass[:, settings.frames // 2 :] = settings.steps_to_kda
        sign = 1.0 if settings.contrast == "dark" else -1.0
        return np.zeros((0, 1, 1)), sign * settings.contrast_per_kda * mass
    sizes = np.maximum(1 + settings.size_spread * rng.standard_normal(count), 0.3)
    drawn = [
        gold_table(
            length=factor * max(settings.length_nm, settings.width_nm) / settings.pixel_nm
            if settings.kind == "rods"
            else factor * settings.width_nm / settings.pixel_nm,
            width=factor * settings.width_nm / settings.pixel_nm,
            blur=settings.blur_nm / settings.pixel_nm,
            absorption=settings.absorption_nm / settings.pixel_nm,
        )
        for factor in (sizes if settings.size_spread else sizes[:1])
    ]
    if len(drawn) < count:
        drawn = drawn * count
    shape = np.max([table.shape for table in drawn], axis=0) if drawn else (1, 1)
    tables = np.zeros((count, *shape))
    for table, own in zip(tables, drawn, strict=False):
        table[: own.shape[0], : own.shape[1]] = own
    sign = -1.0 if settings.contrast == "dark" else 1.0
    return tables, np.repeat(sign * tables[:, :1, 0], settings.frames, axis=1)


def _blocks(
    settings: MotionMovie, moving: Moving, *, psf: Psf, seed: np.random.SeedSequence
) -> Iterator[NDArray[np.uint16]]:
    """Blocks of counts (T, Y, X)."""
    # a fresh copy: SeedSequence.spawn counts, and a movie may be rendered twice
    parts = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key).spawn(2)
    rng, noise = (np.random.default_rng(part) for part in parts)
    texture = Texture.of(Psf.analytic(pixel_nm=_TEXTURE_OPTICS_NM), rng=rng)
    origin = rng.uniform(0, TEXTURE_PX, size=(1, 2))
    uneven = _illumination(settings)
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
        if settings.kind == "molecules":
            add_molecules(
                light,
                psf=psf,
                contrast=moving.contrast[:, part],
                x=moving.inside_x[:, part],
                y=moving.inside_y[:, part],
                present=moving.present[:, part],
            )
        else:
            add_gold(
                light,
                tables=moving.tables,
                x=moving.inside_x[:, part],
                y=moving.inside_y[:, part],
                angle=moving.angle[:, part],
                present=moving.present[:, part],
                sign=-1.0 if settings.contrast == "dark" else 1.0,
            )
        yield _counts(settings, light, noise)


def _counts(
    settings: MotionMovie, light: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Electrons with their shot noise, as counts."""
    mean = np.maximum(light, 0) * np.float32(settings.electrons)
    if settings.electrons < _GAUSSIAN_FROM:
        arrived = rng.poisson(mean).astype(np.float64)
    else:
        noise = rng.standard_normal(mean.shape, dtype=np.float32)
        arrived = np.asarray(mean + np.sqrt(mean) * noise, np.float64)
    counts = settings.offset_counts + arrived / settings.electrons_per_count
    rounded: NDArray[np.uint16] = np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
    return rounded


def _illumination(settings: MotionMovie) -> NDArray[np.float32]:
    """Light over the field (Y, X), mean 1: a parabola down to the corners."""
    y = np.linspace(-1, 1, settings.height_px)[:, None]
    x = np.linspace(-1, 1, settings.width_px)[None, :]
    light = 1.0 - settings.falloff * (x**2 + y**2) / 2
    return np.asarray(light / light.mean(), np.float32)


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
    return Movie(
        frames=frames,
        frame_interval_s=settings.frame_interval_s,
        pixel_nm=settings.pixel_nm,
        landing_sign=-1 if settings.contrast == "dark" else 1,
        instrument="perrin simulation",
        format="simulated",
        provenance={
            "simulated_by": f"perrin {__version__}",
            "seed": seed,
            "motion": settings.model_dump(mode="json"),
        },
    )
