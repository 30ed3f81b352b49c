"""What `perrin inspect` says of tracks, events and results, with the options that were given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io import inspect
from perrin.io.track_formats import write_napari


def _walks() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    at = rng.normal(0, 1, (3, 20, 2)).cumsum(axis=1) + 50
    rows = [(p, t, *at[p, t]) for p in range(3) for t in range(20)]
    return pd.DataFrame(rows, columns=["particle", "frame", "x", "y"])


def test_arrays_of_tracks_are_tracks(tmp_path: Path) -> None:
    write_napari(_walks(), tmp_path / "tracks.napari.npy")
    seen = inspect(tmp_path / "tracks.napari.npy")
    assert (seen.kind, seen.details["tracks"]) == ("tracks", 3)
    np.save(tmp_path / "a.npy", np.arange(100.0))
    assert inspect(tmp_path / "a.npy").kind == "movie"


def test_options_count_for_tables_too(tmp_path: Path) -> None:
    _walks().to_csv(tmp_path / "tracks.csv", index=False)
    seen = inspect(tmp_path / "tracks.csv", pixel_nm=100, frame_rate_hz=20)
    assert seen.missing == ()
    assert "0.05 s a frame (from the option)" in str(seen.read_as)
    assert inspect(tmp_path / "tracks.csv").missing == ("pixel_nm", "frame_interval_s")
    pd.DataFrame({"contrast": [0.003, 0.004]}).to_csv(tmp_path / "events.csv", index=False)
    assert "2 landings" in str(inspect(tmp_path / "events.csv", landing_sign=1).read_as)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("particle,positions,w,tamsd_D\n0,80,0.5,1e5\n", r"perrin's own results.*tracks\.csv"),
        ("frame,x,y,intensity\n0,1.5,2.5,9\n1,2.5,2.5,9\n", "hold no particle"),
        ("a,b\n1,2\n", "no contrast and no mass"),
    ],
)
def test_the_reason_is_that_of_the_table(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(PerrinError, match=said):
        inspect(tmp_path / "a.csv")


def test_messages_stay_short_whatever_the_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff" * 5000)
    with pytest.raises(PerrinError) as refused:
        inspect(tmp_path / "a.csv")
    assert len(str(refused.value)) < 800


def test_the_folder_of_a_network_is_named(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(PerrinError, match="folder of a network: give it with --model"):
        inspect(tmp_path)


def _record(table: pd.DataFrame, path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["locs"] = table.to_records(index=False)


WRITTEN: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "a.feather": lambda table, path: table.to_feather(path),
    "a.parquet": lambda table, path: table.to_parquet(path),
    "a.npy": lambda table, path: np.save(path, table.to_records(index=False)),
    "a.h5": _record,
}


@pytest.mark.parametrize("name", WRITTEN)
def test_tables_of_tracks_are_known_in_every_format(name: str, tmp_path: Path) -> None:
    WRITTEN[name](_walks(), tmp_path / name)
    assert inspect(tmp_path / name).details["tracks"] == 3
    WRITTEN[name](_walks().assign(particle=range(60)), tmp_path / name)
    with pytest.raises(PerrinError, match="numbers rows"):
        inspect(tmp_path / name)


def test_events_in_feather_are_known(tmp_path: Path) -> None:
    table = pd.DataFrame({"contrast": [-0.003, -0.004]})
    table.to_feather(tmp_path / "a.feather")
    assert inspect(tmp_path / "a.feather").kind == "events"
