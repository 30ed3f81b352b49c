"""Event patches as the camera records them: on the background model, or on a buffer movie."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from perrin.io.movie import Movie
from perrin.landing.light import light_field, shifted
from perrin.optics.camera import fixed_pattern, record
from perrin.optics.psf import Psf
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.background import (
    TEXTURE_PX,
    Texture,
    draw_laser,
    draw_stage,
    dynamic_keys,
    fill_light,
    illumination,
)
from perrin.simulate.disturbances import Disturbances
from perrin.simulate.event_patches import EventPatches
from perrin.simulate.recorded import add_to_recorded
from perrin.simulate.render import light_planes, multiply_landings, widening_coefficients
from perrin.types import FloatArray

_NOISE_EVENTS = 32  # events that share one stream of shot noise


@dataclass(frozen=True)
class PatchModel:
    """The background model on patches: what is drawn once for all of them."""

    settings: ThumbnailSettings
    texture: Texture
    gain: NDArray[np.float32]
    electrons: NDArray[np.float32]
    psf: Psf
    wider: NDArray[np.float64]

    @classmethod
    def of(cls, settings: ThumbnailSettings, *, psf: Psf, rng: np.random.Generator) -> Self:
        """Draw the texture and the fixed pattern."""
        return cls(
            settings=settings,
            texture=Texture.of(psf, rng=rng),
            gain=fixed_pattern(settings.camera, settings.instrument, rng=rng),
            electrons=settings.camera.electrons
            * illumination(settings.background, settings.instrument),
            psf=psf,
            wider=widening_coefficients(psf),
        )

    def record(
        self, event_patches: EventPatches, *, seed: np.random.SeedSequence, pool: ThreadPoolExecutor
    ) -> tuple[NDArray[np.uint16], FloatArray]:
        """Counts of the patches (B, T, S, S), and the planes of their light (B, T, 3)."""
        background, instrument = self.settings.background, self.settings.instrument
        camera = self.settings.camera
        count, n_frames = len(event_patches.labels), event_patches.n_frames
        shape = (event_patches.size, event_patches.size)
        own, *noise_seeds = seed.spawn(1 + -(-count // _NOISE_EVENTS))
        noise = np.empty((count, n_frames, *shape), np.float32)
        filling = [
            pool.submit(_fill_normal, noise[k * _NOISE_EVENTS : (k + 1) * _NOISE_EVENTS], part)
            for k, part in enumerate(noise_seeds)
        ]
        rng = np.random.default_rng(own)
        stage = draw_stage(background, instrument, count=count, n_frames=n_frames, rng=rng)
        laser = draw_laser(background, instrument, count=count, n_frames=n_frames, rng=rng)
        origin = rng.uniform(0, TEXTURE_PX, size=(count, 2))
        keys = dynamic_keys(
            background,
            instrument,
            texture=self.texture,
            n_frames=n_frames,
            shape=shape,
            count=count,
            rng=rng,
        )
        relative, disturbed = self._background(keys, origin, stage, event_patches, seed=own)
        field = instrument.height_px, instrument.width_px
        change = _add_landings(
            relative, event_patches, field=field, psf=self.psf, wider=self.wider, landing_sign=-1
        )
        for done in filling:
            done.result()
        counts = record(
            relative,
            electrons=_crop(self.electrons, event_patches),
            gain=_crop(self.gain, event_patches),
            exposure=laser,
            noise=noise,
            **camera.of_record(),
        )
        change += disturbed
        bright = camera.electrons / camera.electrons_per_count
        light = bright * laser[..., None] * change
        light[..., 0] += camera.offset_counts
        return counts, _on_patch(light, event_patches)

    def _background(
        self,
        keys: NDArray[np.float32],
        origin: FloatArray,
        stage: FloatArray,
        event_patches: EventPatches,
        *,
        seed: np.random.SeedSequence,
    ) -> tuple[NDArray[np.float32], FloatArray | float]:
        """Light (B, T, S, S) of the bare patches, and what disturbs the planes of the field."""
        settings, n_frames = self.settings, event_patches.n_frames
        static = partial(
            fill_light,
            texture=self.texture,
            speckle_contrast=settings.background.speckle_contrast,
            origin=origin,
            stage=stage,
        )
        if not settings.disturbances.any:
            return static(keys=keys), 0.0
        disturbances = Disturbances.draw(
            settings.disturbances,
            settings.instrument,
            psf=self.psf,
            texture=self.texture,
            shape=(event_patches.size, event_patches.size),
            count=len(keys),
            n_frames=n_frames,
            rng=np.random.default_rng(seed.spawn(1)[0]),
        )
        keys = disturbances.add_speckle(keys, n_frames=n_frames)
        light = static(keys=keys)
        disturbances.multiply(light, corner=event_patches.corner)
        return light, disturbances.planes()


@dataclass(frozen=True)
class RecordedPatches:
    """Patches of a recorded buffer movie, at random times."""

    movie: Movie
    psf: Psf
    wider: NDArray[np.float64]

    def record(
        self, event_patches: EventPatches, *, seed: np.random.SeedSequence, pool: ThreadPoolExecutor
    ) -> tuple[NDArray[np.uint16], FloatArray]:
        """Counts of the patches (B, T, S, S), and the planes of their light (B, T, 3)."""
        del pool  # reading is one file's business
        count, n_frames = len(event_patches.labels), event_patches.n_frames
        rng = np.random.default_rng(seed)
        starts = rng.integers(self.movie.n_frames - n_frames, size=count, endpoint=True)
        counts = np.empty((count, n_frames, event_patches.size, event_patches.size), np.uint16)
        light = np.empty((count, n_frames, 3))
        rows, columns = _pixels(event_patches, self.movie.height, self.movie.width)
        for b, start in enumerate(starts):
            frames = self.movie.frames[int(start) : int(start) + n_frames]
            light[b] = light_field(frames)
            counts[b] = frames[:, rows[b][:, None], columns[b]]
        relative = np.ones(counts.shape, np.float32)
        change = _add_landings(
            relative,
            event_patches,
            field=(self.movie.height, self.movie.width),
            psf=self.psf,
            wider=self.wider,
            landing_sign=self.movie.landing_sign,
        )
        field = self.movie.height, self.movie.width
        return add_to_recorded(counts, relative), _on_patch(
            _product(light, change, field=field), event_patches
        )


def _add_landings(
    light: NDArray[np.float32],
    event_patches: EventPatches,
    *,
    field: tuple[int, int],
    psf: Psf,
    wider: NDArray[np.float64],
    landing_sign: int,
) -> FloatArray:
    """Multiply the molecules into `light`; return the planes (B, T, 3) that they leave of 1."""
    window = np.zeros((len(event_patches.labels), 3), np.int64)
    window[:, 1:] = event_patches.corner
    planes = np.zeros((len(event_patches.labels), event_patches.n_frames, 3))
    planes[..., 0] = 1.0
    for group, owned in (
        (event_patches.particles, event_patches.owned),
        (event_patches.crowd, event_patches.crowd_owned),
    ):
        particles = group.seen_with(landing_sign)
        multiply_landings(light, particles, window=window, owned=owned, psf=psf, wider=wider)
        planes += light_planes(
            particles,
            owned=owned,
            n_frames=event_patches.n_frames,
            field=field,
            psf=psf,
            wider=wider,
        )
    return planes


def _product(light: FloatArray, change: FloatArray, *, field: tuple[int, int]) -> FloatArray:
    """The plane (B, T, 3) of the product of two, which is one to first order in `change`."""
    middle = np.array([1.0, (field[0] - 1) / 2, (field[1] - 1) / 2])
    mean = light @ middle
    product: FloatArray = light * (change @ middle)[..., None]
    slopes = mean[..., None] * change[..., 1:]
    product[..., 1:] += slopes
    product[..., 0] -= slopes @ middle[1:]
    return product


def _on_patch(light: FloatArray, event_patches: EventPatches) -> FloatArray:
    """Planes (B, T, 3) of the field, as the patches see them."""
    corner = event_patches.corner
    return shifted(light, row=corner[:, :1], column=corner[:, 1:])


def _crop(field: NDArray[np.float32], event_patches: EventPatches) -> NDArray[np.float32]:
    """The field's values (B, S, S) under each patch; its edge is repeated beyond it."""
    rows, columns = _pixels(event_patches, *field.shape)
    return field[rows[:, :, None], columns[:, None, :]]


def _pixels(
    event_patches: EventPatches, height: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns (B, S) of the field under each patch, kept inside it."""
    offset = np.arange(event_patches.size)
    rows = np.clip(event_patches.corner[:, :1] + offset, 0, height - 1)
    columns = np.clip(event_patches.corner[:, 1:] + offset, 0, width - 1)
    return rows, columns


def _fill_normal(out: NDArray[np.float32], seed: np.random.SeedSequence) -> None:
    np.random.default_rng(seed).standard_normal(out=out, dtype=np.float32)
