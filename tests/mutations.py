"""Faults that the tests must notice: each is put into a copy of the source, and its test run.

Run by hand (``make mutations``, some minutes): a mutation whose test still passes has survived,
and the exit status is 1. A fault that a user or a reviewer finds goes in here with its test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNIT = "tests/unit/"


@dataclass(frozen=True)
class Mutation:
    """`old` becomes `new` in src/perrin/`file`; `test` must fail then."""

    file: str
    old: str
    new: str
    test: str


TRACK = UNIT + "tracking/test_particles.py::test_the_diffusion_coefficient"
TRACK_D = TRACK + "_of_a_track_is_unbiased_and_its_error_its_scatter"
BLUR = UNIT + "tracking/test_particles.py::test_the_contrast_of_a_track_is_that_of_the_molecule"
BLUR += "_through_motion_blur"
QUANTIFY = UNIT + "landing/quantifier/test_quantify.py::"
CLASSICAL, CHARACTERIZE = UNIT + "diffusion/test_classical.py::", UNIT + "diffusion/"
FITTING = UNIT + "tracking/test_fitting.py"
REGIMES, LINE = UNIT + "diffusion/test_regimes.py::", UNIT + "mass/test_calibration.py::"

MUTATIONS = (
    Mutation("diffusion/classical.py", ".mean() / 2 + follow)", ".mean() / 2 - follow)", TRACK_D),
    Mutation("tracking/particles.py", "found.D * unit", "-found.D * unit", TRACK_D),
    Mutation("tracking/particles.py", "found.D_se * unit", "2 * found.D_se * unit", TRACK_D),
    Mutation("diffusion/classical.py", "relative / positions.shape[1]", "relative", TRACK_D),
    Mutation("tracking/particles.py", "motion_blur_px(2 * found.D", "motion_blur_px(found.D", BLUR),
    Mutation("tracking/mass.py", "contrast.mean()) / blur, float", "contrast.mean()), float", BLUR),
    Mutation(
        "diffusion/characterize.py",
        "* square / rate",
        "* square",
        CHARACTERIZE + "test_characterize.py::test_the_variance_of_a_jump_is_that_of_the_jumps",
    ),
    Mutation(
        "diffusion/residence_time.py",
        '(regimes["label"] == label) & ~regimes["left_censored"]',
        'regimes["label"] == label',
        REGIMES + "test_spells_that_began_before_the_track_do_not_shorten_the_others",
    ),
    Mutation(
        "diffusion/residence_time.py",
        "_NORMAL * np.sqrt(greenwood)",
        "1.96 * np.sqrt(greenwood)",
        REGIMES + "test_kaplan_meier_by_hand",
    ),
    Mutation(
        "tracking/link.py",
        "more /= 2 * step_px**2",
        "more /= 4 * step_px**2",
        UNIT + "tracking/test_link.py::test_the_odds_of_a_wrong_link_are_those_of_normal_steps",
    ),
    Mutation(
        "tracking/link.py",
        "np.add.at(doubt, rows, odds)",
        "np.add.at(doubt, rows, 2 * odds)",
        UNIT + "tracking/test_link.py::test_the_odds_of_a_wrong_link_are_those_of_normal_steps",
    ),
    Mutation(
        "landing/quantifier/quantify.py",
        "SE_OF_90 = 2 * normal_quantile(0.9)",
        "SE_OF_90 = 2 * normal_quantile(0.95)",
        QUANTIFY + "test_the_standard_error_is_that_of_a_normal_interval",
    ),
    Mutation(
        "landing/quantifier/agreement.py",
        "_WITHIN = normal_quantile(0.9)",
        "_WITHIN = normal_quantile(0.95)",
        QUANTIFY + "test_as_many_agree_within_90_percent_as_that_says",
    ),
    Mutation(
        "stats.py",
        "SE_OF_MEDIAN = sqrt(pi / 2)",
        "SE_OF_MEDIAN = 1.0",
        QUANTIFY + "test_the_error_of_a_difference_is_its_scatter",
    ),
    Mutation(
        "stats.py",
        "return 0.5 * MAD_TO_SD * (high - low)",
        "return high - low",
        QUANTIFY + "test_the_interval_of_a_median_covers_it_as_often_as_it_says",
    ),
    Mutation(
        "optics/camera.py",
        "np.float32(offset + 0.5)",
        "np.float32(offset)",
        UNIT + "optics/test_camera.py::test_counts_are_rounded_to_the_nearest",
    ),
    Mutation(
        "simulate/moving_particles.py",
        "/ np.sqrt(1 - settings.exposure / 3)",
        "",
        UNIT + "simulate/test_moving.py::test_motion_within_the_exposure_is_that_between_frames",
    ),
    Mutation(
        "mass/line.py",
        "-scale * mean_m / spread",
        "scale * mean_m / spread",
        LINE + "test_covariance_of_given_errors_is_that_of_repeated_fits",
    ),
    Mutation(
        "mass/line.py",
        "se**-2.0",
        "se**-1.0",
        LINE + "test_covariance_of_given_errors_is_that_of_repeated_fits",
    ),
    Mutation(
        "mass/abundance.py",
        "corrected = rates / retention",
        "corrected = rates * retention",
        UNIT + "mass/test_abundance.py::test_the_truth_is_in_the_interval_as_often_as_it_says",
    ),
    Mutation(
        "tracking/mass.py",
        "np.arange(n, 0, -1)",
        "np.arange(n, 0, -1)[::-1]",
        UNIT + "tracking/test_mass.py::test_corrected_p_values_are_those_of_holm",
    ),
    Mutation(
        "diffusion/standard.py",
        "np.sqrt(2) * noise / step",
        "noise / step",
        UNIT + "diffusion/test_windows.py::test_the_network_is_told_of_noise_in_units_of_a_step",
    ),
    Mutation(
        "diffusion/characterize.py",
        "of_fbm / 2 / scale",
        "of_fbm / scale",
        CHARACTERIZE + "test_characterize.py::test_the_diffusion_coefficient_follows_the_units",
    ),
    Mutation(
        "landing/ratiometric.py",
        "after[x] / before[x] - 1.0",
        "1.0 - before[x] / after[x]",
        UNIT + "landing/test_ratiometric.py",
    ),
    Mutation(
        "landing/light.py",
        "(height**2 - 1) / 12",
        "height**2 / 12",
        UNIT + "landing/test_light.py",
    ),
    Mutation(
        "landing/neighbors.py",
        "frame[e] <= within",
        "frame[e] < within",
        UNIT + "landing/test_neighbors.py",
    ),
    Mutation(
        "landing/persistence.py",
        "ratio > _HALF",
        "ratio > 0",
        UNIT + "landing/test_persistence.py",
    ),
    Mutation(
        "landing/classifier/prevalence.py",
        "_BEFOREHAND = 1.0",
        "_BEFOREHAND = 0.0",
        UNIT + "landing/classifier",
    ),
    Mutation(
        "mass/time_course.py",
        "low=low / exposure",
        "low=low / exposure / 2",
        UNIT + "mass/test_time_course.py",
    ),
    Mutation(
        "mass/time_course.py",
        "stdtr(n - 2, -steepness)",
        "stdtr(n, -steepness)",
        UNIT + "mass/test_time_course.py",
    ),
    Mutation(
        "io/difference.py",
        "frames[0] if previous is None else frames[0] - previous",
        "frames[0]",
        UNIT + "io/test_difference.py",
    ),
    Mutation(
        "io/quantities.py",
        '"li": 2.54e-2 / 12',
        '"li": 2.54e-2',
        UNIT + "io/test_quantities.py",
    ),
    Mutation(
        "tracking/drift.py",
        "SIGNIFICANT = 4.0\n",
        "SIGNIFICANT = 2.0\n",
        UNIT + "tracking/test_drift.py::test_drift_is_taken_off_from_four_standard_errors_on",
    ),
    Mutation(
        "tracking/drift.py",
        "alike = 4 * np.pi * _SIGMA**2",
        "alike = 1.0",
        UNIT + "tracking/test_drift.py",
    ),
    Mutation(
        "evaluate/roc.py",
        "below + n / 2",
        "below + n",
        UNIT + "evaluate/test_roc.py",
    ),
    Mutation(
        "models/predictive.py",
        "table.levels[-1] / 2]",
        "table.levels[-1]]",
        UNIT + "models/test_predictive.py",
    ),
    Mutation(
        "optics/psf.py",
        "uniform_filter(field, SAMPLES_PER_PIXEL * step + 1)",
        "uniform_filter(field, 1)",
        UNIT + "optics/test_psf.py",
    ),
    Mutation(
        "pipeline/shown.py",
        "movie.height - 2 * MARGIN_PX",
        "movie.height",
        UNIT + "pipeline/test_shown.py",
    ),
    Mutation(
        "pipeline/shown.py",
        "_DENSITY_BINS = 20",
        "_DENSITY_BINS = 10",
        UNIT + "pipeline/test_shown.py",
    ),
    Mutation(
        "batch/replicates.py",
        "values.std(ddof=1)",
        "values.std()",
        UNIT + "batch/test_replicates.py",
    ),
    Mutation(
        "batch/replicates.py",
        "spread * (1 + 1 / others.size)",
        "spread",
        UNIT + "batch/test_replicates.py::test_the_distance_of_a_replicate"
        "_is_in_standard_errors_of_both_sides",
    ),
    Mutation(
        "batch/replicates.py",
        "theirs.sum() / others.size**2",
        "theirs.sum() / others.size",
        UNIT + "batch/test_replicates.py::test_the_distance_of_a_replicate"
        "_is_in_standard_errors_of_both_sides",
    ),
    Mutation(
        "batch/species.py",
        "(edges[:-1] < self.high)",
        "(edges[:-1] <= self.high)",
        UNIT + "batch/test_species.py",
    ),
    Mutation(
        "stats.py",
        "normal_quantile(confidence) * SE_OF_MEDIAN * sd / sqrt(count)",
        "normal_quantile(confidence) * sd / sqrt(count)",
        UNIT + "batch/test_tables.py",
    ),
    Mutation(
        "batch/conditions.py",
        "np.arange(len(order), 0, -1)",
        "np.arange(1, len(order) + 1)",
        UNIT + "batch/test_conditions.py::test_holm_corrects_for_the_number_compared",
    ),
    Mutation(
        "io/watched.py",
        "_PARTLY = 0.2",
        "_PARTLY = 0.8",
        UNIT + "io/test_watched.py",
    ),
    Mutation(
        "io/apart.py",
        "stat.st_mtime_ns",
        "0",
        UNIT + "io/test_apart.py::test_one_process_walks_through_all_files_each_once",
    ),
    Mutation(
        "tracking/msd.py",
        "_SHARE = 4",
        "_SHARE = 2",
        UNIT + "tracking/test_msd.py",
    ),
    Mutation(
        "tracking/fitting.py",
        "slopes[m * each + a, n] *= light[n] / lights[m, n]",
        "slopes[m * each + a, n] *= light[n]",
        FITTING,
    ),
    Mutation(
        "tracking/fitting.py",
        "place = m * len(free) + a if a < len(free) else count - 1",
        "place = m * len(free) + a",
        FITTING,
    ),
    Mutation(
        "tracking/fitting.py",
        "variance[i] = cost / (len(data) - count)",
        "variance[i] = cost / len(data)",
        FITTING,
    ),
    Mutation(
        "tracking/stack.py",
        'part[axis] + part[f"drift_{axis}"]',
        'part[axis] - part[f"drift_{axis}"]',
        UNIT + "tracking/test_stack.py",
    ),
    Mutation(
        "tracking/stack.py",
        "movie = binned(movie, result.settings.bin)",
        "pass",
        UNIT + "tracking/test_stack.py",
    ),
    Mutation(
        "diffusion/motion_kinds.py",
        'f"{above} / {below}" if below',
        'f"{below} / {above}" if below',
        UNIT + "diffusion/test_motion_kinds.py",
    ),
    Mutation(
        "results/folder.py",
        'sorted(name for name in walk(path) if not name.endswith("/"))',
        '[name for name in walk(path) if not name.endswith("/")]',
        UNIT + "results/test_folder.py",
    ),
    Mutation(
        "results/stored.py",
        'table.attrs = self.value(said["attrs"])',
        "pass",
        UNIT + "results/test_stored.py",
    ),
    Mutation(
        "batch/affinity.py",
        "2 * normal_quantile(0.95)",
        "2 * normal_quantile(0.975)",
        UNIT + "batch/test_affinity.py::test_the_error_of_a_retention"
        "_is_that_of_its_95_percent_interval",
    ),
    Mutation(
        "io/manifest.py",
        'and ".." not in path.parts',
        "",
        UNIT + "io/test_output.py::test_a_manifest_that_names_what_lies_elsewhere_is_not_trusted",
    ),
    Mutation(
        "tracking/gaps.py",
        "look.extent_px / 2)",
        "look.extent_px)",
        UNIT + "tracking/test_gaps.py",
    ),
    Mutation(
        "tracking/fragments.py",
        "2 * np.pi * inside @ later",
        "np.pi * inside @ later",
        UNIT + "tracking/test_fragments.py",
    ),
    Mutation(
        "optics/camera.py",
        "GAUSSIAN_FROM = 1000.0",
        "GAUSSIAN_FROM = 10.0",
        UNIT + "simulate/test_moving.py::test_few_electrons_are_drawn_as_poisson_counts",
    ),
)


def survives(mutation: Mutation, copy: Path) -> bool:
    """Whether the test of a mutation passes with it in place."""
    path = copy / "perrin" / mutation.file
    whole = ROOT / "src" / "perrin" / mutation.file
    text = whole.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:  # as bad as a survivor: the list does not fit the source
        print(f"{mutation.old!r} is there {text.count(mutation.old)} times")  # noqa: T201
        return True
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutation.test],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.copy2(whole, path)
    if done.returncode not in (0, 1):  # neither passed nor failed: no such test, or no import
        sys.exit(f"{mutation.test}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 0


def main() -> None:
    """Try all, or those whose file or test has one of the words on the command line."""
    words = sys.argv[1:]
    chosen = [m for m in MUTATIONS if not words or any(w in m.file + m.test for w in words)]
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "src")
        shutil.copytree(ROOT / "src", copy)  # with times, so that compiled kernels stay valid
        for mutation in chosen:
            alive = survives(mutation, copy)
            survivors += alive
            said = "SURVIVES" if alive else "killed"
            print(f"{said}: {mutation.file}: {mutation.old} -> {mutation.new}", flush=True)  # noqa: T201
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main()
