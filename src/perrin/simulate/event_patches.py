"""One event on a small patch of background, many at a time: what thumbnails are cut from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perrin.landing.matched import MARGIN_PX
from perrin.landing.thumbnails import THUMBNAIL_PX, half_length
from perrin.settings.simulation import InstrumentSettings, MassPrior, ThumbnailSettings
from perrin.simulate.background import tilt
from perrin.simulate.motions import (
    Landings,
    Motions,
    Particles,
    Rows,
    draw_motions,
    longest_frames,
    place,
)
from perrin.types import FloatArray

_SEEN_FRAMES = 10  # that a detector sees together
_SEEN_LATE = 0.4  # fraction of moving molecules that it sees after they landed
_SEEN_ERROR_PX = 0.33


@dataclass(frozen=True)
class EventPatches:
    """Events on patches of their own, B of them."""

    labels: NDArray[np.str_]
    """(B,): class of each event."""
    particles: Particles
    motions: Motions
    mass_kda: FloatArray
    focus: FloatArray
    """particles, motions, mass_kda, focus: all molecules: of each event the central one first, then
    its neighbors. Times count from the first frame of the patch, places are those of the field."""
    owned: NDArray[np.int64]
    """(B + 1,): event b has the molecules owned[b] to owned[b + 1]."""
    crowd: Particles
    crowd_owned: NDArray[np.int64]
    """crowd, crowd_owned: the same for molecules elsewhere in the field, which are in no
    thumbnail."""
    corner: NDArray[np.int64]
    """(B, 2): row and column of the field where each patch begins (it may leave the field)."""
    n_frames: int
    size: int
    """n_frames, size: frames and pixels of a patch; the central molecule lands in frame
    `land_frame`."""
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
    half = half_length(settings.n_avg)
    land_frame = half + settings.n_avg + slack_frames
    window = _Window(
        half=half,
        land_frame=land_frame,
        n_frames=2 * land_frame,
        size=THUMBNAIL_PX + 2 * slack_px,
    )
    spots = _draw_spots(labels, settings, instrument, window=window, rng=rng)
    names = np.full(len(spots.event), "binder", "<U8")
    names[spots.central] = np.where(labels == "neighbors", "binder", labels)
    motions = draw_motions(names, settings=settings.motion, rng=rng)
    mass = draw_masses(settings.masses, count=len(names), rng=rng)
    focus = _draw_focus(spots, settings, instrument, rng=rng)
    landings = Landings(spots.land, spots.x, spots.y, mass, focus[spots.event])
    own = _Molecules(
        event=spots.event,
        particles=place(motions, landings, settings.background, instrument),
        motions=motions,
        mass_kda=mass,
    )
    center = np.column_stack([spots.land[spots.central], spots.middle])
    crowd, near = _draw_crowd(
        settings, instrument, center=center, window=window, focus=focus, rng=rng
    )
    inside = near & settings.crowd.inside
    return _patches(labels, own.and_others(crowd[inside]), crowd[~near], spots, focus, window)


@dataclass(frozen=True)
class _Window:
    """Frames of half a thumbnail; landing frame, frames and pixels of a patch."""

    half: int
    land_frame: int
    n_frames: int
    size: int


@dataclass(frozen=True)
class _Spots:
    """Where and when the molecules of B events land, of each event the central one first.

    Events of the molecules (M,), rows of the central ones (B,), places (M,) in pixels of the
    field and times (M,) in frames of the patch, pixel (B, 2) of the field that is the middle.
    """

    event: NDArray[np.int64]
    central: NDArray[np.int64]
    x: FloatArray
    y: FloatArray
    land: FloatArray
    middle: NDArray[np.int64]


@dataclass(frozen=True)
class _Molecules:
    """Molecules and the events that they belong to, (M,)."""

    event: NDArray[np.int64]
    particles: Particles
    motions: Motions
    mass_kda: FloatArray

    def __getitem__(self, rows: Rows) -> _Molecules:
        return _Molecules(
            self.event[rows], self.particles[rows], self.motions[rows], self.mass_kda[rows]
        )

    def and_others(self, others: _Molecules) -> _Molecules:
        """Return these and others in order of their events, of each event these first."""
        event = np.concatenate([self.event, others.event])
        joined = _Molecules(
            event,
            self.particles.and_others(others.particles),
            self.motions.and_others(others.motions),
            np.concatenate([self.mass_kda, others.mass_kda]),
        )
        return joined[np.argsort(event, kind="stable")]


def _draw_spots(
    labels: NDArray[np.str_],
    settings: ThumbnailSettings,
    instrument: InstrumentSettings,
    *,
    window: _Window,
    rng: np.random.Generator,
) -> _Spots:
    """Draw the central molecules where a fit window fits, their neighbors in the thumbnail."""
    count, motion = len(labels), settings.motion
    drawn = rng.integers(motion.neighbors_min, motion.neighbors_max, size=count, endpoint=True)
    members = 1 + np.where(labels == "neighbors", drawn, 0)
    event = np.repeat(np.arange(count), members)
    central = np.cumsum(members) - members
    total = len(event)
    x, y, land = np.empty(total), np.empty(total), np.empty(total)
    x[central] = rng.uniform(MARGIN_PX - 0.5, instrument.width_px - MARGIN_PX - 0.5, size=count)
    y[central] = rng.uniform(MARGIN_PX - 0.5, instrument.height_px - MARGIN_PX - 0.5, size=count)
    middle = np.rint(np.stack([y[central], x[central]], axis=1)).astype(np.int64)
    land[central] = window.land_frame + rng.random(count)
    other = np.setdiff1d(np.arange(total), central)
    reach = THUMBNAIL_PX / 2
    y[other] = middle[event[other], 0] + rng.uniform(-reach, reach, size=len(other))
    x[other] = middle[event[other], 1] + rng.uniform(-reach, reach, size=len(other))
    first, last = window.land_frame - window.half, window.land_frame + window.half
    land[other] = rng.uniform(first, last, size=len(other))
    return _Spots(event, central, x, y, land, middle)


def _draw_focus(
    spots: _Spots,
    settings: ThumbnailSettings,
    instrument: InstrumentSettings,
    *,
    rng: np.random.Generator,
) -> FloatArray:
    """Relative change of the contrast (B,) of each event, by focus and tilt."""
    count = len(spots.central)
    wander = settings.background.focus_contrast * rng.standard_normal(count)
    return wander + tilt(
        settings.background,
        instrument,
        direction_rad=rng.uniform(0, 2 * np.pi, size=count),
        x_px=spots.x[spots.central],
        y_px=spots.y[spots.central],
    )


def _patches(
    labels: NDArray[np.str_],
    own: _Molecules,
    far: _Molecules,
    spots: _Spots,
    focus: FloatArray,
    window: _Window,
) -> EventPatches:
    """Join what was drawn; a binder that has others of the crowd beside it has neighbors."""
    count = len(labels)
    owned = _owned(own.event, count)
    met = np.diff(owned) > np.bincount(spots.event, minlength=count)
    return EventPatches(
        labels=np.where((labels == "binder") & met, "neighbors", labels),
        particles=own.particles,
        motions=own.motions,
        mass_kda=own.mass_kda,
        focus=focus[own.event],
        owned=owned,
        crowd=far.particles,
        crowd_owned=_owned(far.event, count),
        corner=spots.middle - window.size // 2,
        n_frames=window.n_frames,
        size=window.size,
        land_frame=window.land_frame,
    )


def _owned(event: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return where the members of each of `count` events begin, and where the last end."""
    return np.concatenate([[0], np.cumsum(np.bincount(event, minlength=count))]).astype(np.int64)


