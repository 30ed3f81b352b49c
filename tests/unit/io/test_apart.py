"""What becomes of the process that walks through files never becomes of this one.

The stand-ins end, sleep and allocate because they are told to: no file does that here.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from perrin.errors import PerrinError
from perrin.io.apart import HDF5, Walker
from perrin.io.hdf5 import open_hdf5
from perrin.io.hdf5_walk import walk

_STAND_IN = """
    import os, time
    from pathlib import Path
    from perrin.io.apart import serve

    kept = []

    def do(path):
        told = Path(path).read_text()
        with (Path(path).parent / "walked").open("a") as log:
            log.write(told + "\\n")
        exec(told)

    serve(do)
"""
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no limits of CPU and memory")


@pytest.fixture
def walker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walker]:
    (tmp_path / "stand_in.py").write_text(textwrap.dedent(_STAND_IN))
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Walker("stand_in", "kind of", cpu_s=1, wall_s=60)
    yield made
    made.close()


@pytest.fixture
def told(tmp_path: Path) -> Callable[[str], Path]:
    """A file that tells the stand-in what to do."""

    def write(what: str) -> Path:
        path = tmp_path / f"{abs(hash(what))}.txt"
        path.write_text(what)
        return path

    return write


def test_one_process_walks_through_all_files_each_once(
    walker: Walker, told: Callable[[str], Path], tmp_path: Path
) -> None:
    first, second = told("kept.append(1)"), told("kept.append(2)")
    for path in (first, second, first):
        walker.check(path)
    child = walker._child
    assert child is not None
    assert (tmp_path / "walked").read_text().splitlines() == ["kept.append(1)", "kept.append(2)"]
    first.write_text("assert kept == [1, 2]; kept.append(3); Path('x' * 3)")
    walker.check(first)  # changed, so walked again, by the same process
    assert walker._child is child
    assert len((tmp_path / "walked").read_text().splitlines()) == 3
    later = second.stat().st_mtime_ns + 10**9
    second.write_text("kept.append(9)")  # as long as before: only the time of its change differs
    os.utime(second, ns=(later, later))
    walker.check(second)
    assert (tmp_path / "walked").read_text().splitlines()[3:] == ["kept.append(9)"]


def test_a_process_that_ends_is_one_error_and_the_next_file_has_a_new_one(
    walker: Walker, told: Callable[[str], Path]
) -> None:
    path = told("os._exit(7)")
    with pytest.raises(PerrinError, match=r"the kind of file is damaged: .*code 7.*Copy it again"):
        walker.check(path)
    walker.check(told("pass"))
    with pytest.raises(PerrinError, match="code 7"):
        walker.check(path)  # no verdict is kept of a file that was not come through


@posix
def test_a_process_that_is_ended_by_a_signal_says_which(
    walker: Walker, told: Callable[[str], Path]
) -> None:
    with pytest.raises(PerrinError, match="SIGTERM"):
        walker.check(told("os.kill(os.getpid(), 15); time.sleep(5)"))


@posix
def test_a_loop_is_ended_after_its_cpu_seconds(walker: Walker, told: Callable[[str], Path]) -> None:
    with pytest.raises(PerrinError, match="does not come back within 1 s"):
        walker.check(told("while True: pass"))


def test_a_process_that_sleeps_is_ended_after_its_seconds(
    walker: Walker, told: Callable[[str], Path]
) -> None:
    walker.check(told("pass"))
    walker.wall_s = 0.2
    with pytest.raises(PerrinError, match=r"does not come back within 0\.2 s"):
        walker.check(told("time.sleep(30)"))
    walker.wall_s = 60
    walker.check(told("time.sleep(0)"))


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS sets no limit of addresses")
def test_a_process_may_not_take_all_memory(walker: Walker, told: Callable[[str], Path]) -> None:
    with pytest.raises(PerrinError, match="more than 2 GiB of memory"):
        walker.check(told("kept.append(bytearray(3 * 2**30))"))


def test_what_no_reader_can_cope_with_is_said(walker: Walker, told: Callable[[str], Path]) -> None:
    path = told("from perrin.errors import PerrinError; raise PerrinError('it has no end')")
    with pytest.raises(PerrinError, match=r"file is damaged: it has no end\. Copy"):
        walker.check(path)
    assert walker._child is not None  # it goes on


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["counts"] = [1, 2]
        file["group/one"] = 1
        h5py.h5g.create(file["group"].id, b"\xe9t\xe9")
    with pytest.raises(PerrinError, match="in /group is no text in UTF-8"):
        open_hdf5(tmp_path / "a.h5")


def test_errors_and_words_of_a_library_are_no_verdict(
    walker: Walker, told: Callable[[str], Path]
) -> None:
    walker.check(told("print('done'); os.write(1, b'memory\\n'); raise OSError('no such block')"))


def test_without_a_second_process_files_are_opened_as_they_are(
    walker: Walker, told: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    walker.check(told("os._exit(7)"))


def test_a_module_that_does_not_come_up_is_tried_once(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("")
    absent = Walker("perrin.io.no_such_module", "kind of")
    absent.check(path)
    assert absent._child is None
    absent.start()
    assert absent._child is None


def test_what_is_missing_is_left_to_who_opens_it(walker: Walker, tmp_path: Path) -> None:
    walker.check(tmp_path / "none")
    assert walker._child is None


def test_hdf5_files_are_walked_before_they_are_opened(
    walker: Walker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    _rich(path)
    open_hdf5(path).close()
    assert HDF5._child is not None
    assert HDF5._child.poll() is None
    monkeypatch.setattr("perrin.io.hdf5.HDF5", walker)
    with pytest.raises(PerrinError, match="damaged"):
        # the stand-in takes the bytes for a text, which they are not: that is no verdict; so it
        # is told to end
        open_hdf5(_as(path, "os._exit(3)"))


def _as(path: Path, told: str) -> Path:
    path.write_text(told)
    return path


def _rich(path: Path) -> None:
    with h5py.File(path, "w") as file:
        names = file.create_dataset("names", (40,), h5py.string_dtype())
        names[:] = ["n" * k for k in range(40)]
        file.create_dataset("frames", data=np.zeros((9, 8, 8), "u2"), chunks=(2, 8, 8))
        file["frames"].dims[0].label = "t"
        file.create_dataset("to", (2,), h5py.ref_dtype)[0] = names.ref
        file["group/again"] = h5py.SoftLink("/")
        file["group"].attrs["said"] = ["a", "b"]
        file["one"] = 3.0
        file["long"] = np.zeros((2, 2**22))
        file["elsewhere"] = h5py.ExternalLink("none.h5", "/x")
        file["group/first"] = file["/group"]  # a group in itself


def test_a_walk_comes_to_all_that_a_file_holds_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.h5"
    _rich(path)
    seen = []
    monkeypatch.setattr("perrin.io.hdf5_walk._values", lambda data, _file: seen.append(data.name))
    walk(str(path))
    assert sorted(seen) == ["/frames", "/long", "/names", "/one", "/to"]
    monkeypatch.undo()
    walk(str(path))
