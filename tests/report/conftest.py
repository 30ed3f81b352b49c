"""A browser, and results with made-up scores, for the tests that look at pages."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.io import read_events
from perrin.landing.classifier.classification import describe_filter, filter_by_score
from perrin.landing.classifier.classify import ClassificationResult
from perrin.landing.thumbnails import Thumbnails
from perrin.mass.spectrum import fit_spectrum
from perrin.pipeline import LandingsResult, analyze_landings
from perrin.results import write_results
from perrin.settings.landing import LandingSettings
from perrin.settings.scores import ScoreSettings
from perrin.settings.spectrum import SpectrumSettings
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

CLASSES = ("binder", "unbinder", "neighbors", "roller", "wobbler", "buffer")
A4_PX = 703  # 210 mm less two margins of 12 mm, at 96 px an inch
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, or another that is installed, without a window.

    Of one module: while it is open, its event loop bars every other from this thread.
    """
    api = pytest.importorskip("playwright.sync_api", reason="browser: pip install playwright")
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("browser: no Chromium found; on Debian or Ubuntu: apt-get install chromium")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a file as a page; at the end, no console error and no request may have been made."""
    troubles: list[str] = []
    context = browser.new_context(viewport={"width": 1366, "height": 768}, accept_downloads=True)
    context.set_default_timeout(60_000)

    def asked(request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            troubles.append(f"request to {request.url}")

    def open_page(path: Path, *, width: int = 1366, **media: Any) -> Any:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 768})
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", asked)
        if media:
            page.emulate_media(**media)
        page.goto(path.as_uri())
        return page

    yield open_page
    context.close()
    assert troubles == []


@pytest.fixture
def faults(visit: Callable[..., Any]) -> Callable[[Path], dict[str, list[str]]]:
    """Give what the geometry of a page shows to be broken, by window and scheme, and on paper."""
    broken = (Path(__file__).parent / "geometry.js").read_text()

    def found(path: Path) -> dict[str, list[str]]:
        seen = {}
        for scheme in ("light", "dark"):
            for width in (400, 768, 1366):
                page = visit(path, width=width, color_scheme=scheme)
                page.wait_for_load_state("networkidle")
                seen[f"{width} px, {scheme}"] = page.evaluate(broken)
                page.close()
            page = visit(path, width=A4_PX, color_scheme=scheme, media="print")
            page.wait_for_load_state("networkidle")
            page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
            seen[f"A4, {scheme}"] = page.evaluate(broken)
            page.close()
        return {where: these for where, these in seen.items() if these}

    return found


@contextmanager
def _serving(folder: Path) -> Iterator[SimpleNamespace]:
    """Serve the app for a folder; `end` ends it and returns all that it printed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["app", "--folder", str(folder), "--port", str(port), "--no-show"]
    # NiceGUI starts no server where it believes to be tested itself
    free = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    log = folder.with_name(f"{folder.name}.log")
    with (
        log.open("w") as stream,
        subprocess.Popen(
            [sys.executable, "-m", "perrin", *words],
            env=free | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        said = process.stdout.readline()  # its address, once it is served
        assert str(port) in said, log.read_text()

        def end() -> str:
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=300)
            return rest + log.read_text()

        address = f"http://127.0.0.1:{port}"
        yield SimpleNamespace(folder=folder, port=port, address=address, end=end)
        if process.poll() is None:
            end()


@pytest.fixture(scope="session")
def serving() -> Callable[[Path], Any]:
    """Serve an app of its own for a folder, within `with`."""
    return _serving


@pytest.fixture
def looking(browser: Any) -> Callable[[Any], Any]:
    """Open the page of an app, within `with`; nothing but the app itself may be asked."""

    @contextmanager
    def look(app: Any) -> Iterator[Any]:
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        context.set_default_timeout(300_000)  # ms: cores may be busy, kernels cold
        page, troubles = context.new_page(), []
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        ours = (app.address, app.address.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(ours) else troubles.append(r.url))
        page.goto(app.address)
        yield page
        context.close()
        assert troubles == []

    return look


@pytest.fixture
def own(looking: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """An app of one test's own, with its page: nothing is chosen, nothing has run."""
    with _serving(tmp_path_factory.mktemp("own")) as app, looking(app) as page:
        yield SimpleNamespace(page=page, **vars(app))


def _made_up(
    count: int, *, seed: int, name: str = "made up", scored: bool = True
) -> LandingsResult:
    """Events of two species; binders lose less to the filter where they are heavy."""
    rng = np.random.default_rng(seed)
    heavy = rng.random(count) < 0.3
    mass = np.where(heavy, rng.normal(132, 8, count), rng.normal(66, 6, count))
    mass *= np.where(rng.random(count) < 0.2, -1.0, 1.0)
    events = pd.DataFrame(
        {
            "measurement": name,
            "event": np.arange(count),
            "frame": np.sort(rng.integers(40, 10_000, count)),
            "x_px": rng.uniform(6, 145, count),
            "y_px": rng.uniform(6, 32, count),
            "contrast": -4e-5 * mass,
            "fit_residual": rng.gamma(30, 1.5e-5, count),
            "mass_kda": mass,
            "mass_se_kda": 5.0,
            "label": np.where(rng.random(count) < 0.02, "not fitted", ""),
        }
    )
    events["time_s"] = events["frame"] / 242
    events["retained"] = events["label"] == ""
    settings, classification = SpectrumSettings(resamples=0), None
    before = fit_spectrum(events["mass_kda"][events["retained"]], settings=settings)
    after, unfiltered = before, None
    if scored:
        events, balanced = _scored(events, heavy, rng)
        filtered = filter_by_score(events, n_avg=10, settings=ScoreSettings())
        after = fit_spectrum(
            filtered.events["mass_kda"][filtered.events["retained"]], settings=settings
        )
        classification, unfiltered = (
            describe_filter(
                ClassificationResult(events, balanced),
                filtered,
                model=Impostor(),  # type: ignore[arg-type]
                settings=ScoreSettings(),
                before=before,
                after=after,
                spectrum_settings=settings,
                rng=None,
            ),
            before,
        )
        events = filtered.events
    return LandingsResult(
        name=name,
        events=events,
        spectrum=after,
        spectrum_settings=settings,
        calibration=None,
        notes=(),
        recorded={"n_avg": 10, "frame_interval_s": 1 / 242, "pixel_nm": 72.0, "instrument": "x"},
        settings=LandingSettings(),
        thumbnails=Thumbnails(
            rng.normal(0, 1e-3, (40, 40, 17, 17)).astype(np.float32),
            np.ones((40, 17, 17), bool),
            np.linspace(0, count - 1, 40).astype(int),
        ),
        classification=classification,
        unfiltered=unfiltered,
    )


class Impostor:
    """A model by name only: its scores are made up."""

    name, classes, confusion = "made up", CLASSES, np.eye(6)


def _scored(
    events: pd.DataFrame, heavy: np.ndarray[Any, Any], rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Add scores and labels; heavy molecules pass the filter more often."""
    count = len(events)
    p = rng.dirichlet(np.ones(6), count)
    p[:, 0] += np.where(rng.random(count) < np.where(heavy, 0.8, 0.4), 60.0, 1.0)
    p /= p.sum(axis=1, keepdims=True)
    score = 1.0 - (1.0 - p[:, 0]) * rng.uniform(0.1, 6, count)
    score = np.round(score, 3).clip(0, 1)  # so that some lie exactly on a threshold
    score[rng.random(count) < 0.01] = np.nan
    columns = {f"score_{kind}": p[:, k] for k, kind in enumerate(CLASSES)}
    columns |= {f"p_{kind}": p[:, k] for k, kind in enumerate(CLASSES)} | {"score_binder": score}
    kinds = np.array(CLASSES, dtype=object)[p.argmax(axis=1)]
    kinds[np.isnan(score)] = "unscored"
    label = events["label"].mask(events["label"] == "", pd.Series(kinds))
    return events.assign(**columns, label=label), p[np.isfinite(score)]


def _write(folder: Path, *measurements: LandingsResult) -> Path:
    """Write results without the figures for print, which take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("perrin.results.landings._write_figures", lambda *_: None)
        return write_results(folder, list(measurements))


@pytest.fixture(scope="session")
def made_up() -> Callable[..., LandingsResult]:
    """Make a measurement up: so many events, a seed, a name, with scores or without."""
    return _made_up


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """Write measurements into a results folder."""
    return _write


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of one measurement with made-up scores."""
    return _write(tmp_path_factory.mktemp("scored") / "results", _made_up(1500, seed=1))


@pytest.fixture(scope="session")
def scored_events(scored: Path) -> pd.DataFrame:
    """The table of events of these results, as a user reads it."""
    return read_events(scored / "events.csv")


@pytest.fixture(scope="session")
def analyzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a short simulated movie with both networks and the figures of all landings."""
    movie, _ = simulate_movie(preset("bsa"), seconds=10, seed=3)
    found = analyze_landings(movie, resamples=20)
    return write_results(tmp_path_factory.mktemp("analyzed") / "results", found)
