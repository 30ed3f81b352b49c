"""Where thumbnails are taken: events are recorded, detected if wanted, cut and described."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.detect import detect
from perrin.landing.exchange import PsfExchange
from perrin.landing.light import evened
from perrin.landing.thumbnails import (
    THUMBNAIL_PX,
    cut_stacks,
    frames_around,
    half_length,
    iter_event_stacks,
    places_of,
)
from perrin.optics.psf import Psf
from perrin.optics.pupil import psf_of
from perrin.settings.landing import DetectionSettings
from perrin.settings.simulation import InstrumentSettings, LandingAssay, ThumbnailSettings
from perrin.simulate.event_patches import (
    EventPatches,
    draw_event_patches,
    last_places,
    mean_places,
    scattered,
)
from perrin.simulate.motions import leaving_after_motion, longest_frames
from perrin.simulate.movie import simulate_movie
from perrin.simulate.patch_recording import PatchModel, RecordedPatches
from perrin.simulate.recorded import instrument_of
from perrin.simulate.render import widening_coefficients
from perrin.simulate.thumbnail_tables import detected_columns, tables_of

_SLACK_PX = 8
_GATE_PX = 4.0
_BLANK_S = 20.0
_MOST_ROUNDS = 100

Centering = Literal["truth", "detector", "scattered"]
"""On the truth, as the detector sees it, or scattered around the truth about as it would be."""


@dataclass(frozen=True)
class Part:
    """Some events, and which of the requested events or labels they show (rows)."""

    rows: NDArray[np.int64]
    stacks: NDArray[np.float32]
    """(N, before + 1 + after, 17, 17): normalized frames, as
    `perrin.landing.thumbnails.iter_stacks` cuts them."""
    inside: NDArray[np.bool_]
    """(N, 17, 17): whether a pixel lies in the field of view."""
    truth: pd.DataFrame
    neighbors: pd.DataFrame
    """truth, neighbors: see `perrin.simulate.thumbnail_set.ThumbnailSet`."""


@dataclass(frozen=True)
class ThumbnailSimulator:
    """Everything that the thumbnails of one set fraction."""

    settings: ThumbnailSettings
    instrument: InstrumentSettings
    patches: PatchModel | RecordedPatches
    psf: Psf
    centering: Centering
    background: Movie | None
    exchange: PsfExchange | None = None
    """What brings the stacks to another PSF, as in an analysis; see `perrin.landing.exchange`."""

    @classmethod
    def of(
        cls,
        settings: ThumbnailSettings,
        *,
        centering: Centering,
        background: Movie | None,
        psf: Psf | None,
        seed: np.random.SeedSequence,
    ) -> Self:
        """Draw what all thumbnails share; `PerrinError` for a buffer movie that does not fit."""
        instrument = settings.instrument
        if background is not None:
            slack = settings.n_avg if centering == "detector" else 0
            needed = 2 * (half_length(settings.n_avg) + settings.n_avg + slack)
            instrument = instrument_of(background, instrument, n_frames=needed)
        psf = psf or psf_of(instrument)
        psf.check_pixel(instrument.pixel_nm)
        patches: PatchModel | RecordedPatches
        if background is None:
            patches = PatchModel.of(settings, psf=psf, rng=np.random.default_rng(seed))
        else:
            patches = RecordedPatches(background, psf=psf, wider=widening_coefficients(psf))
        return cls(settings, instrument, patches, psf, centering, background)

    @property
    def half(self) -> int:
        """Frames of a thumbnail before the landing."""
        return half_length(self.settings.n_avg)

    @property
    def seen_psf(self) -> Psf:
        """The PSF that a molecule has in a stack."""
        return self.psf if self.exchange is None else self.exchange.wanted

    @property
    def landing_sign(self) -> int:
        """Of raw pixels: -1 where a landing makes them darker."""
        return -1 if self.background is None else self.background.landing_sign

    @property
    def n_frames(self) -> int:
        """Frames of a thumbnail."""
        return 2 * self.half

    def events(
        self, labels: NDArray[np.str_], *, seed: np.random.SeedSequence, pool: ThreadPoolExecutor
    ) -> Iterator[Part]:
        """Thumbnails of one event for each label; `rows` says of which label."""
        waiting = np.arange(len(labels))
        detector = self.centering == "detector"
        for _ in range(_MOST_ROUNDS):
            if not len(waiting):
                return
            draw_seed, record_seed = seed.spawn(2)
            event_patches = draw_event_patches(
                labels[waiting],
                self.settings,
                self.instrument,
                slack_frames=self.settings.n_avg if detector else 0,
                slack_px=self._margin_px + (_SLACK_PX if detector else 0),
                rng=np.random.default_rng(draw_seed),
            )
            if self.centering == "scattered":
                event_patches = scattered(
                    event_patches, rng=np.random.default_rng(draw_seed.spawn(1)[0])
                )
            counts, light = self.patches.record(event_patches, seed=record_seed, pool=pool)
            part = self._landings(event_patches, counts, light)
            yield replace(part, rows=waiting[part.rows])
            waiting = np.setdiff1d(waiting, waiting[part.rows])
        raise PerrinError(
            f"{len(waiting)} of {len(labels)} events were not seen by the detector in "
            f"{_MOST_ROUNDS} tries each: the masses are far below what this instrument detects. "
            'Raise the masses of the settings, or use centering="truth".'
        )

    def blanks(
        self, slots: NDArray[np.int64], *, seed: np.random.SeedSequence
    ) -> Iterator[tuple[NDArray[np.int64], Part]]:
        """What the permissive detector picks where nothing landed, with the slots it fills.

        A recorded buffer movie may hold less than was asked for.
        """
        if self.background is not None:
            part = self._picked(self.background, len(slots))
            yield slots[: len(part.rows)], part
            return
        while len(slots):
            blank, _ = simulate_movie(
                self._blank_assay,
                seconds=_BLANK_S,
                seed=_number(seed.spawn(1)[0]),
                psf=self.psf,
            )
            part = self._picked(blank, len(slots))
            yield slots[: len(part.rows)], part
            slots = slots[len(part.rows) :]

    def _picked(self, blank: Movie, most: int) -> Part:
        """What the detector picks in a movie without landings, up to `most`."""
        seen = self._detect(blank)
        before, after = frames_around(self.settings.n_avg)
        stacks = np.empty((0, before + 1 + after, THUMBNAIL_PX, THUMBNAIL_PX), np.float32)
        inside = np.empty((0, THUMBNAIL_PX, THUMBNAIL_PX), np.bool_)
        rows = np.empty(0, np.int64)
        for batch in iter_event_stacks(
            blank, places_of(seen), n_avg=self.settings.n_avg, exchange=self.exchange
        ):
            stacks = np.concatenate([stacks, batch.stacks])[:most]
            inside = np.concatenate([inside, batch.inside])[:most]
            rows = np.concatenate([rows, batch.rows])[:most]
        middle = seen.loc[rows, ["y_px", "x_px"]].to_numpy().astype(np.int64)
        truth = detected_columns(seen.loc[rows])
        truth[["row", "column"]] = middle - THUMBNAIL_PX // 2
        truth["class"] = "buffer"
        return Part(np.arange(len(rows)), stacks, inside, truth, pd.DataFrame())

    def departures(
        self, labels: NDArray[np.str_], *, seed: np.random.SeedSequence, pool: ThreadPoolExecutor
    ) -> Part:
        """Return the moments at which molecules of these classes leave, as they come to rest.

        A binder stays for longer than any stack: its departure is its landing, seen backwards
        in time.
        """
        motion = leaving_after_motion(self.settings.motion)
        longest = longest_frames(motion)
        draw_seed, record_seed = seed.spawn(2)
        event_patches = draw_event_patches(
            labels,
            self.settings.model_copy(update={"motion": motion}),
            self.instrument,
            slack_frames=int(np.ceil(longest)) + 1,
            slack_px=self._margin_px + _SLACK_PX,
            rng=np.random.default_rng(draw_seed),
        )
        counts, light = self.patches.record(event_patches, seed=record_seed, pool=pool)
        particles = event_patches.particles[event_patches.owned[:-1]]
        stays = ~np.isfinite(particles.leave)
        last = particles.steps
        row = np.arange(len(labels))
        frame = np.where(stays, event_patches.land_frame, particles.leave).astype(np.int64)
        middle = event_patches.size // 2
        place = [
            np.clip(
                np.rint(at[row, last] - event_patches.corner[:, axis]), 0, event_patches.size - 1
            )
            for axis, at in ((0, particles.y), (1, particles.x))
        ]
        y, x = (np.clip(at, middle - _SLACK_PX, middle + _SLACK_PX) for at in place)
        return self._cut(
            event_patches, counts, light, rows=row, frame=frame, y=y, x=x, backwards=stays
        )

    def _landings(
        self, event_patches: EventPatches, counts: NDArray[np.uint16], light: NDArray[np.float64]
    ) -> Part:
        """Cut patches (B, T, S, S) on the true landing, or where the detector sees it."""
        rows = np.arange(len(event_patches.labels))
        frame = np.full(len(rows), event_patches.land_frame)
        y = x = np.full(len(rows), float(event_patches.size // 2))
        seen = pd.DataFrame(index=rows)
        if self.centering == "detector":
            seen = self._detected(event_patches, mosaic(counts, light))
            rows = seen["patch"].to_numpy()
            frame = seen["frame"].to_numpy(np.int64)
            y, x = (seen[name].to_numpy(float) for name in ("y_px", "x_px"))
        part = self._cut(event_patches, counts, light, rows=rows, frame=frame, y=y, x=x)
        truth = pd.concat([part.truth, detected_columns(seen)], axis=1)
        return replace(part, truth=truth)

    def _cut(
        self,
        event_patches: EventPatches,
        counts: NDArray[np.uint16],
        light: NDArray[np.float64],
        *,
        rows: NDArray[np.int64],
        frame: NDArray[np.int64],
        y: NDArray[np.float64],
        x: NDArray[np.float64],
        backwards: NDArray[np.bool_] | None = None,
    ) -> Part:
        """Cut the stacks of events `rows` around frame, y and x of their patches."""
        before, after = frames_around(self.settings.n_avg)
        size = THUMBNAIL_PX + 2 * self._margin_px
        in_time = counts.reshape(-1, event_patches.size, event_patches.size)  # one after the other
        stacks, _ = cut_stacks(
            in_time,
            frame=frame + event_patches.n_frames * rows,
            y_px=y,
            x_px=x,
            before=before,
            after=after if backwards is None else before,
            size=size,
            light=light.reshape(-1, 3),
        )
        if backwards is not None:
            stacks[backwards] = stacks[backwards, ::-1]
        stacks = np.ascontiguousarray(stacks[:, : before + 1 + after])
        middle = event_patches.corner[rows] + np.stack([y, x], axis=1).astype(np.int64)
        inside = _inside(middle - size // 2, self.instrument, size=size)
        stacks.transpose(0, 2, 3, 1)[~inside] = 1.0
        if self.exchange is not None:
            central = event_patches.particles[event_patches.owned[:-1][rows]]
            place = mean_places(central) if backwards is None else last_places(central)
            dy, dx = np.clip(place - middle, -_GATE_PX, _GATE_PX).T
            stacks, inside = self.exchange.apply(stacks, inside, before=before, dx_px=dx, dy_px=dy)
        corner = middle - THUMBNAIL_PX // 2
        truth, neighbors = tables_of(
            event_patches, rows, start=frame - self.half, corner=corner, instrument=self.instrument
        )
        return Part(rows, stacks, inside, truth, neighbors)

    @property
    def _margin_px(self) -> int:
        """Pixels that stacks are cut wider on every side than thumbnails are."""
        return 0 if self.exchange is None else self.exchange.margin_px

    def _detected(self, event_patches: EventPatches, frames: NDArray[np.float32]) -> pd.DataFrame:
        """The clearest detection of each patch's central molecule, where there is one."""
        side, n_avg = event_patches.size, self.settings.n_avg
        seen = self._detect(
            Movie(
                frames=frames,
                frame_interval_s=self.instrument.frame_interval_s,
                pixel_nm=self.instrument.pixel_nm,
                landing_sign=self.landing_sign,
            )
        )
        seen["patch"] = seen["x_px"].to_numpy(np.int64) // side
        seen["x_px"] -= side * seen["patch"]
        patch = seen["patch"].to_numpy()
        central = event_patches.particles[event_patches.owned[:-1][patch]]
        corner = event_patches.corner[patch]
        apart = np.hypot(
            central.x - (corner[:, 1] + seen["x_px"].to_numpy())[:, None],
            central.y - (corner[:, 0] + seen["y_px"].to_numpy())[:, None],
        ).min(axis=1)
        near = (
            (apart <= _GATE_PX)
            & (seen["contrast"] < 0)
            & (np.abs(seen["frame"] - event_patches.land_frame) <= n_avg)
            & (np.abs(seen["x_px"] - side // 2) <= _SLACK_PX)
            & (np.abs(seen["y_px"] - side // 2) <= _SLACK_PX)
        )
        clearest = seen[near].sort_values("snr_spatial", ascending=False).drop_duplicates("patch")
        ordered: pd.DataFrame = clearest.sort_values("patch", ignore_index=True)
        return ordered

    def _detect(self, movie: Movie) -> pd.DataFrame:
        return detect(
            movie,
            n_avg=self.settings.n_avg,
            psf=self.psf,
            settings=DetectionSettings.permissive(),
        )

    @property
    def _blank_assay(self) -> LandingAssay:
        return LandingAssay(
            instrument=self.settings.instrument,
            camera=self.settings.camera,
            background=self.settings.background,
            disturbances=self.settings.disturbances,
        )


def mosaic(counts: NDArray[np.uint16], light: NDArray[np.float64]) -> NDArray[np.float32]:
    """Patches (B, T, S, S) over their planes of light (B, T, 3), side by side: (T, S, B * S)."""
    _, n_frames, side, _ = counts.shape
    even = evened(counts.reshape(-1, side, side), light.reshape(-1, 3)).reshape(counts.shape)
    return np.ascontiguousarray(even.transpose(1, 2, 0, 3)).reshape(n_frames, side, -1)


def _inside(
    corner: NDArray[np.int64], instrument: InstrumentSettings, *, size: int
) -> NDArray[np.bool_]:
    offset = np.arange(size)
    row, column = corner[:, :1] + offset, corner[:, 1:] + offset
    rows = (row >= 0) & (row < instrument.height_px)
    columns = (column >= 0) & (column < instrument.width_px)
    return np.asarray(rows[:, :, None] & columns[:, None, :])


def _number(seed: np.random.SeedSequence) -> int:
    return int(seed.generate_state(1, np.uint64)[0])
