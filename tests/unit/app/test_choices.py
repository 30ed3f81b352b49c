"""What the app runs is what could be typed."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from perrin.app.choices import _OPTIONS, Choices, command, example_commands
from perrin.app.form import FIELDS
from perrin.cli.main import app

ROOT: Any = typer.main.get_command(app)
EVERYTHING = Choices(
    calibration="line.json",
    model="mine",
    threshold="auto",
    precision=0.9,
    reported_spectrum="all",
    n_avg=12,
    fit_n_avg=20,
    permissive=True,
    spatial_threshold=4.0,
    temporal_threshold=4.5,
    resamples=10,
    pixel_nm=72.0,
    frame_rate_hz=242.0,
    landing_sign=-1,
    dataset="movie/frame",
    encoding="raw",
    axes="TCYX",
    channel=1,
    z=0,
    bin_kda=3.0,
    frame_interval_s=0.01,
    units="unknown",
    window=60,
    stride=30,
)


@pytest.mark.parametrize("kind", ["movie", "events", "tracks"])
def test_every_choice_is_an_option_of_its_command(kind: Any) -> None:
    words = command(kind, ["file"], EVERYTHING, out="results")
    known = ROOT.commands[words[0]]
    context = known.make_context(words[0], words[1:], resilient_parsing=False)
    for name in _OPTIONS[kind]:
        given = context.params[name]
        wanted = getattr(EVERYTHING, name)
        assert str(given) == str(wanted) if name == "calibration" else given == wanted


def test_defaults_are_those_of_the_commands() -> None:
    assert command("movie", ["a.mp"], Choices(), out="r") == ["landings", "a.mp", "--out=r"]
    for kind in ("movie", "events", "tracks"):
        known = ROOT.commands[command(kind, ["f"], Choices(), out="r")[0]]
        defaults = {parameter.name: parameter.default for parameter in known.params}
        for name in _OPTIONS[kind]:
            if name != "model":  # left out, so that the command's own counts
                assert getattr(Choices(), name) == defaults[name]


def test_a_file_is_never_an_option() -> None:
    words = command("movie", ["--overwrite"], Choices(), out="r")
    assert words == ["landings", "./--overwrite", "--out=r"]


def test_every_choice_is_asked_for_once_where_it_counts() -> None:
    assert sorted(field.name for field in FIELDS) == sorted(Choices.model_fields)
    for field in FIELDS:
        assert {kind for kind, names in _OPTIONS.items() if field.name in names} == set(field.kinds)


def test_the_example_is_made_by_commands_that_exist() -> None:
    for words in example_commands():
        known = ROOT
        while hasattr(known, "commands"):
            known = known.commands[words.pop(0)]
        known.make_context("example", words)
