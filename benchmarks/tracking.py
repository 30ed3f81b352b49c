"""Tracking against the Cramer-Rao bound, trackpy's whole pipeline, and the true paths.

Fresh seeds, simulated movies. Parts can be named: ``python benchmarks/tracking.py bounds links``;
they are bounds, worlds, crossings, mass, links, diffusion and speed. ``--frames 200`` shortens
the speed test.

- bounds: root mean square errors of particles that stand alone, over the bound of the simulated
  image; signal-to-noise is the contrast at the center over the noise of a pixel of background.
- worlds: movies as people have them, of a simulator that shares no code with perrin's: errors over
  stated errors, positions of lone particles called merged, recall and precision of tracks.
- crossings: rods that lie across each other: positions and tracks of all, whether tracks stay with
  their rod, errors of the positions where rods touch.
- links: F1 of the links from frame to frame, for a mean step of a fifth of the mean distance; that
  is the distance to the nearest neighbor, or density^-1/2. Beside it: the most probable links of
  the true positions (no locating errors, nothing missed), which is what positions allow, and
  trackpy with the best of several thresholds and search ranges, chosen on this movie with the
  truth in hand.
- diffusion: the shipped mixture network on tracks of a rod movie and on the true paths.
- speed: the same frames in memory, two cores; trackpy's batch with two processes and with one.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from _measure import Row, keep_to_two_cores, print_goals, skip
from perrin.diffusion.characterize import Scale, characterize
from perrin.mass.calibration import calibrate
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import WindowSettings
from perrin.settings.motion import MotionMovie
from perrin.settings.tracking import LinkSettings, ParticleKind, TrackingSettings
from perrin.simulate.moving import lazy_motion, simulate_motion
from perrin.tracking.link import link
from perrin.tracking.mass import mean_contrast
from perrin.tracking.track import TrackingResult, track
from perrin_benchmarks.tracking import bounds, match_positions, position_errors, score_links
from perrin_benchmarks.worlds import WORLDS, make, score

SNRS = (3, 10, 30)
CROSSING_SEEDS = range(9501, 9505)
LINK_SEEDS = range(9210, 9215)
CONTRAST = {"spheres": 0.470, "rods": 0.337, "molecules": 0.0057}
ALONE_PX = {"spheres": 20, "rods": 36, "molecules": 20}
PARTS = ("bounds", "worlds", "crossings", "mass", "links", "diffusion", "speed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", default=PARTS)
    parser.add_argument("--frames", type=int, default=2000)
    given = parser.parse_args()
    keep_to_two_cores()
    rows: list[Row] = []
    for name in given.parts:
        if name == "speed":
            rows += speed(given.frames)
        else:
            rows += PARTS_OF[name]()
    print_goals(rows)


def errors() -> list[Row]:
    rows = []
    for kind in ("spheres", "molecules", "rods"):
        for snr in SNRS:
            frames = {"spheres": 150, "molecules": 400, "rods": 100}[kind]
            settings, truth, found = tracked(
                kind,
                seed=9000 + snr,
                frames=frames,
                count=6,
                electrons=(snr / CONTRAST[kind]) ** 2,
                electrons_per_count=max((snr / CONTRAST[kind]) ** 2 / 4e4, 0.02),
            )
            error = position_errors(truth, found.positions, isolated_px=ALONE_PX[kind])
            bound = bounds(settings)
            ratio = error.position_px / bound.position_px
            wanted = kind != "rods"
            rows.append(
                Row(
                    f"{kind}, signal-to-noise {snr}: position error over the bound",
                    f"{ratio:.2f} ({error.position_px:.3f} px, {error.count} positions); "
                    f"95% intervals cover {error.position_cover:.0%}",
                    "1.15" if wanted else "",
                    bool(ratio <= 1.15) if wanted else None,
                )
            )
            if kind == "rods":
                ratio = error.angle_deg / bound.angle_deg
                rows.append(
                    Row(
                        f"rods, signal-to-noise {snr}: angle error over the bound",
                        f"{ratio:.2f} ({error.angle_deg:.2f} degrees); "
                        f"95% intervals cover {error.angle_cover:.0%}",
                        "1.3",
                        bool(ratio <= 1.3),
                    )
                )
    return rows


def worlds() -> list[Row]:
    rows = []
    for name, world in WORLDS.items():
        movie, truth = make(world, seed=5)
        kind: ParticleKind = "spheres" if world.kind == "spheres" else "rods"
        found = track(movie, settings=TrackingSettings(kind=kind))
        own = found.tracks
        camera = own.assign(x=own["x"] + own["drift_x"], y=own["y"] + own["drift_y"])
        got = score(truth, found.positions, camera)
        good = 0.9 <= got.ratio <= 1.15 and got.merged <= 0.01
        good = good and got.recall >= 0.92 and got.precision >= 0.95
        rows.append(
            Row(
                f"{name}: error over stated error",
                f"{got.ratio:.2f}, 95% intervals cover {got.cover:.0%}; lone ones called merged "
                f"{got.merged:.1%}; recall {got.recall:.3f}, precision {got.precision:.3f}",
                ".9 to 1.15; 1%; .92, .95",
                good,
            )
        )
    return rows


def crossings() -> list[Row]:
    """12 rods of 28 x 10 pixels in 256 x 256, 150 frames: a third of the positions touch others."""
    rows = []
    for seed in CROSSING_SEEDS:
        settings, truth, found = tracked("rods", seed=seed, frames=150)
        size = (settings.width_px - 1, settings.height_px - 1)
        inside = truth[truth["x"].between(0, size[0]) & truth["y"].between(0, size[1])]
        inside = inside[inside["present"]].reset_index(drop=True)
        tracks = found.tracks.sort_values(["particle", "frame"], ignore_index=True)
        camera = tracks.assign(x=tracks["x"] + tracks["drift_x"], y=tracks["y"] + tracks["drift_y"])
        row = match_positions(inside, camera)
        owner = np.full(len(tracks), -1)
        owner[row[row >= 0]] = inside["particle"].to_numpy()[row >= 0]
        known = tracks.assign(owner=owner)[owner >= 0]
        changed = known.groupby("particle")["owner"].diff().fillna(0) != 0
        true = inside[row >= 0].reset_index(drop=True)
        part = camera.iloc[row[row >= 0]].reset_index(drop=True)
        z = np.stack([(part[a] - true[a]) / part[f"{a}_se"] for a in "xy"])
        z = z[:, part["touching"].to_numpy(bool)]
        ratio = np.sqrt((z**2).mean())
        recall, precision = float((row >= 0).mean()), float((row >= 0).sum() / len(tracks))
        rows.append(
            Row(
                f"12 rods that cross, seed {seed}",
                f"{len(found.particles)} tracks, {int(changed.sum())} times one goes on with "
                f"another rod; recall {recall:.3f}, precision {precision:.3f}; where they touch "
                f"error over stated error {ratio:.2f} (median {median_of(z):.2f}), 95% "
                f"intervals cover {(np.abs(z) < 1.96).mean():.0%} of {z.shape[1]} positions",
                ".92, .95",
                bool(recall >= 0.92 and precision >= 0.95),
            )
        )
    return rows


def median_of(z: np.ndarray) -> float:
    """Root mean square of errors over stated errors, by the median, without the few outliers."""
    return float(np.median(np.abs(z)) / 0.6745)


def mass() -> list[Row]:
    """Masses of 150 kDa molecules, means over 100 frames."""
    values, stated, bound = [], [], 0.0
    for seed in (9110, 9111, 9112):
        settings, _, found = tracked("molecules", seed=seed, frames=400, count=6)
        bound = bounds(settings).contrast / abs(settings.contrast_per_kda) / 10
        clean = found.tracks[~found.tracks["touching"]]
        for _, part in clean.groupby("particle"):
            for k in range(len(part) // 100):
                level = mean_contrast(part["mass_kda"].to_numpy(float)[100 * k : 100 * (k + 1)])
                values.append(level.contrast)
                stated.append(level.contrast_se)
    mass_kda = np.array(values)
    bias = mass_kda.mean() / 150 - 1
    ratio = mass_kda.std(ddof=1) / bound
    return [
        Row(
            "mass of 150 kDa over 100 frames: bias",
            f"{bias:+.2%} ({len(mass_kda)} stretches)",
            "2%",
            bool(abs(bias) < 0.02),
        ),
        Row(
            "its error over the bound",
            f"{ratio:.2f} ({mass_kda.std(ddof=1):.2f} kDa, stated {np.mean(stated):.2f})",
            "1.3",
            bool(ratio <= 1.3),
        ),
    ]


def links() -> list[Row]:
    """F1 of links, five movies; both readings of a mean distance between particles."""
    rows = []
    for name, goal in (("to the nearest neighbor", ".98 and trackpy's"), ("density^-1/2", "")):
        scores = np.array([links_of(seed, nearest=bool(goal)) for seed in LINK_SEEDS])
        ours, most, theirs, wrong, ratio = scores.mean(axis=0)
        error = scores.std(axis=0, ddof=1) / np.sqrt(len(scores))
        rows.append(
            Row(
                f"links, mean step {ratio:.2f} of the mean distance ({name}): F1",
                f"{ours:.3f} ± {error[0]:.3f}; most probable links of the true positions "
                f"{most:.3f} ± {error[1]:.3f}; trackpy {theirs:.3f}; expected wrong {wrong:.1%}",
                goal,
                bool(ours >= max(0.98, theirs)) if goal else None,
            )
        )
    return rows


def links_of(seed: int, *, nearest: bool) -> tuple[float, float, float, float, float]:
    """F1 of ours, of the true positions and of trackpy; expected wrong; step over distance."""
    count, size = 50, 512
    distance = size / np.sqrt(count)
    for _ in range(8):  # the step that is sought changes how the paths lie
        changes = {
            "frames": 100,
            "count": count,
            "height_px": size,
            "width_px": size,
            "step_nm": 0.2 * distance / np.sqrt(np.pi / 2),
        }
        _, drawn, _ = lazy_motion(MotionMovie.of("spheres", **changes), seed=seed)
        if nearest:
            distance = mean_nearest(drawn)
    _, truth, found = tracked("spheres", seed=seed, **changes)
    inside = truth[
        truth["x"].between(-0.5, size - 0.5) & truth["y"].between(-0.5, size - 0.5)
    ].sort_values("frame", ignore_index=True)
    perfect = link(
        inside["frame"].to_numpy(np.int64),
        inside["x"].to_numpy(float),
        inside["y"].to_numpy(float),
        area_px=float(size**2),
        settings=LinkSettings(),
    )
    steps = truth.sort_values(["particle", "frame"]).groupby("particle")[["x", "y"]].diff()
    return (
        score_links(inside, found.positions).f1,
        score_links(inside, inside.assign(particle=perfect.particle)).f1,
        best_of_trackpy(inside, found),
        wrong_fraction(found),
        np.hypot(steps["x"], steps["y"]).mean() / distance,
    )


def mean_nearest(truth: pd.DataFrame) -> float:
    """Mean distance of a position to the nearest one in its frame, px."""
    from scipy.spatial import cKDTree

    apart = 1e4
    places = truth[["x", "y", "frame"]].to_numpy(float) * (1, 1, apart)
    return float(np.asarray(cKDTree(places).query(places, k=2)[0])[:, 1].mean())


def wrong_fraction(found: TrackingResult) -> float:
    return found.linked.wrong_fraction if found.linked is not None else float("nan")


def best_of_trackpy(truth: pd.DataFrame, found: TrackingResult) -> float:
    trackpy = quiet_trackpy_or_skip()
    movie = MOVIES[-1]
    features = trackpy.batch(movie.frames[:], 11, invert=True, processes=1)
    search_px = found.linked.search_px if found.linked is not None else 10.0
    best = 0.0
    for minmass in (400, 600, 800):
        for search in (search_px, 0.8 * search_px):
            try:
                tracks = trackpy.link(features[features["mass"] > minmass], search, memory=3)
            except trackpy.SubnetOversizeException:
                continue
            best = max(best, score_links(truth, tracks.reset_index(drop=True)).f1)
    return best


def diffusion() -> list[Row]:
    """MAE of w and of the exponents from tracks and from the true paths, the same particles."""
    told: dict[str, list[pd.DataFrame]] = {"tracks": [], "paths": [], "truth": []}
    noise, counted_rods = [], 0
    for seed in range(9300, 9305):
        rods = dict.fromkeys(("height_px", "width_px"), 448) | {"length_nm": 8.0, "width_nm": 4.0}
        made = MotionMovie.of(
            "rods", walk="superposition", frames=300, count=8, step_nm=1.0, **rods
        )
        movie, truth, walks = simulate_motion(made, seed=seed)
        found = track(movie, settings=TrackingSettings(kind="rods"))
        for particle, tracks in longest_tracks(truth, found.tracks):
            counted_rods += 1
            if tracks is None:
                continue
            path = truth.loc[truth["particle"] == particle, ["particle", "frame", "x", "y"]]
            noise.append(np.sqrt(np.nanmean(tracks[["x_se", "y_se"]].to_numpy() ** 2)) / 2.0)
            told["tracks"].append(tracks)
            told["paths"].append(path.reset_index(drop=True))
            told["truth"].append(walks[walks["particle"] == particle])
    model = MixtureModel.load("mixture")
    tables = {
        source: pd.concat([trajectories_of(one, model) for one in told[source]], ignore_index=True)
        for source in ("tracks", "paths")
    }
    tables["truth"] = pd.concat(told["truth"], ignore_index=True)
    about = f"of {counted_rods} rods; localization error {np.mean(noise):.2f} of a step"
    return [grown_row(name, tables, about) for name in ("w", "alpha_fbm", "alpha_ctrw")]


def longest_tracks(
    truth: pd.DataFrame, tracks: pd.DataFrame
) -> Iterator[tuple[object, pd.DataFrame | None]]:
    """Yield each true particle with the track that follows it for 250 positions or more."""
    row = match_positions(truth, tracks)
    owner = tracks["particle"].to_numpy()[row]
    pairs = pd.DataFrame({"true": truth["particle"], "track": np.where(row >= 0, owner, -1)})
    for particle, part in pairs.groupby("true"):
        best = part.loc[part["track"] >= 0, "track"].value_counts()
        enough = len(best) > 0 and best.iloc[0] >= 250
        yield particle, tracks[tracks["particle"] == best.index[0]] if enough else None


def trajectories_of(table: pd.DataFrame, model: MixtureModel) -> pd.DataFrame:
    """Return what the model says of one whole track."""
    return characterize(
        table, model=model, scale=Scale.unknown(), settings=WindowSettings()
    ).trajectories


def grown_row(name: str, tables: dict[str, pd.DataFrame], about: str) -> Row:
    """Return how much larger the error of a quantity is from tracks than from true paths."""
    true = tables["truth"][name]
    counted = tables["truth"]["w"] < 0.5 if name == "alpha_fbm" else true.notna()
    counted = tables["truth"]["w"] > 0.5 if name == "alpha_ctrw" else counted
    missed = {
        source: (tables[source][name] - true).abs()[counted] for source in ("tracks", "paths")
    }
    both = missed["tracks"].notna() & missed["paths"].notna()
    grown = missed["tracks"][both] - missed["paths"][both]
    error = grown.std() / np.sqrt(both.sum())
    return Row(
        f"end to end, {name}: MAE from tracks over that from true paths, L = 300",
        f"{missed['tracks'][both].mean():.3f} against {missed['paths'][both].mean():.3f}: "
        f"{grown.mean():+.3f} ± {error:.3f} ({both.sum()} tracks of 250 positions or more, "
        f"{about})",
        "+.03",
        bool(grown.mean() <= 0.03),
    )


def speed(frames: int) -> list[Row]:
    """Few particles in a long movie, and a dense field in a short one: 100 frames of 2,000."""
    wide = {"height_px": 512, "width_px": 512, "count": 50, "step_nm": 3.0}
    dense = {"height_px": 424, "width_px": 640, "count": 560, "step_nm": 3.0}
    return [
        raced(MotionMovie.of("spheres", frames=frames, **wide), goal=5),
        raced(MotionMovie.of("spheres", frames=max(frames // 20, 12), **dense), goal=3),
    ]


def raced(settings: MotionMovie, *, goal: float) -> Row:
    """Return how many times as fast as trackpy's batch and link the same frames are tracked."""
    trackpy = quiet_trackpy_or_skip()
    movie, truth, _ = simulate_motion(settings, seed=9400)
    few = min(20, settings.frames)
    short, _, _ = simulate_motion(settings.model_copy(update={"frames": few}), seed=1)
    run = TrackingSettings(kind="spheres")
    track(short, settings=run)
    trackpy.batch(short.frames[:4], 11, invert=True, processes=1)
    wall, cpu = time.perf_counter(), time.process_time()
    found = track(movie, settings=run)
    ours, ours_cpu = time.perf_counter() - wall, time.process_time() - cpu
    theirs: dict[int, float] = {}
    for processes in (2, 1):
        wall, cpu = time.perf_counter(), time.process_time()
        features = trackpy.batch(movie.frames[:], 11, invert=True, minmass=400, processes=processes)
        tracks = trackpy.link(features, found.linked.search_px, memory=3)  # type: ignore[union-attr]
        theirs[processes] = time.perf_counter() - wall
    theirs_cpu = time.process_time() - cpu  # of the one process: no child hides work
    ratio, ratio_cpu = min(theirs.values()) / ours, theirs_cpu / ours_cpu
    return Row(
        f"{settings.frames} frames of {settings.height_px} x {settings.width_px}, "
        f"{settings.count} particles: trackpy's batch and link over ours",
        f"{ratio:.1f} (wall {min(theirs.values()):.0f} s against {ours:.0f} s; CPU "
        f"{theirs_cpu:.0f} s against {ours_cpu:.0f} s: {ratio_cpu:.1f}); F1 "
        f"{score_links(truth, found.positions).f1:.3f} against "
        f"{score_links(truth, tracks.reset_index(drop=True)).f1:.3f}",
        f"{goal:g}",
        bool(ratio >= goal),
    )


MOVIES: list[Any] = []


def tracked(
    kind: ParticleKind, *, seed: int, **changes: Any
) -> tuple[MotionMovie, pd.DataFrame, TrackingResult]:
    """Simulate and track; the movie is kept as the last of MOVIES."""
    settings = MotionMovie.of(kind, **changes)
    movie, truth, _ = simulate_motion(settings, seed=seed)
    MOVIES[:] = [movie]
    line = None
    if kind == "molecules":
        line = calibrate([66.0, 150.0, 480.0], [-3.8e-5 * m for m in (66.0, 150.0, 480.0)])
    return settings, truth, track(movie, settings=TrackingSettings(kind=kind), calibration=line)


def quiet_trackpy() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import trackpy
    warnings.simplefilter("ignore")
    logging.getLogger("trackpy").setLevel(logging.WARNING)
    return trackpy


def quiet_trackpy_or_skip() -> Any:
    try:
        return quiet_trackpy()
    except ImportError:
        skip("trackpy is not installed: pip install trackpy")


PARTS_OF = {
    "bounds": errors,
    "worlds": worlds,
    "crossings": crossings,
    "mass": mass,
    "links": links,
    "diffusion": diffusion,
}

if __name__ == "__main__":
    main()
