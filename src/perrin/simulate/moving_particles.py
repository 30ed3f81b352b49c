"""Where moving particles are in every frame: paths, rests, absences, and what they look like.

Paths are walks or mixtures of walks; a particle may stick (its path and its turning wait),
go out of sight and come back. With an exposure, its image is blurred over positions within
the frame, whose mean is the position that the walk reports for the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perrin.settings.diffusion import MIXTURE_KINDS, MixtureSettings
from perrin.settings.motion import MotionMovie
from perrin.simulate.mixtures import simulate_mixture
from perrin.simulate.particles import gold_table
from perrin.simulate.walk_noise import SUBFRAMES, expose
from perrin.simulate.walk_tables import truth_table
from perrin.simulate.walks import WALKS, brownian
from perrin.types import BoolArray, FloatArray


@dataclass(frozen=True)
class Moving:
    """P particles in T frames: places in pixels, with the stage's drift in them."""

    x: FloatArray
    y: FloatArray
    """x, y (P, T): mean place within the exposure."""
    inside_x: FloatArray
    inside_y: FloatArray
    """inside_x, inside_y (P, T, K): places within the exposure around it (K = 1 without
    exposure)."""
    angle: FloatArray
    """(P, T): radians, continuous."""
    present: BoolArray
    stuck: BoolArray
    """present, stuck (P, T): whether in sight, whether at rest."""
    contrast: FloatArray
    """(P, T): at the center, negative for dark ones."""
    drift: FloatArray
    """(T, 2): of the stage, y and x."""
    tables: FloatArray
    """(P, V, U): images of gold; empty for molecules."""
    walks: pd.DataFrame
    """What the walks are made of (`perrin.simulate.walk_tables`), a row a particle."""


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
