"""Pictures of the documentation, made anew from simulated measurements.

Run: ``python docs/make_figures.py``; they go to ``docs/_figures``, which is not kept in git.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from perrin.events import CLASSES
from perrin.io.movie import Movie
from perrin.landing.detect import detect
from perrin.landing.fit import fit, fit_patches
from perrin.landing.light import evened, light_field
from perrin.landing.ratiometric import ratiometric
from perrin.mass.resolution import valley_to_peak
from perrin.optics.psf import Psf
from perrin.report.style import (
    BLACK,
    BLUE,
    GRAY,
    PAGE_MM,
    PALE_BLUE,
    SERIES,
    VERMILLION,
    new_figure,
    style,
)
from perrin.settings.disturbances import DisturbanceSettings
from perrin.settings.optics import PupilSettings
from perrin.settings.simulation import (
    BackgroundSettings,
    CameraSettings,
    InstrumentSettings,
    LandingAssay,
    MassPrior,
    ThumbnailSettings,
)
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset
from perrin.simulate.thumbnails import simulate_thumbnails

FOLDER = Path(__file__).resolve().parent / "_figures"
PSF = Psf.analytic(pixel_nm=72.0)
PER_KDA = -3.8e-5
MILLISECONDS = 3 / 0.726
N_AVG = 10


def main() -> None:
    """Make all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with style():
        for name, draw in (
            ("simulated-classes", classes),
            ("simulated-frame", busy_frame),
            ("simulated-noise", noise),
            ("simulated-spectra", spectra),
            ("disturbances", disturbances),
        ):
            draw().savefig(FOLDER / f"{name}.png", dpi=200)


def classes() -> Figure:
    """One event of each class: seven of its forty frames, and the trace of its middle pixel."""
    settings = ThumbnailSettings(
        classes=dict.fromkeys(CLASSES, 1 / len(CLASSES)),
        masses=MassPrior(low_kda=250, middle_kda=250, high_kda=250),
    )
    found = simulate_thumbnails(480, settings=settings, seed=12)
    truth = found.truth
    telling = {  # which of a class to show: one that a reader can see at a glance
        "unbinder": truth["residence_time_frames"] > 12,
        "neighbors": truth["n_neighbors"].between(2, 4),
        "roller": truth["path_px"].between(3, 5) & ~truth["unbinds"],
        "wobbler": (truth["path_px"] > 4) & ~truth["unbinds"],
    }
    offsets = (-15, -8, -3, 0, 3, 8, 15)
    figure = new_figure(width_mm=PAGE_MM, height_mm=150)
    ratios = {"width_ratios": [1] * len(offsets) + [3.2]}
    axes = figure.subplots(len(CLASSES), len(offsets) + 1, gridspec_kw=ratios)
    for row, name in zip(axes, CLASSES, strict=True):
        candidates = (found.labels == name) & found.inside.all(axis=(1, 2))
        event = int(np.flatnonzero(candidates & telling.get(name, candidates))[0])
        thumbnail = 1e3 * found.thumbnails[event]
        for axis, offset in zip(row, offsets, strict=False):
            axis.imshow(thumbnail[20 + offset], cmap="gray", vmin=-10, vmax=4)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if name == CLASSES[0]:
                axis.set_title(f"{offset * MILLISECONDS:+.0f} ms")
        row[0].set_ylabel(name)
        trace = row[-1]
        times = (np.arange(40) - 20) * MILLISECONDS
        trace.axhline(0, color=GRAY, linewidth=0.5)
        trace.plot(times, thumbnail[:, 8, 8], color=BLUE, marker=".", markersize=3)
        trace.set(ylim=(-12, 10), ylabel="contrast / 10⁻³")
        if name == CLASSES[-1]:
            trace.set_xlabel("time from landing / ms")
        else:
            trace.set_xticklabels([])
    return figure


