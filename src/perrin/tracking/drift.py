"""Drift of the stage: the structure of the support, registered against that of the beginning.

Whole pixels come from the highest cross-correlation, the rest from least squares on the slopes
of the image, which also gives the standard error. Without structure there is no drift to see.
A straight edge says nothing of a drift along it, and clouds in the liquid change: where the error
of either direction is larger than the structure is fine, or parts of the field move differently,
what was found is no drift of the support.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perrin.stats import robust_sd
from perrin.tracking.find import smoothed
from perrin.types import BoolArray, Float32Array, FloatArray, IntArray

_ROUNDS = 4
_SETTLED_PX = 1e-3
_CORRELATED = 6.0  # standard errors of the correlation: below it nothing is recognized
_CLIP = 3.0  # standard deviations: a particle that was left in is no structure of the support
_SIGMA = 1.5  # pixels: structure finer than this is mostly shot noise
_COARSE = 8.0  # pixels: coarser than this is light, which the camera and not the stage holds
_EDGE = 16  # pixels at the border, where coarse structure is not known
SIGNIFICANT = 4.0
"""Standard errors from which on a drift is one."""
_KNOWN_PX = 1.0  # error of the worse direction: beyond it another peak might be the right one
_PARTS = 3  # of the field, each way, that must agree
_BY_CHANCE = 1e-4  # that they do not


@dataclass(frozen=True)
class Drift:
    """Where the sample has moved to, against its place at the first of the frames."""

    frame: FloatArray
    """(K,): mean frame of each background."""
    x: FloatArray
    y: FloatArray
    """x, y (K,): displacement, px."""
    se: FloatArray
    """(K,): standard error of each axis, px."""
    by: str = "support"
    """What it was seen by: the support's structure, or what the "particles" do together."""
    doubted: bool = False
    """Whether the particles say that there is none."""

    @property
    def significant(self) -> bool:
        """Whether the sample has moved farther than the errors allow, and nothing is against it."""
        return self.seen and not self.doubted

    @property
    def seen(self) -> bool:
        """Whether what was looked at has moved farther than the errors allow."""
        far = np.hypot(self.x, self.y)
        return bool((far > SIGNIFICANT * np.maximum(self.se, 1e-9)).any())

    def at(self, frame: IntArray | FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the displacement along x and y at frames, continued in a straight line."""
        return _continued(frame, self.frame, self.x), _continued(frame, self.frame, self.y)


_AHEAD = 8  # images that wait to be registered


class Registration:
    """Registers one image after the other against the first, in a thread of its own.

    Only a few images wait; an error is raised by a later `add`, or by `drift`.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[Future[None]] = []
        self._first: Float32Array | None = None
        self._rows: list[tuple[float, float, float, float]] = []
        self._lost = False

    def add(self, image: Float32Array, *, free: BoolArray, frame: float) -> None:
        """Take in an image (Y, X), its mean about 1, free (Y, X) of particles or not."""
        if len(self._waiting) >= _AHEAD:
            self._waiting.pop(0).result()
        self._waiting.append(self._thread.submit(self._add, image, free, frame))

    def _add(self, image: Float32Array, free: BoolArray, frame: float) -> None:
        structure = _structure(image, free)
        if self._first is None:
            self._first = structure
            self._rows.append((frame, 0.0, 0.0, 0.0))
            return
        found = None if self._lost else register(self._first, structure)
        if found is None:
            self._lost = True
            return
        self._rows.append((frame, *found))

    def drift(self) -> Drift | None:
        """Return the drift; None where the support has no structure, or there is one image.

        Waits for all images; takes in no more of them.
        """
        self._thread.shutdown()
        for done in self._waiting:
            done.result()
        if self._lost or len(self._rows) < 2:
            return None
        frame, x, y, se = np.array(self._rows).T
        return Drift(frame, x, y, se)


def _structure(image: Float32Array, free: BoolArray) -> Float32Array:
    """Return what is finer than the light and coarser than the shot noise, 0 where not free."""
    if not free.any():
        return np.zeros_like(image)
    weight = free.astype(np.float32)
    total, fraction = smoothed(np.stack([image * weight, weight]), _COARSE)
    light = total / np.maximum(fraction, np.float32(1e-3))
    fine = smoothed(((image - light) * weight)[None], _SIGMA)[0] * weight
    spread = robust_sd(fine[free], center=0.0)
    return np.asarray(np.clip(fine, -_CLIP * spread, _CLIP * spread), np.float32)


def register(first: Float32Array, second: Float32Array) -> tuple[float, float, float] | None:
    """Return how far `second` (Y, X) has moved against `first`: x, y, standard error, px.

    None where what they have in common is no more than chance, does not tell both directions,
    or has not moved as one.
    """
    from scipy.fft import irfft2, rfft2

    window = np.outer(*(np.hanning(size).astype(np.float32) for size in first.shape))
    one, other = rfft2(first * window), rfft2(second * window)
    correlation = irfft2(one.conj() * other, s=first.shape)
    peak = np.unravel_index(int(correlation.argmax()), correlation.shape)
    size = np.array(first.shape)
    shift = np.array(peak, dtype=np.float64)
    shift -= np.where(shift > size / 2, size, 0)
    if (np.abs(shift) > size / 4).any():
        return None
    return _refined(first, second, shift)


def _refined(
    first: Float32Array, second: Float32Array, shift: FloatArray
) -> tuple[float, float, float] | None:
    """Refine a shift (y, x) of whole pixels by least squares on the slopes."""
    from scipy.fft import rfft2

    margin = int(np.ceil(np.abs(shift).max())) + _EDGE
    inner = (slice(margin, -margin), slice(margin, -margin))
    spectrum = rfft2(second)
    slopes = _slopes(first, inner)
    alike = 4 * np.pi * _SIGMA**2  # pixels over which smoothed noise is the same
    independent = slopes.shape[1] / alike
    if independent < _CORRELATED**2 or not first.any():
        return None
    here = first[inner].ravel()
    normal = slopes @ slopes.T
    for _ in range(_ROUNDS):
        image = _moved_back(spectrum, shift, first.shape)
        back = image[inner].ravel()
        step = -np.linalg.solve(normal, slopes @ (back - here))
        shift = shift + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < _SETTLED_PX:
            break
    common = float((back - back.mean()) @ (here - here.mean())) / len(here)
    common /= float(back.std() * here.std())
    if not common > _CORRELATED / np.sqrt(independent):
        return None
    # slopes are noisy too: only what those of both images have in common is structure
    others = _slopes(image, inner)
    inverse = np.linalg.inv(0.5 * (slopes @ others.T + others @ slopes.T))
    covariance = inverse @ normal @ inverse * float((back - here).var()) * alike
    rest = (back - here).reshape(image[inner].shape)
    if np.linalg.eigvalsh(covariance)[-1] > _KNOWN_PX**2 or _parts_differ(slopes, rest, alike):
        return None
    return float(shift[1]), float(shift[0]), float(np.sqrt(covariance.diagonal().mean()))


def _slopes(image: Float32Array, inner: tuple[slice, slice]) -> Float32Array:
    """Return the slopes of an image (Y, X) along y and x, of its `inner` pixels, (2, N)."""
    return np.stack([np.gradient(image, axis=axis)[inner].ravel() for axis in (0, 1)])


def _parts_differ(slopes: Float32Array, rest: Float32Array, alike: float) -> bool:
    """Whether parts of the field have moved against each other.

    slopes (2, N) of the structure; rest (Y, X): what is left after the common shift; alike: pixels
    with the same noise. Without differences the slopes have nothing in common with the rest of
    any part.
    """
    from scipy.stats import chi2

    square = 0.0
    for rows in np.array_split(np.arange(rest.size).reshape(rest.shape), _PARTS, axis=0):
        for part in np.array_split(rows, _PARTS, axis=1):
            own, left = slopes[:, part.ravel()], rest.ravel()[part.ravel()]
            toward = own @ left
            normal = own @ own.T * float(left.var()) * alike
            square += float(toward @ np.linalg.pinv(normal) @ toward)
    return bool(chi2.sf(square, 2 * (_PARTS**2 - 1)) < _BY_CHANCE)


def _moved_back(
    spectrum: NDArray[np.complex64], shift: FloatArray, shape: tuple[int, ...]
) -> Float32Array:
    """Return the image (Y, X) of a spectrum, moved by -shift (y, x), around the edges."""
    from scipy.fft import irfft2

    down = np.exp(2j * np.pi * shift[0] * np.fft.fftfreq(shape[0])).astype(np.complex64)
    across = np.exp(2j * np.pi * shift[1] * np.fft.rfftfreq(shape[1])).astype(np.complex64)
    return np.asarray(irfft2(spectrum * down[:, None] * across, s=shape), np.float32)


def _continued(frame: IntArray | FloatArray, at: FloatArray, value: FloatArray) -> FloatArray:
    """Interpolate, and go on beyond both ends with the slope there."""
    inside = np.interp(frame, at, value)
    first = (value[1] - value[0]) / (at[1] - at[0])
    last = (value[-1] - value[-2]) / (at[-1] - at[-2])
    before = np.minimum(frame - at[0], 0) * first
    after = np.maximum(frame - at[-1], 0) * last
    return np.asarray(inside + before + after, dtype=np.float64)
