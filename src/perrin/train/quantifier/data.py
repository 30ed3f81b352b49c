"""Fresh events with their truth, simulated in blocks, in processes of their own.

Unlike the classifier's, a block has one instrument with one PSF: a contrast means nothing
without the PSF it belongs to. Camera, timing and background vary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perrin.events import LANDING_CLASSES
from perrin.landing.quantifier.quantities import INTEGRATION
from perrin.landing.thumbnails import THUMBNAIL_PX, frames_around, half_length
from perrin.landing.views import scaled_histories, stretches
from perrin.optics.psf import Psf
from perrin.settings.quantifier import QuantifierTraining
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.quantities import central, truth_of
from perrin.simulate.thumbnail_simulator import Centering, Part
from perrin.simulate.thumbnails import threads
from perrin.train.events.blocks import Events
from perrin.train.events.disturbed import disturbed
from perrin.train.events.source import Source, varied

if TYPE_CHECKING:
    import pandas as pd

BLOCK_STEPS = 8
"""Batches of one block."""
_AT_ONCE = 500  # events drawn at a time


@dataclass(frozen=True)
class Batch(Events):
    """Events as the network sees them, and their truth.

    Attributes
    ----------
    views, labels
        See `perrin.train.events.blocks.Events`.
    scale : (N,) float32
        Of the histories, in contrast.
    target, known : (N, 5) float32
        The truth in the order of `TARGETS`, and 1 where there is one.
    mass_kda, contrast_per_kda : (N,) float32
        Mass, and contrast (above 0) for each kDa.
    image : (N, 17, 17)
        PSF of the molecule that is meant, where it lies; float16.
    time_course : (N, 31)
        Fraction of each stretch of time that it is there, less that of the time before; float16.
        0 for one that moves.

    """

    scale: NDArray[np.float32]
    target: NDArray[np.float32]
    known: NDArray[np.float32]
    mass_kda: NDArray[np.float32]
    contrast_per_kda: NDArray[np.float32]
    image: NDArray[np.float16]
    time_course: NDArray[np.float16]


def draw_block(settings: QuantifierTraining, source: Source, number: int) -> Batch:
    """Draw the events of `BLOCK_STEPS` batches."""
    seed = np.random.SeedSequence(settings.seed, spawn_key=(number,))
    own_seed, *seeds = seed.spawn(5)
    rng = np.random.default_rng(own_seed)
    wanted = BLOCK_STEPS * settings.batch
    seen = round(settings.detected * wanted)
    other = round(settings.varied * wanted)
    wrong = round(settings.disturbed * wanted)
    changes = {"masses": settings.masses, "crowd": settings.crowd}
    plain = replace(source, settings=source.settings.model_copy(update=changes))
    changed = replace(plain, settings=other_background(plain.settings, rng=rng), buffer=None)
    counts: tuple[tuple[Source, Centering, int], ...] = (
        (plain, "detector", seen),
        (changed, "scattered", other),
        (plain, "scattered", max(wanted - seen - other - wrong, 0)),
        (_disturbed(plain.settings, rng=rng) if wrong else plain, "scattered", wrong),
    )
    parts = [
        events(
            asked,
            count=count,
            centering=centering,
            seed=part_seed,
            rng=rng,
            neighbors=settings.neighbors,
        )
        for (asked, centering, count), part_seed in zip(counts, seeds, strict=True)
        if count
    ]
    block = Batch.joined(parts)
    return block[rng.permutation(len(block.labels))]


def other_background(plain: ThumbnailSettings, *, rng: np.random.Generator) -> ThumbnailSettings:
    """Return another camera, timing and background with the optics and contrasts of `plain`."""
    other = varied(plain, rng=rng)
    kept = {
        name: getattr(plain.instrument, name) for name in ("pixel_nm", "contrast_per_kda", "optics")
    }
    instrument = other.instrument.model_copy(update=kept)
    return other.model_copy(update={"instrument": instrument})


def _disturbed(plain: ThumbnailSettings, *, rng: np.random.Generator) -> Source:
    """Return an instrument with something wrong, whose PSF is exchanged for that of `plain`.

    Its pixels, contrasts and masses are those of `plain`.
    """
    chosen = disturbed(plain, rng=rng, noticed=1.0)
    kept = {name: getattr(plain.instrument, name) for name in ("pixel_nm", "contrast_per_kda")}
    instrument = chosen.settings.instrument.model_copy(update=kept)
    changes = {"instrument": instrument, "masses": plain.masses}
    return replace(chosen, settings=chosen.settings.model_copy(update=changes))


def events(
    source: Source,
    *,
    count: int,
    centering: Centering,
    seed: np.random.SeedSequence,
    rng: np.random.Generator,
    neighbors: float = 1 / len(LANDING_CLASSES),
) -> Batch:
    """Draw events with their truth: a fraction `neighbors` of that class, the others alike."""
    other = (1 - neighbors) / (len(LANDING_CLASSES) - 1)
    fraction = [neighbors if c == "neighbors" else other for c in LANDING_CLASSES]
    blocks = -(-count // _AT_ONCE)
    shared, *seeds = seed.spawn(1 + blocks)
    found = []
    with (
        threads(1) as pool,
        source.simulator(INTEGRATION, centering=centering, seed=shared) as simulator,
    ):
        for block, own in enumerate(seeds):
            labels = rng.choice(
                LANDING_CLASSES, min(_AT_ONCE, count - block * _AT_ONCE), p=fraction
            )
            found += [
                _batch(part, psf=simulator.seen_psf, landing_sign=simulator.landing_sign)
                for part in simulator.events(labels, seed=own, pool=pool)
            ]
    return Batch.joined(found)


def _batch(part: Part, *, psf: Psf, landing_sign: int) -> Batch:
    """Events of a simulator as the network sees them, and the truth."""
    before, _ = frames_around(INTEGRATION)
    views, scale = scaled_histories(
        part.stacks, part.inside, before=before, landing_sign=landing_sign
    )
    truth = central(part)
    target, known = targets(truth, scale)
    return Batch(
        views=views.astype(np.float16),
        scale=scale,
        target=target,
        known=known,
        mass_kda=truth["mass_kda"].to_numpy(np.float32),
        contrast_per_kda=-(truth["contrast"] / truth["mass_kda"]).to_numpy(np.float32),
        image=_image(truth, psf) * part.inside,
        time_course=_time_course(truth),
        labels=np.array([LANDING_CLASSES.index(name) for name in truth["class"]], np.int64),
    )


def _image(truth: pd.DataFrame, psf: Psf) -> NDArray[np.float16]:
    """The PSF (N, 17, 17) where each molecule lands."""
    places = truth[["x_px", "y_px"]].to_numpy(float) - THUMBNAIL_PX // 2
    images = [psf.image(THUMBNAIL_PX, dx=x, dy=y) for x, y in places]
    return np.array(images, np.float16).reshape(-1, THUMBNAIL_PX, THUMBNAIL_PX)


def _time_course(truth: pd.DataFrame) -> NDArray[np.float16]:
    """Fraction of the stretches (N, 31) in which a resting molecule is there, as in a history."""
    before, after = frames_around(INTEGRATION)
    land = truth["frame"] + truth["phase"] + (before - half_length(INTEGRATION))
    leave = land + truth["end_frame"] - truth["frame"] - truth["phase"]
    frames = np.arange(before + 1 + after)
    late, early = (at.to_numpy(float)[:, None] for at in (leave, land))
    there = np.clip(frames + 1 - early, 0, 1) - np.clip(frames + 1 - late, 0, 1)
    time_course = there @ stretches(before, after).T - there[:, :before].mean(axis=1, keepdims=True)
    time_course[truth["steps"].to_numpy() > 0] = 0.0
    return np.asarray(time_course, np.float16)


def targets(
    truth: pd.DataFrame, scale: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the truth (N, 5) as the network gives it, and where there is one."""
    target, known = truth_of(truth)
    target[:, 0] /= np.maximum(scale, 1e-12)
    known &= (scale > 0)[:, None]
    return target.astype(np.float32), known.astype(np.float32)
