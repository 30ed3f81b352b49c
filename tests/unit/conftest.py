"""A short simulated measurement that several tests share, and a classifier that knows its truth."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from perrin.cli.main import app, main
from perrin.errors import PerrinError
from perrin.events import CLASSES
from perrin.io import write_mp
from perrin.io.movie import Movie
from perrin.landing.thumbnails import frames_around
from perrin.mass.calibration import Calibration, calibrate
from perrin.optics.psf import Psf
from perrin.pipeline import LandingsResult, analyze_landings, find_events
from perrin.report import style
from perrin.settings.landing import LandingSettings
from perrin.settings.simulation import LandingAssay, Species
from perrin.simulate.matching import match_landings
from perrin.simulate.movie import simulate_movie
from perrin.types import BoolArray, Float32Array, FloatArray

Simulated = tuple[Movie, pd.DataFrame]


@pytest.fixture(scope="session", autouse=True)
def figures_are_drafts() -> Iterator[None]:
    """Figures of whole commands are coarse, their axes where they begin: half of the time.

    What figures look like is tested where they are drawn as they are, in `report`.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(style._RC, "savefig.dpi", 50)
        patch.setattr(style, "_lay_out", lambda figure: figure.set_layout_engine(None))
        yield


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run a command line; gives status, standard output and standard error."""

    def command(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["perrin", *map(str, words)])
        status = 0
        try:
            main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        seen = capsys.readouterr()
        return status, seen.out, seen.err

    return command


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run a command line that works, its errors raised; gives what it prints."""

    def command(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["perrin", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            app()
        assert not stop.value.code
        return capsys.readouterr().out

    return command


@pytest.fixture(scope="session")
def measurement() -> Simulated:
    """Eight seconds of binders of 150 and 300 kDa, with their truth."""
    assay = LandingAssay(
        species=(
            Species(mass_kda=150, abundance=0.5),
            Species(mass_kda=300, abundance=0.5),
        ),
        density=1.0,
    )
    return simulate_movie(assay, seconds=8, seed=5)


@pytest.fixture(scope="session")
def movie_file(measurement: Simulated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a vendor-layout file."""
    path = tmp_path_factory.mktemp("movies") / "sample.mp"
    write_mp(path, measurement[0])
    return path


@pytest.fixture(scope="session")
def calibration() -> Calibration:
    """The line of the simulation."""
    masses = [66.0, 150.0, 480.0]
    return calibrate(masses, [-3.8e-5 * mass for mass in masses], contrast_se=[1e-5, 1e-5, 2e-5])


@dataclass(frozen=True)
class Loose:
    """A movie of binders, unbinders, rollers and wobblers, with its truth and true classes."""

    movie: Movie
    truth: pd.DataFrame
    classes: NDArray[np.int64]


@pytest.fixture(scope="session")
def loose() -> Loose:
    """Eight seconds of molecules of 180 kDa of which half do not stay as they should."""
    assay = LandingAssay(
        species=(Species(mass_kda=180, abundance=1.0),),
        density=3.0,
        motions={"binder": 0.5, "unbinder": 0.25, "roller": 0.1, "wobbler": 0.15},
    )
    movie, truth = simulate_movie(assay, seconds=8, seed=6)
    return Loose(movie, truth, true_classes(movie, truth))


@pytest.fixture(scope="session")
def filter_loose(loose: Loose, calibration: Calibration) -> Callable[..., LandingsResult]:
    """Analyze the same with its calibration and a classifier that is right in 96%."""

    def run(**options: Any) -> LandingsResult:
        return analyze_landings(
            loose.movie,
            classifier=FakeModel(loose.classes, right=0.96),
            **{"calibration": calibration, "quantifier": None, "resamples": 0} | options,
        )

    return run


@pytest.fixture(scope="session")
def fake_model() -> type[FakeModel]:
    """The class of classifiers that know the truth."""
    return FakeModel


@dataclass(frozen=True)
class FakeAnswer:
    score: FloatArray
    probability: FloatArray


def confusion_of(right: float, classes: int) -> FloatArray:
    """Right with that probability, else any other class."""
    matrix = np.full((classes, classes), (1 - right) / (classes - 1))
    np.fill_diagonal(matrix, right)
    return matrix


class FakeModel:
    """Tells the true classes (numbers, in the order in which stacks come), sometimes wrongly.

    `right` is the probability of telling the true class; 1 is perfect knowledge. The balanced
    probabilities are those that the predicted class alone gives.
    """

    name = identity = "fake"

    def __init__(
        self, truth: NDArray[np.int64], *, right: float = 1.0, classes: Sequence[str] = CLASSES
    ) -> None:
        self.classes = tuple(classes)
        self.confusion = confusion_of(right, len(classes))
        self.largest_batch = 0
        rng = np.random.default_rng(1)
        others = (truth + rng.integers(1, len(classes), len(truth))) % len(classes)
        self.told = np.where(rng.random(len(truth)) < right, truth, others)
        self._cursor = 0

    def check_range(self, *, n_avg: int, pixel_nm: float, frame_interval_s: float) -> None:
        if n_avg > 40 or not 60 <= pixel_nm <= 90 or not 1e-3 < frame_interval_s < 1e-2:
            raise PerrinError("the fake was not trained for this")

    def predict(
        self, stacks: Float32Array, inside: BoolArray, *, n_avg: int, landing_sign: int
    ) -> FakeAnswer:
        before, after = frames_around(n_avg)
        assert stacks.shape[1:] == (before + 1 + after, 17, 17)
        assert inside.shape == (len(stacks), 17, 17)
        assert landing_sign in (-1, 1)
        self.largest_batch = max(self.largest_batch, len(stacks))
        told = self.told[self._cursor : self._cursor + len(stacks)]
        self._cursor = (self._cursor + len(stacks)) % len(self.told)  # to be used again
        likelihood = self.confusion.T[told]
        probability = likelihood / likelihood.sum(axis=1, keepdims=True)
        return FakeAnswer(probability, probability)


def true_classes(movie: Movie, truth: pd.DataFrame, *, n_avg: int = 10) -> NDArray[np.int64]:
    """The class of each event that has a thumbnail, in the order in which stacks come."""
    events = find_events(
        movie, settings=LandingSettings(n_avg=n_avg), psf=Psf.analytic(pixel_nm=movie.pixel_nm)
    )
    number = np.full(len(events), CLASSES.index("buffer"))
    number[events["contrast"] > 0] = CLASSES.index("unbinder")
    row = match_landings(truth, events)
    found = row >= 0
    number[row[found]] = [CLASSES.index(name) for name in truth["class"][found]]
    frame = events["frame"].to_numpy(np.int64)
    before, after = frames_around(n_avg)
    complete = np.flatnonzero((frame >= before) & (frame + after < movie.n_frames))
    order = complete[np.argsort(frame[complete], kind="stable")]
    return number[order].astype(np.int64)
