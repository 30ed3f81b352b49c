"""Finding: where a smoothed frame of contrast stands out of its noise.

Spheres and molecules are local maxima. Rods are regions: where the smoothed contrast is above
the threshold and above .4 of the region's highest value; moments give place and angle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from perrin.stats import MAD_TO_SD
from perrin.types import Float32Array, FloatArray, IntArray

_LEVEL = 0.4
_LEAST_NOISE = float(np.finfo(np.float32).tiny)
_NOISE_PIXELS = 3000  # of a frame that its noise is taken from
_CLIP, _WITHIN = 3.0, 0.98658  # standard deviations, and what those of a Gaussian within have
_CLIPPINGS = 3
_REACH = 3.0  # standard deviations of the Gaussian
_MOST = 4096  # candidates in one frame
_LEAST_PIXELS = 4  # of a region


@dataclass(frozen=True)
class Candidates:
    """N places to fit.

    Attributes
    ----------
    frame : (N,) int64
        Index of the frame.
    x, y : (N,)
        Place, px.
    angle, half : (N,)
        Of a region: direction of its long axis, radians, and half its length, px.
    area : (N,)
        Pixels of a region.
    signal : (N,)
        Highest smoothed contrast over its noise.
    sigma : (N,)
        Of the Gaussian that the frame was smoothed with, px.

    """

    frame: IntArray
    x: FloatArray
    y: FloatArray
    angle: FloatArray
    half: FloatArray
    area: FloatArray
    signal: FloatArray
    sigma: FloatArray

    def __len__(self) -> int:
        return len(self.frame)


def find(
    frames: Float32Array, *, sigma_px: float, threshold: float, regions: bool
) -> tuple[Candidates, FloatArray]:
    """Find particles in frames (T, Y, X) of contrast, positive for a particle.

    Returns the candidates in order of frames, and the noise (T,) of the smoothed frames.
    """
    smooth = smoothed(frames, sigma_px)
    noise = noise_of(smooth)
    found = np.empty((len(frames), _MOST, 6))
    counts = np.zeros(len(frames), np.int64)
    if regions:
        _regions(smooth, threshold * noise, found, counts)
    else:
        _maxima(smooth, threshold * noise, max(1, int(sigma_px)), found, counts)
    frame = np.repeat(np.arange(len(frames)), counts)
    rows = np.concatenate([found[t, :n] for t, n in enumerate(counts)] or [np.empty((0, 6))])
    x, y, angle, half, area, high = rows.T
    sigma = np.full(len(x), sigma_px)
    return Candidates(frame, x, y, angle, half, area, high / noise[frame], sigma), noise


def smoothed(frames: Float32Array, sigma_px: float) -> Float32Array:
    """Return frames (T, Y, X) smoothed with a Gaussian, white noise as strong at the edges.

    What is outside the field adds nothing, and what is near its edge is raised by as much as
    the noise there has fallen: so a threshold means the same everywhere.
    """
    reach = max(1, int(np.ceil(_REACH * sigma_px)))
    kernel = np.exp(-0.5 * (np.arange(reach + 1) / sigma_px) ** 2)
    kernel /= kernel[0] + 2 * kernel[1:].sum()
    out = np.empty_like(frames)
    _smooth(frames, kernel.astype(np.float32), out)
    one_side = np.cumsum(kernel**2)  # of the squares, up to an edge so many pixels away
    gain = np.sqrt((2 * one_side[-1] - kernel[0] ** 2) / (one_side[-1] + one_side - kernel[0] ** 2))
    for k in range(min(reach, *frames.shape[1:])):
        for edge in (out[:, k], out[:, -1 - k], out[:, :, k], out[:, :, -1 - k]):
            edge *= np.float32(gain[k])
    return out


def noise_of(frames: Float32Array) -> FloatArray:
    """Return the robust standard deviation (T,) of frames about their median."""
    every = max(1, int(np.sqrt(frames[0].size / _NOISE_PIXELS))) if len(frames) else 1
    found: FloatArray = _noise(frames[:, ::every, ::every].reshape(len(frames), -1))
    return found


@njit(cache=True, nogil=True)
def _noise(rows):  # type: ignore[no-untyped-def]
    """Start from the median deviation; go on with the root mean square of what is within.

    Counts of a few electrons are so coarse that the median deviation alone is one of them.
    """
    out = np.empty(len(rows))
    for t in range(len(rows)):
        rest = np.abs(rows[t] - np.median(rows[t]))
        spread = max(MAD_TO_SD * np.median(rest), _LEAST_NOISE)
        for _ in range(_CLIPPINGS):
            total, count = 0.0, 0
            for n in range(len(rest)):
                if rest[n] <= _CLIP * spread:
                    total += rest[n] * rest[n]
                    count += 1
            spread = max(np.sqrt(total / max(count, 1)) / _WITHIN, _LEAST_NOISE)
        out[t] = spread
    return out


@njit(cache=True, nogil=True, fastmath=True)
def _smooth(frames, kernel, out):  # type: ignore[no-untyped-def]
    """Smooth along rows, then across them; kernel: its middle and one side."""
    n_frames, height, width = frames.shape
    reach = len(kernel) - 1
    for t in range(n_frames):
        first = np.empty((height, width), np.float32)
        line = np.zeros(width + 2 * reach, np.float32)
        nothing = np.zeros(width, np.float32)
        for y in range(height):
            for x in range(width):
                line[reach + x] = frames[t, y, x]
            _weighted(frames[t, y], kernel[0], first[y])
            for k in range(1, reach, 2):
                near, far = line[reach - k :], line[reach + k :]
                _add_four(
                    near,
                    far,
                    line[reach - k - 1 :],
                    line[reach + k + 1 :],
                    kernel[k],
                    kernel[k + 1],
                    first[y],
                )
            if reach % 2:
                _add_both(line, line[2 * reach :], kernel[reach], first[y])
        for y in range(height):
            _weighted(first[y], kernel[0], out[t, y])
            for k in range(1, reach, 2):
                up = first[y - k] if y >= k else nothing
                down = first[y + k] if y + k < height else nothing
                upper = first[y - k - 1] if y > k else nothing
                lower = first[y + k + 1] if y + k + 1 < height else nothing
                _add_four(up, down, upper, lower, kernel[k], kernel[k + 1], out[t, y])
            if reach % 2:
                up = first[y - reach] if y >= reach else nothing
                down = first[y + reach] if y + reach < height else nothing
                _add_both(up, down, kernel[reach], out[t, y])


@njit(cache=True, fastmath=True)
def _weighted(row, weight, out):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] = weight * row[x]


@njit(cache=True, fastmath=True)
def _add_both(one, other, weight, out):  # type: ignore[no-untyped-def]
    for x in range(len(out)):
        out[x] += weight * (one[x] + other[x])


@njit(cache=True, fastmath=True)
def _add_four(one, other, third, fourth, weight, next_weight, out):  # type: ignore[no-untyped-def]
    """Add two pairs of neighbors in one go: the row that is summed is read half as often."""
    for x in range(len(out)):
        out[x] += weight * (one[x] + other[x]) + next_weight * (third[x] + fourth[x])


@njit(cache=True, nogil=True)
def _maxima(frames, limit, radius, found, counts):  # type: ignore[no-untyped-def]
    n_frames, height, width = frames.shape
    for t in range(n_frames):
        least = np.float32(limit[t])
        for y in range(height):
            row = frames[t, y]
            for x in range(width):
                value = row[x]
                if value < least:
                    continue
                if counts[t] < _MOST and _is_highest(frames[t], y, x, radius):
                    found[t, counts[t], 0] = x
                    found[t, counts[t], 1] = y
                    found[t, counts[t], 2:5] = 0.0
                    found[t, counts[t], 5] = value
                    counts[t] += 1


@njit(cache=True)
def _is_highest(image, y, x, radius):  # type: ignore[no-untyped-def]
    """Whether no pixel within the radius is higher; of equal ones the first counts."""
    height, width = image.shape
    value = image[y, x]
    for j in range(max(y - radius, 0), min(y + radius + 1, height)):
        for i in range(max(x - radius, 0), min(x + radius + 1, width)):
            other = image[j, i]
            if other > value or (other == value and (j, i) < (y, x)):
                return False
    return True


@njit(cache=True, nogil=True)
def _regions(frames, limit, found, counts):  # type: ignore[no-untyped-def]
    n_frames, height, width = frames.shape
    for t in range(n_frames):
        image = frames[t]
        seen = np.zeros((height, width), np.uint8)
        outer, inner = np.empty(height * width, np.int64), np.empty(height * width, np.int64)
        for y in range(height):
            for x in range(width):
                if seen[y, x] or image[y, x] < limit[t]:
                    continue
                size = _flood(image, seen, y, x, limit[t], 0, 1, outer)
                high = limit[t]
                for n in range(size):
                    high = max(high, image[outer[n] // width, outer[n] % width])
                level = max(limit[t], _LEVEL * high)
                for n in range(size):
                    row, column = outer[n] // width, outer[n] % width
                    if seen[row, column] == 1 and image[row, column] >= level:
                        pixels = _flood(image, seen, row, column, level, 1, 2, inner)
                        if pixels >= _LEAST_PIXELS and counts[t] < _MOST:
                            _describe(image, inner, pixels, found[t, counts[t]])
                            counts[t] += 1


@njit(cache=True)
def _flood(image, seen, y, x, level, old, new, pixels):  # type: ignore[no-untyped-def]
    """List the pixels connected with (y, x) at or above `level` that are marked `old`."""
    height, width = image.shape
    pixels[0] = y * width + x
    seen[y, x] = new
    count, at = 1, 0
    while at < count:
        row, column = pixels[at] // width, pixels[at] % width
        at += 1
        for j in range(max(row - 1, 0), min(row + 2, height)):
            for i in range(max(column - 1, 0), min(column + 2, width)):
                if seen[j, i] == old and image[j, i] >= level:
                    seen[j, i] = new
                    pixels[count] = j * width + i
                    count += 1
    return count


@njit(cache=True)
def _describe(image, pixels, count, out):  # type: ignore[no-untyped-def]
    """Center, direction, half length, area and height of a region, weighted by the contrast."""
    width = image.shape[1]
    total, sx, sy, high = 0.0, 0.0, 0.0, 0.0
    for n in range(count):
        value = image[pixels[n] // width, pixels[n] % width]
        total += value
        sx += value * (pixels[n] % width)
        sy += value * (pixels[n] // width)
        high = max(high, value)
    cx, cy = sx / total, sy / total
    xx, yy, xy = 0.0, 0.0, 0.0
    for n in range(count):
        value = image[pixels[n] // width, pixels[n] % width]
        dx, dy = pixels[n] % width - cx, pixels[n] // width - cy
        xx += value * dx * dx
        yy += value * dy * dy
        xy += value * dx * dy
    xx, yy, xy = xx / total, yy / total, xy / total
    spread = np.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
    longest, shortest = 0.5 * (xx + yy) + spread, max(0.5 * (xx + yy) - spread, 0.0)
    out[0], out[1] = cx, cy
    out[2] = 0.5 * np.arctan2(2.0 * xy, xx - yy)
    # half the axis of a uniform segment of the width of the region
    out[3] = np.sqrt(3.0 * max(longest - shortest, 0.0))
    out[4] = count
    out[5] = high
