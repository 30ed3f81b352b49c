"""What is said follows what is set; ranges are counted, names kept, changes taken back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Visit = Callable[..., Any]


def said(page: Any) -> dict[str, str]:
    """Headline and sentences, after what is quiet has followed."""
    page.wait_for_timeout(250)
    names = ("stands_out", "distrust", "next", "measured")
    return {"headline": page.inner_text("h1")} | {
        name: page.inner_text(f".story:visible .{name}") for name in names
    }


def drag(page: Any, low: float, high: float) -> None:
    """Drag over the spectrum from one mass to another."""
    box = page.locator("#spectrum svg").bounding_box()
    at = page.evaluate(
        "ends => ends.map(v => charts.spectrum.px(v) / charts.spectrum.width)", [low, high]
    )
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + at[0] * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + at[1] * box["width"], y, steps=4)
    page.mouse.up()


def test_headline_and_sentences_are_those_of_the_filter_that_is_set(
    visit: Visit, scored: Path
) -> None:
    page = visit(scored / "report.html")
    before = said(page)
    assert not page.is_visible("#moved")
    page.check("input[value=none]")
    nothing = said(page)
    fit = page.evaluate("nearestFit(measurement(), 0).story")
    assert nothing["headline"] == fit["headline"] != before["headline"]
    assert "Nothing is filtered: molecules that leave" in nothing["distrust"]
    assert "Nothing is filtered" not in before["distrust"]
    assert page.inner_text("#moved span").startswith("Not as analyzed: nothing is filtered.")
    page.click("#back")
    assert said(page) == before
    assert not page.is_visible("#moved")


def test_one_count_with_what_makes_the_difference(
    visit: Visit, scored: Path, scored_events: pd.DataFrame
) -> None:
    page = visit(scored / "report.html")
    text = said(page)["measured"].splitlines()[-1]
    kept = scored_events["retained"] & (scored_events["mass_kda"] > 0)
    number, total, *less = (int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", text))
    assert number == kept.sum()
    assert total == len(scored_events)
    assert total - sum(less) == number
    assert f"{(scored_events['mass_kda'] < 0).sum()} unbindings" in text


def test_a_dragged_range_is_counted_with_its_interval_and_taken_back(
    visit: Visit, scored: Path, scored_events: pd.DataFrame
) -> None:
    page = visit(scored / "report.html")
    drag(page, 50, 90)
    page.wait_for_selector("#ranges table")
    (chosen,) = page.evaluate("state.ranges")
    assert abs(chosen["low"] - 50) < 1
    assert abs(chosen["high"] - 90) < 1
    mass = scored_events["mass_kda"][scored_events["retained"] & (scored_events["mass_kda"] > 0)]
    inside = mass.between(chosen["low"], chosen["high"], "left")
    cells = page.locator("#ranges tbody td").all_inner_texts()
    assert cells[1] == str(inside.sum())
    value, low, high = (float(n) for n in re.findall(r"[\d.]+", cells[2]))
    p, half = inside.mean(), 1.96 * np.sqrt(inside.mean() * (1 - inside.mean()) / len(inside))
    assert abs(value - 100 * p) < 0.06
    assert abs((high - low) / 200 - half) < 0.1 * half
    page.keyboard.press("Control+z")
    page.wait_for_selector("#ranges", state="hidden")
    assert page.evaluate("state.ranges") == []


def test_a_peak_keeps_its_name_in_the_drawing_when_the_filter_moves(
    visit: Visit, scored: Path
) -> None:
    page = visit(scored / "report.html")
    page.wait_for_selector("#peaks .named")
    page.fill("#peaks .named >> nth=0", "albumin")
    page.press("#peaks .named >> nth=0", "Tab")
    page.click("#automatic")
    page.wait_for_timeout(250)
    assert "albumin" in page.locator("#spectrum svg tspan").all_text_contents()
    page.click("#undo")
    page.click("#undo")
    assert "albumin" not in page.locator("#spectrum svg tspan").all_text_contents()


def test_the_curves_that_are_drawn_are_listed(visit: Visit, scored: Path) -> None:
    page = visit(scored / "report.html")
    page.wait_for_selector("#curves summary")
    page.click("#curves summary")
    means = [float(text) for text in page.locator("#curves tbody th").all_inner_texts()]
    assert means == [round(c, 1) for c in page.evaluate("latest.fit.curves.map(c => c.mean)")]
    assert len(means) >= 2
