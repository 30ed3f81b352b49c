"""The app in a browser: from drop to report; what it refuses."""

from __future__ import annotations

import http.client
import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.io import write_mp
from perrin.settings.simulation import LandingAssay, Species
from perrin.simulate.movie import simulate_movie

pytest.importorskip("nicegui", reason="app: pip install 'perrin[app]'")


@pytest.fixture(scope="module")
def served(serving: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One app for the tests of this file: its folder and port."""
    with serving(tmp_path_factory.mktemp("app")) as app:
        yield app


@pytest.fixture
def page(looking: Any, served: Any) -> Iterator[Any]:
    """The app's page; at the end, nothing but the app itself may have been asked."""
    with looking(served) as opened:
        yield opened


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of binders as a vendor-layout file."""
    species = Species(mass_kda=150, abundance=1.0)
    made, _ = simulate_movie(LandingAssay(species=(species,), density=1.0), seconds=4, seed=5)
    path = tmp_path_factory.mktemp("movies") / "dropped.mp"
    write_mp(path, made)
    return path


def drop(page: Any, path: Path) -> None:
    page.set_input_files("input[type=file]", path)
    page.wait_for_selector(f".file[aria-checked=true]:has-text('{path.stem}')")


def test_from_drop_to_report(page: Any, served: Any, movie: Path) -> None:
    drop(page, movie)
    page.wait_for_selector("text=4.132 ms")
    page.click("button:has-text('Analyze')")
    report = page.frame_locator("iframe")
    page.wait_for_selector("[role=status]:has-text('Done')")
    report.locator("h1").wait_for()
    assert "150" in report.locator("h1").inner_text() or "peak" in report.locator("h1").inner_text()
    folder = served.folder / "dropped-results"
    assert (folder / "summary.json").is_file()
    with page.expect_download() as waiting:
        page.click("button:has-text('Table')")
    assert Path(waiting.value.path()).read_bytes() == (folder / "events.csv").read_bytes()


def test_a_page_opened_again_shows_what_was_chosen(page: Any, served: Any, movie: Path) -> None:
    drop(page, movie)
    page.wait_for_selector("text=4.132 ms")
    page.reload()
    page.wait_for_selector("text=4.132 ms")
    page.wait_for_selector("text=2  Settings")


def test_cancel_leaves_nothing(page: Any, served: Any) -> None:
    page.click("button:has-text('Load example')")
    page.wait_for_selector("text=Simulating the example")
    page.click("button:has-text('Cancel')")
    page.wait_for_selector("text=Stopped; nothing was written.")
    assert not [path for path in served.folder.iterdir() if "example" in path.name]


def test_a_bad_file_is_named_and_the_app_goes_on(page: Any, served: Any, tmp_path: Path) -> None:
    bad = tmp_path / "notes.mp"
    bad.write_bytes(b"\x89HDF\r\n\x1a\n not really")
    drop(page, bad)
    page.wait_for_selector(".problem:has-text('notes.mp')")
    page.click("button:has-text('Analyze')")
    page.wait_for_selector("text=Choose a file first.")


def choose_task(page: Any, words: str) -> None:
    page.click("[data-name='task']")
    page.click(f".q-item:has-text('{words}')")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A calibrant as a table of contrasts: 150 and 300 kDa at -3.8e-5 per kDa."""
    rng = np.random.default_rng(0)
    masses = np.concatenate([rng.normal(150, 8, 150), rng.normal(300, 10, 150)])
    path = tmp_path_factory.mktemp("tables") / "ladder.csv"
    pd.DataFrame({"contrast": -3.8e-5 * masses}).to_csv(path, index=False)
    return path


def test_a_calibration_is_seen_accepted_and_changes_no_table(
    page: Any, served: Any, table: Path
) -> None:
    drop(page, table)
    page.wait_for_selector("text=What is it for?")
    choose_task(page, "A calibration")
    page.click("button:has-text('Analyze')")
    page.wait_for_selector("text=Still missing: Masses of the calibrant")
    page.fill("[aria-label^='Masses of the calibrant']", "150,300")
    page.wait_for_selector("text=Still to be said:", state="hidden")
    page.click("button:has-text('Analyze')")
    page.wait_for_selector("img.picture")
    assert page.evaluate("document.querySelector('img.picture').naturalWidth") > 100
    assert "peak 1 = 150 kDa" in page.inner_text("[role=status]")
    page.click("button:has-text('Use it')")
    remembered = served.folder / ".perrin-app.json"
    page.wait_for_selector("text=is used for the movies that follow")
    assert json.loads(remembered.read_text())["calibration"] == "ladder-calibration.json"
    drop(page, table)
    page.wait_for_selector("text=none: masses as they are in the table")
    page.click("button:has-text('Throw it away')")
    page.wait_for_selector("img.picture", state="hidden")
    assert not [path for path in served.folder.iterdir() if "calibration" in path.name]


def test_a_failed_file_is_named_and_the_others_run(own: Any, table: Path, tmp_path: Path) -> None:
    page = own.page
    for number in (1, 2):
        copy = tmp_path / f"many{number}.csv"
        copy.write_bytes(table.read_bytes())
        drop(page, copy)
    few = tmp_path / "many3.csv"  # no events: it can be read, and not be analyzed
    few.write_text("contrast\n")
    drop(page, few)
    bad = tmp_path / "many4.mp"
    bad.write_bytes(b"no movie")
    drop(page, bad)
    page.wait_for_selector(".problem:has-text('many4.mp')")
    for chosen in (1, 2, 3):
        page.click(f".file:has-text('many{chosen}.csv')")
        page.wait_for_selector(f"text={chosen} files, the last of them")  # after the list is new
    page.wait_for_selector(".because:has-text('many4.mp')")
    page.click("button:has-text('Analyze')")
    page.wait_for_selector("[role=status]:has-text('Done')")
    page.wait_for_selector(".because:has-text('the table holds no events')")
    assert "1 of 3 failed" in page.inner_text("[role=status]")
    made = sorted(path.name for path in own.folder.glob("*-results"))
    assert made == ["many1-results", "many2-results"]
    assert all((own.folder / name / "report.html").is_file() for name in made)


def ask_and_leave(port: int, path: str) -> None:
    """Ask for a file and reset the connection, as a browser does for a window that is closed."""
    with socket.create_connection(("127.0.0.1", port)) as asking:
        host = f"127.0.0.1:{port}"
        asking.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_closed_window_leaves_no_traceback_and_its_job_goes_on(
    own: Any, table: Path, tmp_path: Path
) -> None:
    drop(own.page, table)
    choose_task(own.page, "Mass spectrum")
    own.page.click("button:has-text('Analyze')")
    own.page.wait_for_selector("[role=status]:has-text('Mass spectrum: ladder-results')")
    large = tmp_path / "large.csv"
    large.write_bytes(b"contrast\n" + b"-0.005\n" * 1_000_000)
    slow = own.page.context.new_cdp_session(own.page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
    slow.send("Network.emulateNetworkConditions", limits | {"uploadThroughput": 20_000})
    with own.page.expect_request("**/upload/*"):
        own.page.set_input_files("input[type=file]", large)
    other = own.page.context.new_page()
    own.page.close()
    other.goto(own.address)
    other.wait_for_selector("[role=status]:has-text('Done')")
    assert (own.folder / "ladder-results" / "report.html").is_file()
    for path in ("/", "/files/ladder-results/report.html", "/_nicegui_ws/socket.io/?EIO=4"):
        ask_and_leave(own.port, path)
    assert [path.name for path in own.folder.glob("*.csv")] == ["ladder.csv"]
    said = own.end()
    assert "Traceback" not in said, said


def test_what_a_file_does_not_say_is_asked_for_each_time(
    page: Any, served: Any, tmp_path: Path
) -> None:
    walks = tmp_path / "walks.csv"
    rows = [f"0,{k},{k % 7},{k % 5}" for k in range(40)]
    walks.write_text("\n".join(["particle,frame,x,y", *rows]))
    drop(page, walks)
    page.wait_for_selector("text=Still to be said:")
    page.fill("[aria-label='Frames of a window']", "20")
    page.fill("[aria-label='Stored pixel, or unit of the coordinates (nm)']", "100")
    page.fill("[aria-label='Time between frames (s)']", "0.01")
    page.wait_for_selector("text=Still to be said:", state="hidden")
    drop(page, walks)  # the same numbers may be wrong for another file
    page.wait_for_selector("text=Still to be said:", state="visible")
    assert page.input_value("[aria-label='Frames of a window']") == "20"
    page.reload()
    remembered = json.loads((served.folder / ".perrin-app.json").read_text())
    assert (remembered["window"], remembered["pixel_nm"]) == (20, None)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/files/..%2F..%2Fetc%2Fpasswd", {}, 403),
        ("/files/../../etc/passwd", {}, 403),
        ("/files/absent/report.html", {}, 404),
        ("/files/.perrin-app.json", {}, 403),
        ("/files/dropped-results/.hidden", {}, 403),
        ("/", {"Host": "evil.example"}, 403),
        ("/", {"Host": "127.0.0.1:1"}, 403),
        ("/", {"Origin": "http://evil.example"}, 403),
        ("/", {"Origin": "http://127.0.0.1:1"}, 403),
        ("/", {"Origin": "https://127.0.0.1:{port}"}, 403),
        ("/", {"Origin": "null"}, 403),
        ("/", {"Origin": "http://127.0.0.1:{port}"}, 200),
        ("/", {}, 200),
    ],
)
def test_only_for_this_computer_and_this_folder(
    served: Any, path: str, headers: dict[str, str], status: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    here = {name: value.format(port=served.port) for name, value in headers.items()}
    connection.request("GET", path, headers=here)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == status
    if status == 200:
        assert "frame-ancestors 'none'" in str(answer.getheader("Content-Security-Policy"))
        assert answer.getheader("X-Frame-Options") == "DENY"
    connection.close()


def test_a_report_cannot_act_as_the_app(browser: Any, served: Any) -> None:
    """Harmless, but what a page from elsewhere might try: to ask the app, to look at its page."""
    folder = served.folder / "foreign-results"
    folder.mkdir()
    (folder / "report.html").write_text(
        "<h1>foreign</h1><script>"
        "const said = (name, text) => document.body.insertAdjacentHTML('beforeend',"
        " `<p id=${name}>${text}</p>`);"
        "fetch('/files/foreign-results/report.html').then(() => said('asked', 'yes'),"
        " () => said('asked', 'no'));"
        "try { said('looked', parent.document.title) } catch { said('looked', 'no') }"
        "try { localStorage.x = 1; said('kept', 'yes') } catch { said('kept', 'no') }"
        "</script>"
    )
    address = f"http://127.0.0.1:{served.port}"
    alone = browser.new_context().new_page()
    answer = alone.goto(f"{address}/files/foreign-results/report.html")
    assert "sandbox allow-scripts" in answer.headers["content-security-policy"]
    for name in ("asked", "kept"):
        assert alone.locator(f"#{name}").inner_text() == "no"
    alone.context.close()
    outer = browser.new_context().new_page()
    outer.goto(address)
    outer.evaluate(
        "() => { const f = document.createElement('iframe'); f.id = 'foreign';"
        " f.src = '/files/foreign-results/report.html'; document.body.prepend(f) }"
    )
    inside = outer.frame_locator("#foreign")
    for name in ("asked", "looked", "kept"):
        assert inside.locator(f"#{name}").inner_text() == "no"
    outer.context.close()
    (folder / "report.html").unlink()
    folder.rmdir()


@pytest.mark.parametrize("path", ["docs", "redoc", "openapi.json"])
def test_no_page_describes_the_server(served: Any, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.request("GET", f"/{path}")
    said = connection.getresponse().read().lower()
    assert b"swagger" not in said
    assert b'"paths"' not in said
    connection.close()


def test_nothing_listens_beyond_the_loopback(served: Any) -> None:
    outside = [a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    for address in {a for a in outside if not a.startswith("127.")}:
        with pytest.raises(OSError):  # noqa: PT011
            socket.create_connection((address, served.port), timeout=2)
