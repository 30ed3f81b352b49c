from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perrin.app.choices import Choices
from perrin.app.export import zipped
from perrin.app.workspace import Workspace
from perrin.errors import PerrinError
from perrin.mass.calibration import calibrate


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    outer = tmp_path_factory.mktemp("outer")
    (outer / "secret.txt").write_text("secret")
    (outer / "inside").mkdir()
    (outer / "inside" / "link").symlink_to(outer / "secret.txt")
    (outer / "inside" / "movie.mp").write_bytes(b"x")
    return Workspace(outer / "inside")


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "a/../../secret.txt", "link", ""])
def test_nothing_outside_is_reached(workspace: Workspace, name: str) -> None:
    with pytest.raises(PerrinError):
        workspace.path(name)


@pytest.mark.parametrize("name", [".hidden", "a/.hidden", ".a/b", "../secret.txt", "link"])
def test_what_is_hidden_or_outside_is_not_shown(workspace: Workspace, name: str) -> None:
    with pytest.raises(PerrinError):
        workspace.shown(name)


def test_an_archive_holds_no_links_and_nothing_hidden(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.txt").write_text("secret")
    folder = tmp_path / "results"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "a.svg").write_text("<svg/>")
    (folder / ".hidden").write_text("no")
    (folder / "link.txt").symlink_to(tmp_path / "elsewhere" / "secret.txt")
    (folder / "away").symlink_to(tmp_path / "elsewhere")
    with zipfile.ZipFile(io.BytesIO(zipped(folder))) as archive:
        assert archive.namelist() == ["results/figures/a.svg"]


@given(name=st.text(min_size=1, max_size=40))
def test_what_is_dropped_stays_inside(workspace: Workspace, name: str) -> None:
    try:
        path = workspace.free(name)
    except PerrinError:
        return
    assert path.parent == workspace.folder
    assert not path.exists()
    assert not path.name.startswith(".")


def test_a_second_file_of_a_name_gets_a_number(workspace: Workspace) -> None:
    assert workspace.free("movie.mp").name == "movie-2.mp"
    assert workspace.free("C:\\data\\movie.mp").name == "movie-2.mp"


def test_the_picture_of_a_calibration_is_nothing_to_analyze(tmp_path: Path) -> None:
    for name in ("line.json", "line.svg", "line.png", "frame.png"):
        (tmp_path / name).write_text("{}")
    assert Workspace(tmp_path).files() == ["frame.png"]


def test_names_of_results_differ_from_each_other_and_from_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a-results").mkdir()
    found = Workspace(tmp_path).free_names(["a-results", "a-results", "b-results"])
    assert found == ["a-results-2", "a-results-3", "b-results"]


def test_a_calibration_is_shown_and_thrown_away(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    calibrate([66.0, 132.0], [-0.0025, -0.005]).save(tmp_path / "line.json")
    assert not workspace.can_show("line.json")
    for suffix in (".svg", ".png"):
        (tmp_path / f"line{suffix}").touch()
    assert workspace.can_show("line.json")
    (tmp_path / "kept").mkdir()
    assert workspace.calibrations() == ["line.json"]
    workspace.discard_calibration("line.json")  # somebody else's
    assert (tmp_path / "line.json").is_file()
    workspace.note_calibration("line.json")
    (tmp_path / "line.png").write_bytes(b"drawn again by the user")
    workspace.discard_calibration("line.json")
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "line.png"}


def test_a_sheet_has_a_row_for_each_file(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with pytest.raises(PerrinError, match="Choose the files first"):
        workspace.make_sheet([])
    for name in ("a_1.mp", "a_2.mp"):
        (tmp_path / name).touch()
    assert workspace.make_sheet(["a_1.mp", "a_2.mp"]) == "sheet.csv"
    assert (tmp_path / "sheet.csv").read_text().splitlines()[1].startswith("a_1.mp,")
    assert workspace.make_sheet(["a_1.mp"]) == "sheet-2.csv"


def test_choices_are_remembered_and_bad_ones_forgotten(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.remembered() == Choices()
    workspace.remember(Choices(n_avg=20))
    assert workspace.remembered().n_avg == 20
    (tmp_path / ".perrin-app.json").write_text('{"n_avg": -1}')
    assert workspace.remembered() == Choices()
    assert workspace.files() == []
    with pytest.raises(PerrinError, match="not a folder"):
        Workspace(tmp_path / "absent")


def test_a_folder_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(PerrinError, match="you may not write there"):
        Workspace(tmp_path)
