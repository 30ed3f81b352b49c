"""One event on a small patch of background, many at a time: what thumbnails are cut from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from perrin.io.movie import Movie
from perrin.landing.matched import MARGIN_PX
from perrin.landing.ratiometric import frame_means
from perrin.landing.thumbnails import THUMBNAIL_PX, half_length
from perrin.optics.camera import fixed_pattern, record
from perrin.optics.psf import Psf
from perrin.settings.simulation import InstrumentSettings, MassPrior, ThumbnailSettings
from perrin.simulate.background import (
    TEXTURE_PX,
    Texture,
    draw_laser,
    draw_stage,
    dynamic_keys,
    fill_light,
    illumination,
    tilt,
)
from perrin.simulate.motions import Motions, Particles, draw_motions, longest_frames, place
from perrin.simulate.recorded import add_to_recorded
from perrin.simulate.render import mean_light, multiply_landings, widening_coefficients

_NOISE_EVENTS = 32  # events that share one stream of shot noise
_SEEN_FRAMES = 10  # that a detector sees together
_SEEN_LATE = 0.4  # fraction of moving molecules that it sees after they landed
_SEEN_ERROR_PX = 0.33

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class EventPatches:
    """Events on patches of their own, B of them.

    Attributes
    ----------
    labels : (B,) str
        Class of each event.
    particles, motions, mass_kda, focus
        All molecules: of each event the central one first, then its neighbors. Times count
        from the first frame of the patch, places are those of the field.
    owned : (B + 1,) int64
        Event b has the molecules owned[b] to owned[b + 1].
    crowd, crowd_owned
        The same for molecules elsewhere in the field, which are in no thumbnail.
    corner : (B, 2) int64
        Row and column of the field where each patch begins (it may leave the field).
    n_frames, size : int
        Frames and pixels of a patch; the central molecule lands in frame `land_frame`.

    """

    labels: NDArray[np.str_]
    particles: Particles
    motions: Motions
    mass_kda: FloatArray
    focus: FloatArray
    owned: NDArray[np.int64]
    crowd: Particles
    crowd_owned: NDArray[np.int64]
    corner: NDArray[np.int64]
    n_frames: int
    size: int
    land_frame: int


def draw_event_patches(
    labels: NDArray[np.str_],
    settings: ThumbnailSettings,
    instrument: InstrumentSettings,
    *,
    slack_frames: int,
    slack_px: int,
    rng: np.random.Generator,
) -> EventPatches:
    """Draw events of the given classes, at random places where a fit window fits.

    A patch is as long and wide as a thumbnail needs, and by the slack more on every side.
    """
    count = len(labels)
    half = half_length(settings.n_avg)
    land_frame = half + settings.n_avg + slack_frames
    further = np.where(
        labels == "neighbors",
        rng.integers(
            settings.motion.neighbors_min,
            settings.motion.neighbors_max,
            size=count,
            endpoint=True,
        ),
        0,
    )
    owned = np.concatenate([[0], np.cumsum(1 + further)])
    total = int(owned[-1])
    event = np.repeat(np.arange(count), 1 + further)
    central = owned[:-1]

    x, y = np.empty(total), np.empty(total)
    x[central] = rng.uniform(MARGIN_PX - 0.5, instrument.width_px - MARGIN_PX - 0.5, size=count)
    y[central] = rng.uniform(MARGIN_PX - 0.5, instrument.height_px - MARGIN_PX - 0.5, size=count)
    middle = np.rint(np.stack([y[central], x[central]], axis=1)).astype(np.int64)
    land = np.empty(total)
    land[central] = land_frame + rng.random(count)
    other = np.setdiff1d(np.arange(total), central)
    reach = THUMBNAIL_PX / 2
    y[other] = middle[event[other], 0] + rng.uniform(-reach, reach, size=len(other))
    x[other] = middle[event[other], 1] + rng.uniform(-reach, reach, size=len(other))
    land[other] = rng.uniform(land_frame - half, land_frame + half, size=len(other))

    names = np.full(total, "binder", "<U8")
    names[central] = np.where(labels == "neighbors", "binder", labels)
    motions = draw_motions(names, settings=settings.motion, rng=rng)
    mass = draw_masses(settings.masses, count=total, rng=rng)
    focus = settings.background.focus_contrast * rng.standard_normal(count) + tilt(
        settings.background,
        instrument,
        direction_rad=rng.uniform(0, 2 * np.pi, size=count),
        x_px=x[central],
        y_px=y[central],
    )
    particles = place(
        motions,
        land=land,
        x_px=x,
        y_px=y,
        contrast=instrument.contrast_per_kda * mass,
        focus=focus[event],
        widening=settings.background.widening,
        instrument=instrument,
    )
    size = THUMBNAIL_PX + 2 * slack_px
    n_frames = 2 * (half + settings.n_avg + slack_frames)
    crowd = _draw_crowd(
        settings,
        instrument,
        center=np.column_stack([land[central], middle]),
        half=half,
        n_frames=n_frames,
        focus=focus,
        rng=rng,
    )
    far, near = np.flatnonzero(~crowd.near), np.flatnonzero(crowd.near & settings.crowd.inside)
    met = np.isin(np.arange(count), crowd.event[near])
    event = np.concatenate([event, crowd.event[near]])
    order = np.argsort(event, kind="stable")
    return EventPatches(
        labels=np.where((labels == "binder") & met, "neighbors", labels),
        particles=particles.and_others(crowd.particles[near])[order],
        motions=motions.and_others(crowd.motions[near])[order],
        mass_kda=np.concatenate([mass, crowd.mass_kda[near]])[order],
        focus=focus[event[order]],
        owned=_owned(event, count),
        crowd=crowd.particles[far],
        crowd_owned=_owned(crowd.event[far], count),
        corner=middle - size // 2,
        n_frames=n_frames,
        size=size,
        land_frame=land_frame,
    )


def _owned(event: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return where the members of each of `count` events begin, and where the last end."""
    return np.concatenate([[0], np.cumsum(np.bincount(event, minlength=count))]).astype(np.int64)


