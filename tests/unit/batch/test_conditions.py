"""Conditions of motion side by side: intervals and p-values count particles and movies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

import perrin
from perrin.batch import read_batch, run_batch
from perrin.batch.conditions import (
    QUANTITIES,
    conditions_table,
    courses_table,
    differences_table,
    holm,
)
from perrin.errors import PerrinError
from perrin.models.bundle import load_bundle


def movie(rng: np.random.Generator, *, count: int, **columns: float) -> pd.DataFrame:
    """Trajectories whose numbers scatter around these by .1; all others are empty."""
    table = pd.DataFrame(np.nan, range(count), [quantity.name for quantity in QUANTITIES])
    return table.assign(
        **{name: value + 0.1 * rng.standard_normal(count) for name, value in columns.items()}
    )


def test_a_difference_is_found_with_its_interval() -> None:
    rng = np.random.default_rng(1)
    conditions = {
        "low": [movie(rng, count=30, alpha_fbm=0.7, w=0.5) for _ in range(3)],
        "high": [movie(rng, count=30, alpha_fbm=0.9, w=0.5) for _ in range(3)],
    }
    table = differences_table(conditions).set_index("quantity")
    found = table.loc["alpha_fbm"]
    assert found["low"] < 0.2 < found["high"]
    assert found["low"] > 0.05
    assert found["p_holm"] < 0.01
    assert table.loc["w", "p"] > 0.01
    assert table.loc["w", "low"] < 0 < table.loc["w", "high"]
    assert np.isnan(table.loc["speed", "p"])
    assert (found["movies"], found["particles"]) == (3, 180)
    own = conditions_table(conditions).set_index(["condition", "quantity"])
    assert own.loc[("low", "alpha_fbm"), "low"] < 0.7 < own.loc[("low", "alpha_fbm"), "high"]
    assert "fewer than 5" in own.loc[("low", "speed"), "note"]


def test_diffusion_coefficients_are_compared_by_their_ratio() -> None:
    rng = np.random.default_rng(2)
    tables = [
        [pd.DataFrame({"D": level * rng.lognormal(0, 0.3, 60)}) for _ in range(2)]
        for level in (1.0, 3.0)
    ]
    full = {
        name: [one.reindex(columns=[q.name for q in QUANTITIES]) for one in movies]
        for name, movies in zip(("a", "b"), tables, strict=True)
    }
    found = differences_table(full).set_index("quantity").loc["D"]
    assert found["scale"] == "ratio"
    assert found["difference"] == pytest.approx(3.0, rel=0.2)
    assert 1 < found["low"] < 3.0 < found["high"]


def test_movies_that_differ_widen_the_interval() -> None:
    """What varies from movie to movie only is not known better by more particles."""
    rng = np.random.default_rng(3)
    levels = (0.4, 0.6, 0.8)
    apart = {"a": [movie(rng, count=200, w=level) for level in levels]}
    alike = {"a": [movie(rng, count=200, w=0.6) for _ in levels]}
    wide, narrow = (
        conditions_table(one).set_index("quantity").loc["w", ["low", "high"]].to_numpy(float)
        for one in (apart, alike)
    )
    # three movies, standard deviation .2: t(2) = 4.3 times .2 / sqrt(3) to both sides
    assert np.ptp(wide) == pytest.approx(2 * 4.3 * 0.2 / np.sqrt(3), rel=0.25)
    assert np.ptp(narrow) < 0.15


def test_one_movie_is_said() -> None:
    rng = np.random.default_rng(4)
    table = differences_table({name: [movie(rng, count=20, w=0.5)] for name in "ab"})
    assert "one movie" in table.set_index("quantity").loc["w", "note"]


def test_false_alarms_are_as_rare_as_said() -> None:
    """Two conditions of the same movies that differ among themselves: p below .05 in 5% or less."""
    rng = np.random.default_rng(5)
    small = [
        differences_table(
            {
                name: [movie(rng, count=10, w=0.5 + 0.1 * rng.standard_normal()) for _ in range(3)]
                for name in "ab"
            }
        )["p"].min()
        < 0.05
        for _ in range(40)
    ]
    assert np.mean(small) <= 0.15  # 40 times 5%: three standard errors above


def test_holm_corrects_for_the_number_compared() -> None:
    corrected = holm(np.array([0.01, np.nan, 0.04, 0.03]))
    assert corrected[[0, 2, 3]].tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(corrected[1])
    assert np.isnan(holm(np.array([np.nan]))).all()


def test_time_courses_are_pooled_by_condition() -> None:
    time = np.tile(np.arange(40.0), 12)
    table = pd.DataFrame(
        {"particle": np.repeat(np.arange(12), 40), "time": time, "ctrw_near": time / 39}
    )
    pooled = courses_table({"a": [table, table], "b": []})
    assert set(pooled["condition"]) == {"a"}
    assert pooled["ctrw_near"].iloc[0] < 0.1
    assert pooled["ctrw_near"].iloc[-1] > 0.9
    assert (pooled["movies"] == 2).all()
    assert (pooled["particles"] == 24).all()


def write_tracks(path: Path, *, step: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = np.tile(np.arange(40), 8)
    positions = step * rng.standard_normal((8, 40, 2)).cumsum(axis=1).reshape(-1, 2)
    table = {"particle": np.repeat(np.arange(8), 40), "frame": frame}
    pd.DataFrame(table | {"x": positions[:, 0], "y": positions[:, 1]}).to_csv(path, index=False)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    lines = ["file,sample,dose"]
    for place, (name, step) in enumerate([("low", 1.0), ("low", 1.0), ("high", 3.0)]):
        write_tracks(tmp_path / f"{place}.csv", step=step, seed=place)
        lines.append(f"{place}.csv,{name},{step}")
    path = tmp_path / "doses.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_sheet_of_tracks_to_conditions(sheet: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = {"pixel_nm": 100.0, "frame_interval_s": 0.1, "localization_error": 0.0}
    with pytest.raises(PerrinError, match=r"row 2 .*does not say its units"):
        run_batch(sheet, out, kind="diffusion")
    found = run_batch(sheet, out, kind="diffusion", **options)
    assert found.counts == {"ok": 3}
    assert found.measurements["tracks"].tolist() == [8, 8, 8]
    assert found.measurements["dose"].tolist() == ["1.0", "1.0", "3.0"]
    ratio = found.differences.set_index("quantity").loc["D"]
    assert (ratio["reference"], ratio["condition"]) == ("low", "high")
    assert ratio["low"] < 9 < ratio["high"]
    assert set(found.time_courses["condition"]) == {"low", "high"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "24 particles in 3 movies of 2 conditions" in page
    assert "one movie only: high" in page
    assert (out / "figures" / "conditions.png").is_file()
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    used = {one["name"]: one["sha256"] for one in summary["networks"]}
    assert used == {name: load_bundle(name).card.sha256 for name in ("mixture", "kinds")}
    assert run_batch(sheet, out, kind="diffusion", **options).ran == 0
    again = read_batch(out)
    assert again.conditions["estimate"].notna().any()
    assert not len(again.species)


def test_a_movie_and_results_of_tracking_are_rows(tmp_path: Path) -> None:
    """Brownian spheres as a movie, and as the results of `perrin track` on it."""
    rng = np.random.default_rng(6)
    at = np.array([(y, x) for y in (24, 72) for x in (24, 72, 120)], float)
    grid = np.arange(144.0)
    frames = np.empty((40, 96, 144))
    for frame in frames:
        at += 0.5 * rng.standard_normal(at.shape)
        y, x = (np.exp(-((grid - c[:, None]) ** 2) / 18) for c in at.T)
        image = 1000 - 300 * np.einsum("ky,kx->yx", y[:, :96], x)
        frame[:] = image + 10 * rng.standard_normal(image.shape)
    tifffile.imwrite(tmp_path / "movie.tif", frames.astype(np.uint16))
    with perrin.open_movie(
        tmp_path / "movie.tif", contents="moving", pixel_nm=100.0, frame_interval_s=0.1
    ) as movie:
        tracked = perrin.track(movie, "spheres", seed=0)
    perrin.write_results(tmp_path / "tracked", tracked)
    (tmp_path / "doses.csv").write_text(
        "file,sample,particles,pixel_nm,frame_interval_s\n"
        "movie.tif,movie,spheres,100,0.1\ntracked,results,,,\n"
    )
    found = run_batch(tmp_path / "doses.csv", tmp_path / "out", kind="diffusion", figures=False)
    assert found.counts == {"ok": 2}, found.measurements["reason"].tolist()
    assert found.measurements["tracks"].tolist() == [6, 6]
    assert not (tmp_path / "out/rows/movie/results/figures").exists()
    by = found.conditions.set_index(["quantity", "condition"])["estimate"]
    assert by["D", "movie"] == pytest.approx(by["D", "results"], rel=1e-6)
    tracks = pd.read_csv(tmp_path / "out/rows/movie/results/tracks.csv")
    steps = tracks.sort_values(["particle", "frame"]).groupby("particle")[["x", "y"]].diff()
    # .5 px a step and axis: the mean of 468 squares is known to 6.5%
    assert float((steps**2).mean().mean()) == pytest.approx(0.25, rel=0.26)


def test_movies_without_what_moves_and_species_are_refused(sheet: Path, tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match="species are of landings"):
        run_batch(sheet, tmp_path / "out", kind="diffusion", species="A:66")
    lines = sheet.read_text().splitlines()
    header, *rows = lines
    mixed = [f"{header},units,pixel_nm,frame_interval_s", f"{rows[0]},unknown,,"]
    mixed += [f"{row},,100,0.1" for row in rows[1:]]
    sheet.write_text("\n".join(mixed) + "\n")
    with pytest.raises(PerrinError, match="rows are in different units"):
        run_batch(sheet, tmp_path / "out", kind="diffusion")
