"""What the app runs is what could be typed."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from perrin.app.choices import Choices, command, example_commands, for_another_file, option_of
from perrin.app.form import FIELDS
from perrin.app.tasks import (
    AFFINITY,
    BATCH,
    EDIT_TRACKS,
    FILE,
    LANDINGS,
    SPECTRUM,
    STACK,
    TASKS,
    TRACK,
    Task,
    tasks_for,
)
from perrin.cli.layout import ANALYZE
from perrin.cli.main import app

ROOT: Any = typer.main.get_command(app)
CALIBRATIONS = dict.fromkeys(("calibration", "table_calibration", "mass_calibration"), "line.json")
FILES = {**CALIBRATIONS, "psf": "p.npz", "model": "m"}
FILTER = {"threshold": "auto", "precision": 0.9, "reported_spectrum": "all"}
FINDING = {"n_avg": 12, "fit_n_avg": 20, "spatial_threshold": 4.0, "temporal_threshold": 4.5}
MASSES = {
    "permissive": True,
    "resamples": 10,
    "ladder": "dynamin",
    "species": "A:66",
    "bin_kda": 3.0,
}
PARTICLES = {"particles": "rods", "exposure": 0.5, "width_nm": 4.0, "locate_threshold": 6.0}
TRACKS = {"keep_drift": True, "keep_immobile": True, "localization_error": 0.2}
MOVIE = {"pixel_nm": 72.0, "frame_rate_hz": 242.0, "landing_sign": -1, "frame_interval_s": 0.01}
STORED = {"dataset": "movie/frame", "encoding": "raw", "axes": "TCYX", "channel": 1, "z": 0}
WINDOWS = {"units": "unknown", "window": 60, "stride": 30}
ONWARD = {
    "edited": "edited.xml",
    "movie": "m.tif",
    "particle": 3,
    "side_px": 20,
    "reaction": "A+B=AB",
    "efficiency_error": 0.2,
    "concentration_error": 0.3,
}
THE_COMMANDS_OWN = {("andi2", "localization_error")}  # left out, another elsewhere
EVERYTHING = Choices.model_validate(
    FILES | FILTER | FINDING | MASSES | PARTICLES | TRACKS | MOVIE | STORED | WINDOWS | ONWARD
)


def verb(task: Task) -> str:
    return task.verb


@pytest.mark.parametrize("task", TASKS, ids=verb)
def test_every_choice_is_an_option_of_its_command(task: Task) -> None:
    words = command(task, ["file"], EVERYTHING, out="results")
    context = ROOT.commands[words[0]].make_context(words[0], words[1:], resilient_parsing=False)
    for name in task.options:
        given, wanted = context.params[option_of(name)], getattr(EVERYTHING, name)
        assert str(given) == str(wanted)


@pytest.mark.parametrize("task", TASKS, ids=verb)
def test_defaults_are_those_of_the_commands(task: Task) -> None:
    files = ["f" if one == FILE else "" for one in task.arguments]
    assert command(task, ["f"], Choices(), out="r") == [task.verb, *files, "--out=r"]
    defaults = {one.name: one.default for one in ROOT.commands[task.verb].params}
    for name in task.options:
        if name in task.needs:
            assert getattr(Choices(), name) is None
        elif (
            name != "model" and (task.verb, name) not in THE_COMMANDS_OWN
        ):  # left out, so that the command's own counts
            assert getattr(Choices(), name) == defaults[option_of(name)]


def test_the_app_does_what_the_commands_do() -> None:
    offered = {task.verb for task in TASKS}
    analyze = {name for name, one in ROOT.commands.items() if one.rich_help_panel == ANALYZE}
    assert analyze <= offered
    assert {BATCH.verb, AFFINITY.verb, STACK.verb} <= offered


def test_files_stand_where_the_command_wants_them() -> None:
    named = Choices(movie="rods.tif", edited="-edited.csv", particle=3)
    words = command(STACK, ["rods-results"], named, out="p.tif")
    assert words == ["stack", "rods.tif", "rods-results", "--particle=3", "--out=p.tif"]
    words = command(EDIT_TRACKS, ["rods-results"], named, out="r")
    assert words == ["edit-tracks", "rods-results", "./-edited.csv", "--out=r"]


def test_a_calibration_of_landings_is_none_of_tables_and_of_tracks() -> None:
    used = Choices(calibration="line.json", particles="rods")
    assert command(TRACK, ["a.tif"], used, out="r") == ["track", "a.tif", "--kind=rods", "--out=r"]
    assert "--calibration=line.json" in command(LANDINGS, ["a.mp"], used, out="r")
    assert command(SPECTRUM, ["a.csv"], used, out="r") == ["spectrum", "a.csv", "--out=r"]
    asked = Choices(table_calibration="line.json")
    assert "--calibration=line.json" in command(SPECTRUM, ["a.csv"], asked, out="r")
    assert for_another_file(asked).table_calibration is None
    assert for_another_file(used).calibration == "line.json"


def test_a_file_is_never_an_option() -> None:
    words = command(LANDINGS, ["--overwrite"], Choices(), out="r")
    assert words == ["landings", "./--overwrite", "--out=r"]


def test_every_choice_is_asked_for_once_where_it_counts() -> None:
    assert sorted(field.name for field in FIELDS) == sorted(Choices.model_fields)
    assert {name for task in TASKS for name in task.choices} == set(Choices.model_fields)


def test_movies_that_no_photometer_records_are_for_tracking_only() -> None:
    assert tasks_for("movie", pixel_nm=0.5, frame_interval_s=0.01) == [TRACK]
    assert tasks_for("movie", pixel_nm=72.0, frame_interval_s=0.5) == [TRACK]
    assert tasks_for("movie", pixel_nm=72.0, frame_interval_s=0.004)[0] == LANDINGS
    assert LANDINGS in tasks_for("movie")
    assert tasks_for("events")[0] == SPECTRUM


def test_the_example_is_made_by_commands_that_exist() -> None:
    for words in example_commands():
        known = ROOT
        while hasattr(known, "commands"):
            known = known.commands[words.pop(0)]
        known.make_context("example", words)
