"""Labeled thumbnails to train on, thousands a second.

Only the pixels and frames of a thumbnail are rendered; the ratiometric frames and the cut come
from `perrin.landing`, as in an analysis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from perrin._version import __version__
from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.ratiometric import ratiometric
from perrin.landing.thumbnails import THUMBNAIL_PX
from perrin.optics.psf import Psf
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.thumbnail_set import ThumbnailSet
from perrin.simulate.thumbnail_simulator import Centering, Part, ThumbnailSimulator

BLOCK_EVENTS = 256


def simulate_thumbnails(
    count: int,
    *,
    settings: ThumbnailSettings,
    seed: int = 0,
    centering: Centering = "truth",
    background: Movie | None = None,
    psf: Psf | None = None,
    workers: int = 1,
    progress: Callable[[float], None] | None = None,
) -> ThumbnailSet:
    """Simulate labeled thumbnails.

    Parameters
    ----------
    count, settings, seed
        How many, and of what: the classes get their fractions of them, in random order.
        Same settings and seed, same bytes, whatever the number of workers.
    centering : "truth" or "detector"
        On the true landing, for every event drawn (protocol *paper*), or where the permissive
        detector sees it, for the events that it does see (protocol *use*). Buffer events are
        what that detector picks where nothing landed, in either case.
    background, psf : optional
        A recorded buffer movie instead of the background model; an empirical PSF instead of
        the analytic one of the settings' optics.
    workers, progress
        Threads; called with the fraction done, 0 to 1.

    Raises `PerrinError` for a count below 1, or a buffer movie that does not fit.

    """
    _check_above_0(count, workers)
    blocks = -(-count // BLOCK_EVENTS)
    labels_seed, model_seed, blank_seed, *seeds = np.random.SeedSequence(seed).spawn(3 + blocks)
    labels = _labels(count, settings, rng=np.random.default_rng(labels_seed))
    simulator = ThumbnailSimulator.of(
        settings, centering=centering, background=background, psf=psf, seed=model_seed
    )
    drawn = _Drawn.empty(count, simulator)
    with threads(workers) as pool:
        for block, block_seed in enumerate(seeds):
            first = block * BLOCK_EVENTS
            slots = np.arange(first, min(count, first + BLOCK_EVENTS))
            slots = slots[labels[slots] != "buffer"]
            for part in simulator.events(labels[slots], seed=block_seed, pool=pool):
                drawn.add_events(part, slots)
            if progress is not None:
                progress(min(1.0, (first + BLOCK_EVENTS) / count))
    drawn.add_blanks(np.flatnonzero(labels == "buffer"), seed=blank_seed)
    return drawn.as_set(labels, seed=seed)


@dataclass
class _Drawn:
    """Thumbnails that are filled part by part, with their truth and neighbors."""

    simulator: ThumbnailSimulator
    thumbnails: NDArray[np.float32]
    inside: NDArray[np.bool_]
    truth: list[pd.DataFrame] = field(default_factory=list)
    neighbors: list[pd.DataFrame] = field(default_factory=list)

    @classmethod
    def empty(cls, count: int, simulator: ThumbnailSimulator) -> Self:
        """Return room for `count` thumbnails."""
        return cls(
            simulator,
            np.empty((count, simulator.n_frames, THUMBNAIL_PX, THUMBNAIL_PX), np.float32),
            np.empty((count, THUMBNAIL_PX, THUMBNAIL_PX), np.bool_),
        )

    def add(self, part: Part, slots: NDArray[np.int64]) -> None:
        """Put events into these slots, one each."""
        change = ratiometric(part.stacks, n_avg=self.simulator.settings.n_avg)
        self.thumbnails[slots] = change * np.float32(-self.simulator.landing_sign)
        self.inside[slots] = part.inside
        self.truth.append(part.truth.set_index(slots))

    def add_events(self, part: Part, slots: NDArray[np.int64]) -> None:
        """Put those of a part into the slots of the labels that were requested."""
        self.add(part, slots[part.rows])
        event = slots[part.neighbors["event"].to_numpy()]
        self.neighbors.append(part.neighbors.assign(event=event))

    def add_blanks(self, slots: NDArray[np.int64], *, seed: np.random.SeedSequence) -> None:
        """Fill these slots with what the detector picks in buffer.

        Raises `PerrinError` where a recorded buffer movie holds less.
        """
        picked = 0
        for filled, part in self.simulator.blanks(slots, seed=seed):
            self.add(part, filled)
            picked += len(filled)
        background = self.simulator.background
        if background is not None and picked < len(slots):
            raise PerrinError(
                f"the detector picks {picked} events in the buffer movie {background.name}, "
                f"{len(slots)} buffer events were requested. Give a longer movie or request fewer."
            )

    def as_set(self, labels: NDArray[np.str_], *, seed: int) -> ThumbnailSet:
        """Return all of it with the card that says how it was made."""
        background = self.simulator.background
        return ThumbnailSet(
            thumbnails=self.thumbnails,
            inside=self.inside,
            labels=labels,
            truth=_in_order(self.truth),
            neighbors=_all_neighbors(self.neighbors),
            card={
                "simulated_by": f"perrin {__version__}",
                "seed": seed,
                "centering": self.simulator.centering,
                "settings": self.simulator.settings.model_dump(mode="json"),
                "background": "model" if background is None else background.name,
                "psf": self.simulator.psf.card,
            },
        )


def _check_above_0(count: int, workers: int) -> None:
    if count < 1:
        raise PerrinError(f"{count} thumbnails cannot be simulated; give 1 or more")
    if workers < 1:
        raise PerrinError(f"{workers} workers cannot work; give 1 or more")


def _in_order(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """One row a thumbnail; what a buffer event does not have is empty."""
    joined = pd.concat(tables).sort_index()
    for name in {"motion", "speeds_nm_per_ms", "directions_rad"}.intersection(joined):
        joined[name] = joined[name].fillna("")
    if "unbinds" in joined:
        joined["unbinds"] = joined["unbinds"].eq(other=True)
    return joined


def _all_neighbors(tables: list[pd.DataFrame]) -> pd.DataFrame:
    if not tables:  # nothing but buffer events
        return pd.DataFrame({"event": np.empty(0, np.int64)})
    return pd.concat(tables).sort_values("event", kind="stable", ignore_index=True)


def _labels(
    count: int, settings: ThumbnailSettings, *, rng: np.random.Generator
) -> NDArray[np.str_]:
    """Each class its fraction of the count (largest remainders first), in random order."""
    fraction = np.array(list(settings.classes.values())) * count
    number = np.floor(fraction).astype(np.int64)
    number[np.argsort(number - fraction, kind="stable")[: count - number.sum()]] += 1
    return rng.permutation(np.repeat(list(settings.classes), number))


@contextmanager
def threads(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Use this many threads, in numba's kernels too, and put everything back afterwards."""
    before = numba.get_num_threads()
    numba.set_num_threads(min(workers, before))
    try:
        with ThreadPoolExecutor(workers) as pool:
            yield pool
    finally:
        numba.set_num_threads(before)
