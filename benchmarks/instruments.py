"""Physics that the training does not have: what is found, kept and weighed of it, and what is said.

The simulator here is other code than `perrin.simulate`: own point-spread functions (pupil
integrals and closed forms), own background, own motions, own camera. Each variant is a movie of
36 s whose truth is known. Of its true isolated binders: the fraction found and kept; of what is
kept: the fraction of binders; the area under the curve of the binder score; the contrast of fit
and quantifier over the truth and how often the quantifier's 90% interval holds the truth; and the
verdict on the movie.

Run: ``python benchmarks/instruments.py`` (about 25 s a variant), or with names of variants.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import gaussian_filter, uniform_filter
from scipy.spatial import cKDTree

from _measure import keep_to_two_cores, print_table
from perrin import Movie
from perrin.pipeline import analyze_landings

Array = NDArray[np.float64]

HEIGHT, WIDTH, PIXEL_NM, RATE_HZ = 38, 151, 72.0, 242.0
SECONDS = 36.0
CONTRAST_PER_KDA = 3.8e-5
FINE = 8  # samples a pixel of the tables of point-spread functions
REACH_PX = 14
_AXIS_PX = np.arange(-REACH_PX * FINE, REACH_PX * FINE + 1) / FINE
_RADIUS_NM = np.hypot(_AXIS_PX[:, None], _AXIS_PX[None, :]) * PIXEL_NM

MASSES = ((66.0, 0.3), (150.0, 0.25), (300.0, 0.25), (600.0, 0.2))
HEAVY = ((1300.0, 0.3), (2000.0, 0.3), (3000.0, 0.25), (5000.0, 0.15))


def pupil(
    *,
    aperture: float = 1.42,
    wavelength_nm: float = 488.0,
    defocus_nm: float = 0.0,
    coma_rad: float = 0.0,
    inner: float = 0.0,
) -> Array:
    """Real part of the image of a point through a round pupil; `inner`: transmission in the middle.

    The integral over the pupil is a sum over 4000 points of a sunflower.
    """
    k = np.arange(4000) + 0.5
    rho, phi = np.sqrt(k / 4000), k * np.pi * (3 - np.sqrt(5))
    sine = np.minimum(aperture * rho / 1.518, 0.98)
    phase = 2 * np.pi / wavelength_nm * 1.518 * defocus_nm * (np.sqrt(1 - sine**2) - 1)
    phase -= np.mean(phase)
    phase += coma_rad * (3 * rho**3 - 2 * rho) * np.cos(phi)
    weight = np.where(rho < 0.5, 1 - inner, 1.0) * np.exp(1j * phase)
    wave = 2 * np.pi * aperture / wavelength_nm * rho * PIXEL_NM
    along_x = np.exp(1j * np.outer(_AXIS_PX, wave * np.cos(phi)))
    along_y = np.exp(1j * np.outer(_AXIS_PX, wave * np.sin(phi)))
    field_ = (along_y * weight) @ along_x.T
    middle = field_[len(_AXIS_PX) // 2, len(_AXIS_PX) // 2]
    return on_pixels(np.real(field_ * np.conj(middle)) / abs(middle) ** 2)


def two_jincs(scale: float = 1.0) -> Array:
    """What the networks were trained on; `scale` widens it."""
    from scipy.special import j1

    r = np.maximum(_RADIUS_NM / scale, 1e-6)
    k = 2 * np.pi * 1.42 / 488.0
    jinc = j1(k * r) / (k * r) + j1(0.6 * k * r) / (0.6 * k * r)
    return on_pixels(jinc * np.exp(-0.5 * (r / 260.0) ** 2))


def hat(fwhm_nm: float, ring: float) -> Array:
    """(1 - a r^2) exp(-r^2 / 2 s^2) with this width and ring over center, found by search."""
    from scipy.optimize import brentq

    x = np.linspace(0, 8, 4001)

    def profile(a: float) -> Array:
        return (1 - a * x**2) * np.exp(-0.5 * x**2)

    a = brentq(lambda a: profile(a).min() - ring, 1e-6, 5.0) if ring < 0 else 0.0
    half = float(x[np.argmax(profile(a) < 0.5)])
    r = _RADIUS_NM * 2 * half / fwhm_nm
    return on_pixels((1 - a * r**2) * np.exp(-0.5 * r**2))


def on_pixels(table: Array) -> Array:
    """Average over a pixel, 1 in the middle."""
    averaged = uniform_filter(table, FINE + 1)
    tapered = averaged * np.clip((REACH_PX * PIXEL_NM - _RADIUS_NM) / (2 * PIXEL_NM), 0, 1)
    return np.asarray(tapered / tapered[len(_AXIS_PX) // 2, len(_AXIS_PX) // 2])


@dataclass(frozen=True)
class Variant:
    """One instrument and its sample."""

    psf: Callable[[], Array] = two_jincs
    psf_right: Callable[[], Array] | None = None
    """At the right edge; in between the two are mixed."""
    psf_last: Callable[[], Array] | None = None
    """At the end of the movie."""
    species: tuple[tuple[float, float], ...] = MASSES
    density: float = 1.0
    electrons: float = 8e5
    electrons_per_count: float = 20.0
    gradient: float = 0.0
    fringes: float = 0.0
    dynamic: float = 2.2e-4
    dynamic_time_s: float = 4.0
    debris: int = 0
    dead: int = 0
    blinking: int = 0
    full_well: int = 65535


VARIANTS: dict[str, Variant] = {
    "control": Variant(),
    "ring -.13, full pupil": Variant(psf=pupil),
    "ring -.27, 230 nm": Variant(psf=lambda: hat(230, -0.27)),
    "ring -.46, 240 nm": Variant(psf=lambda: hat(240, -0.46)),
    "width +20%": Variant(psf=lambda: two_jincs(1.2)),
    "width -20%": Variant(psf=lambda: two_jincs(0.8)),
    "defocus 300 nm": Variant(psf=lambda: pupil(defocus_nm=300)),
    "coma": Variant(psf=lambda: pupil(coma_rad=1.2)),
    "PSF over the field": Variant(psf=two_jincs, psf_right=pupil),
    "focus drifts": Variant(psf=pupil, psf_last=lambda: pupil(defocus_nm=200)),
    "gradient 5e-4": Variant(gradient=5e-4),
    "gradient 2e-3": Variant(gradient=2e-3),
    "fringes 1e-3": Variant(fringes=1e-3),
    "fringes 2e-3": Variant(fringes=2e-3),
    "dynamic speckle 1e-3": Variant(dynamic=1e-3, dynamic_time_s=1.0),
    "debris": Variant(debris=60),
    "2e5 electrons": Variant(electrons=2e5, electrons_per_count=5.0),
    "8 bits": Variant(electrons_per_count=8e5 / 180),
    "density 10": Variant(density=10.0),
    "saturated": Variant(full_well=44_500),
    "dead and blinking pixels": Variant(dead=6, blinking=4),
    "1.3 to 5 MDa": Variant(species=HEAVY),
}


def simulate(
    variant: Variant, *, seed: int, seconds: float = SECONDS
) -> tuple[Movie, pd.DataFrame]:
    """Return a movie and its truth, one row a molecule."""
    rng = np.random.default_rng(seed)
    n_frames = round(seconds * RATE_HZ)
    truth, paths = land(variant, n_frames, rng)
    table = variant.psf()
    first_psf = spline(table)
    right, last = (
        first_psf if other is None else spline(other())
        for other in (variant.psf_right, variant.psf_last)
    )
    light = background(variant, table, n_frames, rng)
    settled = np.ones((HEIGHT, WIDTH))
    waiting = list(range(len(truth)))
    for first, chunk in light:
        waiting = add_molecules(
            chunk, first, truth, paths, (first_psf, right, last), n_frames, settled, waiting
        )
    return camera(variant, light, rng), truth


def land(
    variant: Variant, n_frames: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Array]]:
    """Draw what lands: half binders, the rest leave, roll or wobble."""
    area = HEIGHT * WIDTH * (PIXEL_NM / 1e3) ** 2
    count = rng.poisson(variant.density * area * n_frames / RATE_HZ)
    masses, shares = zip(*variant.species, strict=True)
    kind = rng.choice(["binder", "unbinder", "roller", "wobbler"], count, p=[0.6, 0.2, 0.08, 0.12])
    land_at = np.sort(rng.uniform(0, n_frames, count))
    stay = np.full(count, np.inf)
    leaves = (kind == "unbinder") | ((kind == "roller") & (rng.random(count) < 0.75))
    leaves |= (kind == "wobbler") & (rng.random(count) < 0.5)
    step = 1e3 / RATE_HZ / PIXEL_NM  # px a frame for 1 nm a ms
    x, y = rng.uniform(-0.5, WIDTH - 0.5, count), rng.uniform(-0.5, HEIGHT - 0.5, count)
    paths = []
    for i in range(count):
        moving = {"roller": rng.uniform(4, 8), "wobbler": float(rng.integers(2, 16))}
        frames = moving.get(str(kind[i]), 0.0)
        n = int(np.ceil(frames))
        if kind[i] == "wobbler":
            angle, fast = rng.uniform(0, 2 * np.pi, n), rng.normal(8.5, 3.5, n)
        else:
            angle, fast = np.full(n, rng.uniform(0, 7)), np.full(n, rng.uniform(1.7, 18.6))
        steps = step * np.abs(fast)[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
        corner = np.array([y[i], x[i]])
        paths.append(np.vstack([corner, corner + np.cumsum(steps, axis=0)]))
        if leaves[i]:
            stay[i] = frames or np.clip(rng.normal(10, 5), 1, 20)
    mass = rng.normal(rng.choice(masses, count, p=np.array(shares) / sum(shares)), 4.0)
    table = {"kind": kind, "land": land_at, "stay": stay, "x": x, "y": y, "mass_kda": np.abs(mass)}
    return pd.DataFrame(table), paths


def background(
    variant: Variant, psf: Array, n_frames: int, rng: np.random.Generator
) -> list[tuple[int, NDArray[np.float32]]]:
    """Relative light without molecules, in chunks of 256 frames."""
    kernel = psf[::FINE, ::FINE]
    rows, columns = np.arange(HEIGHT + 20) - 10.0, np.arange(WIDTH + 20) - 10.0
    static = RectBivariateSpline(rows, columns, 0.012 * speckle(kernel, 10, rng))
    stage = np.cumsum(rng.normal(0, 2.7 / np.sqrt(RATE_HZ), (n_frames, 2)), axis=0)
    stage += rng.normal(0, 0.5, (n_frames, 2)) + 2.0 * np.arange(n_frames)[:, None] / RATE_HZ
    stage = np.clip(stage / PIXEL_NM, -8, 8)
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    time = np.arange(n_frames) / RATE_HZ
    slopes = np.stack([wander(n_frames, 0.5, rng) for _ in range(2)], axis=1) * variant.gradient
    power = 1 + 1e-3 * wander(n_frames, 0.05, rng) + 3e-4 * rng.standard_normal(n_frames)
    phase = 2 * np.pi * (0.7 * time + 0.3 * wander(n_frames, 2.0, rng))
    keep = np.exp(-8 / RATE_HZ / variant.dynamic_time_s)
    key = variant.dynamic * speckle(kernel, 0, rng)
    dust = spline(gaussian_filter(psf, FINE * 2))
    grains = rng.uniform(0, 1, (variant.debris, 3)) * (HEIGHT, WIDTH, 2 * np.pi)
    chunks = []
    for first in range(0, n_frames, 256):
        stop = min(first + 256, n_frames)
        light = np.empty((stop - first, HEIGHT, WIDTH), np.float32)
        for t in range(first, stop):
            if t % 8 == 0:
                old, key = (
                    key,
                    keep * key + np.sqrt(1 - keep**2) * variant.dynamic * speckle(kernel, 0, rng),
                )
            part = (t % 8) / 8
            frame = 1 + static(np.arange(HEIGHT) - stage[t, 0], np.arange(WIDTH) - stage[t, 1])
            frame += (1 - part) * old + part * key
            frame *= power[t] * (1 + slopes[t, 0] * y + slopes[t, 1] * x)
            if variant.fringes:
                frame *= 1 + variant.fringes * np.sqrt(2) * np.sin(9 * x + 2 * y + phase[t])
            if variant.debris:
                grains[:, :2] += rng.normal(0, 0.35, (variant.debris, 2))
                grains[:, :2] %= (HEIGHT, WIDTH)
                grains[:, 2] += rng.normal(0, 0.3, variant.debris)
                for grain in grains:
                    stamp(frame, dust, grain[0], grain[1], 4e-3 * np.sin(grain[2]))
            light[t - first] = frame
        chunks.append((first, light))
    return chunks


def speckle(kernel: Array, margin: int, rng: np.random.Generator) -> Array:
    """White noise filtered by the point-spread function, rms 1."""
    shape = HEIGHT + 2 * margin + 32, WIDTH + 2 * margin + 32
    spectrum = np.fft.rfft2(rng.standard_normal(shape)) * np.fft.rfft2(kernel, shape)
    values = np.fft.irfft2(spectrum, shape)[32:, 32:] / np.sqrt((kernel**2).sum())
    return np.asarray(values)


def wander(n_frames: int, time_s: float, rng: np.random.Generator) -> Array:
    """A slow random process of rms 1."""
    from scipy.signal import lfilter

    keep = np.exp(-1 / (time_s * RATE_HZ))
    noise = rng.standard_normal(n_frames + 2000) * np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], noise)[2000:])


def stamp(
    frame: NDArray[np.floating], psf: RectBivariateSpline, y: float, x: float, size: float
) -> None:
    """Multiply a frame by what a scatterer at (y, x) of this contrast does to it."""
    top, bottom = max(0, int(y) - REACH_PX + 2), min(HEIGHT, int(y) + REACH_PX - 1)
    left, right = max(0, int(x) - REACH_PX + 2), min(WIDTH, int(x) + REACH_PX - 1)
    if top < bottom and left < right:
        image = psf(np.arange(top, bottom) - y, np.arange(left, right) - x)
        frame[top:bottom, left:right] *= 1 + size * image


def spline(table: Array) -> RectBivariateSpline:
    """Return a table as a function of y and x, in pixels."""
    return RectBivariateSpline(_AXIS_PX, _AXIS_PX, table, kx=3, ky=3)


def add_molecules(
    light: NDArray[np.float32],
    first: int,
    truth: pd.DataFrame,
    paths: list[Array],
    splines: tuple[RectBivariateSpline, ...],
    n_frames: int,
    settled: Array,
    waiting: list[int],
) -> list[int]:
    """Multiply the molecules into a chunk of frames; return which of them are still to come.

    Those that rest for good fill `settled` from the next chunk on.
    """
    light *= settled.astype(np.float32)
    stop = first + len(light)
    left = []
    for i in waiting:
        row = truth.iloc[i]
        if row["land"] >= stop:
            left.append(i)
            continue
        size, late = -CONTRAST_PER_KDA * row["mass_kda"], row["land"] / n_frames
        at_rest, leave = row["land"] + len(paths[i]) - 1, row["land"] + row["stay"]
        resting = np.ones((HEIGHT, WIDTH))
        draw(resting, splines, paths[i][-1], size, late)
        for t in range(max(first, int(row["land"])), int(np.ceil(min(stop, leave)))):
            share = min(t + 1, leave) - max(t, row["land"])
            if t >= at_rest and share == 1:
                light[t - first] *= resting
                continue
            parts = (0.125, 0.375, 0.625, 0.875) if len(paths[i]) > 1 else (0.5,)
            for part in parts:
                at = place(paths[i], t + part - row["land"])
                draw(light[t - first], splines, at, size * share / len(parts), late)
        if np.isinf(leave) and at_rest + 1 <= stop:
            settled *= resting
        elif leave > stop:
            left.append(i)
    return left


def place(path: Array, moment: float) -> Array:
    """Where a molecule is this many frames after it landed."""
    moment = min(max(moment, 0), len(path) - 1)
    k = min(int(moment), max(len(path) - 2, 0))
    at: Array = path[k] + (moment - k) * (path[min(k + 1, len(path) - 1)] - path[k])
    return at


def draw(
    frame: NDArray[np.floating],
    splines: tuple[RectBivariateSpline, ...],
    at: Array,
    size: float,
    late: float,
) -> None:
    """Stamp a molecule with the point-spread function of its place and time."""
    middle, right, last = splines
    if right is middle and last is middle:
        stamp(frame, middle, at[0], at[1], size)
        return
    across = min(max(at[1] / WIDTH, 0), 1)
    shares = ((1 - across) * (1 - late), across * (1 - late), late)
    for psf, share in zip(splines, shares, strict=True):
        if share:
            stamp(frame, psf, at[0], at[1], size * share)


def camera(
    variant: Variant, light: list[tuple[int, NDArray[np.float32]]], rng: np.random.Generator
) -> Movie:
    """Counts of 16 bits."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    beam = 1 - 0.07 * (x**2 + y**2)
    gain = 1 + 2e-3 * rng.standard_normal((HEIGHT, WIDTH))
    bad = rng.permutation(HEIGHT * WIDTH)[: variant.dead + variant.blinking]
    parts = []
    for _, chunk in light:
        mean = variant.electrons * beam * chunk
        arrived = gain * (mean + np.sqrt(mean) * rng.standard_normal(mean.shape))
        counts = np.clip(np.rint(arrived / variant.electrons_per_count + 10), 0, variant.full_well)
        flat = counts.reshape(len(chunk), -1)
        flat[:, bad[: variant.dead]] = 0
        if variant.blinking:
            blinks = rng.random((len(chunk), variant.blinking)) < 0.1
            flat[:, bad[variant.dead :]] += 5000 * blinks
        parts.append(counts.astype(np.uint16))
    return Movie.from_array(np.concatenate(parts), frame_interval_s=1 / RATE_HZ, pixel_nm=PIXEL_NM)


