"""The page of a landing assay in a browser: it counts what the table holds."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from perrin.landing.classifier.filtering import multiple_detections
from perrin.pipeline import analyze_landings
from perrin.report.page import write_report
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset

analyze = partial(analyze_landings, classifier=None, quantifier=None, resamples=0)

Visit = Callable[..., Any]


def set_slider(page: Any, value: float) -> None:
    page.eval_on_selector(
        "#threshold",
        "(slider, value) => { slider.value = value;"
        " slider.dispatchEvent(new Event('input', {bubbles: true})); }",
        value,
    )


def kept(page: Any) -> int:
    return int(page.inner_text("#kept").replace(",", ""))


def saved(page: Any, button: str) -> tuple[str, bytes]:
    """Name and content of what a button downloads."""
    with page.expect_download() as waiting:
        page.click(button)
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def fitted(events: pd.DataFrame) -> pd.Series:
    return events["label"] != "not fitted"


def at_least(events: pd.DataFrame, threshold: float) -> pd.Series:
    """What a threshold keeps: fitted, scored, no second detection of one landing."""
    able = fitted(events) & events["score_binder"].notna()
    again = multiple_detections(events, candidates=able.to_numpy(), n_avg=10)
    return able & ~again & (events["score_binder"] >= threshold)


@pytest.fixture
def page(visit: Visit, scored: Path) -> Any:
    """The page of the scored assay."""
    return visit(scored / "report.html")


@pytest.mark.parametrize("threshold", [0.0, 0.37, 0.85, 0.9, 1.0])
def test_the_slider_counts_what_the_table_holds(
    page: Any, scored_events: pd.DataFrame, threshold: float
) -> None:
    set_slider(page, threshold)
    assert kept(page) == at_least(scored_events, threshold).sum()
    assert page.inner_text("#kept-of").startswith(
        f"of {fitted(scored_events).sum():,} fitted events kept"
    )


def test_it_opens_with_the_threshold_of_the_analysis(
    page: Any, scored_events: pd.DataFrame
) -> None:
    assert kept(page) == scored_events["retained"].sum()
    assert page.input_value("#threshold") == "0.9"
    assert page.inner_text("#fitted-at") == ""


def test_each_row_of_the_trade_off_is_a_place_of_the_slider(page: Any, scored: Path) -> None:
    rows = pd.read_csv(scored / "tradeoff.csv")
    counted = page.evaluate(
        "ats => ats.map(at => count(keep(measurement(), 'score', at)))", rows["threshold"].tolist()
    )
    assert counted == (rows["landings"] + rows["unbindings"]).tolist()


def test_bars_and_csv_are_the_histogram_of_the_kept(page: Any, scored_events: pd.DataFrame) -> None:
    set_slider(page, 0.8)
    name, content = saved(page, "#spectrum .tools button:text('CSV')")
    assert name == "spectrum.csv"
    rows = rows_of(content)
    chosen = scored_events[at_least(scored_events, 0.8)]
    edges = [float(rows[0]["low_kda"]), *(float(row["high_kda"]) for row in rows)]
    for column, masses in (
        ("landings_kept", chosen["mass_kda"]),
        ("unbindings_kept", -chosen["mass_kda"]),
    ):
        counts, _ = np.histogram(masses, edges)
        assert [int(row[column]) for row in rows] == counts.tolist()


def test_the_residual_filter_and_its_rival_at_equal_counts(
    page: Any, scored_events: pd.DataFrame
) -> None:
    page.check("input[value=residual]")
    at = page.evaluate("state.at")
    wanted = fitted(scored_events) & (scored_events["fit_residual"] <= at)
    assert kept(page) == wanted.sum()
    page.check("#compare")
    same = page.evaluate("count(latest.rival.kept)")
    ties = scored_events.loc[at_least(scored_events, 0), "score_binder"].value_counts().max()
    assert wanted.sum() <= same < wanted.sum() + ties  # equal scores are kept together


def test_the_automatic_threshold_keeps_few_false_ones(
    page: Any, scored_events: pd.DataFrame
) -> None:
    page.click("#automatic")
    at = page.evaluate("state.at")
    chosen = at_least(scored_events, at) & (scored_events["contrast"] < 0)
    wrong = 1 - scored_events.loc[chosen, "p_binder"].mean()
    assert wrong <= 0.05
    said = re.search(r"(\d+)%", page.inner_text("#expected"))
    assert said is not None
    assert int(said[1]) == pytest.approx(100 * wrong, abs=0.51)


def test_bias_by_the_filter_is_said(page: Any) -> None:
    page.wait_for_selector("#retention .warning")
    assert "Selection bias" in page.inner_text("#retention .said")
    set_slider(page, 0)
    page.wait_for_selector("#retention .said:not(.warning)")


def test_a_bar_shows_its_events(page: Any, scored_events: pd.DataFrame) -> None:
    chart = page.locator("#spectrum svg")
    chart.focus()
    for _ in range(14):
        chart.press("ArrowRight")
    assert re.match(r"65 to 70 kDa", page.inner_text("#spectrum .tip"))
    chart.press("Enter")
    page.wait_for_selector("#bin h3")
    inside = fitted(scored_events) & scored_events["mass_kda"].abs().between(65, 70, "left")
    number = (inside & scored_events["retained"]).sum()
    assert f"{number} kept, {inside.sum() - number} not" in page.inner_text("#bin h3")
    name, content = saved(page, "#bin button:text('CSV')")
    assert name == "events-of-bar.csv"
    assert {int(row["event"]) for row in rows_of(content)} == set(scored_events["event"][inside])


def test_pictures_are_what_they_are_called(visit: Visit, scored: Path) -> None:
    page = visit(scored / "report.html", color_scheme="dark")
    name, content = saved(page, "#spectrum .tools button:text('SVG')")
    assert name == "spectrum.svg"
    drawing = ElementTree.fromstring(content)  # noqa: S314
    words = ["".join(text.itertext()) for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert "Mass (kDa)" in words
    assert "Events per 5 kDa" in words
    assert b"var(" not in content  # programs that draw SVG know no variables of ours
    name, content = saved(page, "#spectrum .tools button:text('PNG')")
    assert name == "spectrum.png"
    assert content.startswith(b"\x89PNG")
    assert int.from_bytes(content[16:20], "big") > 2000  # pixels across


def test_kept_events_as_csv(page: Any, scored_events: pd.DataFrame) -> None:
    _, content = saved(page, "#events-csv")
    rows = rows_of(content)
    retained = scored_events[scored_events["retained"]]
    assert [float(row["mass_kda"]) for row in rows] == retained["mass_kda"].tolist()
    assert [row["class"] for row in rows] == retained["label"].tolist()


def test_every_class_has_examples_that_say_why(
    page: Any, scored: Path, scored_events: pd.DataFrame
) -> None:
    page.wait_for_selector("#gallery .strip")
    with np.load(scored / "thumbnails.npz") as stored:
        shown = set(scored_events["label"][stored["event_0"]])
    assert set(page.locator("#gallery h3").all_inner_texts()) == shown
    first = page.locator("#gallery .strip").first
    assert first.locator("canvas").count() == 1
    assert first.locator(".trace path").count() == 2
    assert "buffer" in first.locator(".scores").inner_text()


def test_light_dark_and_keyboard(visit: Visit, scored: Path) -> None:
    page = visit(scored / "report.html", color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.focus("#theme")
    page.keyboard.press("Enter")
    assert page.evaluate(background) != dark
    before = kept(page)
    page.focus("#threshold")
    page.keyboard.press("ArrowLeft")
    assert page.input_value("#threshold") == "0.899"
    page.keyboard.press("PageDown")
    assert kept(page) > before
    unreachable = page.eval_on_selector_all(
        "button, input, select, summary, .plot svg", "found => found.filter(e => e.tabIndex < 0)"
    )
    assert unreachable == []


def test_a_hundred_thousand_events_in_a_tenth_of_a_second(
    visit: Visit,
    made_up: Callable[..., Any],
    write: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("perrin.report.page.fits.MOST_FITTED", 200)  # the fits are not timed
    measured = made_up(2000, seed=4)
    many = pd.concat([measured.events] * 50, ignore_index=True)
    many["event"] = np.arange(len(many))
    table = replace(measured, events=many, classification=None, settings=None, thumbnails=None)
    page = visit(write(tmp_path / "results", table) / "report.html")
    assert page.evaluate("measurement().n") == 100_000
    chrome = page.context.new_cdp_session(page)  # its time is the processor's, not the clock's
    chrome.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy_s() -> float:
        found = chrome.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in found if metric["name"] == "TaskDuration")

    page.wait_for_timeout(1000)  # what waits until the slider rests is drawn
    before = busy_s()
    page.evaluate(
        """() => { const slider = document.getElementById('threshold');
        for (let k = 0; k < 20; k++) {
            slider.value = 0.5 + 0.02 * k;
            slider.dispatchEvent(new Event('input'));
            document.getElementById('spectrum').getBoundingClientRect();
        } }"""
    )
    assert (busy_s() - before) / 20 < 0.1
    single = fitted(many) & (many["label"] != "duplicate")
    assert kept(page) == (single & (many["score_binder"] >= 0.88)).sum()


def test_several_measurements_lie_over_each_other(
    visit: Visit, made_up: Callable[..., Any], write: Callable[..., Path], tmp_path: Path
) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    one = write(tmp_path / "one", made_up(600, seed=2, name=nasty))
    two = write(tmp_path / "two", made_up(600, seed=3, name="plain", scored=False))
    page = visit(write_report([one, two], tmp_path / "both.html"))
    assert page.inner_text("h1") == "2 measurements compared"
    assert f"one: {nasty}" in page.inner_text("#measurement")
    assert page.locator("img").count() == 0
    legend = page.locator("#spectrum svg text").all_text_contents()
    assert any(text.startswith("two: plain") for text in legend)
    page.click("button:has-text('two: plain')")
    summary = json.loads((two / "summary.json").read_text())
    assert kept(page) == summary["measurements"][0]["retained"]
    assert page.locator("input[value=score]").is_hidden()


def test_nothing_found_is_a_page_too(
    visit: Visit, write: Callable[..., Path], tmp_path: Path
) -> None:
    movie, _ = simulate_movie(preset("buffer"), seconds=2, seed=1)
    folder = write(tmp_path / "nothing", analyze(movie))
    page = visit(folder / "report.html")
    assert page.inner_text("h1") == "Nothing was found in this measurement"
    assert kept(page) == 0
