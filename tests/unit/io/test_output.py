"""Files and folders that perrin writes: nothing that is there is lost, at any moment."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from perrin.errors import PerrinError
from perrin.io import disk, staging
from perrin.io.manifest import MANIFEST, read_manifest
from perrin.io.output import OutputFile, output_file, output_files, written_file, written_files
from perrin.io.output_folder import output_folder, rewrite, written_folder


def write(folder: Path | object, content: str, *, overwrite: bool = False) -> None:
    """A result of two files, one of them in a folder."""
    with written_folder(folder, overwrite=overwrite) as new:  # type: ignore[arg-type]
        (new / "figures").mkdir()
        (new / "events.csv").write_text(content)
        (new / "figures" / "spectrum.svg").write_text(content)


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def result(content: str) -> dict[str, str]:
    return {"events.csv": content, "figures/spectrum.svg": content}


OWN = {"notes.txt": "mine", "figures/sketch.svg": "mine", "raw/day 1/movie.mp": "mine"}


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A results folder in which the user keeps files of their own, also beside perrin's."""
    folder = tmp_path / "res"
    write(folder, "first")
    for name, content in OWN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.fixture(params=["swap", "no swap"])
def with_and_without_swap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file system that exchanges names in one step, and one that cannot (Windows, NFS)."""
    if request.param == "no swap":
        monkeypatch.setattr(disk, "_c_rename", lambda: None)
    return str(request.param)


# folders


def test_a_manifest_says_what_was_written(tmp_path: Path) -> None:
    write(tmp_path / "res", "first")
    files = read_manifest(tmp_path / "res")
    assert files is not None
    assert set(files) == set(result("first"))
    assert files["events.csv"]["bytes"] == 5
    assert files["events.csv"]["sha256"] == disk.sha256_of(tmp_path / "res" / "events.csv")


@pytest.mark.parametrize("name", ["../mine.csv", "figures/../../mine.csv", "/mine.csv", ""])
def test_a_manifest_that_names_what_lies_elsewhere_is_not_trusted(
    name: str, tmp_path: Path
) -> None:
    write(tmp_path / "res", "first")
    path = tmp_path / "res" / "manifest.json"
    stored = json.loads(path.read_text())
    stored["files"][name] = stored["files"]["events.csv"]
    path.write_text(json.dumps(stored))
    assert read_manifest(tmp_path / "res") is None
    with pytest.raises(PerrinError, match="not perrin's"):
        write(tmp_path / "res", "second", overwrite=True)


def test_overwrite_replaces_what_perrin_wrote_and_keeps_the_rest(
    mixed: Path, with_and_without_swap: str
) -> None:
    (mixed / "link").symlink_to("notes.txt")
    (mixed / "empty").mkdir()
    inode = (mixed / "notes.txt").stat().st_ino
    write(mixed, "second", overwrite=True)
    assert tree(mixed) == result("second") | OWN | {"link": "mine"}
    assert (mixed / "link").readlink() == Path("notes.txt")
    assert (mixed / "empty").is_dir()
    assert (mixed / "notes.txt").stat().st_ino == inode
    assert [path.name for path in mixed.parent.iterdir()] == ["res"]
    assert set(read_manifest(mixed) or {}) == set(result("second"))


def test_the_rest_is_kept_where_there_are_no_hard_links(
    mixed: Path, with_and_without_swap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    write(mixed, "second", overwrite=True)
    assert tree(mixed) == result("second") | OWN
    assert [path.name for path in mixed.parent.iterdir()] == ["res"]


def test_files_of_the_earlier_result_that_the_new_one_lacks_go(tmp_path: Path) -> None:
    folder = tmp_path / "res"
    write(folder, "first")
    with written_folder(folder, overwrite=True) as new:
        (new / "summary.json").write_text("{}")
    assert tree(folder) == {"summary.json": "{}"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_something_else_is_refused(tmp_path: Path, overwrite: bool) -> None:
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "summary.json").write_text("years of work")
    with pytest.raises(PerrinError, match="not perrin's"):
        output_folder(thesis, overwrite=overwrite)
    (thesis / MANIFEST).write_text(json.dumps({"files": {"../x": {"bytes": 1, "sha256": ""}}}))
    with pytest.raises(PerrinError, match="not perrin's"):
        output_folder(thesis, overwrite=overwrite)
    with pytest.raises(PerrinError, match="is a file"):
        output_folder(thesis / "summary.json", overwrite=overwrite)
    assert (thesis / "summary.json").read_text() == "years of work"


def test_results_need_overwrite_and_an_empty_folder_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "res"
    folder.mkdir()
    write(folder, "first")
    with pytest.raises(PerrinError, match="--overwrite"):
        write(folder, "second")
    assert tree(folder) == result("first")


def test_a_result_that_the_user_changed_is_refused(mixed: Path) -> None:
    (mixed / "events.csv").write_text("corrected by hand")
    with pytest.raises(PerrinError, match=r"events\.csv was changed"):
        output_folder(mixed, overwrite=True)
    (mixed / "events.csv").rename(mixed / "corrected.csv")
    write(mixed, "second", overwrite=True)
    assert tree(mixed) == result("second") | OWN | {"corrected.csv": "corrected by hand"}


def test_figures_moved_to_another_disk_and_linked_are_refused(mixed: Path, tmp_path: Path) -> None:
    (mixed / "figures").rename(tmp_path / "elsewhere")
    (mixed / "figures").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PerrinError, match=r"spectrum\.svg was changed"):
        output_folder(mixed, overwrite=True)


def test_an_input_is_never_replaced(mixed: Path, tmp_path: Path) -> None:
    alias = tmp_path / "alias.csv"
    alias.symlink_to(mixed / "events.csv")
    for source in (mixed / "events.csv", alias, mixed / "figures", mixed, tmp_path):
        with pytest.raises(PerrinError, match="to be read"):
            output_folder(mixed, overwrite=True, inputs=[source])
    output_folder(mixed, overwrite=True, inputs=[mixed / "notes.txt"])


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "res"
    link.symlink_to(tmp_path / "disk" / "res")
    write(link, "first")
    write(link, "second", overwrite=True)
    assert link.is_symlink()
    assert tree(tmp_path / "disk" / "res") == result("second")


def test_the_folder_perrin_runs_in_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for path in (".", "..", tmp_path / "here", "../here"):
        with pytest.raises(PerrinError, match="runs in"):
            output_folder(path)


@pytest.mark.parametrize("check", [output_folder, output_file])
def test_what_cannot_be_written_is_refused_at_once(
    tmp_path: Path, check: Callable[[Path], object]
) -> None:
    (tmp_path / "file").write_text("mine")
    for path, why in (
        (tmp_path / "missing" / "out", "Make it first"),
        (tmp_path / "file" / "out", "not a folder"),
        (tmp_path / ("x" * 300), "too long"),
        (tmp_path / "nul\0", "nowhere"),
    ):
        with pytest.raises(PerrinError, match=why):
            check(path)
    check(tmp_path / ("x" * 250))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("check", [output_folder, output_file])
def test_a_folder_without_permission_is_refused(
    tmp_path: Path, check: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "mkdir", denied)  # the administrator may write anywhere
    with pytest.raises(PerrinError, match="may not write there"):
        check(tmp_path / "out")


def test_the_second_of_two_runs_says_where_its_results_are(tmp_path: Path) -> None:
    target = output_folder(tmp_path / "res")
    write(tmp_path / "res", "first")
    with pytest.raises(PerrinError, match=r"These results are in .*res-2"):
        write(target, "second")
    assert tree(tmp_path / "res") == result("first")
    assert tree(tmp_path / "res-2") == result("second")


def test_a_folder_made_meanwhile_is_left_alone(tmp_path: Path) -> None:
    target = output_folder(tmp_path / "res")
    (tmp_path / "res").mkdir()
    with pytest.raises(PerrinError, match="res-2"):
        write(target, "mine")
    assert list((tmp_path / "res").iterdir()) == []


def test_results_replaced_or_changed_meanwhile_are_left_alone(mixed: Path) -> None:
    target = output_folder(mixed, overwrite=True)
    write(mixed, "second", overwrite=True)
    with pytest.raises(PerrinError, match="res-2"):
        write(target, "third")
    assert tree(mixed) == result("second") | OWN
    target = output_folder(mixed, overwrite=True)
    (mixed / "events.csv").write_text("edited")
    with pytest.raises(PerrinError, match="res-3"):
        write(target, "fourth")
    assert (mixed / "events.csv").read_text() == "edited"
    assert tree(mixed.parent / "res-3") == result("fourth")


def test_results_replaced_in_the_last_moment_are_put_back(
    mixed: Path, with_and_without_swap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run puts its results in place between our last look and the exchange."""
    target = output_folder(mixed, overwrite=True)
    kept = staging.Staging.journal

    def journal(self: staging.Staging, kind: str, **about: object) -> None:
        monkeypatch.setattr(staging.Staging, "journal", kept)
        write(mixed, "theirs", overwrite=True)
        kept(self, kind, **about)

    monkeypatch.setattr(staging.Staging, "journal", journal)
    with pytest.raises(PerrinError, match="res-2"):
        write(target, "ours")
    assert tree(mixed) == result("theirs") | OWN
    assert tree(mixed.parent / "res-2") == result("ours")


