"""The matched filter: the least-squares contrast of a PSF at every pixel.

For a PSF P on a window of N pixels with a free constant background, the least-squares
amplitude is ``sum K * r`` with ``K = (P - mean P) / (sum P^2 - (sum P)^2 / N)``. Its value
is a contrast, and in white noise of standard deviation s its own is
``s / sqrt(sum P^2 - (sum P)^2 / N)``, the Cramer-Rao bound for a known position. K is
applied as a sum of a few separable kernels (its singular vectors).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.lib.stride_tricks import sliding_window_view

from perrin.optics.psf import Psf
from perrin.threads import over_rows
from perrin.types import Float32Array, FloatArray

WINDOW_PX = 13
MARGIN_PX = WINDOW_PX // 2
_RESPONSE_PX = 25
_ENERGY = 0.9995  # fraction of the kernel's squares in its separable parts
_VECTORS = 32  # numbers that a compiled loop takes at once


@dataclass(frozen=True)
class MatchedFilter:
    """The kernel of a PSF and its separable parts."""

    kernel: FloatArray
    """(13, 13): K of the module's formula."""
    columns: Float32Array
    rows: Float32Array
    """columns, rows (R, 13): K is nearly ``sum_r outer(columns[r], rows[r])``."""
    response: FloatArray
    """(25, 25): filter output around a unit event, the event at [12, 12]."""

    @classmethod
    def of(cls, psf: Psf) -> MatchedFilter:
        """Return the matched filter of `psf`."""
        image = psf.image(WINDOW_PX)
        centered = image - image.mean()
        kernel = centered / (centered * image).sum()
        u, s, vt = np.linalg.svd(kernel)
        rank = 1 + int(np.searchsorted(np.cumsum(s**2) / np.sum(s**2), _ENERGY))
        windows = sliding_window_view(psf.image(_RESPONSE_PX + WINDOW_PX - 1), kernel.shape)
        response = np.einsum("ijkl,kl->ij", windows, kernel)
        return cls(
            kernel,
            (u[:, :rank] * s[:rank]).T.astype(np.float32).copy(),
            vt[:rank].astype(np.float32).copy(),
            response,
        )

    def apply(self, frames: Float32Array) -> Float32Array:
        """Filter (T, Y, X) frames; beyond the field they count as 0.

        Within half a window of an edge the result is a rough contrast only.
        """
        out = np.empty_like(frames)
        over_rows(_separable, len(frames), frames, self.columns, self.rows, out)
        return out


@njit(cache=True, nogil=True, fastmath=True)
def _separable(first, last, frames, columns, rows, out):  # type: ignore[no-untyped-def]
    """Frames (Y, X) one by one, row by row along x so that the inner loops are vectors.

    Rows are as long as whole vectors: what is left over would be done one by one.
    """
    _, height, width = frames.shape
    rank, taps = rows.shape
    half = taps // 2
    long = -(-width // _VECTORS) * _VECTORS
    padded = np.zeros((height, long + 2 * half), np.float32)
    lines = np.zeros((height + 2 * half, long), np.float32)
    line = np.empty(long, np.float32)
    for t in range(first, last):
        padded[:, half : half + width] = frames[t]
        out[t] = 0.0
        for r in range(rank):
            for y in range(height):
                lines[half + y] = 0.0
                for k in range(taps):
                    w = rows[r, k]
                    for x in range(long):
                        lines[half + y, x] += w * padded[y, x + k]
            for y in range(height):
                line[:] = 0.0
                for k in range(taps):
                    w = columns[r, k]
                    for x in range(long):
                        line[x] += w * lines[y + k, x]
                for x in range(width):
                    out[t, y, x] += line[x]
