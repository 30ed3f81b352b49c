"""One set of tracks in the layout of many programs comes back the same."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from perrin.errors import PerrinError
from perrin.io.tracks import read_tracks

AXES = ["x", "y"]


def same(found: pd.DataFrame, truth: pd.DataFrame, axes: list[str] | None = None) -> None:
    np.testing.assert_array_equal(found["frame"] - found["frame"].min(), truth["frame"])
    np.testing.assert_allclose(found[axes or AXES], truth[AXES], rtol=1e-6)
    assert found["particle"].nunique() == 4


# Arrays


def stacked(truth: pd.DataFrame) -> np.ndarray:
    return truth[AXES].to_numpy().reshape(4, 30, 2)


def rows(truth: pd.DataFrame, *names: str) -> np.ndarray:
    return truth[list(names)].to_numpy(dtype=float)


def test_arrays_in_both_orders_of_tracks_and_frames(tmp_path: Path, truth: pd.DataFrame) -> None:
    path = tmp_path / "stack.npy"
    for array in (stacked(truth), stacked(truth).swapaxes(0, 1), stacked(truth)[:, None]):
        np.save(path, array)
        same(read_tracks(path), truth)
    np.save(path, stacked(truth).swapaxes(0, 1))
    assert "andi-datasets" in read_tracks(path).attrs["read_as"]


@pytest.mark.parametrize("decimals", [4, 0])
def test_rows_in_the_order_of_napari_are_told(
    tmp_path: Path, truth: pd.DataFrame, decimals: int
) -> None:
    truth = truth.round(decimals)
    path = tmp_path / "rows.npy"
    for names in (("x", "y", "frame", "particle"), ("particle", "frame", "y", "x")):
        np.save(path, rows(truth, *names))
        same(read_tracks(path), truth)
    deep = truth.assign(z=0)
    np.save(path, rows(deep, "particle", "frame", "z", "y", "x"))
    same(read_tracks(path), truth)
    by_frame = truth.sort_values(["frame", "particle"])
    np.save(path, rows(by_frame, "particle", "frame", "y", "x"))
    same(read_tracks(path), truth)


def test_rows_in_another_order_are_refused(tmp_path: Path, truth: pd.DataFrame) -> None:
    path = tmp_path / "rows.npy"
    for names in (("frame", "particle", "x", "y"), ("x", "y", "particle", "frame")):
        np.save(path, rows(truth, *names))
        with pytest.raises(PerrinError, match="order"):
            read_tracks(path)
    np.save(path, rows(truth, "frame", "x", "y"))
    with pytest.raises(PerrinError, match="no other order is known"):
        read_tracks(path)
    np.save(path, rows(truth.sort_values("frame"), "x", "y", "particle"))
    with pytest.raises(PerrinError, match="alternate"):
        read_tracks(path)


@pytest.mark.parametrize("value", [1e300, np.inf, -1e200])
def test_cells_of_arrays_that_cannot_be_are_left_out(
    tmp_path: Path, truth: pd.DataFrame, value: float
) -> None:
    array = stacked(truth).copy()
    array[2, 7, 1] = value
    np.save(tmp_path / "stack.npy", array)
    found = read_tracks(tmp_path / "stack.npy")
    assert len(found) == 119
    assert "1 row with" in found.attrs["read_as"]
    np.save(tmp_path / "stack.npy", np.full((4, 30, 2), 1e300))
    with pytest.raises(PerrinError, match="no row has a position"):
        read_tracks(tmp_path / "stack.npy")


def test_a_record_array_has_names(tmp_path: Path, truth: pd.DataFrame) -> None:
    np.save(tmp_path / "records.npy", truth.to_records(index=False))
    same(read_tracks(tmp_path / "records.npy"), truth)


# MATLAB


def cell(truth: pd.DataFrame, *names: str) -> np.ndarray:
    found = np.empty((4, 1), dtype=object)
    for number, part in truth.groupby("particle"):
        found[number, 0] = rows(part, *names)
    return found


def test_matlab_cells_of_time_x_y(tmp_path: Path, truth: pd.DataFrame) -> None:
    path = tmp_path / "cell.mat"
    savemat(path, {"tracks": cell(truth.assign(t=truth["frame"] * 0.05), "t", "x", "y")})
    same(read_tracks(path, frame_interval_s=0.05), truth)
    savemat(path, {"tracks": cell(truth, "x", "y")})
    same(read_tracks(path), truth)
    savemat(path, {"tracks": cell(truth, "x", "y", "frame")})
    with pytest.raises(PerrinError, match=r"cell .* no time"):
        read_tracks(path)


def test_matlab_structs_of_spot_on_and_u_track(tmp_path: Path, truth: pd.DataFrame) -> None:
    parts = [part for _, part in truth.groupby("particle")]
    path = tmp_path / "struct.mat"
    spot_on = np.array(
        [(rows(p, "x", "y"), rows(p, "frame") + 1, rows(p, "frame") * 0.1) for p in parts],
        dtype=[("xy", "O"), ("Frame", "O"), ("TimeStamp", "O")],
    )
    savemat(path, {"trackedPar": spot_on[None]})
    same(read_tracks(path), truth)
    zeros = np.zeros((30, 1))
    u_track = np.array(
        [
            (
                np.hstack(
                    [rows(p, "x", "y"), zeros, zeros + 9, zeros + 0.1, zeros + 0.1, zeros, zeros]
                ).ravel()[None],
                np.array([[1, 1, 1, np.nan], [30, 2, 1, np.nan]]),
            )
            for p in parts
        ],
        dtype=[("tracksCoordAmpCG", "O"), ("seqOfEvents", "O")],
    )
    savemat(path, {"tracksFinal": u_track[:, None]})
    found = read_tracks(path)
    same(found, truth)
    assert found.attrs["length_unit"] == "px"
    assert (found["x_se"] == 0.1).all()
    split = np.vstack([u_track[3]["tracksCoordAmpCG"]] * 2)
    u_track[3]["tracksCoordAmpCG"] = split
    savemat(path, {"tracksFinal": u_track[:, None]})
    assert "1 track that splits" in read_tracks(path).attrs["read_as"]


def test_matlab_73_is_read_with_its_axes_turned(tmp_path: Path, truth: pd.DataFrame) -> None:
    path = tmp_path / "new.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        stored = rows(truth, "x", "y", "frame", "particle").T
        file.create_dataset("tracks", data=stored).attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as plain:
        plain.write(b"MATLAB 7.3 MAT-file, Platform: none".ljust(116))
    same(read_tracks(path), truth)
    cells = tmp_path / "cells.mat"
    with h5py.File(cells, "w") as file:
        parts = [rows(part, "x", "y").T for _, part in truth.groupby("particle")]
        inside = [file.create_dataset(f"#refs#/{k}", data=part) for k, part in enumerate(parts)]
        refs = file.create_dataset("tracks", (1, 4), dtype=h5py.ref_dtype)
        refs[0] = [item.ref for item in inside]
        refs.attrs["MATLAB_class"] = np.bytes_("cell")
    same(read_tracks(cells), truth)


# HDF5


def test_hdf5_tables_of_picasso_btrack_and_pandas(tmp_path: Path, truth: pd.DataFrame) -> None:
    path = tmp_path / "file.h5"
    locs = truth.rename(columns={"particle": "group"}).assign(lpx=0.1, lpy=0.1)
    with h5py.File(path, "w") as file:
        file["locs"] = locs.to_records(index=False)
    same(read_tracks(path), truth)
    with h5py.File(path, "w") as file:
        objects = np.column_stack([truth["frame"], truth["x"], truth["y"], 0 * truth["x"]])
        file["objects/obj_type_1/coords"] = objects
        file["tracks/obj_type_1/tracks"] = np.arange(120)
        file["tracks/obj_type_1/map"] = np.array([[0, 30], [30, 60], [60, 90], [90, 120]])
    same(read_tracks(path), truth)
    with h5py.File(path, "w") as file:
        group = file.create_group("tracks")
        group.attrs["pandas_type"] = "frame"
        for k, names in enumerate((["x", "y"], ["particle", "frame"])):
            group[f"block{k}_items"] = np.array(names, dtype="S")
            group[f"block{k}_values"] = truth[names].to_numpy()
    same(read_tracks(path), truth)
    with h5py.File(path, "w") as file:
        file["movie"] = np.zeros((3, 4, 5))
    with pytest.raises(PerrinError, match="HDF5 file that holds movie"):
        read_tracks(path)


@pytest.mark.parametrize(
    "told",
    [
        {"units": ["", "frame", "um", "um"]},
        {"x_unit": "um", "y_unit": "um"},
        {"FIELD_2_UNITS": "um", "FIELD_3_UNITS": "um"},
        {"unit": "um"},
    ],
)
def test_units_of_named_fields_of_hdf5(
    tmp_path: Path, truth: pd.DataFrame, told: dict[str, object]
) -> None:
    fields = truth.assign(x=truth["x"] * 0.1, y=truth["y"] * 0.1).to_records(index=False)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["tracks"] = fields
        file["tracks"].attrs.update(told)
    found = read_tracks(tmp_path / "a.h5", frame_interval_s=0.05)
    assert found.attrs["length_nm"] == 1000
    np.testing.assert_allclose(found["x"], truth["x"] * 0.1)


def columns_in(path: Path, truth: pd.DataFrame, put: Callable[..., None]) -> Path:
    with h5py.File(path, "w") as file:
        for name in truth:
            put(file, name, truth[name].to_numpy())
    return path


def test_hdf5_tables_are_all_there_and_in_one_file(tmp_path: Path, truth: pd.DataFrame) -> None:
    other = columns_in(
        tmp_path / "other.h5", truth, lambda file, name, values: file.update({name: values})
    )

    def link(file: h5py.File, name: str, values: np.ndarray) -> None:
        file[name] = h5py.ExternalLink(str(other), name)

    def holes(file: h5py.File, name: str, values: np.ndarray) -> None:
        file.create_dataset(name, (120,), values.dtype, chunks=(40,))[:80] = values[:80]

    def huge(file: h5py.File, name: str, values: np.ndarray) -> None:
        file.create_dataset(name, (10**11,), values.dtype, chunks=(40,))[:80] = values[:80]

    def outside(file: h5py.File, name: str, values: np.ndarray) -> None:
        values.tofile(tmp_path / name)
        where = [(str(tmp_path / name), 0, values.nbytes)]
        file.create_dataset(name, values.shape, values.dtype, external=where)

    same(read_tracks(other), truth)
    for put, match in (
        (link, "lies in another file"),
        (outside, "lies in another file"),
        (holes, "1 of its 3 chunks were never written"),
        (huge, "100,000,000,000 values"),
    ):
        with pytest.raises(PerrinError, match=match):
            read_tracks(columns_in(tmp_path / "table.h5", truth, put))


@pytest.mark.parametrize("index", [None, "frame", ["particle", "frame"]])
def test_stores_of_pandas_in_both_formats(
    tmp_path: Path, truth: pd.DataFrame, index: str | list[str] | None
) -> None:
    pytest.importorskip("tables")
    path = tmp_path / "store.h5"
    stored = truth if index is None else truth.set_index(index)
    for layout in ("fixed", "table"):
        stored.to_hdf(path, key="tracks", mode="w", format=layout)
        same(read_tracks(path), truth)


def test_a_store_of_one_table_for_each_frame(tmp_path: Path, truth: pd.DataFrame) -> None:
    """The layout of trackpy's PandasHDFStoreBig, with names pickled as PyTables does."""
    path = tmp_path / "store.h5"
    kinds = [("particle", "frame"), ("x", "y")]
    layout = [("index", "i8"), ("values_block_0", "i8", (2,)), ("values_block_1", "f8", (2,))]
    with h5py.File(path, "w") as file:
        for frame, part in truth.groupby("frame"):
            group = file.create_group(f"Frame_{frame}")
            group.attrs["pandas_type"] = np.bytes_(b"frame_table")
            rows_of = np.zeros(len(part), layout)
            for number, names in enumerate(kinds):
                rows_of[f"values_block_{number}"] = part[list(names)]
            group["table"] = rows_of
            for number, names in enumerate(kinds):
                pickled = np.bytes_(pickle.dumps(list(names), protocol=0))
                group["table"].attrs[f"values_block_{number}_kind"] = pickled
        file.create_group("_Frames_Cache").attrs["pandas_type"] = np.bytes_(b"frame")
    same(read_tracks(path), truth)
    with h5py.File(path, "a") as file:  # a pickle that would run something is not run
        bad = np.bytes_(pickle.dumps(print, protocol=0))
        file["Frame_0/table"].attrs["values_block_0_kind"] = bad
    with pytest.raises(PerrinError, match="without PyTables"):
        read_tracks(path)


