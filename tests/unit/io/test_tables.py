"""Event tables in and out, whatever wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from perrin.errors import PerrinError
from perrin.io.tables import describe_events, read_events, write_events
from perrin.tables import EVENTS

SUFFIXES = (".csv", ".h5", ".parquet")
FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)
CONTRASTS = st.floats(-0.02, -0.001)
KNOWN = {column.name for column in EVENTS} | {"fit_error"}
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)


def table(rows: int = 4, **more: Any) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "measurement": pd.Series(["a"] * rows, dtype="str"),
            "event": np.arange(rows),
            "frame": np.arange(rows) * 7 + 30,
            "contrast": -0.003 - 0.001 * rng.random(rows),
            "mass_kda": 70 + rng.random(rows),
            **more,
        }
    )


def written(tmp_path: Path, text: str, name: str = "events.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


# round trip


@st.composite
def events_tables(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 6))

    def column(values: st.SearchStrategy[Any], dtype: str) -> pd.Series:
        return pd.Series(draw(st.lists(values, min_size=rows, max_size=rows)), dtype=dtype)

    whole = st.integers(-(2**62), 2**62)
    columns = {
        "measurement": column(TEXT, "str"),
        "event": column(whole, "int64"),
        "contrast": column(CONTRASTS, "float64"),
    }
    columns["event"] = pd.Series(
        draw(st.lists(whole, min_size=rows, max_size=rows, unique=True)), dtype="int64"
    )
    if draw(st.booleans()):
        columns |= {"frame": column(whole, "int64"), "retained": column(st.booleans(), "bool")}
    if draw(st.booleans()):
        near = st.one_of(st.just(np.nan), st.floats(0, 1e6))
        mass = columns["contrast"] / -4e-5
        columns |= {"mass_kda": mass, "neighbor_px": column(near, "float64")}
    if draw(st.booleans()):
        columns |= {"label": column(TEXT, "str"), "fit_error": column(FLOATS, "float64")}
    name = draw(TEXT.filter(lambda text: text and "/" not in text and text not in (".", "..")))
    if name not in KNOWN:
        columns[name] = column(st.floats(width=32), "float32")
    order = draw(st.permutations(list(columns)))
    return pd.DataFrame(columns)[order]


@pytest.mark.parametrize("suffix", [".h5", ".parquet"])
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=events_tables())
def test_what_is_written_is_read(suffix: str, events: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / f"events{suffix}"
    write_events(events, path, overwrite=True)  # of the example before
    pd.testing.assert_frame_equal(read_events(path), events, check_exact=True)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=events_tables().filter(len))
def test_a_csv_gives_back_every_column_that_the_schema_knows(
    events: pd.DataFrame, tmp_path: Path
) -> None:
    events = events[[name for name in events.columns if name in KNOWN]]
    write_events(events, tmp_path / "e.csv", overwrite=True)  # of the example before
    read = read_events(tmp_path / "e.csv")
    pd.testing.assert_frame_equal(read[events.columns], events, check_exact=True)
    assert read.attrs["notes"] == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_that_looks_like_something_else_survives(suffix: str, tmp_path: Path) -> None:
    texts = ["nan", "NA", "1", " a ", 'say "b"', "a,b;c\td", "x\n\n# y", "x\r# z", "# columns: a b"]
    texts += ["=1+1", "'=1+1", "''@a", "-", "+x", "'plain", "\t=1"]
    events = table(len(texts), label=texts, more=texts[::-1])
    write_events(events, tmp_path / f"e{suffix}")
    pd.testing.assert_frame_equal(read_events(tmp_path / f"e{suffix}"), events, check_exact=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_of_our_own_keeps_rejected_events_and_their_nan(suffix: str, tmp_path: Path) -> None:
    events = table(3, retained=[True, False, True])
    events.loc[1, ["contrast", "mass_kda"]] = np.nan
    write_events(events, tmp_path / f"e{suffix}")
    read = read_events(tmp_path / f"e{suffix}")
    assert len(read) == 3
    assert read["retained"].tolist() == [True, False, True]
    assert read.attrs["notes"] == []


@pytest.mark.parametrize("suffix", [".h5", ".parquet"])
def test_the_calibration_travels_with_the_table(suffix: str, tmp_path: Path) -> None:
    events = table()
    events.attrs["calibration"] = {
        "gradient_per_kda": -4e-5,
        "offset": 1e-4,
        "points": [{"mass_kda": 66.0, "contrast": -0.0026, "label": "BSA"}],
    }
    write_events(events, tmp_path / f"e{suffix}")
    assert read_events(tmp_path / f"e{suffix}").attrs["calibration"] == events.attrs["calibration"]


def test_missing_text_is_stored_as_empty(tmp_path: Path) -> None:
    events = table(3, label=["binder", None, ""])
    for suffix in SUFFIXES:
        write_events(events, tmp_path / f"e{suffix}")
        assert read_events(tmp_path / f"e{suffix}")["label"].tolist() == ["binder", "", ""]


def test_a_column_added_in_the_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    write_events(table(2), path)
    lines = path.read_text().splitlines()
    lines[:3] = [lines[0] + ",day", lines[1] + ",1", lines[2] + ",2"]
    read = read_events(written(tmp_path, "\n".join(lines) + "\n"))
    assert read["day"].tolist() == [1, 2]


def test_a_column_lost_from_the_h5_is_said(tmp_path: Path) -> None:
    path = tmp_path / "e.h5"
    write_events(table(2, label=["x", "y"]), path)
    with h5py.File(path, "a") as file:
        del file["label"]
    with pytest.raises(PerrinError, match="lost its column 'label'"):
        read_events(path)


@pytest.mark.parametrize("kept", [1, 20, 39])
def test_rows_lost_from_the_csv_are_said(kept: int, tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    write_events(table(40), path)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[: 1 + kept]))
    said = " ".join(read_events(path).attrs["notes"])
    assert f"had 40 rows when perrin wrote it and has {kept} now" in said


def test_changed_values_of_the_csv_are_said(tmp_path: Path) -> None:
    path = tmp_path / "e.csv"
    events = table(40)
    write_events(events, path)
    assert read_events(path).attrs["notes"] == []
    lines = path.read_text().splitlines(keepends=True)
    lines[8] = lines[8].replace(repr(float(events["mass_kda"][7])), "97.5")
    path.write_text("".join(lines))
    assert (
        "1 row is not as perrin wrote it (the first: row 8)" in read_events(path).attrs["notes"][0]
    )


def test_a_cell_that_a_spreadsheet_would_run_is_text(tmp_path: Path) -> None:
    write_events(table(2, label=["=cmd()", "binder"]), tmp_path / "e.csv")
    raw = pd.read_csv(tmp_path / "e.csv")
    assert raw["label"].tolist() == ["'=cmd()", "binder"]
    assert (raw["contrast"] < 0).all()  # a number that starts with a minus stays one


def test_nothing_is_left_behind_by_a_failed_write(tmp_path: Path) -> None:
    path = tmp_path / "e.h5"
    write_events(table(2), path)
    before = path.read_bytes()
    odd = table(2, when=pd.to_datetime(["2024-01-01", "2024-01-02"]))
    with pytest.raises(PerrinError, match="cannot keep"):
        write_events(odd, path, overwrite=True)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["e.h5"]


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"contrasts": [0.0] * 4}, "stored as contrasts"),
        ({"a/b": [0.0] * 4}, "without '/'"),
        ({"odd": pd.Series(["a\0b"] * 4, dtype="str")}, "cannot keep"),
        ({"odd": [object()] * 4}, "cannot keep"),
        ({"frame": [0.5] * 4}, "expected int"),
    ],
)
def test_tables_that_a_file_cannot_keep(more: dict[str, Any], match: str, tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match=match):
        write_events(table(4, **more), tmp_path / "e.csv")


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match=r"\.csv, \.h5, \.parquet"):
        write_events(table(), tmp_path / "events.xlsx")


@pytest.mark.parametrize("suffix", [".csv", ".h5"])
def test_photomol_counts_the_retained_events(suffix: str, tmp_path: Path) -> None:
    photomol = pytest.importorskip("pyphotomol")
    events = table(60, retained=[k % 3 > 0 for k in range(60)])
    path = tmp_path / f"e{suffix}"
    write_events(events, path)
    model = photomol.PyPhotoMol()
    model.import_file(str(path))
    model.create_histogram(use_masses=True, window=[0, 200], bin_width=10)
    assert model.hist_counts.sum() == 40
    kept = events.loc[events["retained"], "contrast"]
    np.testing.assert_allclose(np.sort(model.contrasts), np.sort(kept))


def test_another_program_finds_the_names_it_knows(tmp_path: Path) -> None:
    events = table(3, retained=[True, False, True], neighbor_px=[np.nan, 5.0, 9.0])
    write_events(events, tmp_path / "e.csv")
    plain = pd.read_csv(tmp_path / "e.csv")  # as PhotoMol reads it
    assert len(plain) == 3
    assert plain.columns[:3].tolist() == ["frame_indices", "contrasts", "masses_kDa"]
    kept = events[events["retained"]]
    assert plain["contrasts"].dropna().tolist() == kept["contrast"].tolist()
    assert plain["masses_kDa"].dropna().tolist() == kept["mass_kda"].tolist()
    assert plain["contrast"].tolist() == events["contrast"].tolist()
    write_events(events, tmp_path / "e.h5")
    with h5py.File(tmp_path / "e.h5") as file:
        assert np.isnan(file["masses_kDa"][()]).tolist() == [False, True, False]
        assert file["nearest_neighbour_distances"][0] == np.finfo(np.float64).max


# generic tables


@pytest.mark.parametrize(
    ("contrast", "mass"),
    [("contrasts", "masses_kDa"), ("Contrast", "Mass (kDa)"), ("CONTRASTS", "mass")],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_are_found_by_name(
    contrast: str, mass: str, separator: str, tmp_path: Path
) -> None:
    rows = [(contrast, mass, "note"), ("-0.003", "75", "x"), ("0.002", "-50", "y")]
    path = written(tmp_path, "\n".join(separator.join(row) for row in rows))
    events = read_events(path, measurement="day 1")
    assert events["contrast"].tolist() == [-0.003, 0.002]
    assert events["mass_kda"].tolist() == [75, -50]
    assert events["note"].tolist() == ["x", "y"]
    assert events["measurement"].tolist() == ["day 1"] * 2
    assert events["event"].tolist() == [0, 1]


def test_columns_without_a_name(tmp_path: Path) -> None:
    # an index that pandas wrote, and a comma at the end of each line
    events = read_events(written(tmp_path, ",contrast,\n7,-0.003,\n8,-0.004,\n"))
    assert events["column_1"].tolist() == [7, 8]
    assert events.columns.tolist() == ["measurement", "event", "contrast", "column_1"]


def test_all_digits_of_a_number_are_read(tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(-0.003, 1e-3, 500)
    path = written(tmp_path, "contrast\n" + "\n".join(map(repr, values.tolist())))
    assert (read_events(path)["contrast"].to_numpy() == values).all()


def test_masses_decide_on_the_sign(tmp_path: Path) -> None:
    path = written(tmp_path, "contrast,mass\n0.003,75\n0.004,100\n-0.003,-75\n")
    events = read_events(path)
    assert events["contrast"].tolist() == [-0.003, -0.004, 0.003]
    assert events.attrs["landing_sign"] == "positive"
    assert "sign of the contrast was changed" in events.attrs["notes"][0]


def test_positive_contrasts_without_masses_are_kept_and_said(tmp_path: Path) -> None:
    events = read_events(written(tmp_path, "contrast\n0.003\n0.004\n"))
    assert events["contrast"].tolist() == [0.003, 0.004]
    assert "change the sign" in events.attrs["notes"][0]


def test_masses_alone_are_a_table(tmp_path: Path) -> None:
    events = read_events(written(tmp_path, "mass_kDa\n66\n132\n"))
    assert events["mass_kda"].tolist() == [66, 132]
    assert events["contrast"].isna().all()
    assert "masses only" in events.attrs["notes"][0]


def test_all_of_one_sign_and_one_row_are_tables(tmp_path: Path) -> None:
    assert len(read_events(written(tmp_path, "contrast\n-0.003\n-0.001\n"))) == 2
    assert len(read_events(written(tmp_path, "contrast\n-0.003\n"))) == 1


def test_no_rows_are_a_table_without_events(tmp_path: Path) -> None:
    events = read_events(written(tmp_path, "contrasts,masses_kDa,frame_indices\n"))
    assert len(events) == 0
    assert events["contrast"].dtype == np.float64
    assert events["frame"].dtype == np.int64
    assert events.attrs["notes"] == ["the file holds no events"]


def test_nan_is_dropped_by_row_and_only_where_nothing_is_left(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "contrast,mass,x_coords\n-0.003,75,nan\n-inf,80,1\n-0.004,,2\n,inf,3\nNaN,nan,4\n",
    )
    events = read_events(path)
    assert events["event"].tolist() == [0, 1, 2]  # the row in the file
    assert "1 contrast that is not a fraction" in events.attrs["notes"][0]
    assert events["x_px"].isna().tolist() == [True, False, False]
    assert events["contrast"].isna().tolist() == [False, True, False]
    assert events.attrs["rows_in_file"] == 5
    assert any(note.startswith("2 of 5 rows") for note in events.attrs["notes"])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no table"),
        ("# only\n# comments\n", "no table"),
        ("a,b\n1,2\n", "no contrast and no mass; its columns: a, b"),
        ("Dear all,\nplease find attached\n", "no contrast|cells"),
        ("contrast,contrast\n1,2\n", "'contrast' is there twice"),
        ("contrast,Contrasts\n1,2\n", "contrast, Contrasts mean the same"),
        ("contrast,mass\n-0.003,75\n-0.003\n", "row 2 has 1 cells"),
        ("contrast,mass\n-0.003,75\nabc,75\n", "row 2 holds 'abc', which is no number"),
        ("contrast,mass\nnan,\n,inf\n", "none of the 2 rows"),
        ('contrast,"mass\n-0.003,75\n', "cut off"),
        ("contrast;mass\n-0,003;75\n-0.004;70\n", "row 1 holds '-0,003': a decimal comma"),
    ],
)
def test_bad_text(text: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match=match):
        read_events(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "contrast\n-0.31\n-0.62\n-1.4\n",
            "in percent or in thousandths.*divide the column by 100",
        ),
        # light proteins in percent are below 0.3; the masses give it away
        ("contrast,mass\n-0.26,66\n-0.25,64\n", "0.0039 per kDa.*in percent"),
    ],
)
def test_percent_is_noticed(text: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match=match):
        read_events(written(tmp_path, text))


def test_a_very_large_contrast_that_may_be_a_fraction_is_said(tmp_path: Path) -> None:
    virus = read_events(written(tmp_path, "contrast\n-0.2\n-0.21\n"))
    assert "if it is in percent" in virus.attrs["notes"][0]
    heavy = read_events(written(tmp_path, "contrast,mass\n-0.2,5000\n-0.21,5200\n"))
    assert heavy.attrs["notes"] == []


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    binary = tmp_path / "movie.csv"
    binary.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(PerrinError, match="nor UTF-8 text"):
        read_events(binary)
    with pytest.raises(PerrinError, match="cannot be read"):
        read_events(tmp_path / "absent.csv")
    with pytest.raises(PerrinError, match="cannot be read"):
        read_events(tmp_path)


@pytest.mark.parametrize("suffix", [".h5", ".parquet"])
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.95])
def test_a_truncated_file_is_said(suffix: str, fraction: float, tmp_path: Path) -> None:
    path = tmp_path / f"e{suffix}"
    write_events(table(500), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * fraction)])
    with pytest.raises(PerrinError, match=r"(truncated|damaged).* file"):
        read_events(path)


def test_a_description_says_what_the_file_is(tmp_path: Path) -> None:
    said = describe_events(written(tmp_path, "contrast,mass\n0.003,75\nnan,nan\n"))
    assert said["format"] == "CSV with named columns"
    assert (said["rows"], said["rows_in_file"]) == (1, 2)
    assert said["landing_sign"] == "positive"
    assert said["measurements"] == ["events"]
    assert said["calibration"] is None
    assert "frame" in said["missing"]
    assert "mass_kda" not in said["missing"]
    write_events(table(), tmp_path / "e.csv")
    assert describe_events(tmp_path / "e.csv")["format"] == "perrin CSV"


def test_several_measurements_stay_apart_under_a_new_name(tmp_path: Path) -> None:
    events = table(4, label=["", "", "", ""])
    events["measurement"] = ["a", "a", "b", "b"]
    write_events(events, tmp_path / "e.h5")
    read = read_events(tmp_path / "e.h5", measurement="day 1")
    assert read["measurement"].tolist() == ["day 1/a", "day 1/a", "day 1/b", "day 1/b"]
