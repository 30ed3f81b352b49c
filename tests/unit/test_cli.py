"""The commands as a user types them, in a process of their own where that matters."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io import read_events, write_mp
from perrin.mass.calibration import Calibration
from perrin.models.classifier import ClassifierModel
from perrin.models.quantifier import QuantifierModel
from perrin.optics.psf import Psf
from perrin.pipeline.networks import quantifier_for
from perrin.settings.landing import LandingSettings


def test_from_calibrant_to_masses(run, movie_file: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    line = tmp_path / "cal.json"
    status, out, _ = run("calibrate", movie_file, "--ladder", "150,300", "--out", line)
    assert status == 0
    assert "peak 1 = 150 kDa, peak 2 = 300 kDa" in out
    made = Calibration.load(line)
    assert made.gradient_per_kda == pytest.approx(-3.8e-5, rel=0.05)
    assert made.recorded.pixel_nm == pytest.approx(72)

    where = tmp_path / "results"
    words = ("landings", movie_file, "--calibration", line, "--out", where, "--resamples", 20)
    status, out, _ = run(*words)
    assert status == 0
    assert "peak at 1" in out
    summary = json.loads((where / "summary.json").read_text())
    assert len(summary["measurements"][0]["spectrum"]["peaks"]) == 2
    assert summary["run"] == {"command": ["perrin", *map(str, words)], "seed": 0}

    status, _, err = run(*words)
    assert status == 1
    assert "already holds results" in err
    status, _, err = run(*words, "--overwrite", "--fit-n-avg", 24)
    assert status == 1
    assert "fit_n_avg" not in err
    assert "n_avg 10 there, 24 here" in err
    assert run(*words, "--overwrite", "--fit-n-avg", 24, "--allow-calibration-mismatch")[0] == 0

    again = tmp_path / "again"
    assert run("spectrum", where / "events.h5", where / "events.csv", "--out", again)[0] == 0
    assert set(read_events(again / "events.csv")["measurement"]) == {
        "sample",
        "sample (2)",
    }


def test_calibration_by_hand(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    line = tmp_path / "cal.json"
    status, out, _ = run(
        "calibrate", "--pair", "66:-0.0025", "--pair", "150:-0.0057", "--out", line
    )
    assert status == 0, out
    assert Calibration.load(line).mass_kda(-0.0057) == pytest.approx(150)
    line.unlink()
    picture = (tmp_path / "cal.svg").read_bytes()
    other = ("calibrate", "--pair", "66:-0.0026", "--pair", "150:-0.0057", "--out", line)
    status, _, err = run(*other)
    assert (status, (tmp_path / "cal.svg").read_bytes(), line.exists()) == (1, picture, False)
    assert "cal.svg is already there" in err
    assert run(*other, "--overwrite")[0] == 0
    assert (tmp_path / "cal.svg").read_bytes() != picture


def test_a_psf_from_the_movie(run, movie_file: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "psf.npz"
    status, out, _ = run("psf", movie_file, "--contrast=-0.013,-0.0045", "--out", path)
    assert status == 0
    assert "isolated landings averaged" in out
    assert Psf.load(path).fwhm_px() == pytest.approx(Psf.analytic(pixel_nm=72).fwhm_px(), rel=0.05)
    where = tmp_path / "results"
    assert run("landings", movie_file, "--psf", path, "--out", where, "--resamples", 0)[0] == 0
    assert json.loads((where / "summary.json").read_text())["measurements"][0]["psf"]["kind"] == (
        "empirical"
    )


def test_inspect_says_what_it_is_and_what_is_missing(  # type: ignore[no-untyped-def]
    run, movie_file: Path, tmp_path: Path
) -> None:
    status, out, _ = run("inspect", movie_file)
    assert status == 0
    for fact in ("38 x 151", "4.132 ms", "72 nm", "darker"):
        assert fact in out
    bare = tmp_path / "bare.npy"
    np.save(bare, np.random.default_rng(0).integers(900, 1100, (50, 30, 40)).astype(np.uint16))
    status, out, _ = run("inspect", bare)
    assert status == 0
    assert "give --pixel-nm" in out
    assert "give --frame-rate-hz" in out


def test_simulate_is_repeatable(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name in ("a", "b"):
        status, _, _ = run(
            "simulate", "landings", "--species", "66:0.8,132:0.2", "--density", 1,
            "--seconds", 1, "--seed", 3, "--out", tmp_path / f"{name}.mp",
        )  # fmt: skip
        assert status == 0
    with h5py.File(tmp_path / "a.mp") as a, h5py.File(tmp_path / "b.mp") as b:
        np.testing.assert_array_equal(a["movie/frame"][:], b["movie/frame"][:])
    truth = (tmp_path / "a.truth.csv").read_text().splitlines()
    assert "mass_kda" in truth[0]
    assert len(truth) > 20


def test_simulate_thumbnails(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "train.npz"
    assert run("simulate", "thumbnails", "--count", 50, "--seed", 1, "--out", path)[0] == 0
    with np.load(path, allow_pickle=False) as stored:
        assert stored["thumbnails"].shape == (50, 40, 17, 17)
        labels, counts = np.unique(stored["labels"], return_counts=True)
    assert set(labels) == {"binder", "unbinder", "neighbors", "roller", "wobbler"}
    assert (counts == 10).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["landings", "absent.mp", "--out", "o"], "absent.mp"),
        (["landings", "noise.npy", "--out", "o"], "--pixel-nm"),
        (["landings", "noise.npy", "--model", "absent", "--out", "o"], "absent: no model"),
        (["spectrum", "noise.npy", "--out", "o"], "noise.npy"),
        (["inspect", "absent.mp"], "absent.mp"),
        (["calibrate", "--out", "c.json"], "either a movie or table"),
        (["calibrate", "noise.npy", "--out", "c.json"], "Give --ladder"),
        (["calibrate", "--pair", "66", "--out", "c.json"], "as 66:-0.0025"),
        (["calibrate", "--pair", "66:-1e-3", "--pair", "66:-2e-3", "--out", "c.json"], "66"),
        (["psf", "noise.npy", "--contrast", "1", "--out", "p.npz"], "two numbers"),
        (["simulate", "landings", "--out", "m.mp"], "--preset"),
        (["simulate", "landings", "--preset", "x", "--out", "m.mp"], "dynamin"),
        (["simulate", "landings", "--preset", "bsa", "--out", "m.tif"], "suffix .mp"),
        (
            ["simulate", "landings", "--species", "66:1", "--density", "0", "--out", "m.mp"],
            "density",
        ),
        (
            ["simulate", "landings", "--species", "-66:1", "--density", "1", "--out", "m.mp"],
            "numbers above 0",
        ),
        (["simulate", "landings", "--preset", "bsa", "--seconds", "0", "--out", "m.mp"], "0 s"),
    ],
)
def test_bad_input_is_one_clear_line(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0).integers(900, 1100, (60, 30, 40)).astype(np.uint16)
    np.save("noise.npy", noise)
    status, _, err = run(*words)
    assert status == 1
    assert err.startswith("perrin: ")
    assert said in err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["noise.npy"]


def test_a_setting_out_of_bounds_is_named(run, movie_file: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    status, _, err = run(
        "landings", movie_file, "--spatial-threshold", "1", "--out", tmp_path / "o"
    )
    assert status == 1
    assert "--spatial-threshold 1: must be 2 or more" in err


class Loaded:
    """A fake model as the command line gets it: with a card."""

    def __init__(self, model: Any) -> None:
        self.model = model
        thresholds = {"100 to 800 kDa": 0.6, "30 to 800 kDa": 0.7}
        self.thresholds = thresholds

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


@pytest.fixture
def classified(loose: Any, fake_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """A movie, and a classifier of that movie that every name loads."""
    movie = tmp_path / "loose.mp"
    write_mp(movie, loose.movie)
    model = Loaded(fake_model(loose.classes, right=0.96))
    monkeypatch.setattr(ClassifierModel, "load", lambda name: model)
    return movie


def test_landings_are_filtered_by_default(  # type: ignore[no-untyped-def]
    run, classified: Path, tmp_path: Path
) -> None:
    words = ("landings", classified, "--resamples", 0, "--overwrite", "--out", tmp_path / "o")
    status, out, _ = run(*words)
    assert status == 0
    assert "loose, before the filter: " in out
    assert "classes (fake): binder " in out
    assert "retained with score_binder of 0.9 or more (default): estimated precision " in out
    assert "loose, after the filter (reported spectrum): " in out
    assert out.index("after the filter") < out.index("loose, all landings, masses predicted by ")

    _, out, _ = run(*words, "--threshold", "auto")
    assert "0.7 or more (best F1 on validation data of 30 to 800 kDa)" in out
    assert "note: no calibration" in out
    (said,) = json.loads((tmp_path / "o" / "summary.json").read_text())["measurements"]
    assert said["classification"]["threshold"] == 0.7


def test_all_landings_can_be_the_reported_spectrum(  # type: ignore[no-untyped-def]
    run, classified: Path, tmp_path: Path
) -> None:
    words = ("landings", classified, "--resamples", 0, "--out", tmp_path / "o")
    status, out, _ = run(*words, "--reported-spectrum", "all")
    assert status == 0
    titles = [line.split(":")[0] for line in out.splitlines() if line.startswith("loose,")]
    assert titles == [
        "loose, all landings (reported spectrum), masses predicted by quantifier",
        "loose, before the filter",
        "loose, after the filter",
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["all", "--quantifier", "none"], "only a quantifier predicts the masses of all landings"),
        (["both"], "--reported-spectrum both: must be filtered or all"),
    ],
)
def test_a_reported_spectrum_that_is_not_there_is_refused(  # type: ignore[no-untyped-def]
    run, movie_file: Path, tmp_path: Path, words: list[str], sentence: str
) -> None:
    out = tmp_path / "o"
    status, _, err = run("landings", movie_file, "--out", out, "--reported-spectrum", *words)
    assert status == 1
    assert sentence in err
    assert not out.exists()


def test_the_usual_quantifier_may_not_fit_unless_its_spectrum_is_wanted(loose: Any) -> None:
    model, coarse = QuantifierModel.load("default"), replace(loose.movie, pixel_nm=300.0)
    plain, all_of_them = LandingSettings(), LandingSettings(reported_spectrum="all")
    used, (note,) = quantifier_for(coarse, model, plain, named=False)
    assert used is None
    assert "no mass of the network" in note
    with pytest.raises(PerrinError, match="300 nm"):
        quantifier_for(coarse, model, all_of_them, named=False)
    with pytest.raises(PerrinError, match="300 nm"):
        quantifier_for(coarse, model, plain, named=True)


def test_events_are_looked_at_again(  # type: ignore[no-untyped-def]
    run, classified: Path, tmp_path: Path
) -> None:
    words = ("landings", classified, "--resamples", 0, "--out", tmp_path / "o", "--persistence-ms")
    status, _, err = run(*words, 30)
    assert status == 1
    assert "looking again at 30 ms is 7 frames, hardly more than the 10" in err
    assert not (tmp_path / "o").exists()
    status, out, _ = run(*words, 140)
    assert status == 0
    assert "still there at 140 ms: " in out
    table = pd.read_csv(tmp_path / "o" / "persistence.csv").set_index("group")
    assert table.loc["retained", "fraction"] > 0.85 > 0.6 > table.loc["discarded", "fraction"]
    events = read_events(tmp_path / "o" / "events.csv")
    assert set(events["still_there"]) == {-1, 0, 1}
    assert (tmp_path / "o" / "figures" / "persistence.svg").exists()
    (said,) = json.loads((tmp_path / "o" / "summary.json").read_text())["measurements"]
    assert said["persistence"]["n_avg"] == 34
    assert said["settings"]["persistence_ms"] == 140


@pytest.mark.parametrize("words", [[], ["--model", "none"]])
def test_shares_need_masses_and_a_classifier(  # type: ignore[no-untyped-def]
    run, classified: Path, tmp_path: Path, words: list[str]
) -> None:
    status, _, err = run(
        "landings", classified, "--out", tmp_path / "o", "--correct-fractions", *words
    )
    assert status == 1
    assert "--correct-fractions needs a classifier and --calibration" in err
    assert not (tmp_path / "o").exists()


def test_experiments_need_a_name_and_a_classifier(  # type: ignore[no-untyped-def]
    run, tmp_path: Path
) -> None:
    status, _, err = run("reproduce", "bovine", "--out", tmp_path / "o")
    assert status == 1
    assert "there is no experiment 'bovine'; there are bsa, dynamin" in err
    status, _, err = run("reproduce", "bsa", "--model", "none", "--out", tmp_path / "o")
    assert status == 1
    assert "--model cannot be none" in err
    assert not (tmp_path / "o").exists()


def test_a_movie_out_of_range_is_analyzed_unless_the_model_was_named(  # type: ignore[no-untyped-def]
    run, classified: Path, tmp_path: Path
) -> None:
    words = ("landings", classified, "--n-avg", 50, "--resamples", 0, "--out", tmp_path / "o")
    status, _, err = run(*words, "--model", "classifier")
    assert status == 1
    assert "the fake was not trained for this" in err
    assert not (tmp_path / "o").exists()
    status, out, _ = run(*words)
    assert status == 0
    assert "note: NOT SCORED, every event enters the spectrum: the fake was not trained" in out
    (said,) = json.loads((tmp_path / "o" / "summary.json").read_text())["measurements"]
    assert said["notes"][0].startswith("NOT SCORED")
    assert "classification" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threshold", "2"], "--threshold 2: must be 1 or less"),
        (["--threshold", "high"], "a number from 0 to 1, or auto"),
        (["--precision", "95"], "--precision 95: must be below 1"),
        (["--precision", "0.9", "--threshold", "0.9"], "not both"),
        (["--precision", "0.9", "--model", "none"], "needs a classifier"),
        (["--threshold", "auto"], "the card of fake has no thresholds"),
    ],
)
def test_bad_thresholds_are_refused_before_the_work(  # type: ignore[no-untyped-def]
    run, classified: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    ClassifierModel.load("classifier").thresholds.clear()
    status, _, err = run("landings", classified, "--out", tmp_path / "o", *words)
    assert status == 1
    assert said in err


@pytest.mark.skipif(sys.platform == "win32", reason="interrupting a process differs there")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    words = ["simulate", "landings", "--preset", "bsa", "--seconds", "600", "--out", "m.mp"]
    # in a shell's background the signal is ignored, as this one may be started
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from perrin.cli.main import main; main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        until = time.monotonic() + 120
        while not any(tmp_path.iterdir()) and time.monotonic() < until:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "nothing was written" in err
    assert not list(tmp_path.iterdir())