def test_a_file_of_the_user_with_a_new_results_name_is_kept(mixed: Path) -> None:
    (mixed / "recheck.csv").write_text("mine")
    with (
        pytest.raises(PerrinError, match=r"recheck\.csv that is not perrin's"),
        written_folder(mixed, overwrite=True) as new,
    ):
        (new / "recheck.csv").write_text("perrin's")
    assert tree(mixed) == result("first") | OWN | {"recheck.csv": "mine"}
    assert tree(mixed.parent / "res-2") == {"recheck.csv": "perrin's"}


@pytest.mark.parametrize("trouble", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_error_leaves_what_was_there(mixed: Path, trouble: BaseException) -> None:
    def stopped() -> None:
        with written_folder(mixed, overwrite=True) as new:
            (new / "events.csv").write_text("half")
            raise trouble

    with pytest.raises((KeyboardInterrupt, PerrinError)):
        stopped()
    assert tree(mixed) == result("first") | OWN
    assert [path.name for path in mixed.parent.iterdir()] == ["res"]


def test_a_text_is_rewritten_with_its_manifest(tmp_path: Path) -> None:
    write(tmp_path / "net", "card")
    rewrite(tmp_path / "net", "events.csv", "changed")
    write(tmp_path / "net", "second", overwrite=True)
    assert tree(tmp_path / "net") == result("second")


def test_a_network_is_replaced_by_a_network_only(tmp_path: Path) -> None:
    with written_folder(tmp_path / "net", network=True) as partial:
        (partial / "card.json").write_text("days of training")
    with pytest.raises(PerrinError, match="holds a trained network"):
        write(tmp_path / "net", "results", overwrite=True)
    assert (tmp_path / "net" / "card.json").read_text() == "days of training"
    with written_folder(tmp_path / "net", network=True, overwrite=True) as partial:
        (partial / "card.json").write_text("trained on")
    assert (tmp_path / "net" / "card.json").read_text() == "trained on"


@pytest.mark.parametrize("written", [True, False], ids=["results", "images"])
def test_a_file_of_a_folder_that_is_read_is_not_replaced(tmp_path: Path, *, written: bool) -> None:
    """Of results what their manifest lists; of any other folder all that is in it."""
    folder = tmp_path / "res"
    if written:
        write(folder, "first")
    else:
        folder.mkdir()
        (folder / "events.csv").write_text("first")
    (folder / "own.csv").write_text("mine")
    with pytest.raises(PerrinError, match="is what is to be read"):
        output_file(folder / "events.csv", overwrite=True, inputs=[folder])
    output_file(folder / "new.csv", overwrite=True, inputs=[folder])
    if written:
        output_file(folder / "own.csv", overwrite=True, inputs=[folder])


# files


def write_pair(targets: list[OutputFile], movie: str, truth: str) -> None:
    with written_files(targets) as (movie_file, truth_file):
        movie_file.write_text(movie)
        truth_file.write_text(truth)


def test_a_file_needs_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "recording.mp"
    path.write_text("recorded")
    with pytest.raises(PerrinError, match="--overwrite"), written_file(path):
        pass
    with pytest.raises(PerrinError, match="to be read"):
        output_file(path, overwrite=True, inputs=[path])
    with pytest.raises(PerrinError, match="is a folder"):
        output_file(tmp_path, overwrite=True)
    path.chmod(0o444)
    with pytest.raises(PerrinError, match="protected"):
        output_file(path, overwrite=True)
    path.chmod(0o640)
    with written_file(path, overwrite=True) as partial:
        partial.write_text("new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_companions_are_checked_too_and_appear_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.truth.csv").write_text("mine")
    with pytest.raises(PerrinError, match=r"a\.truth\.csv is already there"):
        output_files(tmp_path / "a.mp", ".truth.csv")
    targets = output_files(tmp_path / "a.mp", ".truth.csv", overwrite=True)
    with written_files(targets) as (movie, truth):
        movie.write_text("movie")
        truth.write_text("truth")
    assert tree(tmp_path) == {"a.mp": "movie", "a.truth.csv": "truth"}


def test_a_file_written_meanwhile_is_left_alone(tmp_path: Path) -> None:
    targets = output_files(tmp_path / "a.mp", ".truth.csv")
    (tmp_path / "a.truth.csv").write_text("theirs")
    with pytest.raises(PerrinError, match=r"a-2\.mp.*a\.truth-2\.csv"):
        write_pair(targets, "movie", "truth")
    assert tree(tmp_path) == {"a.truth.csv": "theirs", "a-2.mp": "movie", "a.truth-2.csv": "truth"}


def test_an_error_between_two_files_puts_the_first_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.mp", "a.truth.csv"):
        (tmp_path / name).write_text("first")
    targets = output_files(tmp_path / "a.mp", ".truth.csv", overwrite=True)
    replace = Path.replace

    def stubborn(self: Path, target: Path) -> Path:
        if self.name == "a.mp":
            raise PermissionError(13, "in use")  # Windows, where another program has it open
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stubborn)
    with pytest.raises(PerrinError, match=r"a-2\.mp"):
        write_pair(targets, "second", "second")
    assert (tmp_path / "a.mp").read_text() == (tmp_path / "a.truth.csv").read_text() == "first"
    assert (tmp_path / "a-2.mp").read_text() == (tmp_path / "a.truth-2.csv").read_text() == "second"


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "a.json").symlink_to(tmp_path / "disk" / "b.json")
    for content in ("first", "second"):
        with written_file(tmp_path / "a.json", overwrite=content == "second") as partial:
            partial.write_text(content)
    assert (tmp_path / "a.json").is_symlink()
    assert tree(tmp_path / "disk") == {"b.json": "second"}


