"""The pages by geometry: nothing overlaps, is cut off or scrolls sideways, on screen or paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Visit = Callable[..., Any]
BROKEN = (Path(__file__).parent / "geometry.js").read_text()
A4_PX = 703  # 210 mm less two margins of 12 mm, at 96 px an inch


@pytest.fixture(params=["made up", "analyzed"])
def results(request: pytest.FixtureRequest) -> Path:
    """A results folder with made-up scores, and one of a movie."""
    return request.getfixturevalue({"made up": "scored", "analyzed": "analyzed"}[request.param])


@pytest.mark.parametrize("width", [400, 768, 1366])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overlaps_is_cut_off_or_scrolls_sideways(
    visit: Visit, results: Path, width: int, scheme: str
) -> None:
    page = visit(results / "report.html", width=width, color_scheme=scheme)
    page.wait_for_selector("#gallery canvas")
    assert page.evaluate(BROKEN) == []


def test_paper_is_one_column_with_the_plot_first(visit: Visit, results: Path) -> None:
    page = visit(results / "report.html", width=A4_PX, color_scheme="dark", media="print")
    page.wait_for_selector("#gallery canvas")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(BROKEN) == []
    tops = page.evaluate(
        "['#spectrum', '#peaks', '.story'].map(of => document.querySelector(of)"
        ".getBoundingClientRect().top)"
    )
    assert tops == sorted(tops)
    assert not page.is_visible("#filters")
    tall = page.evaluate(
        "[...document.querySelectorAll('figure, section.kind, .strip')]"
        ".map(one => one.getBoundingClientRect().height)"
    )
    assert max(tall) < 1031  # px: what may not be broken goes on one page
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_phone_shows_the_plot_and_unfolds_the_controls(visit: Visit, scored: Path) -> None:
    page = visit(scored / "report.html", width=400)
    spectrum = page.locator("#spectrum svg").bounding_box()
    assert spectrum["y"] + spectrum["height"] < 768  # on the first screen
    assert not page.is_visible("#threshold")
    page.click("#unfold")
    assert page.is_visible("#threshold")
    assert page.evaluate(BROKEN) == []


def test_pictures_are_not_white_in_the_dark(visit: Visit, analyzed: Path) -> None:
    page = visit(analyzed / "report.html", color_scheme="dark")
    filters = page.evaluate(
        "[...document.querySelectorAll('img')].map(one => getComputedStyle(one).filter)"
    )
    assert filters
    assert all("invert" in one for one in filters)


def test_a_phone_shows_two_examples_of_a_class_and_the_others_when_asked(
    visit: Visit, scored: Path
) -> None:
    page = visit(scored / "report.html", width=400)
    kind = page.locator("#gallery .kind:has(.more)").first
    kind.wait_for()  # examples are drawn when all else is
    assert kind.locator(".strip:visible").count() == 2
    count = kind.locator(".strip").count()
    assert kind.locator(".more").inner_text().startswith(f"{count - 2} more of ")
    kind.locator(".more").click()
    assert page.locator("#gallery .kind.all .strip:visible").count() == count
    wide = visit(scored / "report.html", width=1366)
    wide.locator("#gallery .strip").first.wait_for()
    assert wide.locator("#gallery .more:visible").count() == 0
    assert wide.locator("#gallery .strip:visible").count() == wide.locator(".strip").count()


def test_the_head_of_an_example_is_one_line_and_its_times_too(visit: Visit, analyzed: Path) -> None:
    page = visit(analyzed / "report.html", width=1366)
    page.wait_for_selector("#gallery canvas")
    heads = "[...document.querySelectorAll('.strip header')].map((one) => one.offsetHeight)"
    assert max(page.evaluate(heads)) < 30
    page = visit(analyzed / "report.html", width=A4_PX, media="print")
    page.wait_for_selector("#gallery canvas")
    times = "[...document.querySelectorAll('.when')].map((one) => one.offsetHeight)"
    assert max(page.evaluate(times)) < 14


def test_a_flat_chart_has_two_numbers_on_its_axis_at_least(visit: Visit, analyzed: Path) -> None:
    page = visit(analyzed / "report.html", width=400)
    page.wait_for_selector("#gallery canvas")
    for low, high, about in ((0.3, 2.3, 0.4), (0.0, 0.9, 1.0), (90.0, 110.0, 0.2)):
        found = page.evaluate(f"ticks({low}, {high}, {about})")
        assert 2 <= len(found) <= 6
        assert all(low <= value <= high for value in found)