def _draw_crowd(
    settings: ThumbnailSettings,
    instrument: InstrumentSettings,
    *,
    center: FloatArray,
    window: _Window,
    focus: FloatArray,
    rng: np.random.Generator,
) -> tuple[_Molecules, NDArray[np.bool_]]:
    """Draw what lands in the field of each event, and tell which land or leave in its thumbnail.

    center (B, 3): frame, row and column of each event.
    """
    crowd = settings.crowd
    early = longest_frames(settings.motion)
    event = _draw_crowded_events(
        settings, instrument, count=len(center), frames=window.n_frames + early, rng=rng
    )
    total = len(event)
    names = rng.choice(list(crowd.motions), size=total, p=list(crowd.motions.values()))
    motions = draw_motions(names, settings=settings.motion, rng=rng)
    land = rng.uniform(-early, window.n_frames, size=total)
    x = rng.uniform(-0.5, instrument.width_px - 0.5, size=total)
    y = rng.uniform(-0.5, instrument.height_px - 0.5, size=total)
    mass = draw_masses(settings.masses, count=total, rng=rng)
    landings = Landings(land, x, y, mass, focus[event])
    particles = place(motions, landings, settings.background, instrument)
    near = _seen_near(particles, center[event], half=window.half)
    kept = particles.leave > 0
    return _Molecules(event, particles, motions, mass)[kept], near[kept]


