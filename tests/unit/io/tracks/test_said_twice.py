"""What a file of tracks says twice: times beside frames, units beside names, rows put in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from scipy.io import savemat

from perrin.errors import PerrinError
from perrin.io.tracks import read_tracks


def saved(tmp_path: Path, table: pd.DataFrame) -> Path:
    path = tmp_path / "tracks.csv"
    table.to_csv(path, index=False)
    return path


def test_tracks_of_different_intervals_are_refused(tmp_path: Path, truth: pd.DataFrame) -> None:
    seconds = np.where(truth["particle"] < 2, 0.05, 0.1)
    path = saved(tmp_path, truth.assign(time_s=truth["frame"] * seconds))
    with pytest.raises(PerrinError, match=r"0\.05 s in one track and 0\.1 s in another"):
        read_tracks(path)
    with pytest.raises(PerrinError, match="no one frame interval"):
        read_tracks(path, frame_interval_s=0.05)


def test_rounded_and_jittered_times_beside_frames_are_one_interval(
    tmp_path: Path, truth: pd.DataFrame
) -> None:
    jitter = np.random.default_rng(1).normal(0, 0.003, len(truth))
    for times in ((truth["frame"] * 0.033).round(2), truth["frame"] * 0.033 + jitter):
        found = read_tracks(saved(tmp_path, truth.assign(time_s=times)))
        assert found.attrs["frame_interval_s"] == pytest.approx(0.033, rel=0.02)
        assert "a pause" not in found.attrs["read_as"]


def test_a_pause_while_frames_count_on_is_said(tmp_path: Path, truth: pd.DataFrame) -> None:
    times = truth["frame"] * 0.05 + np.where(truth["frame"] > 15, 2.0, 0.0)
    found = read_tracks(saved(tmp_path, truth.assign(time_s=times)))
    assert found.attrs["frame_interval_s"] == pytest.approx(0.05)
    assert "4 steps of column time_s not as long as their frames say" in found.attrs["read_as"]


def test_trackmates_times_that_contradict_its_interval_are_refused(
    tmp_path: Path, truth: pd.DataFrame
) -> None:
    part = truth[truth["particle"] == 0]
    spots = "".join(
        f'<Spot ID="{f:.0f}" FRAME="{f:.0f}" POSITION_X="{x}" POSITION_Y="{y}" '
        f'POSITION_T="{f * 0.04}"/>'
        for _, f, x, y in part.to_numpy()
    )
    edges = "".join(f'<Edge SPOT_SOURCE_ID="{k}" SPOT_TARGET_ID="{k + 1}"/>' for k in range(29))
    path = tmp_path / "model.xml"
    for said in ("0.04", "0", "0.08"):
        path.write_text(
            f'<TrackMate><Model spatialunits="um" timeunits="s"><AllSpots>{spots}</AllSpots>'
            f'<AllTracks><Track TRACK_ID="0">{edges}</Track></AllTracks></Model><Settings>'
            f'<ImageData pixelwidth="0.1" timeinterval="{said}"/></Settings></TrackMate>'
        )
        if said == "0.08":
            break
        assert read_tracks(path).attrs["frame_interval_s"] == pytest.approx(0.04)
    with pytest.raises(PerrinError, match="they contradict each other"):
        read_tracks(path)
    assert read_tracks(path, frame_interval_s=0.04).attrs["frame_interval_s"] == 0.04


def as_hdf5(path: Path, table: pd.DataFrame, key: str) -> None:
    with h5py.File(path, "w") as file:
        for name in table:
            file[str(name)] = table[name].to_numpy()
            if name in ("x", "y"):
                file[str(name)].attrs[key] = "nm"


def as_parquet(path: Path, table: pd.DataFrame, key: str) -> None:
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    fields = [
        field.with_metadata({key: "nm"} if field.name in ("x", "y") else {})
        for field in arrow.schema
    ]
    pyarrow.parquet.write_table(arrow.cast(pa.schema(fields)), path)


def as_feather(path: Path, table: pd.DataFrame, key: str) -> None:
    as_parquet(path, table, key)
    pyarrow.feather.write_feather(pyarrow.parquet.read_table(path), str(path))


@pytest.mark.parametrize("write", [as_hdf5, as_parquet, as_feather])
@pytest.mark.parametrize("key", ["unit", "units"])
def test_units_beside_the_columns_are_used(
    tmp_path: Path, truth: pd.DataFrame, write: Any, key: str
) -> None:
    path = tmp_path / "tracks"
    write(path, truth, key)
    assert read_tracks(path).attrs["length_unit"] == "nm"
    with pytest.raises(PerrinError, match="contradicts the file"):
        read_tracks(path, pixel_nm=100)
    write(path, truth.rename(columns={"x": "x_um"}).assign(x=truth["x"]), key)
    assert read_tracks(path).attrs["length_unit"] == "nm"


def test_a_column_of_units_is_used_or_refused(tmp_path: Path, truth: pd.DataFrame) -> None:
    found = read_tracks(saved(tmp_path, truth.assign(unit="nm")))
    assert found.attrs["length_unit"] == "nm"
    for units in (np.where(truth["particle"] < 2, "nm", "px"), "parsec"):
        with pytest.raises(PerrinError, match="one unit of length is needed for x, y"):
            read_tracks(saved(tmp_path, truth.assign(unit=units)))


def test_a_column_of_frames_in_a_unit_of_time_is_time(tmp_path: Path, truth: pd.DataFrame) -> None:
    times = truth.assign(frame=truth["frame"] * 20).rename(columns={"frame": "frame [ms]"})
    found = read_tracks(saved(tmp_path, times))
    assert found["frame"].tolist() == truth["frame"].tolist()
    assert found.attrs["frame_interval_s"] == pytest.approx(0.02)


def test_rows_that_btrack_put_in_are_no_positions(tmp_path: Path, truth: pd.DataFrame) -> None:
    dummy = truth["frame"] % 10 == 5
    found = read_tracks(saved(tmp_path, truth.assign(dummy=dummy)))
    assert len(found) == int((~dummy).sum())
    assert "12 rows that btrack put in (dummy), no position left out" in found.attrs["read_as"]


def test_columns_of_unequal_length_are_refused(tmp_path: Path, truth: pd.DataFrame) -> None:
    path = tmp_path / "tracks.h5"
    as_hdf5(path, truth, "unit")
    with h5py.File(path, "a") as file:
        del file["x"]
        file["x"] = truth["x"].to_numpy()[:100]
    with pytest.raises(PerrinError, match="x of 100"):
        read_tracks(path)


def test_plain_variables_of_matlab_are_columns(tmp_path: Path, truth: pd.DataFrame) -> None:
    path = tmp_path / "tracks.mat"
    columns = {str(name): truth[[name]].to_numpy() for name in truth}
    savemat(path, columns | {"note": "by hand"})
    pd.testing.assert_frame_equal(read_tracks(path), truth, check_dtype=False)
    savemat(path, columns | {"x": columns["x"][:50]})
    with pytest.raises(PerrinError, match="x of 50"):
        read_tracks(path)


@pytest.mark.parametrize("option", ["pixel_nm", "frame_interval_s", "z_step_nm"])
def test_options_that_are_no_numbers_are_refused(
    tmp_path: Path, truth: pd.DataFrame, option: str
) -> None:
    wrong: dict[str, Any] = {option: "100"}
    with pytest.raises(PerrinError, match=f"{option} is '100', which is no number"):
        read_tracks(saved(tmp_path, truth), **wrong)
