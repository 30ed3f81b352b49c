"""Rods that lie across each other for many frames, told apart by what they were before."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.tracking.appearance import Appearance
from perrin.tracking.crossings import through_crossings
from perrin.tracking.errors import scale_of_shape
from perrin.tracking.found import MERGED, LocalizationResult
from perrin.tracking.groups import Groups, box_of, fit_groups
from perrin.tracking.locate import locate
from perrin.tracking.noise import Noise
from perrin.tracking.shape import ANGLE, FLAT, HALF, WIDTH, WITH_ANGLE, A, Shape, X, Y, fill_model

FIELD, FRAMES, NOISE = 128, 50, 0.05
SHAPE = Shape(half=9.0, width=4.0, flat=1.0)
CROSSING = slice(15, 35)


def appearance() -> Appearance:
    scale = scale_of_shape(Noise.white(), SHAPE, amplitude=0.35, kappa=0.0)
    area = 4 * SHAPE.radius * (SHAPE.half + SHAPE.radius)
    return Appearance("rods", -1, 2.5, SHAPE, None, amplitude=0.35, area_px=area, scale=scale)


def paths(seed: int, *, between: float = 1.1) -> np.ndarray:
    """Parameters (4, T, 8): two rods that come together, lie across each other and part, and two
    by themselves."""
    rng = np.random.default_rng(seed)
    rods = np.zeros((4, FRAMES, 8))
    rods[..., A], rods[..., HALF] = 0.35, SHAPE.half
    rods[..., WIDTH], rods[..., FLAT] = SHAPE.width, SHAPE.flat
    apart = np.interp(np.arange(FRAMES), [0, 15, 35, 49], [44, 3, -3, -44])
    rods[0, :, X], rods[1, :, X] = 64 - apart / 2, 64 + apart / 2
    rods[:2, :, Y], rods[2:, :, X] = 70, np.array([[25], [100]])
    rods[2:, :, Y] = 25
    rods[..., [X, Y]] += 0.7 * rng.standard_normal((4, FRAMES, 2))
    turns = np.cumsum(0.06 * rng.standard_normal((4, FRAMES)), axis=1)
    turns -= turns[:, [FRAMES // 2]]
    rods[..., ANGLE] = np.array([[0.4], [0.4 + between], [0.0], [2.0]]) + turns
    return rods


def movie(rods: np.ndarray, seed: int) -> np.ndarray:
    """Contrast (T, Y, X) of light that goes through one rod after the other, with noise."""
    rng = np.random.default_rng(seed)
    y, x = (a.ravel().astype(float) for a in np.mgrid[:FIELD, :FIELD])
    one, slopes = np.empty(x.size), np.ones((8, x.size))
    frames = np.empty((rods.shape[1], FIELD, FIELD), np.float32)
    for t in range(len(frames)):
        light = np.ones(x.size)
        for q in rods[:, t][np.isfinite(rods[:, t, A])]:
            fill_model(x, y, q, False, one, slopes)
            light *= 1 - one
        frames[t] = (1 - light + NOISE * rng.standard_normal(x.size)).reshape(FIELD, FIELD)
    return frames


def seen_in(frames: np.ndarray) -> tuple[LocalizationResult, LocalizationResult]:
    look = appearance()
    located = locate(frames, seen=look, threshold=5.0)
    through = through_crossings(
        located, lambda t: frames[t : t + 1], field=(FIELD, FIELD), seen=look
    )
    return located, through


def misses(rods: np.ndarray, found: LocalizationResult) -> tuple[np.ndarray, np.ndarray]:
    """Errors over stated errors of x, y and angle of the first two rods while they cross (N, 3),
    and how many positions there are for each frame."""
    z, counts = [], []
    for t in range(*CROSSING.indices(FRAMES)):
        here = np.flatnonzero((found.frame == t) & (found.y > 45) & (found.label != MERGED))
        counts.append(len(here))
        for q in rods[:2, t]:
            turned = (found.angle[here] - q[ANGLE] + np.pi / 2) % np.pi - np.pi / 2
            far = np.hypot(found.x[here] - q[X], found.y[here] - q[Y])
            if len(here) and (best := np.argmin(far + 9 * np.abs(turned))) is not None:
                k = here[best]
                if far[best] < 3 and abs(turned[best]) < 0.3:
                    z.append(
                        [
                            (found.x[k] - q[X]) / found.x_se[k],
                            (found.y[k] - q[Y]) / found.y_se[k],
                            turned[best] / found.angle_se[k],
                        ]
                    )
    return np.array(z), np.array(counts)


@pytest.mark.parametrize("seed", [3, 7])
def test_rods_that_cross_for_twenty_frames_are_both_followed(seed: int) -> None:
    """Under an angle so small that no single frame says how they lie."""
    rods = paths(seed, between=0.5)
    located, through = seen_in(movie(rods, seed))
    assert len(misses(rods, located)[0]) <= 32  # of 2 x 20
    z, counts = misses(rods, through)
    assert len(z) >= 39
    assert counts.max() == 2
    # 120 numbers: the root mean square is known to 6.5%; three standard deviations
    assert 0.8 < np.sqrt((z**2).mean()) < 1.2


def test_rods_that_coincide_are_called_merged() -> None:
    """Some frames show nothing but the contrast of two: no lone particle with a small error."""
    rods = paths(4, between=0.5)
    _, through = seen_in(movie(rods, 4))
    crossing = (through.frame >= 15) & (through.frame < 35) & (through.y > 45)
    alone = crossing & (through.label == 0)
    assert not alone.any()
    merged = crossing & (through.label == MERGED)
    assert merged.any()
    assert (through.x_se[merged] > SHAPE.radius / 2).all()


def test_a_rod_that_is_gone_is_not_invented() -> None:
    """One of two that lie across each other vanishes: the other one is all that is seen."""
    rods = paths(5)
    rods[1, 25:] = np.nan
    located, through = seen_in(movie(rods, 5))
    for found in (located, through):
        later = (found.frame >= 25) & (found.y > 45)
        assert np.bincount(found.frame[later], minlength=FRAMES)[25:].max() == 1


def test_a_joint_fit_knows_both_of_two_that_overlap() -> None:
    """Errors over those of the Fisher information of both together, background free."""
    rng = np.random.default_rng(6)
    z = []
    for n in range(40):
        rods = paths(n)[:2, 25:26]
        rods[..., [X, Y]] += 0.2 * rng.standard_normal((2, 1, 2))
        start = rods[:, 0].copy()
        start[:, [X, Y]] += rng.uniform(-2, 2, (2, 2))
        start[:, ANGLE] += rng.uniform(-0.2, 0.2, 2)
        found = fit_groups(
            movie(rods, n),
            Groups.of(0, [start], [box_of(start, (FIELD, FIELD))]),
            free=WITH_ANGLE,
            kappa=0.0,
            sign=-1,
        )
        assert found.pixels[0] == np.prod(np.diff(box_of(start, (FIELD, FIELD)).reshape(2, 2).T))
        own = [A, X, Y, ANGLE]
        z.append((found.values - rods[:, 0])[:, own] / found.errors[:, own])
    # 320 numbers: the root mean square is known to 4%; three standard deviations
    assert 0.88 < np.sqrt(np.mean(np.square(z))) < 1.12