def _draw_crowded_events(
    settings: ThumbnailSettings,
    instrument: InstrumentSettings,
    *,
    count: int,
    frames: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw how many molecules land in the field of each event: the event of each of them."""
    crowd = settings.crowd
    area_um2 = instrument.height_px * instrument.width_px * (instrument.pixel_nm / 1e3) ** 2
    seconds = frames * instrument.frame_interval_s
    crowded = rng.random(count) < crowd.fraction
    low, high = np.log([crowd.low_per_um2_s, crowd.high_per_um2_s])
    density = np.exp(rng.uniform(low, high, size=count))
    number = rng.poisson(np.where(crowded, density, 0.0) * area_um2 * seconds)
    return np.repeat(np.arange(count), number)


def _seen_near(particles: Particles, center: FloatArray, *, half: int) -> NDArray[np.bool_]:
    """Whether molecules (P,) land or leave in the thumbnail around center (P, 3)."""
    reach = np.array([half, THUMBNAIL_PX / 2, THUMBNAIL_PX / 2])
    landing = np.column_stack([particles.land, particles.y[:, 0], particles.x[:, 0]])
    leaving = np.column_stack([particles.leave, last_places(particles)])
    near = np.zeros(len(particles), np.bool_)
    for place_and_time in (landing, leaving):
        near |= (np.abs(place_and_time - center) <= reach).all(axis=1)
    return near


def scattered(event_patches: EventPatches, *, rng: np.random.Generator) -> EventPatches:
    """Move the patches in place and time as a detector that sees noise and motion would.

    It centers on the mean position of the next `_SEEN_FRAMES` frames, to within a third of
    a pixel; a fifth of the events it sees a frame early or late, and two in five of those that
    move only at some moment of their motion.
    """
    count = len(event_patches.labels)
    central = event_patches.particles[event_patches.owned[:-1]]
    moving = central.at_rest - central.land
    late = np.where(rng.random(count) < _SEEN_LATE, rng.random(count) * moving, 0.0)
    shift = rng.choice([-1, 0, 1], size=count, p=[0.1, 0.8, 0.1]) - np.rint(late).astype(np.int64)
    middle = mean_places(central, late=late)
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


def last_places(central: Particles) -> FloatArray:
    """Places (N, 2), y and x, where molecules come to rest or leave."""
    row, last = np.arange(len(central)), central.steps
    return np.column_stack([central.y[row, last], central.x[row, last]])


def mean_places(central: Particles, *, late: FloatArray | None = None) -> FloatArray:
    """Mean places (N, 2), y and x, of molecules in the frames that a detector sees together.

    late: (N,), how long after they land it begins; at once if None.
    """
    late = np.zeros(len(central)) if late is None else late
    times = late[:, None] + np.arange(_SEEN_FRAMES)
    times = np.minimum(times, np.maximum(central.leave - central.land, late)[:, None])
    steps = times / np.maximum(central.step_frames, 1e-9)[:, None]
    knots = np.arange(central.x.shape[1])
    middle = np.empty((len(central), 2))
    for axis, at in ((0, central.y), (1, central.x)):
        for b in range(len(central)):
            middle[b, axis] = np.interp(steps[b], knots, at[b]).mean()
    return middle


def draw_masses(prior: MassPrior, *, count: int, rng: np.random.Generator) -> FloatArray:
    """Masses in kDa: a fraction uniform below the middle of the prior, the rest above it."""
    low = rng.random(count) < prior.low_fraction
    fraction = rng.random(count)
    below = prior.low_kda + fraction * (prior.middle_kda - prior.low_kda)
    above = prior.middle_kda + fraction * (prior.high_kda - prior.middle_kda)
    return np.where(low, below, above)