def test_a_disk_without_room_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10**8})())
    disk.check_space(tmp_path, 10**7)
    with pytest.raises(PerrinError, match="100 MB are free"):
        disk.check_space(tmp_path, 10**9)


# runs that are killed

_KILLED = """
import os, shutil, sys
from pathlib import Path
from perrin.io import disk
from perrin.io.output import output_files, written_files
from perrin.io.output_folder import written_folder

base, how, body = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
left = 0

def killing(function):
    def call(*args, **named):
        global left
        made = function(*args, **named)
        left -= 1
        if left == 0:
            os._exit(9)
        return made
    return call

def folder(where):
    with written_folder(where / "res", overwrite=True) as new:
        Path(new, "events.csv").write_text("second")
        Path(new, "figures").mkdir()
        Path(new, "figures", "spectrum.svg").write_text("second")

def files(where):
    targets = output_files(where / "a.mp", ".truth.csv", overwrite=True)
    with written_files(targets) as partials:
        for partial in partials:
            partial.write_text("second")

for name in ("rename", "replace", "mkdir", "rmdir", "unlink", "link", "symlink", "fsync", "chmod"):
    setattr(os, name, killing(getattr(os, name)))
if how == "no swap":
    disk._c_rename = lambda: None
disk.swap, disk.move_new = killing(disk.swap), killing(disk.move_new)

step = code = 1
while code:
    where = base / str(step)
    shutil.copytree(base / "first", where)
    child = os.fork()
    if child == 0:
        left = step
        {"folder": folder, "files": files}[body](where)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), code
    step += 1
print(step - 1)
"""


