"""What a particle looks like in this movie: learned from some of its frames.

Nobody has to say how large the particles are: the correlation of the contrast with itself at
small distances tells their width, free fits of the clearest ones their shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from perrin.optics.psf import Psf
from perrin.settings.tracking import ParticleKind
from perrin.stats import robust_sd
from perrin.threads import in_threads
from perrin.tracking.errors import ErrorScale, scale_of_psf, scale_of_shape
from perrin.tracking.find import Candidates, find, noise_of
from perrin.tracking.fitting import ShapeFits, fit_shapes
from perrin.tracking.noise import Noise, sandwich
from perrin.tracking.pairs import pairs_within
from perrin.tracking.shape import (
    ANGLE,
    EVERYTHING,
    FLAT,
    HALF,
    POSITION,
    ROUND,
    WIDTH,
    WITH_ANGLE,
    A,
    Shape,
    X,
    Y,
    add_shapes,
    slopes_of,
)
from perrin.tracking.spread import spread_of
from perrin.types import Float32Array, FloatArray, IntArray

MOST_FITTED = 300
_LEAST_SIGMA, _MOST_SIGMA = 0.8, 12.0
_SIGMA_OF_RADIUS = 0.6
_ROUNDS = 2
_FOR_SIGN, _FOR_SCALE = 6, 12  # frames
_FWHM_PER_SD = 2.3548
_INNER = 0.9  # of the contrast: pixels that tell how the noise depends on it
_LEAST_INNER = 200  # pixels
_APART = 2.0  # lengths of half a particle: nearer ones are not fitted alone
_PIXELS = 169.0  # of a window, where nothing else is said
_VARIED = 0.06  # relative spread of sizes from which on each particle has its own


@dataclass(frozen=True)
class Appearance:
    """How particles are found and fitted.

    Attributes
    ----------
    kind : str
        rods, spheres or molecules.
    sign : int
        -1 where particles are darker than their surroundings, +1 where brighter.
    sigma_px : float
        Of the Gaussian that frames are smoothed with to find particles.
    shape : Shape or None
        Of gold.
    psf : Psf or None
        Of molecules.
    kappa : float
        The variance of a pixel is proportional to 1 + kappa * (contrast of the particle).
    amplitude : float
        Median contrast of the particles looked at, positive.
    area_px : float
        Median area of a region (rods), pixels.
    spread : float
        Standard deviation of the particles' sizes beyond their errors, relative.
    uneven : bool
        Whether the light changes over the field from frame to frame, as clouds make it.
    noise : Noise
        How alike that of neighboring pixels is.
    scale : ErrorScale
        What that does to stated errors.

    """

    kind: ParticleKind
    sign: int
    sigma_px: float
    shape: Shape | None
    psf: Psf | None
    kappa: float = 0.0
    amplitude: float = float("nan")
    area_px: float = float("nan")
    spread: float = 0.0
    uneven: bool = False
    noise: Noise = field(default_factory=Noise.white)
    scale: ErrorScale = field(default_factory=lambda: ErrorScale.white(_PIXELS))

    @property
    def varied(self) -> bool:
        """Whether sizes differ so much that every particle is fitted with its own."""
        return self.spread > _VARIED

    def with_noise(self, noise: Noise) -> Appearance:
        """Return the same with what `noise` does to the errors."""
        if self.shape is not None:
            scale = scale_of_shape(noise, self.shape, amplitude=self.amplitude, kappa=self.kappa)
        else:
            assert self.psf is not None  # noqa: S101 - one of both is there
            scale = scale_of_psf(noise, self.psf)
        return replace(self, noise=noise, scale=scale)

    @property
    def radius_px(self) -> float:
        """Distance from the axis at which half the contrast is left, px."""
        if self.shape is not None:
            return self.shape.radius
        assert self.psf is not None  # noqa: S101 - one of both is there
        return self.psf.fwhm_px() / 2

    @property
    def extent_px(self) -> float:
        """Distance from the center to the farthest edge, px."""
        return self.radius_px + (0.0 if self.shape is None else self.shape.half)


def scale_of(frames: Float32Array) -> float:
    """Return the standard deviation (px) of the Gaussian as wide as what stands out in frames.

    frames (T, Y, X): contrast. Noise is white, so that its correlation ends at distance 0;
    a Gaussian's falls to half at 1.665 standard deviations.
    """
    from scipy.fft import irfft2, rfft2

    def power_of(image: Float32Array) -> Float32Array:
        return np.asarray(np.abs(rfft2(image - np.median(image))) ** 2, np.float32)

    some = frames[:: max(1, len(frames) // _FOR_SCALE)]
    power = np.mean(list(in_threads(power_of, some)), axis=0)
    correlation = irfft2(power, s=frames.shape[1:])
    reach = min(frames.shape[1], frames.shape[2]) // 2
    profile = 0.5 * (correlation[0, 1:reach] + correlation[1:reach, 0])
    below = np.flatnonzero(profile < 0.5 * profile[0])
    if profile[0] <= 0 or not below.size:
        return _LEAST_SIGMA
    k = int(below[0])
    half = k + (profile[k - 1] - 0.5 * profile[0]) / (profile[k - 1] - profile[k])
    return float(np.clip(half / 1.665, _LEAST_SIGMA, _MOST_SIGMA))


def sign_of(frames: Float32Array, *, sigma_px: float, threshold: float) -> int:
    """Return -1 or 1: the sign of the contrast (T, Y, X) that stands out most."""
    strength = {}
    frames = frames[:: max(1, len(frames) // _FOR_SIGN)]
    for sign in (-1, 1):
        found, _ = find(
            np.float32(sign) * frames, sigma_px=sigma_px, threshold=threshold, regions=False
        )
        strength[sign] = float((found.signal**2).sum())
    return 1 if strength[1] > strength[-1] else -1


def learn(
    frames: Float32Array,
    *,
    kind: ParticleKind,
    sign: int | None,
    threshold: float,
    psf: Psf | None = None,
    sigma_px: float | None = None,
    noise: Noise | None = None,
) -> Appearance | None:
    """Return what the particles in frames (T, Y, X) of contrast look like; None if none are seen.

    frames: contrast with its own sign, negative where darker. Molecules need their `psf`;
    `sigma_px` goes before what the frames say; `noise` is white where it is not known yet.
    """
    noise = noise or Noise.white()
    if kind == "molecules":
        assert psf is not None  # noqa: S101 - the caller's promise
        sigma = psf.fwhm_px() / _FWHM_PER_SD
        sign = sign or sign_of(frames, sigma_px=sigma, threshold=threshold)
        seen = Appearance(kind=kind, sign=sign, sigma_px=sigma, shape=None, psf=psf)
        found, _ = find(
            np.float32(sign) * frames, sigma_px=sigma, threshold=threshold, regions=False
        )
        return seen.with_noise(noise) if len(found) else None
    sigma = sigma_px or scale_of(frames)
    sign = sign or sign_of(frames, sigma_px=sigma, threshold=threshold)
    signed = np.float32(sign) * frames
    start = Appearance(
        kind=kind,
        sign=sign,
        sigma_px=sigma,
        shape=Shape(0.0, 1.7 * sigma, 1.0),
        psf=None,
        noise=noise,
    )
    return _shaped(signed, start, threshold)


def _shaped(frames: Float32Array, start: Appearance, threshold: float) -> Appearance | None:
    """Learn the shape of gold by free fits of the clearest particles."""
    seen, rods = start, start.kind == "rods"
    for _ in range(_ROUNDS):
        found, _ = find(frames, sigma_px=seen.sigma_px, threshold=threshold, regions=rods)
        if not len(found):
            return None
        clear = _usual(found, apart=3 * seen.extent_px)
        starts = starts_of(found, seen)
        if rods:
            starts[:, HALF] = np.median(found.half[clear])
            seen = replace(seen, shape=_with_half(seen, float(starts[0, HALF])))
        shape = seen.shape
        assert shape is not None  # noqa: S101 - gold
        fits = fit_shapes(
            frames,
            found.frame[clear],
            starts[clear],
            free=EVERYTHING if rods else ROUND,
            half_window=shape.half_window,
            kappa=seen.kappa,
        )
        good = np.isfinite(fits.values[:, A])
        if not good.any():
            return None
        good &= fits.variance <= np.median(fits.variance[good])  # two in one leave more
        middle = np.median(fits.values[good], axis=0)
        shape = Shape(
            half=float(middle[HALF]) if rods else 0.0,
            width=float(middle[WIDTH]),
            flat=float(middle[FLAT]),
        )
        sigma = float(np.clip(_SIGMA_OF_RADIUS * shape.radius, _LEAST_SIGMA, _MOST_SIGMA))
        seen = replace(
            seen,
            sigma_px=sigma,
            shape=shape,
            amplitude=float(middle[A]),
            area_px=float(np.median(found.area[clear])),
        )
    seen = replace(seen, kappa=_kappa(frames, found, clear, seen)).with_noise(start.noise)
    return _with_spread(frames, found, seen)


def _with_spread(frames: Float32Array, found: Candidates, seen: Appearance) -> Appearance:
    """Return the appearance with the spread of the sizes, from candidates evenly of all alone."""
    assert seen.shape is not None  # noqa: S101 - gold
    some = _evenly(_alone(found, apart=_APART * seen.extent_px), MOST_FITTED)
    spread = spread_of(
        frames,
        found,
        some,
        starts_of(found, seen)[some],
        kind=seen.kind,
        shape=seen.shape,
        kappa=seen.kappa,
        factor=seen.scale.of_positions,
    )
    return replace(seen, spread=spread)


def _usual(found: Candidates, *, apart: float) -> IntArray:
    """Return candidates that stand alone, those with the most usual signal: no pairs, no noise."""
    rows = _alone(found, apart=apart)
    unusual = np.abs(found.signal[rows] / np.median(found.signal[rows]) - 1)
    return rows[np.argsort(unusual, kind="stable")[:MOST_FITTED]]


def _alone(found: Candidates, *, apart: float) -> IntArray:
    """Return the candidates with no other within `apart` pixels; all, where each has one."""
    alone = np.ones(len(found), bool)
    alone[pairs_within(found.frame, found.x, found.y, within=apart).ravel()] = False
    return np.flatnonzero(alone) if alone.any() else np.arange(len(found))


def _evenly(rows: IntArray, most: int) -> IntArray:
    """Return at most so many of `rows`, evenly among them."""
    places = np.linspace(0, len(rows), min(len(rows), most), endpoint=False)
    return np.asarray(rows[places.astype(np.int64)], np.int64)


def _with_half(seen: Appearance, half: float) -> Shape:
    assert seen.shape is not None  # noqa: S101 - gold
    return replace(seen.shape, half=half)


def starts_of(found: Candidates, seen: Appearance) -> FloatArray:
    """Return the parameters (N, 8) that fits of gold start from."""
    shape = seen.shape
    assert shape is not None  # noqa: S101 - gold
    starts = np.zeros((len(found), 8))
    starts[:, A] = seen.amplitude if np.isfinite(seen.amplitude) else 0.3
    starts[:, X], starts[:, Y], starts[:, ANGLE] = found.x, found.y, found.angle
    starts[:, HALF], starts[:, WIDTH], starts[:, FLAT] = shape.half, shape.width, shape.flat
    return starts


def free_of(seen: Appearance) -> tuple[int, ...]:
    """Return the parameters that a fit of every particle leaves free."""
    return WITH_ANGLE if seen.kind == "rods" else POSITION


def _kappa(frames: Float32Array, found: Candidates, clear: IntArray, seen: Appearance) -> float:
    """Return how the variance of a pixel grows with the contrast, from residuals."""
    shape = seen.shape
    assert shape is not None  # noqa: S101 - gold
    fits: ShapeFits = fit_shapes(
        frames,
        found.frame[clear],
        starts_of(found, seen)[clear],
        free=free_of(seen),
        half_window=shape.half_window,
        kappa=0.0,
    )
    good = np.isfinite(fits.values[:, A])
    rest = frames.copy()
    add_shapes(rest, found.frame[clear][good], fits.values[good], shape.half_window, -1.0)
    model = frames - rest
    inner = model > _INNER * seen.amplitude
    if inner.sum() < _LEAST_INNER:
        return 0.0
    outside = float(np.median(noise_of(rest)) ** 2)
    q = starts_of(found, seen)[:1]
    q[:, [X, Y]] = 0.0
    slopes = slopes_of(q[0], free=free_of(seen), reach=shape.half_window, kappa=0.0)
    image = slopes[0] / slopes[0].max()
    followed = sandwich(slopes, seen.noise).left[image > _INNER].mean()
    inside = robust_sd(rest[inner]) ** 2 / followed
    grows = (inside / outside - 1) / float(model[inner].mean())
    return float(np.clip(grows, -1.5, 1.5))
