"""Each row by itself: what fails or is empty is a row, what is finished is not run again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import perrin
from perrin.batch import run_batch
from perrin.batch.run import read_batch
from perrin.batch.tables import NO_MASSES
from perrin.cli.main import app
from perrin.errors import PerrinError
from perrin.mass.calibration import calibrate

from .conftest import Plate

WELLS = [{"A": 300, "AB": 100}, {"A": 290, "AB": 120}, {"A": 100, "B": 200}, {}]
SPECIES = "A:66,B:150,AB:216"


def test_an_empty_and_a_broken_row_are_rows(plate: Plate, tmp_path: Path) -> None:
    sheet = plate(*WELLS, A_nM=["1", "1", "2", "2"], note=["w", "x", "y", "z"])
    (tmp_path / "s1_rep1.csv").write_text("contrast,mass\nnot,numbers\n")
    said: list[str] = []
    found = run_batch(sheet, tmp_path / "out", species=SPECIES, resamples=0, say=said.append)
    assert found.counts == {"ok": 2, "no events": 1, "failed": 1}
    table = pd.read_csv(tmp_path / "out" / "measurements.csv")
    assert table["status"].tolist() == ["ok", "ok", "failed", "no events"]
    assert table["note"].tolist() == ["w", "x", "y", "z"]
    assert table["A_nM"].tolist() == [1, 1, 2, 2]
    assert "s1_rep1.csv" in table["reason"][2]
    assert str(tmp_path) not in table["reason"][2]
    assert [line.split(":")[0] for line in said] == ["row 4 (s1_rep1.csv)", "row 5 (s1_rep2.csv)"]
    assert not list((tmp_path / "out").rglob(".perrin-*"))


def test_counts_of_species_and_of_absent_ones(plate: Plate, tmp_path: Path) -> None:
    found = run_batch(
        plate(*WELLS), tmp_path / "out", species="A:20-100,B:100-210,AB:210-280", resamples=0
    )
    table = found.species.set_index(["name", "species"])
    assert table.loc[("s0_rep1", "A"), "count"] == 300
    absent = table.loc[("s1_rep1", "AB")]
    assert (absent["count"], absent["fraction"]) == (0, 0.0)
    assert absent["count_high"] == pytest.approx(-np.log(0.025))  # exact for a count of 0
    assert 0 < absent["fraction_high"] < 0.02
    empty = table.loc[("s1_rep2", "A")]
    assert empty["count"] == 0
    assert np.isnan(empty["fraction"])
    row = found.measurements.set_index("name").loc["s0_rep1"]
    assert row["A_count"] == 300
    assert row["A_mass_kda"] == pytest.approx(66, abs=3)


def test_a_row_is_what_the_command_makes_of_its_file(plate: Plate, tmp_path: Path) -> None:
    run_batch(plate(*WELLS[:1]), tmp_path / "out", resamples=20, seed=4)
    own = perrin.fit_spectrum(perrin.read_events(tmp_path / "s0_rep1.csv"), resamples=20, seed=4)
    summary = json.loads((tmp_path / "out/rows/s0_rep1/results/summary.json").read_text())
    assert summary["measurements"][0]["spectrum"] == own[0].spectrum.to_dict()
    assert (tmp_path / "out/rows/s0_rep1/results/report.html").is_file()


def test_pictures_of_rows_are_left_out_when_told(plate: Plate, tmp_path: Path) -> None:
    sheet = plate(*WELLS[:2], figures=["no", ""])
    run_batch(sheet, tmp_path / "out", resamples=0)
    rows = tmp_path / "out/rows"
    assert not (rows / "s0_rep1/results/figures").exists()
    assert (rows / "s0_rep2/results/figures/spectrum.svg").is_file()
    without, whole = (
        (rows / name / "results/report.html").stat().st_size for name in ("s0_rep1", "s0_rep2")
    )
    assert without > 0.8 * whole


def test_what_is_finished_is_not_run_again(plate: Plate, tmp_path: Path) -> None:
    sheet, out = plate(*WELLS), tmp_path / "out"
    assert run_batch(sheet, out, resamples=0).ran == 4
    before = (out / "rows/s0_rep1/row.json").stat().st_mtime_ns
    again = run_batch(sheet, out, resamples=0, species=SPECIES)
    assert (again.ran, again.counts) == (0, {"ok": 3, "no events": 1})
    assert (out / "rows/s0_rep1/row.json").stat().st_mtime_ns == before
    pd.testing.assert_frame_equal(
        read_batch(out).species, pd.read_csv(out / "species.csv", dtype={"replicate": str})
    )


def test_a_failed_row_and_a_new_one_are_run_and_no_other(plate: Plate, tmp_path: Path) -> None:
    sheet, out = plate(*WELLS), tmp_path / "out"
    good = (tmp_path / "s0_rep2.csv").read_text()
    (tmp_path / "s0_rep2.csv").write_text("nothing,here\n1,2\n")
    rows = sheet.read_text().splitlines(keepends=True)
    sheet.write_text("".join(rows[:4]))
    assert run_batch(sheet, out, resamples=0).counts == {"ok": 2, "failed": 1}
    (tmp_path / "s0_rep2.csv").write_text(good)
    sheet.write_text("".join(rows))
    again = run_batch(sheet, out, resamples=0)
    assert (again.ran, again.counts) == (2, {"ok": 3, "no events": 1})


def test_changed_files_and_settings_are_run_again_only_when_told(
    plate: Plate, tmp_path: Path
) -> None:
    sheet, out = plate(*WELLS), tmp_path / "out"
    run_batch(sheet, out, resamples=0)
    with pytest.raises(PerrinError, match=r"4 problems.*seed changed.*--overwrite"):
        run_batch(sheet, out, resamples=0, seed=5)
    (tmp_path / "s0_rep1.csv").write_text((tmp_path / "s0_rep2.csv").read_text())
    with pytest.raises(PerrinError, match=r"1 problem.*row 2 .*the file changed"):
        run_batch(sheet, out, resamples=0)
    found = run_batch(sheet, out, resamples=0, overwrite=True)
    assert found.ran == 1
    events = found.measurements.set_index("name")["events"]
    assert events["s0_rep1"] == events["s0_rep2"] == 410


def test_a_killed_row_leaves_no_record_and_is_run_again(plate: Plate, tmp_path: Path) -> None:
    sheet, out = plate(*WELLS), tmp_path / "out"
    run_batch(sheet, out, resamples=0)
    (out / "rows/s0_rep1/row.json").unlink()  # killed between the results and their record
    assert run_batch(sheet, out, resamples=0).ran == 1


def test_everything_is_checked_before_anything_is_run(plate: Plate, tmp_path: Path) -> None:
    sheet = plate(*WELLS, calibration=["", "none.json", "", ""])
    (tmp_path / "s1_rep1.csv").unlink()
    (tmp_path / "s1_rep2.csv").write_text('{"gradient_per_kda": -4e-5}')
    with sheet.open("a") as file:
        file.write("s0_rep1.csv,\n")
    with pytest.raises(PerrinError) as caught:
        run_batch(sheet, tmp_path / "out")
    for part in (
        "4 problems",
        "row 5 (s1_rep2.csv): it is a calibration of perrin",
        "row 3 (s0_rep2.csv): there is no calibration",
        "row 4 (s1_rep1.csv",
        "row 6 (s0_rep1.csv): the same file with the same settings as in row 2",
        "take these rows out of the sheet",
    ):
        assert part in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_row_without_a_calibration_among_others_is_said(plate: Plate, tmp_path: Path) -> None:
    sheet, out = plate(*WELLS[:3]), tmp_path / "out"
    table = pd.read_csv(tmp_path / "s0_rep2.csv").drop(columns="masses_kDa")
    table.to_csv(tmp_path / "s0_rep2.csv", index=False)
    said: list[str] = []
    found = run_batch(sheet, out, species=SPECIES, resamples=0, say=said.append)
    assert found.counts == {"ok": 3}
    assert said == [
        f"row 3 (s0_rep2.csv): {NO_MASSES}. Give a calibration, for all or in a column calibration"
    ]
    assert [NO_MASSES in notes for notes in found.measurements["notes"]] == [False, True, False]
    assert found.measurements["A_count"].isna().tolist() == [False, True, False]
    # nor is it drawn on the axis of masses
    page = (out / "report.html").read_text()
    (data,) = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    rows = json.loads(data)["rows"]
    assert [bool(row["counts"]) for row in rows] == [True, False, True]
    assert [row["doubt"] for row in rows][1]
    assert f"{NO_MASSES}: s0_rep2" in page


def test_stop_on_error_keeps_what_is_finished(plate: Plate, tmp_path: Path) -> None:
    sheet, out = plate(*WELLS), tmp_path / "out"
    (tmp_path / "s0_rep2.csv").write_text("nothing,here\n1,2\n")
    found = run_batch(sheet, out, resamples=0, stop_on_error=True)
    assert found.counts == {"ok": 1, "failed": 1, "not run": 2}
    assert "row 3 failed" in found.stopped


def test_a_table_of_several_measurements_must_say_which(plate: Plate, tmp_path: Path) -> None:
    sheet = plate(WELLS[0], WELLS[1])
    both = pd.concat([perrin.read_events(tmp_path / f"s0_rep{k}.csv") for k in (1, 2)])
    perrin.write_events(both.reset_index(drop=True), tmp_path / "both.csv")
    sheet.write_text("file,measurement\nboth.csv,\nboth.csv,s0_rep2\n")
    found = run_batch(sheet, tmp_path / "out", resamples=0)
    assert found.measurements["status"].tolist() == ["failed", "ok"]
    assert "holds 2 measurements (s0_rep1, s0_rep2)" in found.measurements["reason"][0]
    assert found.measurements["events"][1] == 410


def test_a_folder_of_other_results_is_not_replaced(plate: Plate, tmp_path: Path) -> None:
    sheet, out = plate(*WELLS), tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(PerrinError, match="not perrin's"):
        run_batch(sheet, out)
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_the_command_writes_a_sheet_and_runs_it_as_the_function_does(
    plate: Plate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plate(*WELLS)
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    files = sorted(path.name for path in tmp_path.glob("s*.csv"))
    made = run(app, ["batch", "--template", *files])
    Path("own.csv").write_text(made.stdout)
    done = run(app, ["batch", "own.csv", "--out", "out", "--species", SPECIES, "--resamples", "0"])
    assert done.exit_code == 0, done.output
    assert "row 5 (s1_rep2.csv): no events" in done.output
    assert "4 rows: 3 ok, 1 no events; 4 run now; results in out" in done.output
    again = run(app, ["batch", "out"])
    assert "4 rows: 3 ok, 1 no events; 0 run now" in again.output
    assert set(pd.read_csv("out/species.csv")["species"]) == {"A", "B", "AB"}
    run_batch("own.csv", "own", species=SPECIES, resamples=0)
    for name in ("measurements", "species", "replicates"):
        assert Path(f"own/{name}.csv").read_bytes() == Path(f"out/{name}.csv").read_bytes()


def test_tables_lose_rows_and_columns_only_when_told(plate: Plate, tmp_path: Path) -> None:
    sheet, out = plate(*WELLS, note=["w", "x", "y", "z"]), tmp_path / "out"
    run_batch(sheet, out, resamples=0)
    before = (out / "measurements.csv").read_bytes()
    lines = sheet.read_text().splitlines()
    sheet.write_text("\n".join(line.split(",")[0] for line in lines[:-1]) + "\n")
    with pytest.raises(PerrinError, match=r"lose row 5 \(s1_rep2.csv\), column note.*--overwrite"):
        run_batch(sheet, out, resamples=0)
    assert (out / "measurements.csv").read_bytes() == before
    said: list[str] = []
    found = run_batch(sheet, out, resamples=0, overwrite=True, say=said.append)
    assert len(found.measurements) == 3
    assert "without row 5 (s1_rep2.csv); without column note" in said[0]


def test_other_species_are_said(plate: Plate, tmp_path: Path) -> None:
    sheet, out = plate(*WELLS), tmp_path / "out"
    run_batch(sheet, out, species=SPECIES, resamples=0)
    said: list[str] = []
    run_batch(sheet, out, species="A:66", resamples=0, say=said.append)
    assert said[0].endswith(f"are made again: species A:66 instead of {SPECIES}")


def test_results_that_are_gone_or_damaged_are_made_again(plate: Plate, tmp_path: Path) -> None:
    sheet, out = plate(*WELLS[:3]), tmp_path / "out"
    run_batch(sheet, out, resamples=0)
    first, second = (out / "rows" / name / "results" for name in ("s0_rep1", "s0_rep2"))
    whole = (second / "events.csv").read_bytes()
    (first / "summary.json").unlink()
    (second / "events.csv").write_bytes(whole[:100])
    said: list[str] = []
    found = run_batch(sheet, out, resamples=0, say=said.append)
    assert (found.ran, found.counts) == (2, {"ok": 3})
    assert (first / "summary.json").is_file()
    assert (second / "events.csv").read_bytes() == whole
    assert (second.with_name("results-2") / "events.csv").read_bytes() == whole[:100]
    assert sum("row 3 (s0_rep2.csv): its results changed" in line for line in said) == 1


def test_a_calibration_among_the_results_of_its_row_is_refused_before_anything_runs(
    plate: Plate, tmp_path: Path
) -> None:
    sheet, out = plate(*WELLS[:2]), tmp_path / "out"
    run_batch(sheet, out, resamples=0)
    before = (out / "measurements.csv").read_bytes()
    line = out / "rows" / "s0_rep1" / "results" / "line.json"
    calibrate([66.0, 132.0], [-0.0025, -0.005]).save(line)
    with pytest.raises(PerrinError, match=r"row 2 .*line.json lies in the results of this row"):
        run_batch(sheet, out, calibration=line, resamples=0, overwrite=True)
    assert (out / "measurements.csv").read_bytes() == before


def test_a_note_in_a_table_stops_with_what_to_do(plate: Plate, tmp_path: Path) -> None:
    sheet, out = plate(*WELLS), tmp_path / "out"
    run_batch(sheet, out, resamples=0)
    with (out / "replicates.csv").open("a") as file:
        file.write("my note\n")
    with pytest.raises(PerrinError, match=r"replicates.csv in .* delete it here.*same command"):
        run_batch(sheet, out, resamples=0, overwrite=True)
    (out / "replicates.csv").unlink()
    assert run_batch(sheet, out, resamples=0).ran == 0
    assert (out / "replicates.csv").is_file()


def test_the_last_line_says_that_rows_failed(plate: Plate, tmp_path: Path) -> None:
    sheet = plate(*WELLS)
    (tmp_path / "s0_rep2.csv").write_text("nothing,here\n1,2\n")
    out = str(tmp_path / "out")
    done = CliRunner().invoke(app, ["batch", str(sheet), "--out", out, "--resamples", "0"])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1].startswith("1 row FAILED")
