from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.events import CLASSES
from perrin.io import read_events
from perrin.io.movie import Movie
from perrin.io.output_folder import output_folder
from perrin.mass.calibration import Calibration
from perrin.models.quantifier import QuantifierModel
from perrin.pipeline import LandingsResult, analyze_landings, fit_spectrum
from perrin.results import landings as module
from perrin.results import read_results, write_results
from perrin.settings.landing import ReportedSpectrum
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

analyze = partial(analyze_landings, classifier=None, quantifier=None, resamples=0)

Simulated = tuple[Movie, pd.DataFrame]
FIGURES = ("spectrum", "events_in_time", "calibration", "mass_residual", "ratiometric_frame")


@pytest.fixture(scope="module")
def measured(measurement: Simulated, calibration: Calibration) -> LandingsResult:
    return analyze(
        measurement[0],
        calibration=calibration,
        resamples=20,
        seed=0,
    )


@pytest.fixture(scope="module")
def filtered(filter_loose: Callable[..., LandingsResult]) -> LandingsResult:
    return filter_loose()


@pytest.fixture(scope="module")
def folder(
    measured: LandingsResult, movie_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return write_results(
        tmp_path_factory.mktemp("out") / "results", [measured], inputs=[movie_file]
    )


def test_the_folder_is_complete(folder: Path) -> None:
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    drawn = {f"figures/{name}.{kind}" for name in FIGURES for kind in ("svg", "png")}
    assert names == drawn | {
        "calibration.json",
        "events.csv",
        "events.h5",
        "field.npz",
        "manifest.json",
        "report.html",
        "result.npz",
        "species.csv",
        "summary.json",
        "thumbnails.npz",
    }


@pytest.mark.parametrize("name", ["events.csv", "events.h5"])
def test_events_come_back(folder: Path, measured: LandingsResult, name: str) -> None:
    again = read_events(folder / name)
    assert len(again) == len(measured.events)
    for column in measured.events:
        if measured.events[column].dtype.kind == "f":
            np.testing.assert_array_equal(again[column], measured.events[column], err_msg=column)


def test_the_summary_says_how_to_repeat_it(
    folder: Path, measured: LandingsResult, movie_file: Path
) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    (given,) = summary["inputs"]
    assert given["sha256"] == hashlib.sha256(movie_file.read_bytes()).hexdigest()
    (said,) = summary["measurements"]
    assert measured.settings is not None
    assert said["settings"] == measured.settings.model_dump(mode="json")
    assert said["retained"] == measured.events["retained"].sum()
    first = said["spectrum"]["peaks"][0]
    assert first["mode_kda_low"] < first["mode_kda"] < first["mode_kda_high"]
    assert said["psf"]["kind"] == "analytic"
    assert str(folder) not in (folder / "summary.json").read_text()


def test_the_field_comes_back(folder: Path, measured: LandingsResult) -> None:
    found = read_results(folder)
    again = found[0] if isinstance(found, tuple) else found
    assert isinstance(again, LandingsResult)
    assert again.field is not None
    assert measured.field is not None
    np.testing.assert_array_equal(again.field.values, measured.field.values)
    np.testing.assert_array_equal(again.field.frames, measured.field.frames)


def test_thumbnails_are_read_without_pickle(folder: Path, measured: LandingsResult) -> None:
    with np.load(folder / "thumbnails.npz", allow_pickle=False) as stored:
        assert stored["values_0"].shape[1:] == (40, 17, 17)
        rows = stored["event_0"]
    shown = measured.events.loc[rows, "thumbnail_index"]
    assert shown.tolist() == list(range(len(rows)))


def test_measurements_of_one_name_are_told_apart(measured: LandingsResult, tmp_path: Path) -> None:
    out = write_results(tmp_path / "out", [measured, measured])
    assert set(read_events(out / "events.h5")["measurement"]) == {"array", "array (2)"}
    assert (out / "figures" / "array_2" / "spectrum.svg").is_file()


def test_tables_with_other_columns_go_together(measured: LandingsResult, tmp_path: Path) -> None:
    bare = pd.DataFrame({"measurement": "b", "event": [0, 1], "contrast": [-0.004, -0.005]})
    bare["mass_kda"] = [105.0, 131.0]
    out = write_results(tmp_path / "out", [measured, *fit_spectrum(bare, resamples=0)])
    events = read_events(out / "events.csv")
    assert events["frame"].dtype.kind == "i"
    assert events.loc[events["measurement"] == "b", "frame"].tolist() == [-1, -1]


def test_a_classified_movie_has_its_tables_and_figures(
    filtered: LandingsResult, tmp_path: Path
) -> None:
    found = filtered.classification
    assert found is not None
    out = write_results(tmp_path / "out", [filtered])
    for name in ("before_after", "scores", "class_prevalences", "removed", "tradeoff"):
        assert (out / "figures" / f"{name}.svg").is_file(), name
        assert (out / "figures" / f"{name}.png").is_file(), name
    for name in ("tradeoff", "removed"):
        again = pd.read_csv(out / f"{name}.csv")
        assert set(again.pop("measurement")) == {filtered.name}
        pd.testing.assert_frame_equal(again, getattr(found, name), check_exact=False)
    events = read_events(out / "events.csv")
    np.testing.assert_array_equal(events["score_binder"], filtered.events["score_binder"])
    assert events["label"].tolist() == filtered.events["label"].tolist()
    (said,) = json.loads((out / "summary.json").read_text())["measurements"]
    assert said["classification"]["model"] == "fake"
    assert said["classification"]["threshold"] == 0.9
    assert said["classification"]["settings"]["threshold"] == 0.9
    assert {one["class"] for one in said["classification"]["fractions"]} == set(CLASSES)
    assert said["spectrum_before"]["events"] > said["spectrum"]["events"] == said["retained"]


@pytest.fixture(scope="module")
def quantified(filter_loose: Callable[..., LandingsResult]) -> LandingsResult:
    return filter_loose(quantifier=QuantifierModel.load("default"), resamples=10, seed=0)


@pytest.mark.parametrize(("main", "other"), [("filtered", "all"), ("all", "filtered")])
def test_the_reported_spectrum_names_the_species_and_comes_first(
    quantified: LandingsResult, tmp_path: Path, main: ReportedSpectrum, other: ReportedSpectrum
) -> None:
    assert quantified.settings is not None
    assert quantified.quantification is not None
    chosen = replace(
        quantified, settings=quantified.settings.model_copy(update={"reported_spectrum": main})
    )
    out = write_results(tmp_path / "out", [chosen])
    (said,) = json.loads((out / "summary.json").read_text())["measurements"]
    assert said["reported_spectrum"] == said["settings"]["reported_spectrum"] == main
    whole = quantified.quantification.spectrum
    at = {
        "filtered": [peak.mode.value for peak in quantified.spectrum.peaks],
        "all": [one.mean.value for one in whole.components],
    }
    assert at["filtered"] != at["all"]
    assert [one["position_kda"] for one in said["species"]] == at[main]
    for one in said["species"]:
        assert one["fraction_low"] <= one["fraction"] <= one["fraction_high"]
        assert one["position_kda_low"] <= one["position_kda"] <= one["position_kda_high"]

    table = pd.read_csv(out / "species.csv")
    assert table["spectrum"].tolist() == [main] * len(at[main]) + [other] * len(at[other])
    assert table["main"].tolist() == (table["spectrum"] == main).tolist()
    np.testing.assert_allclose(table["position_kda"], at[main] + at[other])

    page = (out / "report.html").read_text(encoding="utf-8")
    places = {"all": page.index("All landings, masses"), "filtered": page.index('workbench">')}
    assert places[main] < places[other]
    assert page.count('class="mark">reported spectrum<') == 1
    headline = page.split("<h1>")[1].split("</h1>")[0]
    fraction = max(one["fraction"] for one in said["species"])
    largest = next(one for one in said["species"] if one["fraction"] == fraction)
    assert f": {largest['position_kda']:.0f} kDa ({fraction:.0%})" in headline
    assert ("in all landings" in headline) == (main == "all")


def test_a_classified_movie_goes_with_one_that_is_not(
    filtered: LandingsResult, calibration: Calibration, tmp_path: Path
) -> None:
    movie, _ = simulate_movie(preset("buffer"), seconds=2, seed=1)
    blank = replace(analyze(movie, calibration=calibration), name="blank")
    out = write_results(tmp_path / "out", [blank, filtered])
    events = read_events(out / "events.h5")
    pd.testing.assert_series_equal(events["score_binder"], filtered.events["score_binder"])
    assert set(pd.read_csv(out / "tradeoff.csv")["measurement"]) == {filtered.name}


def test_a_filter_that_keeps_nothing_is_a_result(
    loose: Any, fake_model: Any, calibration: Calibration, tmp_path: Path
) -> None:
    model = fake_model(np.full_like(loose.classes, 3))
    nothing = analyze(loose.movie, calibration=calibration, classifier=model)
    assert nothing.spectrum.unit == "kDa"
    out = write_results(tmp_path / "out", [nothing])
    (said,) = json.loads((out / "summary.json").read_text())["measurements"]
    assert said["retained"] == 0
    assert said["classification"]["estimated_precision"] is None


def test_nothing_to_classify_is_a_result(fake_model: Any, tmp_path: Path) -> None:
    movie, _ = simulate_movie(preset("buffer"), seconds=2, seed=1)
    nothing = analyze(movie, classifier=fake_model(np.zeros(1, np.int64)))
    out = write_results(tmp_path / "out", [nothing])
    assert pd.read_csv(out / "tradeoff.csv")["landings"].max() == 0
    (said,) = json.loads((out / "summary.json").read_text())["measurements"]
    assert said["classification"]["removed"] == []


def test_nothing_found_is_a_result(tmp_path: Path) -> None:
    movie, _ = simulate_movie(preset("buffer"), seconds=2, seed=1)
    out = write_results(tmp_path / "out", [analyze(movie)])
    assert not (out / "tradeoff.csv").exists()
    assert (out / "figures" / "spectrum.png").stat().st_size > 1000
    assert json.loads((out / "summary.json").read_text())["measurements"][0]["events"] == 0


def test_results_are_replaced_only_when_told(folder: Path, measured: LandingsResult) -> None:
    before = (folder / "events.csv").read_bytes()
    with pytest.raises(PerrinError, match="already holds results"):
        write_results(folder, [measured])
    write_results(folder, [measured], overwrite=True)
    assert (folder / "events.csv").read_bytes() == before


def test_a_folder_of_something_else_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(PerrinError, match="not perrin's"):
        output_folder(tmp_path, overwrite=True)
    with pytest.raises(PerrinError, match="is a file"):
        output_folder(tmp_path / "thesis.tex", overwrite=True)
    output_folder(tmp_path / "new", overwrite=False)


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_stop_leaves_nothing_half_written(
    measured: LandingsResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: BaseException | type[BaseException],
) -> None:
    out = write_results(tmp_path / "out", [measured])
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def stop(*_: object) -> None:
        raise trouble

    monkeypatch.setattr(module, "_write_figures", stop)
    with pytest.raises((KeyboardInterrupt, OSError, PerrinError)):
        write_results(out, [measured], overwrite=True)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
