"""DiscoverMP's tables, written here in the layouts of its versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.tables import describe_events, read_events

GRADIENT, OFFSET = -4.0e-5, 1.2e-4
POINTS = np.array([66.0, 146.0, 480.0])
NO_NEIGHBOR = np.finfo(np.float64).max


def vendor_columns(rows: int = 50, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    contrasts = rng.normal(-0.004, 0.0005, rows) * np.where(rng.random(rows) < 0.2, -1, 1)
    return {
        "contrasts": contrasts,
        "x_coords": rng.uniform(6, 120, rows),
        "y_coords": rng.uniform(6, 30, rows),
        "frame_indices": np.sort(rng.integers(10, 5000, rows)).astype(np.float64),
        "fit_errors": rng.uniform(0.02, 0.5, rows),
        "nearest_neighbour_distances": np.where(
            np.arange(rows) % 5 == 0, NO_NEIGHBOR, rng.uniform(4, 60, rows)
        ),
        "selections": np.arange(rows) % 7 != 0,
        "good_flags": np.ones(rows, dtype=bool),
    }


def masses(contrasts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    landing = (contrasts - OFFSET) / GRADIENT
    return np.where(contrasts < 0, landing, (contrasts + OFFSET) / GRADIENT)


def put(group: h5py.Group, columns: dict[str, Any]) -> None:
    for name, values in columns.items():
        group[name] = values


def put_model(group: h5py.Group, style: str) -> None:
    names = {
        "2.x": ("mass_model", "c_1kDa", "o_0kDa", "masses"),
        "2024.x": ("calibration", "gradient", "offset", "calibrated_values"),
    }[style]
    model = group.create_group(names[0])
    model[names[1]], model[names[2]] = GRADIENT, OFFSET
    model[names[3]] = POINTS
    model["contrasts"] = GRADIENT * POINTS + OFFSET
    model.create_dataset("labels", data=["NM 1", "NM 2", "NM 3"], dtype=h5py.string_dtype())
    model["name"] = "calibrant.mc"
    model["r2"] = 1.0


def check(events: pd.DataFrame, columns: dict[str, np.ndarray[Any, Any]]) -> None:
    assert (events["contrast"].to_numpy() == columns["contrasts"]).all()
    assert (events["mass_kda"].to_numpy() == masses(columns["contrasts"])).all()
    assert (events["frame"] == columns["frame_indices"].astype(int)).all()
    assert (events["x_px"].to_numpy() == columns["x_coords"]).all()
    assert (events["fit_error"].to_numpy() == columns["fit_errors"]).all()
    assert (events["retained"] == columns["selections"]).all()
    none = columns["nearest_neighbour_distances"] > 1e300
    assert (events["neighbor_px"].isna() == none).all()
    assert events["good_flags"].all()
    assert "fit_residual" not in events.columns  # DiscoverMP's fit error is another quantity


@pytest.mark.parametrize(
    ("style", "version", "masses_name"),
    [("2.x", "2.4.2", "masses_kDa"), ("2024.x", "2024.1", "calibrated_values")],
)
def test_h5_of_both_generations(style: str, version: str, masses_name: str, tmp_path: Path) -> None:
    columns = vendor_columns()
    with h5py.File(tmp_path / "d.h5", "w") as file:
        put(file, columns | {masses_name: masses(columns["contrasts"])})
        put_model(file, style)
        file["app_info/version"] = version
    events = read_events(tmp_path / "d.h5")
    check(events, columns)
    calibration = events.attrs["calibration"]
    assert calibration["gradient_per_kda"] == GRADIENT
    assert calibration["offset"] == OFFSET
    assert [point["mass_kda"] for point in calibration["points"]] == POINTS.tolist()
    assert [point["label"] for point in calibration["points"]] == ["NM 1", "NM 2", "NM 3"]
    assert calibration["source"] == "calibrant.mc"
    said = describe_events(tmp_path / "d.h5")
    assert (said["format"], said["version"]) == ("DiscoverMP h5", version)
    assert said["landing_sign"] == "negative"


def test_columns_of_older_files_have_a_second_axis(tmp_path: Path) -> None:
    columns = vendor_columns()
    with h5py.File(tmp_path / "d.h5", "w") as file:
        rows = columns | {"masses_kDa": masses(columns["contrasts"])}
        put(file, {name: values[None] for name, values in rows.items()})
    check(read_events(tmp_path / "d.h5"), columns)


def test_a_workspace_gives_one_table_with_each_movies_name(tmp_path: Path) -> None:
    movies = {"buffer": vendor_columns(5, 1), "sample 1": vendor_columns(40, 2)}
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for name, columns in movies.items():
            group = file.create_group(f"per_movie_events/{name}")
            put(group, columns | {"calibrated_values": masses(columns["contrasts"])})
            put_model(group, "2024.x")
        file.create_group("per_movie_events/empty")
    events = read_events(tmp_path / "w.h5")
    for name, columns in movies.items():
        part = events[events["measurement"] == name]
        check(part.reset_index(drop=True), columns)
        assert part["event"].tolist() == list(range(len(part)))
    assert len(events) == 45
    assert events.attrs["calibration"]["gradient_per_kda"] == GRADIENT
    assert set(read_events(tmp_path / "w.h5", measurement="day 2")["measurement"]) == {
        "day 2/buffer",
        "day 2/sample 1",
    }


def test_movies_with_different_calibrations_keep_their_own(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        for name, factor in (("a", 1.0), ("b", 1.1)):
            group = file.create_group(f"per_movie_events/{name}")
            put(group, vendor_columns(6))
            put_model(group, "2024.x")
            group["calibration/gradient"][...] = GRADIENT * factor
    events = read_events(tmp_path / "w.h5")
    assert "calibration" not in events.attrs
    gradients = {k: v["gradient_per_kda"] for k, v in events.attrs["calibrations"].items()}
    assert gradients == {"a": GRADIENT, "b": GRADIENT * 1.1}
    assert "mass_kda" not in events.columns


def test_events_inside_a_movie_file(tmp_path: Path) -> None:
    columns = vendor_columns()
    with h5py.File(tmp_path / "m.mpr", "w") as file:
        file["format_version_number"] = 4
        file["movie/frame"] = np.zeros((3, 4, 4), dtype=np.uint16)
        group = file.create_group("analysis/events/events_fitted")
        put(group, columns | {"residual_errors": columns["fit_errors"] / 100})
        group["calibrated_values__is_none__"] = True
    events = read_events(tmp_path / "m.mpr")
    check(events.assign(mass_kda=masses(columns["contrasts"])), columns)
    assert "mass_kda" not in events.columns
    assert "residual_errors" in events.columns
    assert "calibrated_values__is_none__" not in events.columns
    assert describe_events(tmp_path / "m.mpr")["format"] == "events in .mpr"


FOOTER = (
    "\n# Refeyn DiscoverMP 2.3.0; Refeyn Ltd; www.refeyn.com; email: support@refeyn.com\n"
    "# Time created: 2020-11-20 10:33:57\n# Time changed: 2020-11-20 10:33:57\n"
    "# Version commit: 3647236c\n"
)


@pytest.mark.parametrize("masses_name", ["masses_kDa", "calibrated_values"])
def test_events_fitted_csv(masses_name: str, tmp_path: Path) -> None:
    columns = vendor_columns()
    frame = pd.DataFrame(columns | {masses_name: masses(columns["contrasts"])}).astype(float)
    frame = frame.rename(columns={"nearest_neighbour_distances": "neareast_neighbour_distances"})
    text = frame.to_csv(index=False, float_format="%.18e") + FOOTER
    (tmp_path / "eventsFitted.csv").write_text(text)
    check(read_events(tmp_path / "eventsFitted.csv"), columns)
    said = describe_events(tmp_path / "eventsFitted.csv")
    assert (said["format"], said["version"]) == ("DiscoverMP CSV (eventsFitted)", "2.3.0")


def test_events_found_csv_has_whole_pixels_and_no_masses(tmp_path: Path) -> None:
    (tmp_path / "eventsFound.csv").write_text(
        "frame_indices,x_coords,y_coords,contrasts,masses_kDa\n"
        "8.0e+00,1.02e+02,1.7e+01,-1.2e-02,nan\n9.0e+00,5.6e+01,1.3e+01,-1.9e-03,nan\n" + FOOTER
    )
    events = read_events(tmp_path / "eventsFound.csv")
    assert events["x_px"].tolist() == [102, 56]
    assert "mass_kda" not in events.columns
    assert "masses are all NaN" in events.attrs["notes"][0]
    assert describe_events(tmp_path / "eventsFound.csv")["format"].endswith("(eventsFound)")


def test_frames_that_are_no_whole_numbers_stay_beside_the_schema(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("frame_indices,contrasts\n8.5,-0.01\nnan,-0.02\n")
    events = read_events(tmp_path / "e.csv")
    assert "frame" not in events.columns
    assert events["frame_in_file"].tolist()[0] == 8.5
    assert "not a whole number" in events.attrs["notes"][0]


def test_datasets_of_other_lengths(tmp_path: Path) -> None:
    columns = vendor_columns()
    with h5py.File(tmp_path / "d.h5", "w") as file:
        put(file, columns | {"stray": np.arange(3)})
    events = read_events(tmp_path / "d.h5")
    assert "stray" not in events.columns
    assert "stray" in events.attrs["notes"][0]
    with h5py.File(tmp_path / "d.h5", "a") as file:
        file["masses_kDa"] = np.arange(3.0)
    with pytest.raises(PerrinError, match="contrasts: 50, masses_kDa: 3"):
        read_events(tmp_path / "d.h5")


def test_an_hdf5_file_without_events_says_what_it_holds(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "movie.mp", "w") as file:
        file["movie/frame"] = np.zeros((3, 4, 4), dtype=np.uint16)
    with pytest.raises(PerrinError, match=r"it holds: movie\..*This is a movie"):
        read_events(tmp_path / "movie.mp")


def test_zero_events_in_h5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "d.h5", "w") as file:
        put(file, {name: values[:0] for name, values in vendor_columns().items()})
    events = read_events(tmp_path / "d.h5")
    assert len(events) == 0
    assert events["frame"].dtype == np.int64


def test_a_calibration_without_numbers_is_none(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "d.h5", "w") as file:
        put(file, vendor_columns(3))
        file["calibration/gradient"] = np.nan
        file["calibration/offset__is_none__"] = True
    assert "calibration" not in read_events(tmp_path / "d.h5").attrs


def test_datasets_that_are_not_all_there_or_in_another_file_are_refused(tmp_path: Path) -> None:
    columns = vendor_columns()
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["contrasts"] = columns["contrasts"]
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["contrasts"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "contrasts")
    with h5py.File(tmp_path / "holes.h5", "w") as file:
        made = file.create_dataset("contrasts", (50,), "f8", chunks=(10,))
        made[:30] = columns["contrasts"][:30]
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("contrasts", (10**11,), "f8", chunks=(10,))
    for name, match in (
        ("linked", "lies in another file"),
        ("holes", "2 of its 5 chunks were never written"),
        ("huge", "100,000,000,000 values"),
    ):
        with pytest.raises(PerrinError, match=match):
            read_events(tmp_path / f"{name}.h5")
