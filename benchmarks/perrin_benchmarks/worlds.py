"""Movies of particles as people have them: an independent simulator of what is uneven.

Nothing here is perrin's own: particles are spheres and capsules whose thickness absorbs
electrons, drawn on a fine grid; light, support and noise are made with scipy. Each part that
differs from a clean movie is one field of `World`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from perrin.io.movie import Movie
from perrin_benchmarks.tracking import match_positions

FloatArray = NDArray[np.float64]
Kind = Literal["spheres", "rods", "both"]

_FINE = 4  # samples of a pixel an axis
_ABSORBS_PX = 9.0  # of metal that leaves 1/e of the electrons
_INTERVAL = 1.96
FOUND_PX = 3.0


@dataclass(frozen=True)
class World:
    """What is in a movie; lengths in pixels, levels of light relative."""

    kind: Kind = "spheres"
    frames: int = 60
    size: int = 256
    count: int = 10
    radius: float = 4.0
    length: float = 24.0
    spread: float = 0.0
    step: float = 2.0
    turn: float = 0.1
    sharp: float = 0.9
    dose: float = 100.0
    contrast: float = 1.0
    drift: float = 0.0
    edge: float = 0.0
    clouds: float = 0.0
    bubble: float = 0.0
    gradient: float = 0.0
    debris: int = 0
    texture: float = 0.0
    noise_blur: float = 0.0
    stripes: float = 0.0
    scan_lines: float = 0.0
    jpeg: int = 0
    in_time: float = 0.0


WORLDS: dict[str, World] = {
    "clean": World(),
    "noise blur .5": World(noise_blur=0.5),
    "noise blur 1": World(noise_blur=1.0),
    "noise blur 1.5": World(noise_blur=1.5),
    "stripes": World(stripes=0.5),
    "scan lines": World(scan_lines=0.5),
    "JPEG": World(jpeg=60),
    "rod, noise blur 1": World(kind="rods", count=3, noise_blur=1.0),
    "edge 40%": World(edge=0.4),
    "clouds 15%": World(clouds=0.15),
    "rods, spread 30%": World(kind="rods", count=6, spread=0.3),
    "spheres, spread 40%": World(spread=0.4),
    "rods and spheres": World(kind="both"),
    "dose 5": World(dose=5.0),
    "bubble": World(bubble=0.5),
    "gradient 60%": World(gradient=0.6),
    "debris": World(debris=8),
    "edge 40%, drift .1 px": World(edge=0.4, drift=0.1),
    "bubble, drift .3 px": World(bubble=0.5, drift=0.3),
}


def make(world: World, *, seed: int) -> tuple[Movie, pd.DataFrame]:
    """Return a movie and its truth: particle, frame, x, y, angle_deg, rod."""
    rng = np.random.default_rng(seed)
    truth, sizes = _paths(world, rng)
    sample = _support(world, rng)
    light = _light(world)
    frames = np.empty((world.frames, world.size, world.size), np.float64)
    slow = gaussian_filter(rng.standard_normal((world.frames, 8, 8)), (8, 1, 1), mode="wrap")
    for t in range(world.frames):
        here = np.roll(sample, round(world.drift * t), axis=1) * light
        if world.clouds:
            here = here * (1 + world.clouds * _cloud(slow[t] / slow.std(), world.size))
        image = _drawn(truth[truth["frame"] == t], sizes, world)
        frames[t] = _recorded(world.dose * here * np.exp(-world.contrast * image), world, rng)
    if world.in_time:
        for t in range(1, world.frames):
            frames[t] = world.in_time * frames[t - 1] + (1 - world.in_time) * frames[t]
    movie = Movie.from_array(
        _stored(frames, world), frame_interval_s=0.01, pixel_nm=1.0, contents="moving"
    )
    return movie, truth


def _paths(world: World, rng: np.random.Generator) -> tuple[pd.DataFrame, FloatArray]:
    """Return places of Brownian particles that keep inside, and (P, 2): size and whether a rod."""
    margin = world.radius + 0.5 * world.length + 2 if world.kind != "spheres" else 8.0
    steps = world.step * rng.standard_normal((world.count, world.frames, 2))
    place = rng.uniform(margin, world.size - margin, (world.count, 1, 2)) + np.cumsum(steps, axis=1)
    inner = world.size - 2 * margin
    place = margin + inner - np.abs((place - margin) % (2 * inner) - inner)
    turns = world.turn * rng.standard_normal((world.count, world.frames))
    angle = rng.uniform(0, np.pi, (world.count, 1)) + np.cumsum(turns, axis=1)
    sizes = np.stack(
        [
            np.clip(1 + world.spread * rng.standard_normal(world.count), 0.4, 2.0),
            {"spheres": np.zeros, "rods": np.ones}.get(
                world.kind, lambda count: np.arange(count) % 2.0
            )(world.count),
        ],
        axis=1,
    )
    number, frame = np.indices((world.count, world.frames)).reshape(2, -1)
    return pd.DataFrame(
        {
            "particle": number,
            "frame": frame,
            "x": place[..., 0].ravel() + world.drift * frame,
            "y": place[..., 1].ravel(),
            "angle_deg": np.degrees(angle).ravel(),
            "rod": sizes[number, 1] > 0,
        }
    ), sizes


def _drawn(part: pd.DataFrame, sizes: FloatArray, world: World) -> FloatArray:
    """Return the optical depth (Y, X) of the particles of one frame."""
    depth = np.zeros((world.size, world.size))
    for number, *place in part[["particle", "x", "y", "angle_deg"]].to_numpy(float):
        factor, rod = sizes[int(number)]
        radius = world.radius * factor
        half = (0.5 * world.length * factor - radius) * rod
        image, top, left = _capsule(place, radius, half, world)
        bottom, right = top + len(image), left + len(image)
        y, x = slice(max(top, 0), bottom), slice(max(left, 0), right)
        into = depth[y, x]
        from_top, from_left = y.start - top, x.start - left
        into += image[from_top:, from_left:][: into.shape[0], : into.shape[1]]
    return depth


def _capsule(
    place: list[float], radius: float, half: float, world: World
) -> tuple[FloatArray, int, int]:
    """Return the optical depth of a capsule at x, y, angle (half 0: a sphere), and its corner."""
    x, y, angle = place[0], place[1], np.radians(place[2])
    reach = int(np.ceil(radius + half + 4 * world.sharp)) + 1
    top, left = round(y) - reach, round(x) - reach
    fine = (np.arange((2 * reach + 1) * _FINE) + 0.5) / _FINE - 0.5
    dy, dx = fine[:, None] + top - y, fine[None, :] + left - x
    along = dx * np.cos(angle) + dy * np.sin(angle)
    across = dy * np.cos(angle) - dx * np.sin(angle)
    beyond = np.maximum(np.abs(along) - half, 0)
    thick = 2 * np.sqrt(np.maximum(radius**2 - across**2 - beyond**2, 0))
    lost = gaussian_filter(1 - np.exp(-thick / _ABSORBS_PX), world.sharp * _FINE)
    size = 2 * reach + 1
    lost = lost.reshape(size, _FINE, size, _FINE).mean(axis=(1, 3))
    return np.asarray(-np.log1p(-lost)), top, left


def half_contrast_radius(world: World, radius: float) -> float:
    """Return where the image of a sphere of `radius` (px) has half the contrast of its center."""
    return _half_contrast(world, radius, 0.0)[1]


def half_contrast_size(world: World, factor: float) -> tuple[float, float]:
    """Return length and width of a rod of relative size `factor` at half its contrast, px."""
    radius = world.radius * factor
    along, across = _half_contrast(world, radius, 0.5 * world.length * factor - radius)
    return 2 * along, 2 * across


def _half_contrast(world: World, radius: float, half: float) -> tuple[float, float]:
    """Return where a capsule along x has half the contrast of its center, along and across."""
    depth, _, _ = _capsule([0.0, 0.0, 0.0], radius, half, world)
    contrast = 1 - np.exp(-world.contrast * depth)
    middle = len(contrast) // 2
    return _halved(contrast[middle, middle:]), _halved(contrast[middle:, middle])


def _halved(profile: FloatArray) -> float:
    k = int(np.flatnonzero(profile < profile[0] / 2)[0])
    return k - 1 + float((profile[k - 1] - profile[0] / 2) / (profile[k - 1] - profile[k]))


def radii_of(world: World, *, seed: int) -> FloatArray:
    """Return the true radius of each particle of `make` with this seed, px."""
    return world.radius * factors_of(world, seed=seed)


def factors_of(world: World, *, seed: int) -> FloatArray:
    """Return the true relative size of each particle of `make` with this seed."""
    return np.asarray(_paths(world, np.random.default_rng(seed))[1][:, 0])


def _support(world: World, rng: np.random.Generator) -> FloatArray:
    """Return what rests in the sample (Y, X): an edge, a bubble, debris, grain."""
    y, x = np.mgrid[: world.size, : world.size].astype(float)
    image = np.ones_like(x)
    if world.edge:
        image -= world.edge / (1 + np.exp(-(x + 0.3 * y - 0.6 * world.size) / 1.2))
    if world.bubble:
        far = np.hypot(x - 0.35 * world.size, y - 0.6 * world.size) - 0.22 * world.size
        image += world.bubble / (1 + np.exp(far / 1.5)) - 0.3 * np.exp(-0.5 * (far / 2) ** 2)
    for _ in range(world.debris):
        cx, cy = rng.uniform(10, world.size - 10, 2)
        a, b, turned = *rng.uniform(3, 8, 2), rng.uniform(0, np.pi)
        along = (x - cx) * np.cos(turned) + (y - cy) * np.sin(turned)
        across = (y - cy) * np.cos(turned) - (x - cx) * np.sin(turned)
        image *= 1 - 0.4 / (1 + np.exp(4 * (np.hypot(along / a, across / b) - 1)))
    if world.texture:
        grain = gaussian_filter(rng.standard_normal(x.shape), 2, mode="wrap")
        image *= 1 + world.texture * grain / grain.std()
    return np.asarray(image, np.float64)


def _light(world: World) -> FloatArray:
    y, x = np.asarray(np.mgrid[: world.size, : world.size], float) / (world.size - 1) - 0.5
    return np.asarray(1 + world.gradient * (0.8 * x + 0.6 * y) / 0.7 / 2, np.float64)


def _cloud(coarse: FloatArray, size: int) -> FloatArray:
    from scipy.ndimage import zoom

    return np.asarray(zoom(coarse, size / coarse.shape[0], order=3, mode="nearest"))


def _recorded(mean: FloatArray, world: World, rng: np.random.Generator) -> FloatArray:
    """Return one frame of counts with the noise of the world's detector."""
    noise = rng.poisson(mean) - mean
    if world.noise_blur:
        noise = gaussian_filter(noise, world.noise_blur, mode="wrap")
        noise *= np.sqrt(world.dose) / noise.std()
    if world.stripes:
        noise += world.stripes * np.sqrt(world.dose) * rng.standard_normal((world.size, 1))
    if world.scan_lines:
        for x in range(1, world.size):  # a detector that decays along a line
            noise[:, x] += world.scan_lines * (noise[:, x - 1] - noise[:, x])
    return mean + noise


