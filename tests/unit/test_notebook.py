"""Results where they are typed: short text, a table, a picture on one's own axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import perrin
from perrin.pipeline import track
from perrin.settings.motion import MotionMovie
from perrin.simulate.moving import simulate_motion
from perrin.simulate.walk_tables import tracks_table
from perrin.simulate.walks import fbm


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    mass = np.random.default_rng(0).normal(150, 8, 300)
    events = pd.DataFrame({"measurement": "a<b>", "event": range(300), "mass_kda": mass})
    (landings,) = perrin.fit_spectrum(events.assign(contrast=-3.8e-5 * mass), resamples=0)
    settings = MotionMovie.of("spheres", frames=40, count=3, height_px=96, width_px=128)
    movie, _, _ = simulate_motion(settings, seed=5)
    walks = fbm([0.5, 0.9, 1.0], length=60, rng=np.random.default_rng(1))
    tracks = tracks_table(walks, np.ones(walks.shape[:2], bool))
    return {
        "movie": movie,
        "calibration": perrin.calibrate(pairs=[(66, -0.0025), (150, -0.0057)]),
        "landings": landings,
        "spectrum": landings.spectrum,
        "tracks": track(movie, "spheres", overlay_frames=0),
        "psf": perrin.Psf.analytic(pixel_nm=72),
        "diffusion": perrin.characterize(tracks, units="unknown"),
    }


SAYS = {
    "movie": ("40 of 96 x 128 px", "0.4 s"),
    "calibration": ("-3.81e-05 per kDa", "66, 150 kDa"),
    "landings": ("a<b>", "300 of 300 retained"),
    "spectrum": ("landings: 300", "kDa, 100%"),
    "psf": ("kind: analytic", "pixel: 72 nm"),
    "tracks": ("3 of spheres", "localization error"),
    "diffusion": ("3, 3 characterized", "kinds: ", "network: mixture"),
}


@pytest.mark.parametrize("name", SAYS)
def test_it_is_said_in_one_line_and_in_a_table(results: dict[str, Any], name: str) -> None:
    said = repr(results[name])
    assert len(said) < 250
    assert "\n" not in said
    for words in SAYS[name]:
        assert words in said
    table = results[name]._repr_html_()
    assert table.count("<tr>") == said.count(": ")
    assert "<b>" not in table


DRAWN = {
    "movie": ("x (px)", 0, 1),
    "calibration": ("Mass (kDa)", 2, 0),
    "landings": ("Mass (kDa)", 2, 0),
    "spectrum": ("Mass (kDa)", 2, 0),
    "tracks": ("x (px)", 3, 1),
    "psf": ("x (px)", 0, 1),
    "diffusion": ("w (0: FBM, 1: CTRW)", 3, 0),
}


@pytest.mark.parametrize("name", DRAWN)
def test_it_is_drawn_on_axes_that_are_given_or_new(results: dict[str, Any], name: str) -> None:
    label, lines, images = DRAWN[name]
    figure = Figure()
    given = figure.subplots()
    before = dict(mpl.rcParams)
    assert results[name].plot(given) is given
    assert dict(mpl.rcParams) == before
    assert (given.get_xlabel(), len(given.images)) == (label, images)
    assert len(given.lines) >= lines
    new = results[name].plot()
    assert new.figure is not figure
    new.figure.canvas.draw()


def test_nothing_is_opened_by_itself(results: dict[str, Any]) -> None:
    from matplotlib import pyplot

    results["spectrum"].plot()
    assert pyplot.get_fignums() == []


def test_a_mass_has_its_interval_where_it_is_typed() -> None:
    mass = np.random.default_rng(0).normal(150, 8, 300)
    events = pd.DataFrame({"measurement": "a", "event": range(300), "mass_kda": mass})
    (found,) = perrin.fit_spectrum(events.assign(contrast=-3.8e-5 * mass), resamples=20)
    mode = found.spectrum.peaks[0].mode
    assert f"{mode.value:.4g} ({mode.low:.4g} to {mode.high:.4g}) kDa" in repr(found)


def test_what_a_file_is_takes_a_few_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("event,mass_kda,contrast\n0,66,-0.0025\n")
    found = perrin.inspect(tmp_path / "a.csv")
    assert repr(found).startswith("<Inspection file: a.csv, kind: events, ")
    assert "a.csv" in found._repr_html_()
    with pytest.raises(perrin.PerrinError, match="no picture of: Inspection"):
        found.plot()
