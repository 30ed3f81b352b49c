"""Event tables as people have them: units, samples, doubles, other files given as tables."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io.event_columns import meaning_of
from perrin.io.inspecting import inspect
from perrin.io.tables import read_events
from perrin.io.tracks import read_tracks
from perrin.mass.calibrants import calibrate_from_events
from perrin.mass.calibration import calibrate

MASS = np.array([66.0, 68.0, 70.0, 132.0, 130.0, -66.0])
CONTRAST = -4e-5 * MASS


def table(path: Path, **columns: Any) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("Mass (Da)", ("mass_kda", 1e-3)),
        ("masses_MDa", ("mass_kda", 1e3)),
        ("Mass [kDa]", ("mass_kda", 1.0)),
        ("Mass [kD]", ("mass_kda", 1.0)),
        ("Masse (u)", ("mass_kda", 1e-3)),
        ("MDa", ("mass_kda", 1e3)),
        ("Contrast (%)", ("contrast", 1e-2)),
        ("contrast (x10^-3)", ("contrast", 1e-3)),
        ("Kontrast", ("contrast", 1.0)),
        ("contrast [‰]", ("contrast", 1e-3)),
        ("Ratiometric contrast", ("contrast", 1.0)),
    ],
)
def test_units_are_read_from_names(name: str, meaning: tuple[str, float], tmp_path: Path) -> None:
    found = meaning_of(name)
    assert found is not None
    assert (found.name, found.factor) == meaning
    values = MASS if meaning[0] == "mass_kda" else CONTRAST
    events = read_events(table(tmp_path / "e.csv", **{name: values / meaning[1]}))
    np.testing.assert_allclose(events[meaning[0]], values, rtol=1e-12)


def test_a_unit_that_is_not_known_is_refused() -> None:
    with pytest.raises(PerrinError, match="Known are Da, kDa or MDa"):
        meaning_of("mass (a.u.)")


@pytest.mark.parametrize(
    ("factor", "said"), [(1e3, "seem to be in Da"), (1e-3, "seem to be in MDa")]
)
def test_masses_in_another_unit_are_noticed(factor: float, said: str, tmp_path: Path) -> None:
    with pytest.raises(PerrinError, match=said):
        read_events(table(tmp_path / "e.csv", mass=MASS * factor))
    with pytest.raises(PerrinError, match=said):
        read_events(table(tmp_path / "e.csv", mass=MASS * factor, contrast=CONTRAST))


@pytest.mark.parametrize("labels", ["group", "array", "absent"])
def test_the_layout_of_2024_with_its_lists(labels: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["contrasts"], file["calibrated_values"] = CONTRAST, MASS
        model = file.create_group("calibration")
        model["gradient"], model["offset"] = -4e-5, 0.0
        model["calibrated_values"], model["contrasts"] = MASS[[0, 3]], CONTRAST[[0, 3]]
        if labels == "array":
            model.create_dataset("labels", data=["M1", "M2"], dtype=h5py.string_dtype())
        elif labels == "group":
            model["labels/__is_list__"] = 0
            model["labels/0"], model["labels/1"] = "M1", "M2"
        else:
            model["labels__is_none__"] = 0
    events = read_events(tmp_path / "d.h5")
    assert events["mass_kda"].tolist() == MASS.tolist()
    named = [point["label"] for point in events.attrs["calibration"]["points"]]
    assert named == (["", ""] if labels == "absent" else ["M1", "M2"])


def test_events_in_a_group_of_their_own(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["results/fits/contrasts"] = CONTRAST
    assert "results/fits" in read_events(tmp_path / "d.h5").attrs["read_as"]
    with h5py.File(tmp_path / "d.h5", "a") as file:
        file["other/contrasts"] = CONTRAST
    with pytest.raises(PerrinError, match=r"other, results/fits.*--dataset"):
        read_events(tmp_path / "d.h5")
    assert len(read_events(tmp_path / "d.h5", dataset="other")) == len(CONTRAST)


def test_samples_are_told_apart_by_their_columns(tmp_path: Path) -> None:
    path = table(tmp_path / "e.csv", contrast=CONTRAST, sample=list("aaabbb"), run=[1, 1, 2] * 2)
    events = read_events(path)
    assert set(events["measurement"]) == {"a/1", "a/2", "b/1", "b/2"}
    assert "'sample', 'run'" in events.attrs["notes"][0]


def test_the_line_counts_what_is_left_out_and_not_used(tmp_path: Path) -> None:
    path = table(
        tmp_path / "e.csv",
        contrast=[*CONTRAST, np.nan],
        selections=[0, 1, 1, 1, 1, 1, 1],
        diary=range(7),
    )
    said = read_events(path).attrs["read_as"]
    assert "6 events (5 landings, 1 unbinding)" in said
    assert "columns not used: diary" in said
    assert "1 row without contrast and mass left out" in said
    assert "1 event deselected" in said


def test_rows_that_are_there_twice_are_left_out_and_said(tmp_path: Path) -> None:
    once = pd.DataFrame({"frame": np.arange(6), "x_px": 1.5, "y_px": 2.5, "contrast": CONTRAST})
    pd.concat([once, once[:2]]).to_csv(tmp_path / "e.csv", index=False)
    events = read_events(tmp_path / "e.csv")
    assert len(events) == 6
    assert "2 of 8 rows agree with an earlier row" in events.attrs["notes"][0]
    # a table of rounded contrasts may hold equal values by chance
    assert len(read_events(table(tmp_path / "c.csv", contrast=[-0.003, -0.003, -0.004]))) == 3


def test_the_sign_is_asked_for_where_it_does_not_show(tmp_path: Path) -> None:
    path = table(tmp_path / "e.csv", contrast=-CONTRAST)
    assert "--landing-sign 1" in read_events(path).attrs["notes"][0]
    assert read_events(path, landing_sign=1)["contrast"].tolist() == CONTRAST.tolist()
    with pytest.raises(PerrinError, match="masses say that landings have negative"):
        read_events(table(path, contrast=CONTRAST, mass=MASS), landing_sign=1)
    many = pd.DataFrame({"contrast": np.repeat(-CONTRAST, 50), "measurement": "a"})
    with pytest.raises(PerrinError, match=r"50 landings.*minority"):
        calibrate_from_events(many.assign(event=range(300)), [66, 132])


@pytest.mark.parametrize(
    ("factor", "said"), [(100.0, "in percent"), (1e-3, "in Da"), (1e3, "in MDa")]
)
def test_a_calibration_that_no_protein_gives_is_refused(factor: float, said: str) -> None:
    with pytest.raises(PerrinError, match=said):
        calibrate([66.0, 146.0, 480.0], factor * -4e-5 * np.array([66.0, 146.0, 480.0]))


def test_other_files_are_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "e.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    calibration = calibrate([66.0, 146.0], [-0.0026, -0.0058])
    calibration.save(tmp_path / "c.json")
    (tmp_path / "r.html").write_text("<!doctype html><title>perrin</title>")
    table(tmp_path / "t.csv", particle=[0, 0, 1], frame=[0, 1, 0], x=1.0, y=2.0, mass=[90, 91, 80])
    for name, said in (
        ("e.xlsx", "Excel workbook"),
        ("c.json", "a calibration of perrin"),
        ("r.html", "a report of perrin"),
        ("t.csv", "table of tracks"),
    ):
        with pytest.raises(PerrinError, match=f"{name}.*{said}"):
            read_events(tmp_path / name)


def test_contrasts_and_masses_that_are_missing_or_nothing_are_counted(tmp_path: Path) -> None:
    contrast, mass = CONTRAST.copy(), MASS.copy()
    contrast[1], contrast[2], mass[3] = np.nan, 0.0, np.nan
    notes = read_events(table(tmp_path / "e.csv", contrast=contrast, mass=mass)).attrs["notes"]
    assert "1 of 6 events without a contrast" in notes
    assert "1 of 6 events without a mass" in notes
    assert any("1 of 6 events with a contrast of exactly 0" in note for note in notes)


def test_feather_is_read_as_parquet_is(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "e.feather"
    pd.DataFrame({"contrast": CONTRAST, "mass": MASS}).to_feather(path)
    assert np.array_equal(read_events(path)["mass_kda"], MASS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(PerrinError, match="feather file is truncated or damaged"):
        read_events(path)


@pytest.mark.parametrize("name", ["selections", "selected", "accepted", "retained"])
@pytest.mark.parametrize("words", [("yes", "no"), ("True", "False"), (1, 0)])
def test_marks_of_selected_events_may_be_words(
    name: str, words: tuple[Any, Any], tmp_path: Path
) -> None:
    marks = [words[0]] * 4 + [words[1]] * 2
    events = read_events(table(tmp_path / "e.csv", contrast=CONTRAST, mass=MASS, **{name: marks}))
    assert events["retained"].tolist() == [True] * 4 + [False] * 2
    assert "2 events deselected" in events.attrs["read_as"]


def test_events_with_labels_and_places_are_no_tracks(tmp_path: Path) -> None:
    place = np.arange(6)
    columns = {"frame": place * 7, "x": place + 5.0, "y": place + 9.0, "contrast": CONTRAST}
    path = table(tmp_path / "e.csv", **columns, label=["binder"] * 5 + ["unbinder"])
    assert inspect(path).kind == "events"
    with pytest.raises(PerrinError, match="hold no particle"):
        read_tracks(path)


@pytest.mark.parametrize("counts", ["counts", "Normalized counts", "event_density"])
def test_a_histogram_is_no_table_of_events(counts: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    bins = pd.DataFrame({"Mass (kDa)": np.arange(0, 400, 5.0), counts: np.arange(80) % 7})
    bins.to_csv(path, index=False)
    with pytest.raises(PerrinError, match="histogram"):
        read_events(path)


@pytest.mark.parametrize(
    "header", ["contrast (×10⁻³),molar mass (kg/mol)\n", "contrast,mass\n‰,kDa\n"]
)
def test_thousandths_in_superscript_and_below_the_header(header: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(header + "-2.5,66\n-5.0,132\n-2.6,67\n", encoding="utf-8")
    events = read_events(path)
    assert events["contrast"].tolist() == pytest.approx([-0.0025, -0.005, -0.0026])
    assert events["mass_kda"].tolist() == [66, 132, 67]