def _stored(frames: FloatArray, world: World) -> NDArray[np.generic]:
    """Return frames as a file holds them: 16 bits with room for all, or through JPEG."""
    if not world.jpeg:
        gain = max(1.0, 1000 / world.dose)
        return np.clip(np.rint(frames * gain), 0, 65_535).astype(np.uint16)
    from PIL import Image

    stored = np.empty(frames.shape, np.uint8)
    for t, frame in enumerate(frames * (128 / world.dose)):
        held = io.BytesIO()
        Image.fromarray(np.clip(np.rint(frame), 0, 255).astype(np.uint8)).save(
            held, "JPEG", quality=world.jpeg
        )
        stored[t] = np.asarray(Image.open(held))
    return stored


@dataclass(frozen=True)
class Score:
    """How tracks compare with a world's truth; errors of particles that stand alone.

    ratio: root mean square of error over stated error; cover: of 95% intervals; merged: fraction
    of lone positions called so; recall, precision: of the positions in tracks.
    """

    ratio: float
    cover: float
    merged: float
    recall: float
    precision: float
    angle_ratio: float


def score(truth: pd.DataFrame, positions: pd.DataFrame, tracks: pd.DataFrame) -> Score:
    """Compare located positions and tracks (both in the camera's pixels) with the truth."""
    from scipy.spatial import cKDTree

    places = truth[["x", "y", "frame"]].to_numpy(float) * (1, 1, 1e4)
    apart = np.where(truth["rod"], 34.0, 22.0)
    alone = np.asarray(cKDTree(places).query(places, k=2)[0])[:, 1] > apart
    lone = truth[alone].reset_index(drop=True)
    row = match_positions(lone, positions, within_px=FOUND_PX)
    part = positions.iloc[row[row >= 0]].reset_index(drop=True)
    true = lone[row >= 0].reset_index(drop=True)
    clean = (part["label"] == "").to_numpy()
    z = np.stack([(part[a] - true[a]) / part[f"{a}_se"] for a in "xy"])[:, clean]
    turned = (part["angle_deg"] - true["angle_deg"] + 90) % 180 - 90
    angle = (turned / part["angle_se_deg"])[clean & true["rod"].to_numpy(bool)]
    found = match_positions(truth, tracks, within_px=FOUND_PX)
    return Score(
        ratio=float(np.sqrt((z**2).mean())),
        cover=float((np.abs(z) < _INTERVAL).mean()),
        merged=float((part["label"] == "merged").mean()),
        recall=float((found >= 0).mean()),
        precision=float((found >= 0).sum() / max(len(tracks), 1)),
        angle_ratio=float(np.sqrt((angle**2).mean())) if len(angle) else float("nan"),
    )


def of(name: str, **changes: object) -> World:
    """Return a world by name, with changes."""
    return replace(WORLDS[name], **changes)  # type: ignore[arg-type]
