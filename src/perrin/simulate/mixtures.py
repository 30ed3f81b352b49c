"""Mixtures of walks with their truth: what moved the particle, and by how much.

A trajectory is a sum of four parts: FBM, CTRW, Brownian motion and localization noise. Every
kind of mixture is a way to make the parts; the truth is computed from the parts by one
function, whatever the kind. FBM with an exponent within .05 of 1 counts as Brownian.

Kinds
-----
superposition : x = w c / std(c) + (1 - w) f / std(f); c: CTRW, f: FBM; std of the positions
    in the window, pooled over the axes.
increments : parts scaled to unit mean squared step, x = sqrt(w) c + sqrt(1 - w) f.
interleaved : segments follow c or f (unit jumps, unit steps), joined continuously.
subordination : x(t) = B_H(n(t)), FBM run on the number of jumps of a CTRW (Tabei et al. 2013);
    its parts cannot be told apart, so its fractions and its w are NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perrin.settings.diffusion import MixtureSettings
from perrin.simulate.walk_noise import SUBFRAMES, expose, lose_frames
from perrin.simulate.walks import brownian, fbm, jumping_ctrw
from perrin.types import FloatArray

PARTS = ("fbm", "ctrw", "brownian", "noise")
NEARLY_BROWNIAN = 0.05


@dataclass(frozen=True)
class Truth:
    """What is true of N trajectories, within the window at hand; NaN where it has no meaning."""

    fractions: FloatArray
    """(N, 4): of the mean squared one-frame step, by `PARTS`; the sum is 1."""
    w: FloatArray
    """(N,): std(c) / (std(c) + std(f)), c the CTRW part, f the FBM and Brownian parts together."""
    alpha_fbm: FloatArray
    alpha_ctrw: FloatArray
    """alpha_fbm, alpha_ctrw (N,): exponents of the parts that are there (1 where the part is
    Brownian)."""
    frames_ctrw: FloatArray
    """(N,): interleaved: fraction of the steps that follow the CTRW."""
    fbm_step: FloatArray
    """(N,): expected root mean square one-frame step, one axis, of the FBM and Brownian parts
    together, before blur: MSD = d fbm_step^2 t^alpha."""
    jump_rate: FloatArray
    """(N,): fraction of the one-frame steps that hold a jump."""
    noise_sigma: FloatArray
    """(N,): localization error of one axis."""


@dataclass(frozen=True)
class Mixture:
    """N simulated trajectories: positions (N, L, d), seen (N, L), their truth.

    ctrw : (N, L, d), the positions of the CTRW part alone, noise-free.
    mask : (N, L - 1) bool, steps of an interleaved mixture that follow the CTRW, else None.
    """

    positions: FloatArray
    seen: NDArray[np.bool_]
    truth: Truth
    ctrw: FloatArray
    mask: NDArray[np.bool_] | None


@dataclass(frozen=True)
class _Parts:
    """The noise-free parts, each (N, L, d), with the FBM part's expected step per axis (N,)."""

    fbm: FloatArray
    ctrw: FloatArray
    brownian: FloatArray
    fbm_step: FloatArray


@dataclass(frozen=True)
class _Exponents:
    """Of the FBM and of the CTRW part, (N,) each."""

    fbm: FloatArray
    ctrw: FloatArray


def simulate_mixture(settings: MixtureSettings, *, count: int, rng: np.random.Generator) -> Mixture:
    """Draw `count` trajectories of one kind of mixture. Deterministic for a seeded `rng`.

    Raises `PerrinError` where a CTRW part would never move.
    """
    alpha = _Exponents(
        fbm=rng.uniform(*settings.alpha_fbm, size=count),
        ctrw=rng.uniform(*settings.alpha_ctrw, size=count),
    )
    w = rng.uniform(*settings.w, size=count)
    mask = None
    if settings.kind == "subordination":
        parts = _subordinated(settings, alpha, rng)
    else:
        parts = _drawn(settings, alpha, rng)
        if settings.kind == "superposition":
            parts = _weighted(parts, _spread, w, 1 - w)
        elif settings.kind == "increments":
            parts = _weighted(parts, _rms_step, np.sqrt(w), np.sqrt(1 - w))
        else:
            mask = _segments(settings, w, rng)
            parts = _interleaved(parts, mask)
    clean = parts.fbm + parts.ctrw + parts.brownian
    sigma = rng.uniform(*settings.noise, size=count) * _rms_step(clean)
    positions = clean
    if settings.noise[1] > 0:
        positions = clean + sigma[:, None, None] * rng.standard_normal(clean.shape)
    return Mixture(
        positions=positions,
        seen=lose_frames(count, settings.length, expected=settings.missing, rng=rng),
        truth=_truth(settings, parts, alpha, sigma, mask),
        ctrw=parts.ctrw,
        mask=mask,
    )