def judged(events: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    """What became of the true isolated binders, and what was kept."""
    binder = alone(truth) & (truth["kind"] == "binder").to_numpy()
    landing = events[events["contrast"] < 0].reset_index(drop=True)
    found, hit = matched(landing, truth)
    retained = landing["retained"].to_numpy(bool)
    kept = found & retained[hit]
    right = np.zeros(len(landing), bool)
    right[hit[found & (truth["kind"] == "binder").to_numpy()]] = True
    chosen = binder & kept
    size = CONTRAST_PER_KDA * truth["mass_kda"].to_numpy()[chosen]
    rows = landing.iloc[hit[chosen]]
    result = {
        "binders": float(binder.sum()),
        "found": found[binder].mean(),
        "kept": kept[binder].mean(),
        "precision": right[retained].mean() if retained.any() else np.nan,
        "fit": np.median(-rows["contrast"].to_numpy() / size) - 1 if len(rows) else np.nan,
    }
    if "score_binder" in landing.columns:
        score = landing["score_binder"].fillna(0).to_numpy()
        result["auc"] = area(score[right], score[~right])
    if "contrast_pred" in landing.columns and len(rows):
        low, middle, high = (
            -rows[f"contrast_pred{end}"].to_numpy() / size for end in ("_low", "", "_high")
        )
        result["quantifier"] = float(np.nanmedian(middle)) - 1
        result["covers"] = float(np.mean((low <= 1) & (high >= 1)))
    return result


def alone(truth: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether a molecule lies well in the movie, with no other near it."""
    inside = truth["x"].between(7, WIDTH - 8) & truth["y"].between(7, HEIGHT - 8)
    inside &= truth["land"].between(45, truth["land"].max() - 45)
    tree = cKDTree(np.column_stack([truth["land"] / 20, truth["y"] / 12, truth["x"] / 12]))
    near = tree.query_ball_point(tree.data, 1.0, p=np.inf, return_length=True)
    return np.asarray(inside.to_numpy() & (near == 1))


def matched(
    landing: pd.DataFrame, truth: pd.DataFrame
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether each molecule was found, and by which landing (0 where it was not)."""
    spots = np.column_stack([landing["frame"] / 4, landing["y_px"] / 2.5, landing["x_px"] / 2.5])
    at = np.column_stack([np.floor(truth["land"]) / 4, truth["y"] / 2.5, truth["x"] / 2.5])
    apart, hit = cKDTree(spots).query(at, distance_upper_bound=1.0)
    found = np.isfinite(apart)
    return found, np.where(found, hit, 0)


def area(positive: Array, negative: Array) -> float:
    """Area under the curve of a score."""
    order = np.searchsorted(np.sort(negative), positive, side="left")
    ties = np.searchsorted(np.sort(negative), positive, side="right")
    return float((order + ties).mean() / 2 / max(len(negative), 1))


def main() -> None:
    """Print the table."""
    keep_to_two_cores()
    rows = []
    for name in sys.argv[1:] or VARIANTS:
        print(name, file=sys.stderr, flush=True)
        movie, truth = simulate(VARIANTS[name], seed=1)
        result = analyze_landings(movie, resamples=0)
        found = judged(result.events, truth)
        numbers = [f"{found.get(k, np.nan):.3g}" for k in COLUMNS]
        rows.append([name, *numbers, " / ".join(note[:70] for note in result.notes) or "-"])
    print_table(["variant", *COLUMNS, "said"], rows)


COLUMNS = ("binders", "found", "kept", "precision", "auc", "fit", "quantifier", "covers")

if __name__ == "__main__":
    main()