# Parquet


def test_parquet_with_what_pandas_makes_of_it(tmp_path: Path, truth: pd.DataFrame) -> None:
    path = tmp_path / "table.parquet"
    variants: list[Callable[[], pd.DataFrame]] = [
        lambda: truth.set_index("frame"),
        lambda: truth.set_index(["particle", "frame"]),
        lambda: truth.set_index("frame", drop=False),
        lambda: truth.convert_dtypes(dtype_backend="pyarrow"),
        lambda: truth.astype({"particle": "Int64", "frame": "uint16", "x": "float64"}),
        lambda: truth.assign(particle=truth["particle"].astype(str).astype("category")),
    ]
    for variant in variants:
        variant().to_parquet(path)
        same(read_tracks(path), truth)
    truth.to_feather(tmp_path / "table.feather")
    same(read_tracks(tmp_path / "table.feather"), truth)
    content = path.read_bytes()
    for damaged in (content[:900], content[:-400] + bytes(392) + content[-8:]):
        path.write_bytes(damaged)
        with pytest.raises(PerrinError, match="truncated or damaged") as caught:
            read_tracks(path)
        assert "\n" not in str(caught.value)


def test_trackpy_after_its_own_filters(tmp_path: Path, truth: pd.DataFrame) -> None:
    trackpy = pytest.importorskip("trackpy")
    located = truth.assign(mass=1000.0, size=2.0, ecc=0.1, signal=30.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what trackpy asks of pandas
        kept = trackpy.filter_stubs(located, 5)
        moved = trackpy.subtract_drift(located)
    for table in (kept, moved):
        table.to_csv(tmp_path / "table.csv")
        table.to_parquet(tmp_path / "table.parquet")
        for name in ("table.csv", "table.parquet"):
            found = read_tracks(tmp_path / name)
            assert found.attrs["length_unit"] == "px"
            assert len(found) == 120


# Text of other programs


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_mosaic_mtrackj_napari_and_pylake(tmp_path: Path, truth: pd.DataFrame) -> None:
    path = tmp_path / "table.csv"
    mosaic = truth.set_axis(["Trajectory", "Frame", "x", "y"], axis=1).assign(z=0.0, m0=1.2)
    mosaic.index += 1
    mosaic.to_csv(path)
    same(read_tracks(path), truth)
    points = pd.DataFrame(
        {
            "Nr": range(1, 121),
            "TID": truth["particle"] + 1,
            "PID": truth["frame"] + 1,
            "x [pixel]": truth["x"],
            "y [pixel]": truth["y"],
            "t [sec]": truth["frame"] * 0.05,
        }
    )
    points.to_csv(path, index=False)
    found = read_tracks(path)
    same(found, truth)
    assert found.attrs["frame_interval_s"] == pytest.approx(0.05)
    layer = truth[["particle", "frame", "y", "x"]].set_axis([f"axis-{k}" for k in range(4)], axis=1)
    layer.to_csv(path, index_label="index")
    same(read_tracks(path), truth)
    lines = "".join(
        f"{p};{f};{x};{f * 0.1:.2f};{x / 10:.6f}\n" for p, f, x, _ in truth.to_numpy().tolist()
    )
    head = "# track index;time (pixels);coordinate (pixels);time (seconds);coordinate (um)\n"
    kymograph = read_tracks(written(path, "# made today\n" + head + lines))
    np.testing.assert_allclose(kymograph["x"] * 10, truth["x"])
    assert kymograph.attrs["length_nm"] == 1000
    assert kymograph.attrs["frame_interval_s"] == pytest.approx(0.1)


def test_mtrackjs_own_file(tmp_path: Path, truth: pd.DataFrame) -> None:
    lines = ["MTrackJ 1.5.1 Data File", "Assembly 1", "Cluster 1"]
    for number, part in truth.groupby("particle"):
        lines.append(f"Track {number + 1}")
        lines += [f"Point {f + 1:.0f} {x} {y} 1.0 {f + 1} 1.0" for _, f, x, y in part.to_numpy()]
    path = written(tmp_path / "tracks.mdf", "\n".join([*lines, "End of MTrackJ Data File"]))
    same(read_tracks(path), truth.astype({"frame": int}))


# XML


def test_icy_and_the_isbi_challenge(tmp_path: Path, truth: pd.DataFrame) -> None:
    for tag in ("track", "particle"):
        tracks = ""
        for _, part in truth.groupby("particle"):
            spots = "".join(
                f'<detection t="{f:.0f}" x="{x}" y="{y}" z="0"/>' for _, f, x, y in part.to_numpy()
            )
            tracks += f"<{tag}>{spots}</{tag}>"
        path = written(tmp_path / "tracks.xml", f"<root><group>{tracks}</group></root>")
        same(read_tracks(path), truth)


def model(truth: pd.DataFrame, *, unit: str = "micron", time: str = "sec", more: str = "") -> str:
    spots = "".join(
        f'<Spot ID="{k}" FRAME="{f:.0f}" POSITION_X="{x}" POSITION_Y="{y}" POSITION_Z="0"/>'
        for k, (_, f, x, y) in enumerate(truth.to_numpy())
    )
    tracks = ""
    for number in range(4):
        edges = "".join(
            f'<Edge SPOT_SOURCE_ID="{k}" SPOT_TARGET_ID="{k + 1}"/>'
            for k in range(30 * number, 30 * number + 29)
        )
        extra = more if number == 2 else ""
        tracks += f'<Track name="Track_{number}" TRACK_ID="{number}">{edges}{extra}</Track>'
    return (
        f'<TrackMate version="7"><Model spatialunits="{unit}" timeunits="{time}"><AllSpots>{spots}'
        f"</AllSpots><AllTracks>{tracks}</AllTracks>@</Model><Settings>"
        '<ImageData pixelwidth="0.1" timeinterval="2"/></Settings></TrackMate>'
    )


@pytest.mark.parametrize(
    ("unit", "time", "nm", "seconds"),
    [
        ("micron", "Seconds", 1000, 2),
        ("µm", "msec", 1000, 0.002),
        ("mm", "µs", 1e6, 2e-6),
        ("pixel", "frame", None, None),
        ("nm", "hour", 1, 7200),
        ("ell", "fortnight", None, None),
    ],
)
def test_units_of_trackmate(
    tmp_path: Path,
    truth: pd.DataFrame,
    unit: str,
    time: str,
    nm: float | None,
    seconds: float | None,
) -> None:
    text = model(truth, unit=unit, time=time).replace("@", "")
    found = read_tracks(written(tmp_path / "model.xml", text))
    same(found, truth)
    assert found.attrs["length_nm"] == nm
    assert found.attrs["frame_interval_s"] == pytest.approx(seconds)
    if unit == "ell":
        assert "'ell' is not known" in found.attrs["read_as"]
        assert "'fortnight' is not known" in found.attrs["read_as"]


def test_hidden_and_branching_tracks_of_trackmate_are_left_out_by_name(
    tmp_path: Path, truth: pd.DataFrame
) -> None:
    path = tmp_path / "model.xml"
    shown = '<FilteredTracks><TrackID TRACK_ID="0"/><TrackID TRACK_ID="3"/></FilteredTracks>'
    found = read_tracks(written(path, model(truth).replace("@", shown)))
    assert found["particle"].unique().tolist() == [0, 3]
    assert "2 tracks hidden in TrackMate left out" in found.attrs["read_as"]
    for arm in ((61, 119), (0, 70)):  # a spot with two after it, one with two before it
        split = '<Edge SPOT_SOURCE_ID="{}" SPOT_TARGET_ID="{}"/>'.format(*arm)
        text = model(truth, more=split).replace("@", "")
        found = read_tracks(written(path, text))
        assert found["particle"].unique().tolist() == [0, 1, 3]
        assert "splits or merges (Track_2)" in found.attrs["read_as"]


def test_trackmates_table_in_decimal_commas(tmp_path: Path, truth: pd.DataFrame) -> None:
    head = "TRACK_ID;POSITION_X;POSITION_Y;FRAME\nTrack ID;X;Y;Frame\n;(micron);(micron);\n"
    rows = truth[["particle", *AXES, "frame"]].to_csv(sep=";", decimal=",", index=False)
    found = read_tracks(written(tmp_path / "spots.csv", head + rows.split("\n", 1)[1]))
    same(found, truth)
    assert found.attrs["length_unit"] == "um"


def test_branching_tracks_of_trackmates_tables_are_left_out_by_name(
    tmp_path: Path, truth: pd.DataFrame
) -> None:
    arm = truth[(truth["particle"] == 2) & (truth["frame"] > 20)].assign(
        x=lambda rows: rows["x"] + 3
    )
    split = pd.concat([truth, arm], ignore_index=True)
    names = {"particle": "TRACK_ID", "frame": "FRAME", "x": "POSITION_X", "y": "POSITION_Y"}
    path = tmp_path / "spots.csv"
    split.rename(columns=names).to_csv(path, index=False)
    export = "".join(
        f'<particle nSpots="{len(part)}">'
        + "".join(f'<detection t="{f:.0f}" x="{x}" y="{y}"/>' for _, f, x, y in part.to_numpy())
        + "</particle>"
        for _, part in split.groupby("particle")
    )
    xml = written(tmp_path / "tracks.xml", f'<Tracks nTracks="4">{export}</Tracks>')
    for found in (read_tracks(path), read_tracks(xml)):
        assert found["particle"].unique().tolist() == [0, 1, 3]
        assert "1 track that splits or merges (Track_2) left out" in found.attrs["read_as"]
        assert "incomplete" not in found.attrs["read_as"]
    same_twice = pd.concat([truth, truth[truth["particle"] == 2]])
    same_twice.rename(columns=names).to_csv(path, index=False)
    with pytest.raises(PerrinError, match="30 rows of 150 are there twice"):
        read_tracks(path)


def test_what_trackmate_counts_itself_is_compared(tmp_path: Path, truth: pd.DataFrame) -> None:
    text = model(truth).replace("@", "").replace("<AllSpots>", '<AllSpots nspots="120">')
    path = tmp_path / "model.xml"
    assert "incomplete" not in read_tracks(written(path, text)).attrs["read_as"]
    edge = '<Edge SPOT_SOURCE_ID="35" SPOT_TARGET_ID="36"/>'
    said = read_tracks(written(path, text.replace(edge, ""))).attrs["read_as"]
    assert "incomplete: edges of Track_1 are missing" in said
    counted = text.replace('"120"', '"121"').replace('_ID="3"', '_ID="3" NUMBER_SPOTS="31"')
    said = read_tracks(written(path, counted)).attrs["read_as"]
    assert "says 121 spots and holds 120" in said
    assert "edges of Track_3 are missing" in said
    export = '<Tracks nTracks="2"><particle nSpots="3">{}</particle></Tracks>'
    spots = "".join(f'<detection t="{k}" x="{k % 2}" y="{k}"/>' for k in range(2))
    said = read_tracks(written(path, export.format(spots))).attrs["read_as"]
    assert "says 2 tracks and holds 1" in said
    assert "1 track with another number of detections than said" in said


def test_spots_without_a_position_are_counted(tmp_path: Path, truth: pd.DataFrame) -> None:
    text = model(truth.assign(x=truth["x"].where(truth.index != 50))).replace("@", "")
    found = read_tracks(written(tmp_path / "model.xml", text))
    assert len(found) == 119
    assert "1 row without position left out" in found.attrs["read_as"]


def test_a_cameras_pixel_beside_micrometers_is_said(tmp_path: Path, truth: pd.DataFrame) -> None:
    path = written(tmp_path / "model.xml", model(truth).replace("@", ""))
    assert "the camera's pixel and not used" in read_tracks(path, pixel_nm=100).attrs["read_as"]
    with pytest.raises(PerrinError, match="contradicts the file"):
        read_tracks(path, pixel_nm=80)
    other = read_tracks(path, frame_interval_s=0.5)
    assert other.attrs["frame_interval_s"] == 0.5
    assert "the file says 2 s" in other.attrs["read_as"]


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('SPOT_TARGET_ID="5"', 'SPOT_TARGET_ID="999"', "Track_0 has an edge to spot 999"),
        ('SPOT_SOURCE_ID="4" SPOT_TARGET_ID="5"', "", "edge without both ends"),
        ('ID="7" FRAME="7"', 'ID="7" FRAME="soon"', "spot 7 has the frame 'soon'"),
        ("</TrackMate>", "", "damaged XML, or cut off"),
    ],
)
def test_broken_trackmate_files_say_where(
    tmp_path: Path, truth: pd.DataFrame, old: str, new: str, match: str
) -> None:
    text = model(truth).replace("@", "")
    assert old in text
    with pytest.raises(PerrinError, match=match):
        read_tracks(written(tmp_path / "model.xml", text.replace(old, new, 1)))