@dataclass(frozen=True)
class _Crowd:
    """Molecules in order of their events, and whether they land or leave in its thumbnail."""

    event: NDArray[np.int64]
    particles: Particles
    motions: Motions
    mass_kda: FloatArray
    near: NDArray[np.bool_]


def _draw_crowd(
    settings: ThumbnailSettings,
    instrument: InstrumentSettings,
    *,
    center: FloatArray,
    half: int,
    n_frames: int,
    focus: FloatArray,
    rng: np.random.Generator,
) -> _Crowd:
    """Draw what lands in the field of each event; center (B, 3): its frame, row and column.

    A thumbnail has `half` frames each way.
    """
    crowd, motion = settings.crowd, settings.motion
    count = len(center)
    early = longest_frames(motion)
    area_um2 = instrument.height_px * instrument.width_px * (instrument.pixel_nm / 1e3) ** 2
    seconds = (n_frames + early) * instrument.frame_interval_s
    crowded = rng.random(count) < crowd.fraction
    low, high = np.log([crowd.low_per_um2_s, crowd.high_per_um2_s])
    density = np.exp(rng.uniform(low, high, size=count))
    number = rng.poisson(np.where(crowded, density, 0.0) * area_um2 * seconds)
    event, total = np.repeat(np.arange(count), number), int(number.sum())
    names = rng.choice(list(crowd.motions), size=total, p=list(crowd.motions.values()))
    motions = draw_motions(names, settings=motion, rng=rng)
    land = rng.uniform(-early, n_frames, size=total)
    x = rng.uniform(-0.5, instrument.width_px - 0.5, size=total)
    y = rng.uniform(-0.5, instrument.height_px - 0.5, size=total)
    mass = draw_masses(settings.masses, count=total, rng=rng)
    particles = place(
        motions,
        land=land,
        x_px=x,
        y_px=y,
        contrast=instrument.contrast_per_kda * mass,
        focus=focus[event],
        widening=settings.background.widening,
        instrument=instrument,
    )
    reach = np.array([half, THUMBNAIL_PX / 2, THUMBNAIL_PX / 2])
    row, last = np.arange(total), particles.steps
    landing = np.column_stack([particles.land, particles.y[:, 0], particles.x[:, 0]])
    leaving = np.column_stack([particles.leave, particles.y[row, last], particles.x[row, last]])
    near = np.zeros(total, np.bool_)
    for place_and_time in (landing, leaving):
        near |= (np.abs(place_and_time - center[event]) <= reach).all(axis=1)
    kept = particles.leave > 0
    return _Crowd(event[kept], particles[kept], motions[kept], mass[kept], near[kept])


def scattered(event_patches: EventPatches, *, rng: np.random.Generator) -> EventPatches:
    """Move the patches in place and time as a detector that sees noise and motion would.

    It centers on the mean position of the next `_SEEN_FRAMES` frames, give or take a third of
    a pixel; a fifth of the events it sees a frame early or late, and two in five of those that
    move only at some moment of their motion.
    """
    count = len(event_patches.labels)
    central = event_patches.particles[event_patches.owned[:-1]]
    moving = central.at_rest - central.land
    late = np.where(rng.random(count) < _SEEN_LATE, rng.random(count) * moving, 0.0)
    shift = rng.choice([-1, 0, 1], size=count, p=[0.1, 0.8, 0.1]) - np.rint(late).astype(np.int64)
    times = late[:, None] + np.arange(_SEEN_FRAMES)
    times = np.minimum(times, np.maximum(central.leave - central.land, late)[:, None])
    steps = times / np.maximum(central.step_frames, 1e-9)[:, None]
    knots = np.arange(central.x.shape[1])
    middle = np.empty((count, 2))
    for axis, at in ((0, central.y), (1, central.x)):
        for b in range(count):
            middle[b, axis] = np.interp(steps[b], knots, at[b]).mean()
    middle += _SEEN_ERROR_PX * rng.standard_normal(middle.shape)
    none = np.zeros(1, np.int64)

    def moved(particles: Particles, owned: NDArray[np.int64]) -> Particles:
        frames = -np.repeat(shift, np.diff(owned))
        return particles.shifted(frames=frames, y_px=none, x_px=none)

    return replace(
        event_patches,
        particles=moved(event_patches.particles, event_patches.owned),
        crowd=moved(event_patches.crowd, event_patches.crowd_owned),
        corner=np.rint(middle).astype(np.int64) - event_patches.size // 2,
    )