def busy_frame() -> Figure:
    """A ratiometric frame of a movie with many landings, with the landings of its window."""
    movie, truth = simulate_movie(preset("dynamin", density=10), seconds=0.6, seed=5)
    frames = movie.frames[:]
    middle = 70
    r = ratiometric(evened(frames, light_field(frames)), n_avg=N_AVG)[middle - N_AVG]
    figure = new_figure(width_mm=PAGE_MM, height_mm=95)
    raw, changed = figure.subplots(2, 1)
    flat = frames[middle] / np.mean(frames[middle])
    picture = raw.imshow(flat, cmap="gray", vmin=0.85, vmax=1.1)
    raw.set_title("raw frame: glass speckle, illumination, landed molecules")
    figure.colorbar(picture, ax=raw, label="intensity / mean")
    picture = changed.imshow(1e3 * r, cmap="gray", vmin=-14, vmax=6)
    changed.set_title(
        f"ratiometric frame, n_avg = {N_AVG}; circles: true landings within ± 5 frames"
    )
    figure.colorbar(picture, ax=changed, label="contrast / 10⁻³")
    near = truth[(truth["frame"] - middle).abs() <= 5]
    changed.scatter(near["x_px"], near["y_px"], s=60, facecolors="none", edgecolors=VERMILLION)
    for axis in (raw, changed):
        axis.set(xlim=(-0.5, 150.5), ylim=(37.5, -0.5), xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure


def noise() -> Figure:
    """Scatter of the fitted mass of 180 kDa binders against integration time, by its causes."""
    every = BackgroundSettings()
    off = BackgroundSettings.none()
    stage = ("speckle_contrast", "drift_nm_per_sqrt_s", "drift_nm_per_s", "vibration_nm")
    dynamic = ("dynamic_contrast", "dynamic_time_s")
    focus = ("focus_contrast", "tilt_contrast")
    causes = {
        "everything": (every, 1.0),
        "shot noise": (off, 1.0),
        "speckle and stage": (_only(every, stage), 0.0),
        "dynamic speckle": (_only(every, dynamic), 0.0),
        "focus (1.5% of the mass)": (_only(every, focus), 0.0),
    }
    integrations = (2, 3, 5, 7, 10, 15, 20, 29, 40, 60, 85)
    times = np.array(integrations) * MILLISECONDS
    figure = new_figure(width_mm=0.6 * PAGE_MM, height_mm=80)
    axis = figure.subplots()
    for (name, (background, shot)), color in zip(causes.items(), (BLACK, *SERIES), strict=False):
        found = [_scatter(background, n_avg=n, shot_noise=shot) for n in integrations]
        axis.loglog(times, found, ".-", color=color, label=name)
    axis.axvspan(80, 120, color=PALE_BLUE, zorder=0, label="best in the paper")
    axis.set(
        xlabel="integration time / ms",
        ylabel="standard deviation at 180 kDa / kDa",
        ylim=(0.5, 20),
        xticks=[10, 20, 40, 100, 200, 350],
        xticklabels=["10", "20", "40", "100", "200", "350"],
        yticks=[1, 2, 5, 10, 20],
        yticklabels=["1", "2", "5", "10", "20"],
    )
    axis.minorticks_off()
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def spectra() -> Figure:
    """BSA and HSP27 before any filtering, beside what the paper says of them."""
    figure = new_figure(width_mm=PAGE_MM, height_mm=70)
    left, right = figure.subplots(1, 2)
    bsa = _masses(preset("bsa"), seeds=range(2))
    left.hist(bsa, bins=np.arange(-250, 305, 5), color=PALE_BLUE, edgecolor=BLUE, linewidth=0.3)
    left.set_ylim(top=1.3 * left.get_ylim()[1])
    for mass, name in ((66.4, "monomer"), (132.9, "dimer"), (199.3, "trimer")):
        for sign in (-1, 1):
            left.axvline(sign * mass, color=GRAY, linewidth=0.5, linestyle=":")
        left.text(mass, 0.99 * left.get_ylim()[1], f" {name}", va="top", color=GRAY, rotation=90)
    left.set(xlabel="mass / kDa", ylabel="events", title="BSA: mirrored, and counts between peaks")
    hsp27 = _masses(preset("hsp27"), seeds=range(3))
    right.hist(hsp27, bins=np.arange(-400, 475, 5), color=PALE_BLUE, edgecolor=BLUE, linewidth=0.3)
    modes = 22.8 * np.arange(6, 17, 2)
    paper = (0.69, 0.42, 0.38, 0.38, 0.5)
    lines = ["valley-to-peak", "here   paper"]
    for (low, high), stated in zip(pairwise(modes), paper, strict=True):
        valley = valley_to_peak(hsp27, left=low, right=high, kernel=3.0)
        lines.append(f"{valley.ratio if valley else np.nan:.2f}    {stated:.2f}")
    right.text(0.02, 0.97, "\n".join(lines), transform=right.transAxes, va="top")
    right.set_ylim(top=1.1 * right.get_ylim()[1])
    for subunits, mass in zip(range(6, 17, 2), modes, strict=True):
        right.text(mass, 0.97 * right.get_ylim()[1], str(subunits), ha="center", color=GRAY)
    right.set(xlabel="mass / kDa", ylabel="events", title="HSP27: 6-mer to 16-mer")
    return figure


def _only(settings: BackgroundSettings, names: tuple[str, ...]) -> BackgroundSettings:
    """Those parts of the background, everything else off."""
    kept = {name: getattr(settings, name) for name in names}
    return BackgroundSettings.none().model_copy(update=kept)


def _scatter(background: BackgroundSettings, *, n_avg: int, shot_noise: float) -> float:
    settings = ThumbnailSettings(
        n_avg=n_avg,
        classes={"binder": 1.0},
        masses=MassPrior(low_kda=180, middle_kda=180, high_kda=180),
        background=background,
        camera=CameraSettings(shot_noise=shot_noise),
    )
    found = simulate_thumbnails(512, settings=settings, seed=n_avg, workers=2)
    patches = found.thumbnails[:, max(20, n_avg), 2:15, 2:15]
    fitted = fit_patches(patches, psf=PSF, inside=found.inside[:, 2:15, 2:15])
    return float(np.nanstd(fitted.contrast) / -PER_KDA)


def _masses(assay: LandingAssay, *, seeds: range) -> NDArray[np.float64]:
    parts = []
    for seed in seeds:
        movie, _ = simulate_movie(assay, seconds=60, seed=seed)
        parts.append(_weighed(movie))
    return np.concatenate(parts)


def _weighed(movie: Movie) -> NDArray[np.float64]:
    events = fit(movie, detect(movie, n_avg=N_AVG, psf=PSF), fit_n_avg=N_AVG, psf=PSF)
    return events.dropna(subset="contrast_se")["contrast"].to_numpy() / PER_KDA


if __name__ == "__main__":
    main()


def disturbances() -> Figure:
    """Four landings of 300 kDa with each thing that can be wrong."""
    wrong = {
        "nothing wrong": {},
        "fringes, 0.2%": {"disturbances": DisturbanceSettings(fringe_contrast=2e-3)},
        "fast speckle, 0.05%": {
            "disturbances": DisturbanceSettings(speckle_contrast=5e-4, speckle_time_s=0.02)
        },
        "debris, 2 for each um\u00b2": {"disturbances": DisturbanceSettings(debris_per_um2=2.0)},
        "200,000 electrons": {"camera": CameraSettings(electrons=2e5, electrons_per_count=5.0)},
        "8 bits": {"camera": CameraSettings(electrons_per_count=8e5 / 180)},
        "mask in the pupil": {
            "instrument": InstrumentSettings(pupil=PupilSettings(mask_transmission=0.0))
        },
        "coma, 0.5 rad": {"instrument": InstrumentSettings(pupil=PupilSettings(coma_rad=0.5))},
        "defocus, 250 nm": {
            "instrument": InstrumentSettings(pupil=PupilSettings(defocus_nm=250.0))
        },
    }
    plain = ThumbnailSettings(
        classes={"binder": 1.0}, masses=MassPrior(low_kda=300, middle_kda=300, high_kda=300)
    )
    figure = new_figure(width_mm=PAGE_MM, height_mm=75)
    axes = figure.subplots(3, 12, gridspec_kw={"wspace": 0.08})
    for number, (name, change) in enumerate(wrong.items()):
        settings = plain.model_copy(update=change)
        found = simulate_thumbnails(24, settings=settings, seed=5)
        whole = np.flatnonzero(found.inside.all(axis=(1, 2)))
        row, column = divmod(number, 3)
        for k in range(4):
            axis = axes[row, 4 * column + k]
            axis.imshow(found.thumbnails[whole[k], 20], cmap="gray", vmin=-6e-3, vmax=6e-3)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        axes[row, 4 * column].set_title(name, loc="left")
    return figure