def test_entities_are_refused_in_any_encoding(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="{}"?><!DOCTYPE a [<!ENTITY b "c">]><Tracks/>'
    for encoding in ("utf-8", "utf-16"):
        path = tmp_path / "model.xml"
        path.write_bytes(text.format(encoding).encode(encoding))
        with pytest.raises(PerrinError, match="entities"):
            read_tracks(path)


# Files of other kinds


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "empty"),
        (b"II*\0" + bytes(40), "TIFF file, so a movie"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"\xd0\xcf\x11\xe0" + bytes(40), "old Excel workbook"),
        (b'{"gradient_per_kda": 1.0}', "perrin's own calibration"),
        (b'{"trajectories": 3}', "perrin's own summary"),
        (b"<!DOCTYPE html><title>perrin</title>", "web page"),
        (b"\x80\x04\x95", "pickle"),
        (b"contrasts,masses_kDa\n-0.003,66\n", "table of landing events"),
        (b"particle,w,tamsd_D\n0,0.1,3\n", "perrin's own results"),
        (b"1 0 1 0\n2 0 4 0\n", "no header"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, match: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(PerrinError, match=match) as caught:
        read_tracks(path)
    assert str(caught.value).startswith(str(path))


def test_spreadsheets_and_archives_are_told_apart(tmp_path: Path) -> None:
    for inside, match in (("xl/workbook.xml", "Excel workbook"), ("a.csv", "ZIP archive")):
        with zipfile.ZipFile(tmp_path / "file", "w") as archive:
            archive.writestr(inside, "x")
        with pytest.raises(PerrinError, match=match):
            read_tracks(tmp_path / "file")


def test_an_edge_of_trackmate_that_is_there_twice_is_no_branch(tmp_path: Path) -> None:
    spots = "".join(
        f'<SpotsInFrame frame="{t}"><Spot ID="{t}" FRAME="{t}" POSITION_X="{t * t}" '
        f'POSITION_Y="{t}" POSITION_Z="0" POSITION_T="{t}"/></SpotsInFrame>'
        for t in range(3)
    )
    edges = "".join(
        f'<Edge SPOT_SOURCE_ID="{a}" SPOT_TARGET_ID="{b}"/>' for a, b in ((0, 1), (1, 2), (1, 2))
    )
    path = tmp_path / "a.xml"
    path.write_text(
        '<TrackMate version="7"><Model spatialunits="nm" timeunits="s"><AllSpots>'
        f'{spots}</AllSpots><AllTracks><Track TRACK_ID="0">{edges}</Track></AllTracks></Model>'
        '<Settings><ImageData timeinterval="1"/></Settings></TrackMate>'
    )
    tracks = read_tracks(path)
    assert len(tracks) == 3
    assert "splits" not in tracks.attrs["read_as"]
    assert "missing" not in tracks.attrs["read_as"]
