"""Tables anywhere in an HDF5 file: named fields, columns, stores of pandas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.hdf5_tables import tables_in
from perrin.io.tables import read_events
from perrin.io.tracks import read_tracks


@pytest.fixture
def tracks() -> pd.DataFrame:
    """Two tracks of 12 frames."""
    walks = np.random.default_rng(1).normal(0, 1, (2, 12, 2)).cumsum(axis=1) + 40
    rows = [(p, t, *walks[p, t]) for p in range(2) for t in range(12)]
    return pd.DataFrame(rows, columns=["particle", "frame", "x", "y"])


@pytest.fixture
def events() -> pd.DataFrame:
    """Forty landings of 66 kDa and ten unbindings."""
    mass = np.r_[np.full(40, 66.0), np.full(10, -66.0)] + np.random.default_rng(2).normal(0, 4, 50)
    return pd.DataFrame({"frame": np.arange(50), "contrast": -4e-5 * mass, "mass": mass})


def _fields(table: pd.DataFrame, place: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file[place] = table.to_records(index=False)

    return write


def _columns(table: pd.DataFrame, place: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for name in table:
                file[f"{place}/{name}"] = table[name].to_numpy()

    return write


@pytest.mark.parametrize("place", ["tracks", "results/run 1/tracks"])
@pytest.mark.parametrize("layout", [_fields, _columns])
def test_tracks_are_found_anywhere(
    tracks: pd.DataFrame, layout: Callable[..., Callable[[Path], None]], place: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.h5"
    layout(tracks, place)(path)
    read = read_tracks(path)
    pd.testing.assert_frame_equal(read[list(tracks)], tracks)
    assert (f"found in {place}" in read.attrs["read_as"]) == ("/" in place)


@pytest.mark.parametrize("place", ["events", "results/events"])
def test_events_in_a_dataset_of_named_fields(
    events: pd.DataFrame, place: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.h5"
    _fields(events, place)(path)
    read = read_events(path)
    assert np.array_equal(read["contrast"], events["contrast"])
    assert np.array_equal(read["mass_kda"], events["mass"])
    assert f"found in {place}" in read.attrs["read_as"]


@pytest.mark.parametrize("options", [{"format": "table"}, {"format": "fixed"},
                                     {"format": "table", "data_columns": True}])  # fmt: skip
def test_events_in_a_store_of_pandas(
    events: pd.DataFrame, options: dict[str, object], tmp_path: Path
) -> None:
    pytest.importorskip("tables")
    path = tmp_path / "a.h5"
    events.to_hdf(path, key="run/events", **options)  # type: ignore[call-overload]
    assert np.array_equal(read_events(path)["mass_kda"], events["mass"])


def test_units_of_fields_count(events: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    _fields(events.assign(mass=1000 * events["mass"]), "events")(path)
    with h5py.File(path, "a") as file:
        file["events"].attrs["mass_unit"] = "Da"
    assert np.allclose(read_events(path)["mass_kda"], events["mass"])


def test_several_tables_are_asked_about(
    tracks: pd.DataFrame, events: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name in ("first", "second"):
            file[f"tracks of {name}"] = tracks.to_records(index=False)
            file[f"events of {name}"] = events.to_records(index=False)
    with pytest.raises(PerrinError, match=r"2 tables of tracks .*first.*second"):
        read_tracks(path)
    with pytest.raises(PerrinError, match=r"2 tables.*--dataset"):
        read_events(path)
    assert len(read_events(path, dataset="events of second")) == 50


def test_a_table_called_tracks_goes_first_and_others_are_named(
    tracks: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["raw"] = tracks[:20].to_records(index=False)
        file["tracks"] = tracks.to_records(index=False)
    read = read_tracks(path)
    assert len(read) == 24
    assert "tables of tracks not used: raw" in read.attrs["read_as"]


def test_an_array_with_the_names_of_its_columns(tracks: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["a"] = tracks[["y", "x", "frame", "particle"]].to_numpy()
        file["a"].attrs["columns"] = ["y", "x", "frame", "particle"]
    assert np.array_equal(read_tracks(path)[["x", "y"]], tracks[["x", "y"]])


def test_columns_of_unequal_length_are_refused(tracks: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    _columns(tracks, "t")(path)
    with h5py.File(path, "a") as file:
        del file["t/y"]
        file["t/y"] = np.zeros(23)
    with pytest.raises(PerrinError, match=r"different lengths .*y of 23"):
        read_tracks(path)


def test_links_to_other_files_are_no_tables(tracks: pd.DataFrame, tmp_path: Path) -> None:
    _columns(tracks, "t")(tmp_path / "other.h5")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name in tracks:
            file[name] = h5py.ExternalLink("other.h5", f"t/{name}")
        assert tables_in(file) == []
    with pytest.raises(PerrinError, match=r"lies in another file .*other.h5"):
        read_tracks(path)
