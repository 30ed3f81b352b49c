"""Motion that changes: fraction of CTRW frame by frame, change points, and the out-of-model flag.

``python benchmarks/regimes.py tracks`` reads real trajectories too, from the folder that the
environment variable PERRIN_SHARED names; ``calibrate`` measures the table that the flag rests on,
as the card of the shipped network has it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import process_time

import numpy as np

from perrin.diffusion.characterize import Scale, characterize
from perrin.diffusion.regimes import find_regimes
from perrin.diffusion.residence_time import summary
from perrin.io.tracks import read_tracks
from perrin.models.mixture import MixtureModel
from perrin.settings.diffusion import MixtureSettings, WindowSettings
from perrin.train.mixture.discrepancies import measure_discrepancies
from perrin_benchmarks import regimes as measure
from perrin_benchmarks.misspecified_walks import MISSPECIFIED_WALKS

COUNT, SEED = 80, 31
PENALTIES = (2.0, 4.0, 8.0, 16.0)
STATIONARY: dict[str, dict[str, object]] = {
    "superposition, w 0 to 1": {},
    "superposition, noise to half a step": {"noise": (0.0, 0.5)},
    "FBM": {"w": (0.0, 0.0)},
    "CTRW, aged": {"w": (1.0, 1.0), "start": "aged"},
    "Brownian": {"w": (0.0, 0.0), "alpha_fbm": (1.0, 1.0)},
}


def main() -> None:
    name = os.environ.get("PERRIN_MODEL", "mixture")
    model = MixtureModel.load(name)
    if "calibrate" in sys.argv:
        print(measure_discrepancies(model, count=1000, seed=100).model_dump_json(indent=1))
        return
    print(f"Network {name!r}, fresh tracks of 300 frames in 2D, seed {SEED}.\n")
    frames(model)
    changes(model)
    stationary(model)
    flags(model)
    if "tracks" in sys.argv:
        real(model)


def interleaved(segment: int, noise: float) -> MixtureSettings:
    return MixtureSettings(
        kind="interleaved",
        length=300,
        segment_frames=segment,
        noise=(noise, noise),
        start="aged",
    )


def frames(model: MixtureModel) -> None:
    print(
        "Fraction of CTRW frame by frame, mean absolute error (a constant: .5); goal .15 / .08.\n"
    )
    print("| segments | noise | network, each frame | windows of 30 | of 100 | both | coverage |")
    print("|---|---|---|---|---|---|---|")
    for segment in (30, 100):
        for noise in (0.0, 0.5):
            rng = np.random.default_rng([SEED, segment])
            drawn = measure.draw(model, interleaved(segment, noise), count=COUNT, rng=rng)
            error, cover = measure.frame_errors(drawn)
            windows = measure.window_errors(model, drawn)
            print(
                f"| {segment} | {noise} | {error:.3f} | {windows['30']:.3f} | "
                f"{windows['100']:.3f} | {windows['both']:.3f} | {cover:.0%} |"
            )
    print()


def changes(model: MixtureModel) -> None:
    print(f"Change points, F1 within {measure.TOLERANCE} frames; goal .80, and above the search.\n")
    print("| segments | noise | perrin | precision | recall | 90% interval covers | classical |")
    print("|---|---|---|---|---|---|---|")
    for segment in (60, 100):
        for noise in (0.0, 0.2, 0.5):
            rng = np.random.default_rng([SEED, 1, segment])
            drawn = measure.draw(model, interleaved(segment, noise), count=COUNT, rng=rng)
            found = [measure.change_points(steps[:, 1]) for steps in drawn.prediction.steps]
            ours = measure.score_changes(found, drawn.masks)
            theirs = classical([track.positions for track in drawn.tracks], drawn.masks)
            print(
                f"| {segment} | {noise} | {ours.f1:.3f} | {ours.matched / max(ours.found, 1):.2f} "
                f"| {ours.matched / ours.true:.2f} | {ours.covered:.0%} | {theirs} |"
            )
    print(
        "\nClassical: penalized search (ruptures, exact, squared error) on the logarithm of the "
        "step and on the product of neighboring steps, with the best of its penalties "
        f"{', '.join(f'{penalty:g}' for penalty in PENALTIES)} for these very tracks.\n"
    )


def classical(positions: list[np.ndarray], masks: np.ndarray) -> str:
    """F1 of a search with the penalty that suits best."""
    try:
        import ruptures
    except ImportError:
        return "ruptures is not installed"
    scores = []
    for penalty in PENALTIES:
        found = []
        for track in positions:
            step = np.diff(track, axis=0)
            square = (step**2).sum(axis=1)
            log_step = 0.5 * np.log(square + 1e-3 * square.mean())
            product = np.zeros(len(step))
            product[1:] = (step[1:] * step[:-1]).sum(axis=1) / square.mean()
            feature = np.stack([log_step, product], axis=1)
            feature = (feature - feature.mean(axis=0)) / np.maximum(feature.std(axis=0), 1e-9)
            search = ruptures.KernelCPD(kernel="linear", min_size=10).fit(feature)
            cuts = search.predict(pen=penalty * np.log(len(step)))[:-1]
            found.append([(int(cut), float(cut), float(cut)) for cut in cuts])
        scores.append(measure.score_changes(found, masks).f1)
    return f"{max(scores):.3f}"


def stationary(model: MixtureModel) -> None:
    print("False change points a track where nothing changes.\n")
    print("| tracks | change points a track | tracks with one | frames undecided |")
    print("|---|---|---|---|")
    for name, changes_ in STATIONARY.items():
        settings = MixtureSettings.model_validate({"length": 300, **changes_})
        rng = np.random.default_rng([SEED, 2])
        drawn = measure.draw(model, settings, count=COUNT, rng=rng)
        found = [find_regimes(steps[:, 1]) for steps in drawn.prediction.steps]
        numbers = np.array([sum(regime.changed for regime in track) for track in found])
        undecided = np.mean(
            [
                sum(r.stop - r.start for r in track if r.label == 2) / track[-1].stop
                for track in found
            ]
        )
        print(f"| {name} | {numbers.mean():.3f} | {(numbers > 0).mean():.1%} | {undecided:.0%} |")
    print()


def flags(model: MixtureModel) -> None:
    print("Flagged as out of the model (p < .05), localization noise 0.2 steps, told.\n")
    print("| tracks of 300 frames | flagged |\n|---|---|")
    started, checked = process_time(), 0
    for length in (100, 300):
        rng = np.random.default_rng([SEED, 3, length])
        p = np.concatenate(
            [
                model.posterior_predictive_p(drawn.tracks, drawn.prediction)
                for _, drawn in measure.in_model(model, length=length, count=8 * COUNT, rng=rng)
            ]
        )
        checked += len(p)
        name = f"of the model, {length} frames, {len(p)} tracks (goal 5%)"
        print(f"| {name} | {(p < 0.05).mean():.1%} |")
    rate = checked / (process_time() - started)
    for name, walk in MISSPECIFIED_WALKS.items():
        rng = np.random.default_rng([SEED, 4])
        p = measure.flagged(model, walk, count=COUNT, length=300, rng=rng)
        print(f"| {name} | {(p < 0.05).mean():.0%} |")
    print(f"\n{rate:.0f} tracks a second of processor time, answers included.\n")


def real(model: MixtureModel) -> None:
    if "PERRIN_SHARED" not in os.environ:
        sys.exit("real tracks: set PERRIN_SHARED to the folder that holds data/diffusion")
    folder = Path(os.environ["PERRIN_SHARED"]) / "data" / "diffusion"
    print("Real trajectories, unit and localization error not known.\n")
    print(
        "| tracks | number | with a change | changes a track | FBM / CTRW / undecided | "
        "mean dwell FBM, CTRW (frames) | out of model |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, least in (("AuNRs_300.mat", 300), ("beads_in_glycerol.mat", 100)):
        table = read_tracks(folder / name)
        table = table[table.groupby("particle")["frame"].transform("size") >= least]
        found = characterize(
            table, model=model, scale=Scale.unknown(), settings=WindowSettings(stride=100)
        )
        regimes, along = found.time_course.regimes, found.time_course.time_course
        changed = regimes.groupby("particle")["start_low"].count()
        fraction = along["label"].value_counts(normalize=True)
        residence_time = summary(regimes)
        means = ", ".join(
            "-"
            if spells["mean_residence_time"] is None
            else f"{spells['mean_residence_time']:.0f} ({spells['mean_residence_time_low']:.0f} to "
            f"{spells['mean_residence_time_high']:.0f}, "
            f"{spells['ended']} of {spells['regimes']} ended)"
            for spells in residence_time.values()
        )
        labels = " / ".join(
            f"{fraction.get(label, 0):.0%}" for label in ("fbm", "ctrw", "undecided")
        )
        print(
            f"| {name} | {len(changed)} | {(changed > 0).mean():.1%} | {changed.mean():.3f} | "
            f"{labels} | {means} | {found.trajectories['out_of_model'].mean():.1%} |"
        )
    print()


if __name__ == "__main__":
    main()
