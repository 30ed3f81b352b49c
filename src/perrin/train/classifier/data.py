"""Fresh events for training: simulated in blocks, in processes of their own.

A block mixes several instruments and integrations, so that each batch holds all of them. It
holds events centered on the truth and as the detector centers them, departures, and what the
detector picks in buffer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from perrin.events import CLASSES, LANDING_CLASSES, MOTIONS
from perrin.landing.views import look
from perrin.settings.classifier import ClassifierTraining
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.thumbnail_simulator import Part, ThumbnailSimulator
from perrin.simulate.thumbnails import threads
from perrin.train.events.blocks import Events
from perrin.train.events.disturbed import disturbed
from perrin.train.events.source import Source, varied

BLOCK_STEPS = 16
"""Batches of one block."""
_BLANK_COPIES = 2  # each buffer event is used so often, differently turned


@dataclass(frozen=True)
class Batch(Events):
    """Events and the weight of each (N,)."""

    weight: NDArray[np.float32]


def draw_block(settings: ClassifierTraining, source: Source, number: int) -> Batch:
    """Draw the events of `BLOCK_STEPS` batches."""
    seed = np.random.SeedSequence(settings.seed, spawn_key=(number,))
    own_seed, *seeds = seed.spawn(1 + len(settings.n_avgs) + 1)
    rng = np.random.default_rng(own_seed)
    low, high = settings.n_avg_range
    integrations = (*settings.n_avgs, int(np.exp(rng.uniform(np.log(low), np.log(high + 0.99)))))
    wanted = BLOCK_STEPS * settings.batch
    views, labels = [], []
    for k, (n_avg, part_seed) in enumerate(zip(integrations, seeds, strict=True)):
        chosen = _instrument(source, settings, rng=rng)
        crowded = chosen.settings.model_copy(update={"crowd": settings.crowd})
        part = _Part(
            source=replace(chosen, settings=crowded),
            n_avg=n_avg,
            count=-(-wanted // len(integrations)),
            blanks=number % len(integrations) == k,
        )
        for seen, names in part.draw(settings, seed=part_seed, rng=rng):
            views.append(seen.astype(np.float16))
            labels.append(np.array([CLASSES.index(name) for name in names], np.int64))
    joined = np.concatenate(labels)
    order = rng.permutation(len(joined))[:wanted]
    return Batch(np.concatenate(views)[order], joined[order], _weights(joined)[order])


def _instrument(
    source: Source, settings: ClassifierTraining, *, rng: np.random.Generator
) -> Source:
    """Return the instrument of the source, a varied one or one with something wrong."""
    drawn = rng.random()
    if drawn < settings.varied:
        return Source(settings=varied(ThumbnailSettings(), rng=rng))
    if drawn < settings.varied + settings.disturbed:
        return disturbed(ThumbnailSettings(), rng=rng)
    return source


@dataclass(frozen=True)
class _Part:
    """The events of one instrument and integration in a block."""

    source: Source
    n_avg: int
    count: int
    blanks: bool

    def draw(
        self,
        settings: ClassifierTraining,
        *,
        seed: np.random.SeedSequence,
        rng: np.random.Generator,
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.str_]]]:
        """Yield histories (N, 33, 17, 17) and the class of each."""
        shared, *seeds = seed.spawn(5)
        seen_count = round(settings.detected * self.count)
        left_count = round(settings.departures * self.count)
        with (
            threads(1) as pool,
            self.source.simulator(self.n_avg, centering="truth", seed=shared) as simulator,
        ):
            labels = rng.choice(LANDING_CLASSES, self.count - seen_count - left_count)
            for part in simulator.events(labels, seed=seeds[0], pool=pool):
                yield self._look(part, simulator), labels[part.rows]
            detecting = replace(simulator, centering="detector")
            labels = rng.choice(LANDING_CLASSES, seen_count)
            for part in detecting.events(labels, seed=seeds[1], pool=pool):
                yield self._look(part, simulator), labels[part.rows]
            labels = rng.choice(np.array(MOTIONS), left_count)
            part = simulator.departures(labels, seed=seeds[2], pool=pool)
            yield self._look(part, simulator), np.where(labels == "binder", "unbinder", labels)
            if self.blanks:
                yield from self._blanks(detecting, settings, seed=seeds[3], rng=rng)

    def _blanks(
        self,
        simulator: ThumbnailSimulator,
        settings: ClassifierTraining,
        *,
        seed: np.random.SeedSequence,
        rng: np.random.Generator,
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.str_]]]:
        """Yield what the detector picks in buffer, each several times, turned and mirrored."""
        for _, part in simulator.blanks(np.arange(settings.blanks), seed=seed):
            seen = self._look(part, simulator)
            for _ in range(_BLANK_COPIES):
                yield turned(seen, rng=rng), np.full(len(seen), "buffer")

    def _look(self, part: Part, simulator: ThumbnailSimulator) -> NDArray[np.float32]:
        return look(
            part.stacks,
            part.inside,
            view="history",
            n_avg=self.n_avg,
            landing_sign=simulator.landing_sign,
        )


def turned(views: NDArray[np.float32], *, rng: np.random.Generator) -> NDArray[np.float32]:
    """Each view (N, C, S, S) turned by a random multiple of 90 degrees, mirrored or not."""
    out = np.empty_like(views)
    for k, (quarters, mirrored) in enumerate(rng.integers(0, (4, 2), size=(len(views), 2))):
        image = np.rot90(views[k], quarters, axes=(1, 2))
        out[k] = image[:, ::-1] if mirrored else image
    return out


def _weights(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Weights (N,) with which every class counts the same, within a factor of four."""
    counts = np.bincount(labels, minlength=len(CLASSES))
    weight = np.clip(counts.mean() / np.maximum(counts, 1), 0.25, 4.0)
    each: NDArray[np.float32] = weight[labels].astype(np.float32)
    return each
