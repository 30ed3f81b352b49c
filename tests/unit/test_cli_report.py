"""`perrin report` and `perrin app` as a user types them."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest


@pytest.fixture
def results(run, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    rows = [f"{-0.0026 - 1e-5 * (k % 9)},{66 + 0.25 * (k % 9)}" for k in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["contrasts,masses_kDa", *rows]))
    run("spectrum", tmp_path / "a.csv", "--out", tmp_path / "a", "--resamples", 0)
    return tmp_path / "a"


def test_one_page_of_several_results(run, results: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    page, other = tmp_path / "both.html", tmp_path / "other"
    shutil.copytree(results, other)
    status, out, _ = run("report", results, other, "--out", page)
    assert status == 0
    assert "open it with any browser" in out
    assert "2 measurements compared" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{results}", "--out", "{folder}/page.pdf"], "suffix .html"),
        (["{folder}", "--out", "{folder}/page.html"], "not a results folder"),
        (["{results}", "{folder}/absent", "--out", "{folder}/page.html"], "not a results folder"),
    ],
)
def test_bad_input_is_one_clear_line(  # type: ignore[no-untyped-def]
    run, results: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    given = [word.format(results=results, folder=tmp_path) for word in words]
    status, _, err = run("report", *given)
    assert status == 1
    assert err.startswith("perrin: ")
    assert said in err
    assert not list(tmp_path.glob("page.*"))


def test_the_app_says_why_it_cannot_start(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("nicegui", reason="app: pip install 'perrin[app]'")
    status, _, err = run("app", "--folder", tmp_path / "absent", "--no-show")
    assert status == 1
    assert "is not a folder" in err
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, _, err = run("app", "--folder", tmp_path, "--port", port, "--no-show")
    assert status == 1
    assert f"port {port} is taken" in err
