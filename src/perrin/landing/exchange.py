"""Landings as networks have learned them: the PSF of the instrument exchanged for theirs.

The shipped networks have learned from landings with the default PSF. Of another instrument,
each stack is brought there in two steps, both linear:

1. A filter, where the ring is deep (below -.2): ``h = (P0 P* + c) / (|P|^2 + c)`` in Fourier
   space, which turns the instrument's P into the default P0 where P has light, and leaves the
   noise as it is where P has none. It acts on all molecules, those next to the event too.
2. What is left of P at the fitted place is exchanged exactly: the least-squares amplitude of
   the (filtered) P in each frame times (P0 - P) is added. Amplitudes stay what they are, so
   that contrasts do, and the noise of one shape out of 289 changes.

How much it brings is in ``benchmarks/instruments.py``: of true binders that the classifier
keeps with the default PSF (.89), it keeps .70, .39 and .07 with rings of -.13, -.27 and -.46 as
they are, .90, .78 and .75 after the exchange. Networks trained with a PSF of their own
(``--epsf``) see their stacks as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit, prange

from perrin.optics.psf import HALF_WIDTH_PX, SAMPLES_PER_PIXEL, Psf, evaluate
from perrin.types import BoolArray, Float32Array, FloatArray

DEEP_RING = -0.2
"""From such a ring on stacks are filtered, and the quantifier has not seen such landings."""
_SAME = 0.02  # largest difference of two PSFs that are one
_MARGIN_PX = 8
_REGULAR = 64.0  # c; the sum of the squares of a PSF is 8 to 15
_FINE_PX = 65


@dataclass(frozen=True)
class PsfExchange:
    """From one PSF to another."""

    kernel: FloatArray | None
    """(17, 17): the filter of step 1; None where it is left out."""
    own: Psf
    """The PSF after the filter, value 1 at its center."""
    gain: float
    """What the filter makes of the center of the instrument's PSF."""
    wanted: Psf
    """That of the networks."""

    @classmethod
    def between(cls, psf: Psf, wanted: Psf, *, white: bool = False) -> Self | None:
        """Return the exchange of `psf` for `wanted`; None where they are the same.

        white: the movie was filtered to white noise (`perrin.landing.whitening`), and stays so.
        """
        if np.abs(psf.image(17) - wanted.image(17)).max() < _SAME:
            return None
        if white or psf.ring() > DEEP_RING:
            return cls(None, psf, 1.0, wanted)
        kernel = _filter(psf, wanted)
        own, gain = filtered_psf(psf, kernel)
        return cls(kernel, own, gain, wanted)

    @property
    def margin_px(self) -> int:
        """Pixels that stacks have to be wider on every side."""
        return 0 if self.kernel is None else _MARGIN_PX

    def apply(
        self,
        stacks: Float32Array,
        inside: BoolArray,
        *,
        before: int,
        dx_px: FloatArray,
        dy_px: FloatArray,
    ) -> tuple[Float32Array, BoolArray]:
        """Return stacks (N, T, S, S) and their field, without the margin.

        before: index of the landing frame; dx_px, dy_px (N,): fitted places against the middle.
        """
        m = self.margin_px
        if self.kernel is None:
            even = stacks.copy()
        else:
            even = convolved(stacks, self.kernel)
            inside = np.ascontiguousarray(inside[:, m:-m, m:-m])
        _exchange(
            even,
            inside,
            before,
            dx_px,
            dy_px,
            self.own.coefficients,
            self.gain,
            self.wanted.coefficients,
        )
        even.transpose(0, 2, 3, 1)[~inside] = 1.0
        return even, inside


def _filter(psf: Psf, wanted: Psf) -> FloatArray:
    """The kernel (17, 17) of step 1."""
    size, middle = 2 * HALF_WIDTH_PX + 1, _FINE_PX // 2
    place = slice(middle - HALF_WIDTH_PX, middle + HALF_WIDTH_PX + 1)
    spectra = []
    for shape in (psf, wanted):
        field = np.zeros((_FINE_PX, _FINE_PX))
        field[place, place] = shape.image(size)
        spectra.append(np.fft.fft2(np.fft.ifftshift(field)))
    own, other = spectra
    transfer = (other * np.conj(own) + _REGULAR) / (np.abs(own) ** 2 + _REGULAR)
    kernel = np.fft.fftshift(np.real(np.fft.ifft2(transfer)))
    near = slice(middle - _MARGIN_PX, middle + _MARGIN_PX + 1)
    return np.ascontiguousarray(kernel[near, near])


def filtered_psf(psf: Psf, kernel: FloatArray) -> tuple[Psf, float]:
    """Return the PSF after a kernel of whole pixels, and the value at its center."""
    from scipy.signal import fftconvolve

    spread = np.zeros([(n - 1) * SAMPLES_PER_PIXEL + 1 for n in kernel.shape])
    spread[::SAMPLES_PER_PIXEL, ::SAMPLES_PER_PIXEL] = kernel
    samples = fftconvolve(psf.samples(), spread, mode="same")
    card = {**psf.card, "kind": "filtered"}
    return Psf.from_samples(samples, pixel_nm=psf.pixel_nm, card=card), float(
        samples[len(samples) // 2, len(samples) // 2]
    )


def convolved(stacks: Float32Array, kernel: FloatArray) -> Float32Array:
    """Return stacks (..., Y, X) of light around 1 filtered by (K, K), where it lies inside them."""
    from scipy.fft import irfft2, next_fast_len, rfft2

    height, width = stacks.shape[-2:]
    sides = next_fast_len(height, real=True), next_fast_len(width, real=True)
    taps = len(kernel)
    transfer = rfft2(kernel.astype(np.float32), sides)
    spectrum = rfft2(stacks - np.float32(1.0), sides) * transfer
    filtered = irfft2(spectrum, sides)[..., taps - 1 : height, taps - 1 : width]
    return np.ascontiguousarray(1 + filtered, np.float32)


@njit(cache=True, parallel=True)
def _exchange(stacks, inside, before, dx, dy, own, gain, wanted):  # type: ignore[no-untyped-def]
    count, length, size, _ = stacks.shape
    middle = size // 2
    for e in prange(count):
        image, change = np.empty((size, size)), np.empty((size, size))
        evaluate(own, middle + dx[e], middle + dy[e], image)
        evaluate(wanted, middle + dx[e], middle + dy[e], change)
        image *= gain
        change -= image
        number = max(inside[e].sum(), 1)
        mean = (image * inside[e]).sum() / number
        weight = (image - mean) * inside[e]
        weight /= max((weight * image).sum(), 1e-12)
        amplitude = np.empty(length)
        for t in range(length):
            amplitude[t] = (weight * (stacks[e, t] - 1.0)).sum()
        amplitude -= amplitude[:before].mean()
        for t in range(length):
            stacks[e, t] += (amplitude[t] * change).astype(np.float32)
