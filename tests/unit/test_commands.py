"""What a command does, the function of the same name does: the same tables, digit by digit."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import perrin
from perrin.cli.main import app
from perrin.evaluate.andi import evaluate_andi
from perrin.evaluate.classifier import evaluate_classifier
from perrin.evaluate.kinds import evaluate_kinds
from perrin.evaluate.mixture import evaluate_mixture
from perrin.evaluate.quantifier import evaluate_quantifier
from perrin.models.andi import AndiModel
from perrin.models.bundle import bundle_folder, read_card
from perrin.models.kinds import KindsModel
from perrin.models.mixture import MixtureModel
from perrin.paper.run import run_experiments
from perrin.settings.diffusion import MixtureSettings
from perrin.settings.motion import MotionMovie
from perrin.simulate.mixtures import simulate_mixture
from perrin.simulate.walk_tables import tracks_table


def run(*words: object) -> str:
    """Run a command in this process; return what it printed."""
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def as_written(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A table after the way through a CSV file like the one at `path`."""
    table.to_csv(path.with_name("again.csv"), index=False)
    return pd.read_csv(path.with_name("again.csv"))


def assert_same_arrays(first: Path, second: Path) -> None:
    with np.load(first) as a, np.load(second) as b:
        assert set(a.files) == set(b.files)
        for name in a.files:
            np.testing.assert_array_equal(a[name], b[name])