def _drawn(settings: MixtureSettings, alpha: _Exponents, rng: np.random.Generator) -> _Parts:
    """Draw the parts, FBM and Brownian with expected unit step together, jumps of unit size."""
    fine = SUBFRAMES if settings.exposure > 0 else 1
    length, dims = settings.length * fine, settings.dims
    fraction = rng.uniform(*settings.brownian, size=len(alpha.fbm))
    f = fbm(alpha.fbm, length=length, rng=rng, dims=dims)
    f *= (np.sqrt(1 - fraction) * fine ** (-alpha.fbm / 2))[:, None, None]
    if settings.brownian[1] > 0:
        b = brownian(len(alpha.fbm), length=length, rng=rng, dims=dims)
        b *= np.sqrt(fraction / fine)[:, None, None]
    else:
        b = np.zeros_like(f)
    if settings.w[1] > 0:
        c = jumping_ctrw(
            alpha.ctrw, length=length, rng=rng, dims=dims, start=settings.start, wait_unit=fine
        )
    else:
        c = np.zeros_like(f)
    if fine > 1:
        f, c, b = (expose(part, settings.exposure) for part in (f, c, b))
    return _Parts(fbm=f, ctrw=c, brownian=b, fbm_step=np.ones(len(alpha.fbm)))


def _spread(positions: FloatArray) -> FloatArray:
    """Return the standard deviation of the positions, pooled over axes: (N, L, d) -> (N,)."""
    spread: FloatArray = np.sqrt(positions.var(axis=1).mean(axis=1))
    return spread


def _rms_step(positions: FloatArray) -> FloatArray:
    """Return the root mean square one-frame step of one axis: (N, L, d) -> (N,)."""
    step: FloatArray = np.sqrt((np.diff(positions, axis=1) ** 2).mean(axis=(1, 2)))
    return step


def _weighted(
    parts: _Parts,
    measure: Callable[[FloatArray], FloatArray],
    of_ctrw: FloatArray,
    of_fbm: FloatArray,
) -> _Parts:
    size_c = measure(parts.ctrw)
    scale_c = of_ctrw / np.where(size_c > 0, size_c, 1.0)
    scale_f = of_fbm / measure(parts.fbm + parts.brownian)
    return _Parts(
        fbm=parts.fbm * scale_f[:, None, None],
        ctrw=parts.ctrw * scale_c[:, None, None],
        brownian=parts.brownian * scale_f[:, None, None],
        fbm_step=parts.fbm_step * scale_f,
    )


def _segments(
    settings: MixtureSettings, w: FloatArray, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which steps follow the CTRW, (N, L - 1); the first segment starts at random."""
    steps, size = settings.length - 1, settings.segment_frames
    segments = rng.random((len(w), steps // size + 2)) < w[:, None]
    offset = rng.integers(0, size, size=len(w))
    index = (np.arange(steps) + offset[:, None]) // size
    return np.take_along_axis(segments, index, axis=1)


def _interleaved(parts: _Parts, mask: NDArray[np.bool_]) -> _Parts:
    def kept(positions: FloatArray, where: NDArray[np.bool_]) -> FloatArray:
        joined = np.zeros_like(positions)
        np.cumsum(np.diff(positions, axis=1) * where[..., None], axis=1, out=joined[:, 1:])
        return joined

    return _Parts(
        fbm=kept(parts.fbm, ~mask),
        ctrw=kept(parts.ctrw, mask),
        brownian=kept(parts.brownian, ~mask),
        fbm_step=parts.fbm_step,
    )


def _subordinated(settings: MixtureSettings, alpha: _Exponents, rng: np.random.Generator) -> _Parts:
    fine = SUBFRAMES if settings.exposure > 0 else 1
    length = settings.length * fine
    clock = jumping_ctrw(
        alpha.ctrw, length=length, rng=rng, dims=1, start=settings.start, wait_unit=fine
    )
    jumps = np.cumsum(np.diff(clock[..., 0], axis=1, prepend=0.0) != 0, axis=1)
    run = fbm(alpha.fbm, length=length, rng=rng, dims=settings.dims)
    moved = np.take_along_axis(run, jumps[..., None], axis=1)
    if fine > 1:
        moved = expose(moved, settings.exposure)
    nothing = np.zeros_like(moved)
    return _Parts(nothing, moved, nothing, np.full(len(moved), np.nan))


def _truth(
    settings: MixtureSettings,
    parts: _Parts,
    alpha: _Exponents,
    sigma: FloatArray,
    mask: NDArray[np.bool_] | None,
) -> Truth:
    nearly = np.abs(alpha.fbm - 1) < NEARLY_BROWNIAN
    step_f, step_c, step_b = (_rms_step(p) ** 2 for p in (parts.fbm, parts.ctrw, parts.brownian))
    energy = np.stack(
        [np.where(nearly, 0, step_f), step_c, step_b + np.where(nearly, step_f, 0), 2 * sigma**2],
        axis=1,
    )
    fractions = _ratio(energy, energy.sum(axis=1, keepdims=True))
    spread_c, spread_f = _spread(parts.ctrw), _spread(parts.fbm + parts.brownian)
    w = _ratio(spread_c, spread_c + spread_f)
    unknown = np.full(len(w), np.nan)
    if settings.kind == "subordination":
        fractions = np.full_like(fractions, np.nan)
    if settings.kind in ("interleaved", "subordination"):
        w = unknown
    return Truth(
        fractions=fractions,
        w=w,
        alpha_fbm=np.where(np.isnan(parts.fbm_step) | (step_f > 0), alpha.fbm, np.nan),
        alpha_ctrw=np.where(step_c > 0, alpha.ctrw, np.nan),
        frames_ctrw=unknown if mask is None else mask.mean(axis=1),
        fbm_step=np.where(step_f + step_b > 0, parts.fbm_step, np.nan),
        jump_rate=(np.diff(parts.ctrw, axis=1) != 0).any(axis=2).mean(axis=1),
        noise_sigma=sigma,
    )


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, NaN where nothing moves."""
    ratio: FloatArray = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio
