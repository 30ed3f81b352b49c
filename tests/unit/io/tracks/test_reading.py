"""Tracks from every program: columns by name, gaps kept, units said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from perrin.errors import PerrinError
from perrin.io.tracks import read_tracks

NO_TRACKS = {
    "a,b\n1,2\n": "hold no particle, frame, x",
    "particle,frame,x\n0,0.5,1\n": "whole numbers",
    "particle,frame,x\n0,0,left\n": "not numbers",
    "<Other/>": "<Other>",
    "<Tracks>": "damaged XML",
    "<!DOCTYPE a [<!ENTITY b 'c'>]><Tracks/>": "entities",
    "<Tracks/>": "no track",
}
ROWS = pd.DataFrame(
    {
        "particle": [0, 0, 0, 1, 1],
        "frame": [0, 1, 4, 2, 3],
        "x": [1.0, 2, 3, 4, 5],
        "y": [5, 4, 3, 2, 1.5],
    }
)

TRACKMATE_CSV = """LABEL,ID,TRACK_ID,QUALITY,POSITION_X,POSITION_Y,POSITION_Z,POSITION_T,FRAME
Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame
Label,Spot ID,Track ID,Quality,X,Y,Z,T,Frame
,,,(quality),(micron),(micron),(micron),(sec),
ID1,1,0,9,1.5,2.5,0,0,0
ID2,2,0,9,1.6,2.4,0,0.2,2
ID3,3,,9,7.0,7.0,0,0.1,1
ID4,4,5,9,3.0,3.0,0,0.1,1
"""
TRACKMATE_MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<TrackMate version="7.11"><Model spatialunits="micron" timeunits="ms"><AllSpots>
<SpotsInFrame frame="0"><Spot ID="1" FRAME="0" POSITION_X="1" POSITION_Y="2" POSITION_Z="0"/>
</SpotsInFrame><SpotsInFrame frame="2">
<Spot ID="2" FRAME="2" POSITION_X="1.5" POSITION_Y="2.5" POSITION_Z="0"/>
<Spot ID="3" FRAME="2" POSITION_X="9" POSITION_Y="9" POSITION_Z="0"/></SpotsInFrame></AllSpots>
<AllTracks><Track TRACK_ID="4"><Edge SPOT_SOURCE_ID="1" SPOT_TARGET_ID="2"/>{more}</Track>
</AllTracks></Model><Settings><ImageData timeinterval="20"/></Settings></TrackMate>
"""
TRACKMATE_EXPORT = """<?xml version="1.0"?>
<Tracks nTracks="1" spaceUnits="pixel" frameInterval="0.5" timeUnits="sec"><particle nSpots="2">
<detection t="3" x="1.0" y="2.0" z="0.0"/><detection t="5" x="1.5" y="2.5" z="0.0"/></particle>
</Tracks>
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_columns_are_known_by_name_in_any_order(tmp_path: Path) -> None:
    table = ROWS[["y", "frame", "x", "particle"]].sample(frac=1, random_state=1)
    named = table.rename(columns={"particle": "TRACK", "x": "X_nm", "y": "Y_nm"})
    path = tmp_path / "tracks.csv"
    named.to_csv(path, index=False, sep=";")
    found = read_tracks(path)
    pd.testing.assert_frame_equal(found, ROWS, check_like=True)
    assert found.attrs["length_unit"] == "nm"
    assert found.attrs["frame_interval_s"] is None


def test_trackpy_tables_are_in_pixels(tmp_path: Path) -> None:
    path = tmp_path / "trackpy.csv"
    ROWS.assign(mass=1.0, size=2.0, ecc=0.1, signal=3.0).to_csv(path)
    found = read_tracks(path)
    assert found.attrs["format"] == "trackpy CSV"
    assert found.attrs["length_unit"] == "px"
    assert found["frame"].tolist() == [0, 1, 4, 2, 3]


def test_parquet(tmp_path: Path) -> None:
    ROWS.to_parquet(tmp_path / "tracks.parquet")
    pd.testing.assert_frame_equal(read_tracks(tmp_path / "tracks.parquet"), ROWS)


def test_rows_with_nan_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    ROWS.assign(x=[1.0, np.nan, 3, 4, 5]).to_csv(path, index=False)
    found = read_tracks(path)
    assert len(found) == 4
    assert found.attrs["dropped"] == 1


def test_arrays_of_trajectories_and_of_rows(tmp_path: Path) -> None:
    stack = np.arange(24.0).reshape(2, 6, 2)
    stack[1, 3] = np.nan
    np.save(tmp_path / "stack.npy", stack)
    found = read_tracks(tmp_path / "stack.npy")
    assert len(found) == 11
    assert found.loc[found["particle"] == 1, "frame"].tolist() == [0, 1, 2, 4, 5]
    rows = np.column_stack([ROWS["x"], ROWS["y"], ROWS["frame"], ROWS["particle"]])
    savemat(tmp_path / "rows.mat", {"tr": rows, "other": 1})
    pd.testing.assert_frame_equal(read_tracks(tmp_path / "rows.mat"), ROWS)
    savemat(tmp_path / "bare.mat", {"anything": rows[:, [0, 1, 3]]})
    assert read_tracks(tmp_path / "bare.mat")["frame"].tolist() == [0, 1, 2, 0, 1]


def test_trackmate_csv(tmp_path: Path) -> None:
    found = read_tracks(write(tmp_path / "spots.csv", TRACKMATE_CSV))
    assert found[["particle", "frame"]].to_numpy().tolist() == [[0, 0], [0, 2], [5, 1]]
    assert list(found.columns) == ["particle", "frame", "x", "y"]
    assert found.attrs["length_unit"] == "um"


def test_trackmate_model(tmp_path: Path) -> None:
    found = read_tracks(write(tmp_path / "model.xml", TRACKMATE_MODEL.format(more="")))
    assert found.to_numpy().tolist() == [[4, 0, 1, 2], [4, 2, 1.5, 2.5]]
    assert found.attrs["length_unit"] == "um"
    assert found.attrs["frame_interval_s"] == pytest.approx(0.02)
    split = '<Edge SPOT_SOURCE_ID="1" SPOT_TARGET_ID="3"/>'
    with pytest.raises(PerrinError, match="all tracks split or merge"):
        read_tracks(write(tmp_path / "split.xml", TRACKMATE_MODEL.format(more=split)))


def test_trackmate_export(tmp_path: Path) -> None:
    found = read_tracks(write(tmp_path / "tracks.xml", TRACKMATE_EXPORT))
    assert found["frame"].tolist() == [3, 5]
    assert found.attrs["length_unit"] == "px"
    assert found.attrs["frame_interval_s"] == 0.5


@pytest.mark.parametrize("text", NO_TRACKS)
def test_what_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(PerrinError, match=NO_TRACKS[text]):
        read_tracks(write(tmp_path / "file", text))


def test_arrays_that_are_no_tracks_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((5, 7)))
    with pytest.raises(PerrinError, match=r"shape \(5, 7\)"):
        read_tracks(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.array(["a"]))
    with pytest.raises(PerrinError, match="real numbers"):
        read_tracks(tmp_path / "b.npy")
    savemat(tmp_path / "c.mat", {"a": 1, "b": 2})
    with pytest.raises(PerrinError, match="name the array"):
        read_tracks(tmp_path / "c.mat")
    with pytest.raises(PerrinError, match="no such file"):
        read_tracks(tmp_path / "none.csv")


def test_the_shared_nanorods_are_459_tracks_of_300_frames(shared_data: Path) -> None:
    found = read_tracks(shared_data / "diffusion" / "AuNRs_300.mat")
    assert (found.groupby("particle").size() == 300).all()
    assert found["particle"].nunique() == 459


def test_a_broken_matlab_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "notes.mat"
    broken.write_bytes(b"\x89HDF\r\n\x1a\n not really")
    with pytest.raises(PerrinError, match="damaged HDF5 file"):
        read_tracks(broken)