@pytest.fixture(scope="session")
def line_file(calibration: perrin.Calibration, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("line") / "line.json"
    calibration.save(path)
    return path


def test_landings(movie_file: Path, line_file: Path, tmp_path: Path) -> None:
    printed = run(
        "landings", movie_file, "--calibration", line_file, "--out", tmp_path / "out",
        "--resamples", 10, "--seed", 3,
    )  # fmt: skip
    line = perrin.Calibration.load(line_file)
    with perrin.open_movie(movie_file) as movie:
        result = perrin.analyze_landings(movie, line, resamples=10, seed=3)
    assert result.classification is not None
    assert result.quantification is not None
    perrin.write_results(tmp_path / "own", [result])
    for name in ("events.csv", "species.csv", "tradeoff.csv", "removed.csv"):
        assert (tmp_path / "own" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    pd.testing.assert_frame_equal(
        perrin.read_events(tmp_path / "out" / "events.h5")[result.events.columns],
        result.events,
        check_dtype=False,
    )
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    (said,) = summary["measurements"]
    assert summary["run"]["seed"] == 3
    assert [one["name"] for one in summary["inputs"]] == [movie_file.name, line_file.name]
    assert summary["calibrations"][0]["sha256"] == summary["inputs"][1]["sha256"]
    cards = [read_card(bundle_folder(name)) for name in ("classifier", "quantifier")]
    assert [one["sha256"] for one in summary["networks"]] == [card.sha256 for card in cards]
    assert said["notes"] == list(result.notes)
    assert said["spectrum"]["peaks"][0]["mode_kda"] == result.spectrum.peaks[0].mode.value
    assert all(note in printed for note in result.notes)


def test_spectrum(tmp_path: Path) -> None:
    mass = np.random.default_rng(0).normal(150, 8, 300)
    table = pd.DataFrame({"contrast": -3.8e-5 * mass, "mass_kda": mass})
    table = table.assign(measurement="a", event=range(300))
    perrin.write_events(table, tmp_path / "a.csv")
    run("spectrum", tmp_path / "a.csv", "--out", tmp_path / "out", "--resamples", 20, "--seed", 4)
    (result,) = perrin.fit_spectrum(perrin.read_events(tmp_path / "a.csv"), resamples=20, seed=4)
    perrin.write_results(tmp_path / "own", [result])
    for name in ("events.csv", "species.csv"):
        assert (tmp_path / "own" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_calibrate(movie_file: Path, tmp_path: Path) -> None:
    printed = run("calibrate", movie_file, "--ladder", "150,300", "--out", tmp_path / "a.json")
    with perrin.open_movie(movie_file) as movie:
        line = perrin.calibrate(movie, [150, 300])
    found = perrin.Calibration.load(tmp_path / "a.json")
    assert found.model_copy(update={"created": line.created}) == line
    assert line.spectrum is not None
    assert f"read as  {line.reading}" in printed
    line.plot().figure.savefig(tmp_path / "own.png")
    for name in ("a.png", "own.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    picture = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert all(words in picture for words in ("150 kDa", "300 kDa", "Error (%)", "Landings"))
    run("calibrate", "--pair", "66:-0.0025", "--pair", "150:-0.0057", "--out", tmp_path / "b.json")
    by_hand = perrin.calibrate(pairs=[(66, -0.0025), (150, -0.0057)])
    found = perrin.Calibration.load(tmp_path / "b.json")
    assert found.model_copy(update={"created": by_hand.created}) == by_hand


@pytest.mark.parametrize("given", [{}, {"calibrant": pd.DataFrame(), "pairs": [(66, -0.0025)]}])
def test_a_calibration_is_made_of_one_thing(given: dict[str, Any]) -> None:
    with pytest.raises(perrin.PerrinError, match="give either"):
        perrin.calibrate(**given)


def test_psf(movie_file: Path, tmp_path: Path) -> None:
    run("psf", movie_file, "--contrast=-0.013,-0.0045", "--out", tmp_path / "psf.npz")
    with perrin.open_movie(movie_file) as movie:
        built = perrin.build_psf(movie, (-0.013, -0.0045))
    assert built.notes == ()
    built.psf.save(tmp_path / "own.npz")
    assert_same_arrays(tmp_path / "psf.npz", tmp_path / "own.npz")


def test_inspect(movie_file: Path) -> None:
    printed = run("inspect", movie_file)
    seen = perrin.inspect(movie_file)
    for name, text in seen.facts():
        assert f"{name:<16}{text}" in printed


@pytest.fixture(scope="session")
def rods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty frames of rods."""
    path = tmp_path_factory.mktemp("rods") / "rods.tif"
    run("simulate", "motion", "--kind", "rods", "--count", 4, "--frames", 40, "--size-px", 192,
        "--seed", 5, "--out", path)  # fmt: skip
    return path


def test_simulate_motion(rods: Path) -> None:
    settings = MotionMovie.of("rods").model_copy(
        update={"count": 4, "frames": 40, "height_px": 192, "width_px": 192}
    )
    movie, truth, _ = perrin.simulate_motion(settings, seed=5)
    with perrin.open_movie(rods, contents="moving") as written:
        np.testing.assert_array_equal(np.asarray(written.frames), movie.frames)
    beside = rods.with_suffix(".truth.csv")
    pd.testing.assert_frame_equal(pd.read_csv(beside), as_written(truth, beside))


def test_track(rods: Path, tmp_path: Path) -> None:
    run("track", rods, "--kind", "rods", "--seed", 3, "--overlay-frames", 0, "--out",
        tmp_path / "out")  # fmt: skip
    with perrin.open_movie(rods, contents="moving") as movie:
        found = perrin.track(movie, "rods", seed=3, overlay_frames=0)
    perrin.write_results(tmp_path / "own", found)
    for name in ("tracks.csv", "particles.csv", "positions.csv"):
        assert (tmp_path / "own" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["run"]["seed"] == 3
    assert summary["settings"] == found.settings.model_dump(mode="json")
    own = perrin.link(found.tracks.drop(columns="particle"), area_px=192**2)
    both = found.tracks.merge(own, on=["frame", "x", "y"], suffixes=("", "_own"))
    pairs = both[["particle", "particle_own"]].drop_duplicates()
    assert len(both) == len(found.tracks)
    assert len(pairs) == found.tracks["particle"].nunique()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x": np.nan}, "holds NaN"),
        ({"frame": 0.5}, "not whole numbers"),
        ({}, "has no y"),
    ],
)
def test_what_is_no_table_of_positions_is_refused(change: dict[str, float], said: str) -> None:
    table = pd.DataFrame({"frame": [0, 1], "x": [1.0, 2.0], "y": [1.0, 1.0]})
    table = table.assign(**change) if change else table.drop(columns="y")
    with pytest.raises(perrin.PerrinError, match=said):
        perrin.link(table)


@pytest.fixture(scope="session")
def walks_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three trajectories of 60 frames, with their units."""
    path = tmp_path_factory.mktemp("walks") / "walks.csv"
    made = simulate_mixture(MixtureSettings(length=60), count=3, rng=np.random.default_rng(2))
    tracks_table(made.positions, made.seen).to_csv(path, index=False)
    return path


def test_diffusion(walks_file: Path, tmp_path: Path) -> None:
    run("diffusion", walks_file, "--pixel-nm", 100, "--frame-interval-s", 0.1, "--window", 40,
        "--stride", 20, "--localisation-error", 0.05, "--out", tmp_path / "out")  # fmt: skip
    result = perrin.characterize(
        perrin.read_tracks(walks_file),
        pixel_nm=100,
        frame_interval_s=0.1,
        localization_error=0.05,
        settings=perrin.WindowSettings(frames=40, stride=20),
    )
    for name in ("trajectories", "windows"):
        path = tmp_path / "out" / f"{name}.csv"
        pd.testing.assert_frame_equal(pd.read_csv(path), as_written(getattr(result, name), path))


def test_the_scale_may_come_from_the_table(walks_file: Path) -> None:
    tracks = perrin.read_tracks(walks_file)
    with pytest.raises(perrin.PerrinError, match="does not say its units"):
        perrin.characterize(tracks)
    given = perrin.characterize(tracks, pixel_nm=100, frame_interval_s=0.1)
    bare = pd.DataFrame(tracks.assign(pixel_nm=100.0, frame_interval_s=0.1))
    bare.attrs = {}
    pd.testing.assert_frame_equal(perrin.characterize(bare).trajectories, given.trajectories)
    unknown = perrin.characterize(tracks, units="unknown")
    assert unknown.scale.length == 1


def test_andi(walks_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "andi.csv"
    run("andi", walks_file, "--out", path)
    table = perrin.andi(perrin.read_tracks(walks_file))
    pd.testing.assert_frame_equal(pd.read_csv(path), as_written(table, path))


def test_simulate_landings(tmp_path: Path) -> None:
    run("simulate", "landings", "--preset", "bsa", "--seconds", 1, "--seed", 6, "--out",
        tmp_path / "a.mp")  # fmt: skip
    truth = perrin.simulate_landings(perrin.preset("bsa"), seconds=1, seed=6, out=tmp_path / "b.mp")
    with perrin.open_movie(tmp_path / "a.mp") as a, perrin.open_movie(tmp_path / "b.mp") as b:
        np.testing.assert_array_equal(np.asarray(a.frames), np.asarray(b.frames))
    path = tmp_path / "a.truth.csv"
    again = as_written(truth, path).drop(columns="measurement")
    pd.testing.assert_frame_equal(pd.read_csv(path).drop(columns="measurement"), again)


def test_simulate_thumbnails(tmp_path: Path) -> None:
    run("simulate", "thumbnails", "--count", 10, "--seed", 7, "--out", tmp_path / "a.npz")
    made = perrin.simulate_thumbnails(
        10, settings=perrin.ThumbnailSettings(), seed=7, centering="truth"
    )
    made.save(tmp_path / "b.npz")
    assert_same_arrays(tmp_path / "a.npz", tmp_path / "b.npz")


def test_simulate_walks(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    run("simulate", "walks", "--count", 5, "--length", 30, "--noise", "0.1,0.5", "--seed", 8,
        "--out", path)  # fmt: skip
    tracks, truth = perrin.simulate_walks(count=5, length=30, noise=(0.1, 0.5), seed=8)
    pd.testing.assert_frame_equal(pd.read_csv(path), as_written(tracks, path))
    beside = tmp_path / "a.truth.csv"
    pd.testing.assert_frame_equal(pd.read_csv(beside), as_written(truth, beside))


def test_report(tmp_path: Path) -> None:
    table = pd.DataFrame({"measurement": "a", "event": range(50), "mass_kda": 130.0})
    table["contrast"] = -3.8e-5 * 130
    perrin.write_results(tmp_path / "out", perrin.fit_spectrum(table, resamples=0))
    run("report", tmp_path / "out", "--out", tmp_path / "a.html")
    perrin.write_report([tmp_path / "out"], tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


@pytest.mark.parametrize("name", ["andi", "kinds", "mixture"])
def test_evaluate(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module(f"perrin.evaluate.{name}")
    few = {"LENGTHS": (30,), "CELLS": (("one", {"length": 30}),), "_FBM_LENGTHS": (30,)}
    for constant in few.keys() & vars(module).keys():
        monkeypatch.setattr(module, constant, few[constant])
    monkeypatch.setattr(module, "speed", lambda *_, **__: 1.0, raising=False)  # never the same
    models = {
        "andi": [AndiModel.load("andi")],
        "kinds": [KindsModel.load("kinds"), MixtureModel.load("mixture")],
        "mixture": [MixtureModel.load("mixture")],
    }[name]
    run("evaluate", name, "--count", 50, "--seed", 3, "--out", tmp_path / "out")
    found = getattr(module, f"evaluate_{name}")(*models, count=50, seed=3)
    written = pd.read_csv(tmp_path / "out" / "cells.csv")
    pd.testing.assert_frame_equal(written, as_written(found.cells, tmp_path / "cells.csv"))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["run"]["seed"] == 3
    hashes = [model.bundle.card.sha256 for model in models]
    assert [one["sha256"] for one in summary["networks"]] == hashes


FUNCTIONS: dict[str, Callable[..., object]] = {
    "affinity": perrin.fit_affinity,
    "andi": perrin.andi,
    "andi2": perrin.submit_andi2,
    "batch": perrin.run_batch,
    "calibrate": perrin.calibrate,
    "diffusion": perrin.characterize,
    "edit-tracks": perrin.edit_tracks,
    "evaluate andi": evaluate_andi,
    "evaluate classifier": evaluate_classifier,
    "evaluate kinds": evaluate_kinds,
    "evaluate mixture": evaluate_mixture,
    "evaluate quantifier": evaluate_quantifier,
    "inspect": perrin.inspect,
    "landings": perrin.analyze_landings,
    "psf": perrin.build_psf,
    "report": perrin.write_report,
    "reproduce": run_experiments,
    "simulate landings": perrin.simulate_landings,
    "simulate motion": perrin.simulate_motion,
    "simulate thumbnails": perrin.simulate_thumbnails,
    "simulate walks": perrin.simulate_walks,
    "spectrum": perrin.fit_spectrum,
    "stack": perrin.track_stack,
    "track": perrin.track,
}
"""The function that does what a command does."""
COMPARED = {
    "affinity": "batch/test_affinity.py"
    "::test_from_files_to_the_sentence_and_the_numbers_of_the_function",
    "andi2": "andi2/test_andi2.py::test_the_command_submits_what_the_function_does",
    "batch": "batch/test_run.py::test_the_command_writes_a_sheet_and_runs_it_as_the_function_does",
    "edit-tracks": "tracking/test_edited.py::test_the_command_does_what_the_function_does",
    "evaluate classifier": "evaluate/test_classifier_evaluation.py"
    "::test_the_command_writes_figures_and_the_tables_of_the_function",
    "evaluate quantifier": "evaluate/test_quantifier.py"
    "::test_a_stopped_evaluation_goes_on_and_ends_as_the_function_does",
    "reproduce": "paper/test_run.py::test_the_command_does_what_the_function_does",
    "stack": "tracking/test_stack.py::test_as_a_user_types_it",
}
"""Where a command is compared with its function, if not here: ``test_<command>``."""
NO_TABLE = {
    "analyze": "picks landings, track or diffusion",
    "analyse": "the same",
    "app": "a page in the browser",
    "demo": "calls simulate, calibrate and landings",
    "doctor": "looks at the machine",
    "model list": "prints a card",
    "model show": "prints a card",
    "model test": "prints a card",
    "train andi": "writes a network",
    "train classifier": "writes a network",
    "train kinds": "writes a network",
    "train mixture": "writes a network",
    "train quantifier": "writes a network",
}
"""Commands that give no table, and what they do instead."""


def commands(group: Any, words: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    """Defaults of the options of each command."""
    if not hasattr(group, "commands"):
        return {" ".join(words): {option.name: option.default for option in group.params}}
    found = {}
    for name, command in group.commands.items():
        found |= commands(command, (*words, name))
    return found


COMMANDS = commands(typer.main.get_command(app))


def test_every_command_that_gives_a_table_has_a_function() -> None:
    assert set(COMMANDS) == set(FUNCTIONS) | set(NO_TABLE)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_command_is_compared_with_its_function(name: str) -> None:
    own = "evaluate" if name.startswith("evaluate") else name.replace(" ", "_")
    place, test = COMPARED.get(name, f"test_commands.py::test_{own}").split("::")
    assert f"def {test}(" in (Path(__file__).parent / place).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_has_the_defaults_of_its_command(name: str) -> None:
    options = COMMANDS[name]
    renamed = {"model": "classifier"} if name in ("landings", "calibrate") else {}
    options = {renamed.get(option, option): value for option, value in options.items()}
    if name == "simulate walks":
        options["noise"] = (float(options["noise"]),) * 2
    found = {
        parameter.name: parameter.default
        for parameter in inspect.signature(FUNCTIONS[name]).parameters.values()
        if parameter.default is not parameter.empty and parameter.name in options
    }
    assert found == {option: options[option] for option in found}
