"""The bound on a contrast: maximum likelihood on the whole thumbnail, the path known.

Oracle: a generalized least-squares fit of the amplitudes of all molecules in a thumbnail, whose
paths, landings and residence times are known exactly, with the covariance of shot noise and
background.
For normal noise that is the maximum-likelihood estimate, and its error the Cramer-Rao bound.

Path fit: the classical competitor. The class is given to it, and the path is fitted from the
true one as a start, by least squares; it has to find what the oracle knows.

Both work on the histories that the network sees (`perrin.landing.views`), in contrast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from perrin.landing.light import shifted, values
from perrin.landing.quantifier.quantities import INTEGRATION
from perrin.landing.thumbnails import THUMBNAIL_PX, frames_around, half_length
from perrin.landing.views import EDGES, scaled_histories, stretches
from perrin.optics.psf import Psf
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.motions import Particles
from perrin.simulate.render import light_planes, multiply_landings
from perrin.simulate.thumbnail_simulator import ThumbnailSimulator
from perrin.simulate.thumbnails import threads
from perrin.types import FloatArray

if TYPE_CHECKING:
    import pandas as pd


STRETCHES = 2 * (len(EDGES) - 1) + 1
_PIXELS = THUMBNAIL_PX**2
_BEFORE, _AFTER = frames_around(INTEGRATION)
_FRAMES = _BEFORE + 1 + _AFTER
_FIRST = _BEFORE - half_length(INTEGRATION)  # of a thumbnail, in its stack
_NOTHING = 1e-6
_TINY = 1e-9  # contrast of one kDa where only background is wanted


@dataclass(frozen=True)
class Noise:
    """Covariance of histories without landings: D (x) 1 + T (x) S, times and pixels.

    D is that of shot noise, T and S that of the background in time and place.
    """

    modes: FloatArray
    """(P, P): eigenvectors of S, as columns."""
    inverse: FloatArray
    """(P, K, K): inverse of the covariance of the K stretches in each mode."""

    @classmethod
    def measured(
        cls, settings: ThumbnailSettings, *, count: int, seed: int, psf: Psf | None = None
    ) -> Self:
        """Measure it on `count` thumbnails without landings."""
        blank = _blanks(settings, count=count, seed=seed, psf=psf)  # (N, K, P)
        shot = _shot(settings)
        times = np.einsum("nkp,nlp->kl", blank, blank) / (len(blank) * _PIXELS) - shot
        values, vectors = np.linalg.eigh(times)
        times = (vectors * np.maximum(values, 0)) @ vectors.T
        first = vectors[:, -1]
        seen = np.einsum("k,nkp->np", first, blank)
        places = seen.T @ seen / len(seen) - float(first @ shot @ first) * np.eye(_PIXELS)
        values, modes = np.linalg.eigh(places)
        values = np.maximum(values, 0)
        values *= _PIXELS / max(float(values.sum()), 1e-300)
        return cls(modes, np.linalg.inv(shot + values[:, None, None] * times))

    def times_inverse(self, image: FloatArray) -> FloatArray:
        """Return the inverse covariance times histories (M, K, P), flat: (M, K * P)."""
        seen = image @ self.modes  # (M, K, P)
        found = np.einsum("pkl,mlp->mkp", self.inverse, seen) @ self.modes.T
        flat: FloatArray = found.reshape(len(image), -1)
        return flat


def _shot(settings: ThumbnailSettings) -> FloatArray:
    """Covariance (K, K) of the stretches of one pixel by shot noise."""
    weights = stretches(_BEFORE, _AFTER)
    used = weights.any(axis=1)
    weights[used, :_BEFORE] -= 1.0 / _BEFORE
    covariance = settings.camera.shot_noise**2 / settings.camera.electrons * weights @ weights.T
    values, vectors = np.linalg.eigh(covariance)
    # stretches beyond the stack hold nothing, and those before the landing have a mean of 0:
    # what is always 0 says nothing, as if its noise had no end
    values[values < _NOTHING * values[-1]] = values[-1] / _NOTHING
    found: FloatArray = (vectors * values) @ vectors.T
    return found


def _blanks(settings: ThumbnailSettings, *, count: int, seed: int, psf: Psf | None) -> FloatArray:
    """Histories (N, K, P) in contrast of thumbnails where nothing lands."""
    instrument = settings.instrument.model_copy(update={"contrast_per_kda": -_TINY})
    quiet = settings.model_copy(update={"instrument": instrument, "n_avg": INTEGRATION})
    shared, own = np.random.SeedSequence(seed).spawn(2)
    simulator = ThumbnailSimulator.of(
        quiet, centering="truth", background=None, psf=psf, seed=shared
    )
    with threads(1) as pool:
        (part,) = simulator.events(np.full(count, "binder"), seed=own, pool=pool)
    whole = part.inside.all(axis=(1, 2))
    return seen_of(part.stacks[whole], part.inside[whole])


def seen_of(stacks: NDArray[np.float32], inside: NDArray[np.bool_]) -> FloatArray:
    """Histories (N, K, P) of stacks in contrast, not divided by their scale; negative: landed."""
    found, scale = scaled_histories(stacks, inside, before=_BEFORE, landing_sign=-1)
    flat = found[:, :STRETCHES].reshape(len(stacks), STRETCHES, _PIXELS)
    seen: FloatArray = flat.astype(np.float64) * scale[:, None, None]
    return seen


@dataclass(frozen=True)
class Oracle:
    """What knows all paths: amplitude (above 0) of each central molecule, and its bound."""

    contrast: float
    se: float


class Fitter:
    """The oracle and the path fit, for one instrument."""

    def __init__(self, simulator: ThumbnailSimulator, noise: Noise) -> None:
        self.simulator = simulator
        self.noise = noise
        self.roots = np.linalg.cholesky(noise.inverse).transpose(0, 2, 1)

    def oracle(self, seen: FloatArray, truth: pd.Series, neighbors: pd.DataFrame) -> Oracle:
        """Fit the amplitudes to a history (K, P), the paths of all molecules known.

        Molecules multiply the light, so a history is not quite the sum of theirs: the fit is
        linear around the true contrasts, where it is exact.
        """
        rows = [truth, *(row for _, row in neighbors.iterrows())]
        particles = [self._particle(row) for row in rows]
        corner = float(truth["row"]), float(truth["column"])
        everything = self._seen(particles, corner)
        size = np.array([abs(float(particle.contrast[0])) for particle in particles])
        shapes = np.stack(
            [
                everything - self._seen(particles[:k] + particles[k + 1 :], corner)
                for k in range(len(particles))
            ]
        )
        shapes /= size[:, None, None]
        rest = everything - np.tensordot(size, shapes, axes=1)
        return self._amplitude(seen - rest, shapes)

    def path_fit(self, seen: FloatArray, truth: pd.Series) -> float:
        """Amplitude with place, landing, residence time and path fitted, from the true ones."""
        from scipy.optimize import least_squares

        start = self._particle(truth)
        corner = float(truth["row"]), float(truth["column"])
        steps = int(start.steps[0])
        moves = steps > 0
        leaves = bool(np.isfinite(start.leave[0]))
        weight = seen.ravel()[None]

        def particle(p: FloatArray) -> Particles:
            x, y = start.x[0].copy(), start.y[0].copy()
            x[: steps + 1] += p[3 : 4 + steps]
            y[: steps + 1] += p[4 + steps : 5 + 2 * steps]
            x[steps + 1 :], y[steps + 1 :] = x[steps], y[steps]
            land = start.land + p[0]
            # of a wobbler a step is a frame; a roller's, its whole time in motion
            rolling = moves and truth["motion"] == "roller"
            step = start.step_frames + (p[1] if rolling else 0.0)
            leave = land + steps * step if moves else start.leave + p[0] + p[2]
            return replace(
                start,
                land=land,
                leave=leave if leaves else start.leave,
                x=x[None],
                y=y[None],
                step_frames=np.maximum(step, 0.5 if moves else 0.0),
            )

        def left(p: FloatArray) -> FloatArray:
            shape = self._shape(particle(p), corner)[None]
            found = self._amplitude(seen, shape).contrast
            return self._white(weight - found * shape.reshape(1, -1))

        fitted = least_squares(
            left, np.zeros(5 + 2 * steps), method="trf", max_nfev=12, x_scale=0.3
        )
        return self._amplitude(seen, self._shape(particle(fitted.x), corner)[None]).contrast

    def _white(self, flat: FloatArray) -> FloatArray:
        """Residuals whose squares sum to chi squared, up to a rotation in each mode."""
        image = flat.reshape(STRETCHES, _PIXELS) @ self.noise.modes
        whitened: FloatArray = np.einsum("pkl,lp->kp", self.roots, image).ravel()
        return whitened

    def _amplitude(self, seen: FloatArray, shapes: FloatArray) -> Oracle:
        """Generalized least squares of shapes (M, K, P); of the first one."""
        pulled = self.noise.times_inverse(shapes)  # (M, K * P)
        normal = pulled @ shapes.reshape(len(shapes), -1).T
        covariance = np.linalg.pinv(normal, rcond=1e-9)
        found = covariance @ (pulled @ seen.ravel())
        return Oracle(float(found[0]), float(np.sqrt(max(covariance[0, 0], 0.0))))

    def _particle(self, truth: pd.Series) -> Particles:
        """Return the molecule of a row of a truth table, with its nominal contrast."""
        interval_px = (
            self.simulator.instrument.frame_interval_s * 1e3 / self.simulator.instrument.pixel_nm
        )
        speeds = np.array(str(truth["speeds_nm_per_ms"]).split(), float)
        angles = np.array(str(truth["directions_rad"]).split(), float)
        steps = int(truth["steps"])
        residence_time = float(truth["residence_time_frames"])
        step_frames = 0.0 if steps == 0 else residence_time / steps
        length = speeds[:steps] * interval_px * step_frames
        x = truth["x_px"] + np.r_[0.0, np.cumsum(length * np.cos(angles[:steps]))]
        y = truth["y_px"] + np.r_[0.0, np.cumsum(length * np.sin(angles[:steps]))]
        land = float(truth["frame"] + truth["phase"]) + _FIRST
        return Particles(
            land=np.array([land]),
            leave=np.array([float(truth["end_frame"]) + _FIRST]),
            x=np.asarray(x, float)[None],
            y=np.asarray(y, float)[None],
            steps=np.array([steps]),
            step_frames=np.array([step_frames]),
            contrast=np.array([float(truth["contrast"])]),
            widening=np.array(
                [self.simulator.settings.background.widening * float(truth["focus"])]
            ),
        )

    def _shape(self, particle: Particles, corner: tuple[float, float]) -> FloatArray:
        """History (K, P) of a molecule without noise, over the size of its contrast."""
        return self._seen([particle], corner) / abs(float(particle.contrast[0]))

    def _seen(self, particles: list[Particles], corner: tuple[float, float]) -> FloatArray:
        """History (K, P) of molecules without noise, negative where they landed."""
        if not particles:
            return np.zeros((STRETCHES, _PIXELS))
        together = Particles(
            *(
                np.concatenate(column)
                for column in zip(*(vars(p).values() for p in particles), strict=True)
            )
        )
        owned = np.array([0, len(particles)])
        light = np.ones((1, _FRAMES, THUMBNAIL_PX, THUMBNAIL_PX), np.float32)
        psf, wider = self.simulator.psf, self.simulator.patches.wider
        window = np.zeros((1, 3), np.int64)
        multiply_landings(light, together, window=window, owned=owned, psf=psf, wider=wider)
        instrument = self.simulator.instrument
        field = replace(together, y=together.y + corner[0], x=together.x + corner[1])
        light_of_field = light_planes(
            field,
            n_frames=_FRAMES,
            field=(instrument.height_px, instrument.width_px),
            owned=owned,
            psf=psf,
            wider=wider,
        )
        light_of_field[..., 0] += 1.0
        on_patch = shifted(light_of_field, row=corner[0], column=corner[1])
        light /= values(on_patch, height=THUMBNAIL_PX, width=THUMBNAIL_PX).astype(np.float32)
        inside = np.ones((1, THUMBNAIL_PX, THUMBNAIL_PX), np.bool_)
        found: FloatArray = seen_of(light, inside)[0]
        return found
