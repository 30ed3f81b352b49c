"""Any event, frame by frame: what the page shows is what the analysis saw."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perrin.landing.field import MOST_PIXELS, FieldMovie
from perrin.optics.psf import Psf
from perrin.results import read_results

Visit = Callable[..., Any]


def opened(page: Any) -> int:
    """Row of the event in the panel, once its frames are drawn."""
    page.wait_for_selector("#event .films canvas")
    return int(page.evaluate("player.row"))


def in_sight(page: Any) -> bool:
    box = page.locator("#event .films").bounding_box()
    return bool(box["y"] >= 0 and box["y"] + box["height"] <= 768)


def test_a_bar_opens_the_player_in_sight_and_rows_choose(visit: Visit, analyzed: Path) -> None:
    page = visit(analyzed / "report.html")
    chart = page.locator("#spectrum svg")
    chart.focus()
    peak = page.evaluate(
        "(() => { const b = binned(latest.M, latest.M.base).landings;"
        " return b.indexOf(Math.max(...b)); })()"
    )
    for _ in range(peak + 1):
        chart.press("ArrowRight")
    chart.press("Enter")
    first = opened(page)
    assert in_sight(page)
    page.click("#bin-list tbody tr >> nth=1")
    page.wait_for_function(f"player.row !== {first} || player.list[1] === {first}")
    row = opened(page)
    assert row == page.evaluate("player.list[1]")
    said = page.inner_text("#event .why")
    assert said.startswith("Kept:" if page.evaluate(f"latest.kept[{row}]") else "Not kept")
    page.keyboard.press("Escape")
    assert not page.is_visible("#bin")


def test_a_dot_of_the_time_plot_opens_its_event(visit: Visit, analyzed: Path) -> None:
    page = visit(analyzed / "report.html")
    page.wait_for_selector("#over-time svg path")
    page.locator("#over-time").scroll_into_view_if_needed()
    x, y = page.evaluate(
        "(() => { const M = measurement(), c = charts['over-time'],"
        " i = latest.kept.indexOf(1);"
        " const b = c.svg.getBoundingClientRect(), s = b.width / c.width;"
        " return [b.left + c.px(M.time[i]) * s, b.top + (c.lift + c.py(M.value[i])) * s]; })()"
    )
    page.mouse.click(x, y)
    row = opened(page)
    assert in_sight(page)
    assert page.evaluate(f"Math.abs(measurement().time[{row}] - measurement().time[0]) < 60")


def test_pixels_are_those_of_the_analysis_and_the_model_fits(visit: Visit, analyzed: Path) -> None:
    result = read_results(analyzed)
    assert result.field is not None
    events = result.events
    row = int(np.flatnonzero(events["retained"])[0])
    page = visit(analyzed / "report.html")
    page.evaluate(f"openEvent({row})")
    assert opened(page) == row
    at = page.evaluate("framesOf(measurement(), player.row)")
    event = events.iloc[row]
    assert [abs(result.field.frames[k] - event["frame"]) <= 20 for k in at] == [True] * len(at)
    best = min(at, key=lambda k: abs(result.field.frames[k] - event["frame"]))
    found = page.evaluate(
        f"(() => {{ const p = patches(measurement(), {row}, {best});"
        " return [Array.from(p.seen), Array.from(p.model), Array.from(p.residual)]; })()"
    )
    seen, model, residual = (
        np.array([np.nan if v is None else v for v in part], float).reshape(17, 17)
        for part in found
    )
    x, y = round(event["x_px"]), round(event["y_px"])
    frame = np.pad(result.field.values[best], 8, constant_values=np.nan)
    np.testing.assert_allclose(seen, frame[y : y + 17, x : x + 17], atol=1e-9)
    np.testing.assert_allclose(residual, seen - model, atol=1e-12)
    off = abs(int(result.field.frames[best]) - int(event["frame"]))
    assert result.psf is not None
    wanted = (
        (1 - off / 10)
        * event["contrast"]
        * result.psf.image(17, dx=event["x_px"] - x, dy=event["y_px"] - y)
    )
    # straight lines between samples of a quarter pixel against the spline
    np.testing.assert_allclose(model, wanted, atol=0.01 * abs(event["contrast"]))
    inner = np.nanstd(residual[5:12, 5:12])
    assert inner < 0.6 * np.nanstd(seen[5:12, 5:12])


def test_the_field_marks_its_events(visit: Visit, analyzed: Path) -> None:
    page = visit(analyzed / "report.html")
    page.evaluate("openEvent(latest.kept.indexOf(1))")
    row = opened(page)
    near = page.evaluate("player.at, document.querySelectorAll('.marks circle').length")
    events = read_results(analyzed).events
    assert 1 <= near <= len(events)
    assert f"Event {events['event'][row]}:" in " ".join(
        page.locator(".marks circle title").all_text_contents()
    )


@pytest.fixture(scope="module")
def crowd(made_up: Callable[..., Any], write: Callable[..., Path], tmp_path_factory: Any) -> Path:
    """30,000 events with as much of the field as a page carries."""
    rng = np.random.default_rng(0)
    codes = np.rint(rng.normal(0, 1, (MOST_PIXELS // 5738, 38, 151))).astype(np.int8)
    frames = np.linspace(40, 9_999, len(codes)).astype(np.int64)
    field = FieldMovie(frames, codes, 5e-4, 10, Psf.analytic(pixel_nm=72).samples())
    many = replace(made_up(30_000, seed=2), field=field)
    return write(tmp_path_factory.mktemp("crowd") / "results", many)


def test_a_page_of_30000_events_with_the_player_stays_below_8_mb(visit: Visit, crowd: Path) -> None:
    assert (crowd / "report.html").stat().st_size < 8e6
    page = visit(crowd / "report.html")
    page.evaluate("openEvent(15000)")
    assert opened(page) == 15000
    assert json.loads((crowd / "summary.json").read_text())["measurements"][0]["events"] == 30_000
