"""The five classes of landing: what a molecule does after it touches the glass.

Distributions of paper 002, Table 1, with the truncations of `MotionSettings`. A path is a
chain of straight steps: a roller has one (its rolling), a wobbler one for each frame of its
wobbling, everything else none. After the last step the molecule stays where it is or leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from perrin.events import MOVERS
from perrin.settings.simulation import BackgroundSettings, InstrumentSettings, MotionSettings
from perrin.types import FloatArray

Rows = NDArray[np.int64] | NDArray[np.bool_]


_Index: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Motions:
    """What N molecules do, in physical units."""

    names: NDArray[np.str_]
    """(N,): binder, unbinder, roller or wobbler."""
    residence_time_frames: FloatArray
    """(N,): time on the surface of an unbinder, time in motion of a roller or wobbler; infinite for
    a binder (Table 1, "duration")."""
    unbinds: NDArray[np.bool_]
    """(N,): whether the molecule leaves when that time is over."""
    speed_nm_per_ms: FloatArray
    direction_rad: FloatArray
    """speed_nm_per_ms, direction_rad (N, K): of each step; NaN beyond the last."""

    def __getitem__(self, rows: Rows) -> Motions:
        return Motions(*(column[rows] for column in vars(self).values()))

    def and_others(self, others: Motions) -> Motions:
        """Return these and others, drawn with the same settings."""
        return Motions(*_one_by_one(self, others))


Columns: TypeAlias = tuple[
    FloatArray, FloatArray, FloatArray, FloatArray, _Index, FloatArray, FloatArray, FloatArray
]


@dataclass(frozen=True)
class Particles:
    """What the renderer needs: P molecules in frames and pixels, in order of their windows."""

    land: FloatArray
    leave: FloatArray
    """land, leave (P,): times in frames (3.25: a quarter into frame 3); leave is infinite if it
    stays."""
    x: FloatArray
    y: FloatArray
    """x, y (P, K + 1): position at landing and after each step; the last one is repeated."""
    steps: NDArray[np.int64]
    """(P,): number of steps."""
    step_frames: FloatArray
    """(P,): duration of one step."""
    contrast: FloatArray
    widening: FloatArray
    """contrast, widening (P,): contrast at the center (negative), and relative change of the width
    of the PSF."""

    def __len__(self) -> int:
        return len(self.land)

    def __getitem__(self, rows: Rows) -> Particles:
        return Particles(*(np.ascontiguousarray(column[rows]) for column in vars(self).values()))

    def columns(self) -> Columns:
        """Return all arrays, in the order above, in which the kernels take them."""
        steps = self.steps, self.step_frames
        return self.land, self.leave, self.x, self.y, *steps, self.contrast, self.widening

    def and_others(self, others: Particles) -> Particles:
        """Return these and others, with as many steps."""
        return Particles(*_one_by_one(self, others))

    def shifted(
        self, *, frames: NDArray[np.int64], y_px: NDArray[np.int64], x_px: NDArray[np.int64]
    ) -> Particles:
        """Return the same molecules counted from other frames (P,) and pixels (P,)."""
        return replace(
            self,
            land=self.land - frames,
            leave=self.leave - frames,
            x=self.x - x_px[:, None],
            y=self.y - y_px[:, None],
        )

    def seen_with(self, landing_sign: int) -> Particles:
        """Return the molecules as raw pixels show them: brighter where the sign is +1."""
        return replace(self, contrast=-landing_sign * self.contrast)

    @property
    def at_rest(self) -> FloatArray:
        """Time in frames from which each molecule does not move any more."""
        rest: FloatArray = self.land + self.steps * self.step_frames
        return rest


def _one_by_one(some: Motions | Particles, others: Motions | Particles) -> list[NDArray[Any]]:
    columns = zip(vars(some).values(), vars(others).values(), strict=True)
    return [np.concatenate(column) for column in columns]


def draw_motions(
    names: NDArray[np.str_], *, settings: MotionSettings, rng: np.random.Generator
) -> Motions:
    """Draw duration, unbinding, speeds and directions for molecules of the given classes."""
    count = len(names)
    most = settings.wobbler_max_frames
    motions = Motions(
        names,
        residence_time_frames=np.full(count, np.inf),
        unbinds=np.zeros(count, bool),
        speed_nm_per_ms=np.full((count, most), np.nan),
        direction_rad=np.full((count, most), np.nan),
    )
    for name, draw in _DRAWN.items():
        rows = np.flatnonzero(names == name)
        draw(motions, rows, settings, rng)
    return motions


def longest_frames(settings: MotionSettings) -> float:
    """Time in frames after which no molecule moves, or leaves, any more."""
    return max(
        settings.unbinder_max_frames, settings.roller_max_frames, settings.wobbler_max_frames
    )


def leaving_after_motion(settings: MotionSettings) -> MotionSettings:
    """Return the settings with which every molecule that moves leaves as it comes to rest."""
    return settings.model_copy(update={f"{name}_unbinds": 1.0 for name in MOVERS})


def _unbind(
    motions: Motions, rows: _Index, settings: MotionSettings, rng: np.random.Generator
) -> None:
    motions.residence_time_frames[rows] = _truncated_normal(
        rng,
        len(rows),
        mean=settings.unbinder_mean_frames,
        sd=settings.unbinder_sd_frames,
        low=settings.unbinder_min_frames,
        high=settings.unbinder_max_frames,
    )
    motions.unbinds[rows] = True


def _roll(
    motions: Motions, rows: _Index, settings: MotionSettings, rng: np.random.Generator
) -> None:
    motions.residence_time_frames[rows] = rng.uniform(
        settings.roller_min_frames, settings.roller_max_frames, size=len(rows)
    )
    motions.unbinds[rows] = rng.random(len(rows)) < settings.roller_unbinds
    motions.speed_nm_per_ms[rows, 0] = rng.uniform(
        settings.roller_min_nm_per_ms, settings.roller_max_nm_per_ms, size=len(rows)
    )
    motions.direction_rad[rows, 0] = rng.uniform(0, 2 * np.pi, size=len(rows))


def _wobble(
    motions: Motions, rows: _Index, settings: MotionSettings, rng: np.random.Generator
) -> None:
    steps = rng.integers(
        settings.wobbler_min_frames, settings.wobbler_max_frames, size=len(rows), endpoint=True
    )
    motions.residence_time_frames[rows] = steps
    motions.unbinds[rows] = rng.random(len(rows)) < settings.wobbler_unbinds
    taken = np.arange(settings.wobbler_max_frames) < steps[:, None]
    drawn = _truncated_normal(
        rng,
        taken.size,
        mean=settings.wobbler_mean_nm_per_ms,
        sd=settings.wobbler_sd_nm_per_ms,
        low=0.0,
        high=np.inf,
    ).reshape(taken.shape)
    turned = rng.uniform(0, 2 * np.pi, size=taken.shape)
    motions.speed_nm_per_ms[rows] = np.where(taken, drawn, np.nan)
    motions.direction_rad[rows] = np.where(taken, turned, np.nan)


_DRAWN = {"unbinder": _unbind, "roller": _roll, "wobbler": _wobble}
"""How the molecules of each class behave; those not named here stay where they land."""


@dataclass(frozen=True)
class Landings:
    """Where, when and how N molecules land, (N,) each: frames, pixels of the field, mass.

    focus is the relative change of the contrast where and when a molecule lands.
    """

    frames: FloatArray
    x_px: FloatArray
    y_px: FloatArray
    mass_kda: FloatArray
    focus: FloatArray


def place(
    motions: Motions,
    landings: Landings,
    background: BackgroundSettings,
    instrument: InstrumentSettings,
) -> Particles:
    """Give every motion the time, place and contrast of its landing.

    The width of the PSF changes by `background.widening` times the focus. Focus is slow against
    an event, so a molecule keeps the focus of its landing.
    """
    steps = np.isfinite(motions.speed_nm_per_ms).sum(axis=1)
    # the steps of a path take equally long
    moving = np.where(steps > 0, motions.residence_time_frames, 0.0)
    step_frames = moving / np.maximum(steps, 1)
    px_per_frame = instrument.frame_interval_s * 1e3 / instrument.pixel_nm
    length = np.nan_to_num(motions.speed_nm_per_ms) * px_per_frame * step_frames[:, None]
    angle = np.nan_to_num(motions.direction_rad)
    return Particles(
        land=landings.frames,
        leave=np.where(motions.unbinds, landings.frames + motions.residence_time_frames, np.inf),
        x=_chain(landings.x_px, length * np.cos(angle)),
        y=_chain(landings.y_px, length * np.sin(angle)),
        steps=steps.astype(np.int64),
        step_frames=step_frames,
        contrast=instrument.contrast_per_kda * landings.mass_kda * (1.0 + landings.focus),
        widening=background.widening * landings.focus,
    )


def _chain(start: FloatArray, steps: FloatArray) -> FloatArray:
    """Positions (N, K + 1) from a start (N,) and steps (N, K)."""
    return np.concatenate([start[:, None], start[:, None] + np.cumsum(steps, axis=1)], axis=1)


def _truncated_normal(
    rng: np.random.Generator, count: int, *, mean: float, sd: float, low: float, high: float
) -> FloatArray:
    """Normal numbers between low and high, by inverting the distribution function."""
    from scipy.special import ndtr, ndtri

    bottom, top = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
    drawn: FloatArray = mean + sd * ndtri(rng.uniform(bottom, top, size=count))
    return np.clip(drawn, low, high)