Killed = Callable[[Path, str, str], list[Path]]


@pytest.fixture
def killed(run_apart: Callable[..., str]) -> Killed:
    """Do `body` on copies of ``first``, killed after its first, second, ... step on the disk.

    Returns the folders, the last one of which belongs to the run that was not killed.
    """

    def kill(base: Path, how: str, body: str) -> list[Path]:
        steps = int(run_apart(_KILLED, base, how, body))
        return [base / str(step) for step in range(1, steps + 1)]

    return kill


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked to be killed")
@pytest.mark.parametrize("how", ["swap", "no swap"])
def test_a_kill_at_any_step_leaves_the_earlier_or_the_new_result(
    how: str, tmp_path: Path, killed: Killed
) -> None:
    """Where names can be exchanged, in place at each moment; elsewhere once perrin runs again."""
    first = tmp_path / "first" / "res"
    first.parent.mkdir()
    write(first, "first")
    for name, content in OWN.items():
        (first / name).parent.mkdir(parents=True, exist_ok=True)
        (first / name).write_text(content)
    whole = (result("first") | OWN, result("second") | OWN)
    seen = []
    for where in killed(tmp_path, how, "folder"):
        if how == "swap":
            assert tree(where / "res") in whole, where.name
        staging.clear_dead(where)
        assert tree(where / "res") in whole, where.name
        assert [path.name for path in where.iterdir()] == ["res"], where.name
        assert set(read_manifest(where / "res") or {}) == set(result("first"))
        seen.append(tree(where / "res")["events.csv"])
    assert seen == sorted(seen)
    assert set(seen) == {"first", "second"}
    assert len(seen) > 40


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked to be killed")
def test_a_kill_between_a_movie_and_its_truth_is_put_right(tmp_path: Path, killed: Killed) -> None:
    (tmp_path / "first").mkdir()
    for name in ("a.mp", "a.truth.csv"):
        (tmp_path / "first" / name).write_text("first")
    seen = []
    for where in killed(tmp_path, "swap", "files"):
        for name in ("a.mp", "a.truth.csv"):
            assert (where / name).read_text() in ("first", "second")
        staging.clear_dead(where)
        assert tree(where) in ({"a.mp": x, "a.truth.csv": x} for x in ("first", "second"))
        seen.append((where / "a.mp").read_text())
    assert seen == sorted(seen)
    assert set(seen) == {"first", "second"}


def test_what_dead_runs_left_is_cleared_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def left(machine: str, pid: int) -> Path:
        folder = tmp_path / f".perrin-{machine}-{pid}-0123abcd"
        folder.mkdir()
        (folder / "half.mp").write_text("half")
        return folder

    alive, dead = left(disk.machine(), os.getppid()), left(disk.machine(), 2**22 + 1)
    elsewhere, own = left("00000000", 2**22 + 1), left(disk.machine(), os.getpid())
    with staging.staged(tmp_path) as mine:
        assert mine.folder.is_dir()
    assert alive.is_dir()
    assert elsewhere.is_dir()
    assert not dead.exists()
    assert not own.exists()  # of an earlier process that had our number
    assert not mine.folder.exists()
    assert str(dead) in caplog.text
