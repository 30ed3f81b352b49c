"""`perrin track` and `perrin simulate motion`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

import perrin
from perrin.errors import PerrinError
from perrin.mass.calibration import calibrate

SIMULATE = ("simulate", "motion", "--frames", 40, "--size-px", 128, "--seed", 1)


@pytest.fixture
def run(typed):
    """Run a command line that works; gives what it prints."""
    return typed


def test_from_a_rod_movie_to_what_moves_them(run, tmp_path: Path) -> None:
    movie, out = tmp_path / "rods.tif", tmp_path / "results"
    assert "3 rods in" in run(*SIMULATE, "--kind", "rods", "--count", 3, "--out", movie)
    numbers = ("--pixel-nm", 0.5, "--frame-interval-s", 0.01, "--exposure", 0.5)
    numbers = (*numbers, "--seed", 4)
    said = run("track", movie, "--kind", "rods", *numbers, "--out", out, "--overlay-frames", 3)
    assert "localization error" in said
    names = {path.name for path in out.iterdir()}
    assert {"tracks.csv", "tracks.xml", "tracks.napari.npy", "particles.csv"} <= names
    assert {"positions.csv", "summary.json", "figures"} <= names
    drawn = {path.name for path in (out / "figures").iterdir()}
    assert {"tracks.png", "tracks.svg", "errors.png", "links.png"} <= drawn
    result = perrin.read_results(out)
    assert isinstance(result, perrin.TrackingResult)
    assert result.clip is not None
    assert result.clip.frame.tolist() == [0, 14, 28]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["settings"]["kind"] == "rods"
    assert summary["linking"]["search_px"] > 1
    assert summary["inputs"][0]["name"] == "rods.tif"
    with pytest.raises(PerrinError, match="already holds results"):
        run("track", movie, "--kind", "rods", *numbers, "--out", out)
    # the table says its units, error and exposure: nothing has to be given again
    assert summary["run"]["seed"] == 4
    assert isinstance(perrin.read_results(out), perrin.TrackingResult)
    said = run("diffusion", out, "--out", tmp_path / "moves")
    assert "characterized" in said
    assert "note: localization errors of the table" in said
    assert "note: light during 50% of the frame interval" in said
    told = pd.read_csv(tmp_path / "moves" / "trajectories.csv")
    tracks = pd.read_csv(out / "tracks.csv")
    first = tracks[tracks["particle"] == told["particle"].iloc[0]]
    error_nm = 0.5 * np.sqrt((first[["x_se", "y_se"]] ** 2).mean(axis=None))
    assert told["localisation_se"].iloc[0] == pytest.approx(error_nm)
    assert told["exposure"].eq(0.5).all()
    assert told["fraction_noise_known"].between(0, 1).all()
    known = told["fbm_noise_sigma"].iloc[0]
    assert np.isnan(known) or known == pytest.approx(error_nm, rel=0.05)


def test_molecules_are_weighed(run, tmp_path: Path) -> None:
    movie, line = tmp_path / "membrane.mp", tmp_path / "cal.json"
    run(*SIMULATE, "--kind", "molecules", "--count", 2, "--frames", 100, "--out", movie)
    masses = [66.0, 150.0, 480.0]
    calibrate(masses, [-3.8e-5 * mass for mass in masses], contrast_se=[1e-5] * 3).save(line)
    out = tmp_path / "results"
    words = ("--kind", "molecules", "--calibration", line, "--overlay-frames", 0)
    run("track", movie, *words, "--out", out)
    particles = pd.read_csv(out / "particles.csv")
    whole = particles[particles["positions"] > 60]
    assert len(whole)
    assert (np.abs(whole["mass_kda"] - 150) < 4 * whole["mass_se_kda"] + 0.03 * 150).all()
    assert (out / "figures" / "mass_and_diffusion.png").is_file()
    other = calibrate(masses, [-3.8e-5 * mass for mass in masses], recorded={"pixel_nm": 50.0})
    other.save(line, overwrite=True)
    with pytest.raises(PerrinError, match="pixel_nm"):
        run("track", movie, *words, "--out", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def frames(count: int = 12) -> np.ndarray:
    return np.random.default_rng(0).poisson(100, (count, 64, 64)).astype(np.uint16)


def refused(run, path: Path, *options: object) -> str:
    numbers = options or ("--pixel-nm", 1, "--frame-interval-s", 0.01)
    with pytest.raises(PerrinError) as refusal:
        run("track", path, "--kind", "spheres", *numbers, "--out", path.parent / "out")
    assert not (path.parent / "out").exists()
    return str(refusal.value)


def test_a_missing_frame_interval_is_asked_for(run, tmp_path: Path) -> None:
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames(), photometric="minisblack")
    assert "--frame-interval-s" in refused(run, path, "--pixel-nm", 1)
    assert "--pixel-nm" in refused(run, path, "--frame-interval-s", 0.01)
    assert "positive number of seconds" in refused(
        run, path, "--pixel-nm", 1, "--frame-interval-s", -1
    )


def test_movies_that_are_none_are_refused(run, tmp_path: Path) -> None:
    one, color, black = (tmp_path / f"{name}.tif" for name in ("one", "color", "black"))
    tifffile.imwrite(one, frames(1)[0], photometric="minisblack")
    assert "three axes" in refused(run, one)
    rgb = np.repeat((frames()[..., None] // 2).astype(np.uint8), 3, axis=3)
    tifffile.imwrite(color, rgb, photometric="rgb")
    assert "color" in refused(run, color)
    tifffile.imwrite(black, 0 * frames(), photometric="minisblack")
    assert "zeros" in refused(run, black)


def test_a_movie_that_ends_in_the_middle_of_a_frame_is_refused(run, tmp_path: Path) -> None:
    path = tmp_path / "cut.tif"
    run(*SIMULATE, "--kind", "spheres", "--count", 2, "--out", path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    assert "damaged" in refused(run, path)


def test_options_out_of_bounds_are_said(run, tmp_path: Path) -> None:
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames(), photometric="minisblack")
    given = ("--pixel-nm", 1, "--frame-interval-s", 0.01)
    assert "contrast" in refused(run, path, *given, "--contrast", "gray")
    assert "threshold" in refused(run, path, *given, "--threshold", 0.5)
    with pytest.raises(PerrinError, match="--kind"):
        run(*SIMULATE, "--kind", "cells", "--out", path)


def test_a_movie_without_particles_gives_empty_tables(run, tmp_path: Path) -> None:
    path, out = tmp_path / "movie.tif", tmp_path / "out"
    tifffile.imwrite(path, frames(30), photometric="minisblack")
    said = run(
        "track", path, "--kind", "spheres", "--pixel-nm", 1, "--frame-interval-s", 1, "--out", out
    )
    assert "no particle found" in said
    assert len(pd.read_csv(out / "tracks.csv")) == 0