def draw_masses(prior: MassPrior, *, count: int, rng: np.random.Generator) -> FloatArray:
    """Masses in kDa: a fraction uniform below the middle of the prior, the rest above it."""
    low = rng.random(count) < prior.low_fraction
    fraction = rng.random(count)
    below = prior.low_kda + fraction * (prior.middle_kda - prior.low_kda)
    above = prior.middle_kda + fraction * (prior.high_kda - prior.middle_kda)
    return np.where(low, below, above)


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
        """Counts of the patches (B, T, S, S), and the whole-frame means (B, T) they go with."""
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
        light = fill_light(
            texture=self.texture,
            speckle_contrast=background.speckle_contrast,
            origin=rng.uniform(0, TEXTURE_PX, size=(count, 2)),
            stage=stage,
            keys=dynamic_keys(
                background,
                instrument,
                texture=self.texture,
                n_frames=n_frames,
                shape=shape,
                count=count,
                rng=rng,
            ),
        )
        field = instrument.height_px, instrument.width_px
        change = _add_landings(
            light, event_patches, field=field, psf=self.psf, wider=self.wider, landing_sign=-1
        )
        for done in filling:
            done.result()
        counts = record(
            light,
            electrons=_crop(self.electrons, event_patches),
            gain=_crop(self.gain, event_patches),
            exposure=laser,
            noise=noise,
            camera=camera,
        )
        bright = camera.electrons / camera.electrons_per_count
        return counts, camera.offset_counts + bright * laser * change


@dataclass(frozen=True)
class RecordedPatches:
    """Patches of a recorded buffer movie, at random times."""

    movie: Movie
    psf: Psf
    wider: NDArray[np.float64]

    def record(
        self, event_patches: EventPatches, *, seed: np.random.SeedSequence, pool: ThreadPoolExecutor
    ) -> tuple[NDArray[np.uint16], FloatArray]:
        """Counts of the patches (B, T, S, S), and the whole-frame means (B, T) they go with."""
        del pool  # reading is one file's business
        count, n_frames = len(event_patches.labels), event_patches.n_frames
        rng = np.random.default_rng(seed)
        starts = rng.integers(self.movie.n_frames - n_frames, size=count, endpoint=True)
        counts = np.empty((count, n_frames, event_patches.size, event_patches.size), np.uint16)
        mean = np.empty((count, n_frames))
        rows, columns = _pixels(event_patches, self.movie.height, self.movie.width)
        for b, start in enumerate(starts):
            frames = self.movie.frames[int(start) : int(start) + n_frames]
            mean[b] = frame_means(frames)
            counts[b] = frames[:, rows[b][:, None], columns[b]]
        light = np.ones(counts.shape, np.float32)
        change = _add_landings(
            light,
            event_patches,
            field=(self.movie.height, self.movie.width),
            psf=self.psf,
            wider=self.wider,
            landing_sign=self.movie.landing_sign,
        )
        return add_to_recorded(counts, light), mean * change


def _add_landings(
    light: NDArray[np.float32],
    event_patches: EventPatches,
    *,
    field: tuple[int, int],
    psf: Psf,
    wider: NDArray[np.float64],
    landing_sign: int,
) -> FloatArray:
    """Multiply the molecules into `light`; return what they do to the frame means (B, T)."""
    window = np.zeros((len(event_patches.labels), 3), np.int64)
    window[:, 1:] = event_patches.corner
    mean = np.ones((len(event_patches.labels), event_patches.n_frames))
    for group, owned in (
        (event_patches.particles, event_patches.owned),
        (event_patches.crowd, event_patches.crowd_owned),
    ):
        particles = group.seen_with(landing_sign)
        multiply_landings(light, particles, window=window, owned=owned, psf=psf, wider=wider)
        mean *= mean_light(
            particles,
            owned=owned,
            n_frames=event_patches.n_frames,
            field=field,
            psf=psf,
            wider=wider,
        )
    return mean


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
