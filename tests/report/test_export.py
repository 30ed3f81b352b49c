"""Figures of a chosen size, and the paragraph for a paper."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perrin.report.page import write_report
from perrin.report.page.encode import inlined
from perrin.report.style import new_figure, save_figure

Visit = Callable[..., Any]


def saved(page: Any, button: str) -> bytes:
    with page.expect_download() as waiting:
        page.click(button)
    return Path(waiting.value.path()).read_bytes()


@pytest.fixture
def sized(visit: Visit, scored: Path) -> Any:
    """A page that saves figures for one column of a journal."""
    page = visit(scored / "report.html")
    page.click(".size summary")
    for name, value in {"width": 85, "height": 60, "font": 7, "dpi": 600}.items():
        page.fill(f"#size-{name}", str(value))
    return page


def test_a_drawing_has_the_size_and_its_text_the_height_that_were_chosen(sized: Any) -> None:
    drawing = saved(sized, "#spectrum .tools button:text('SVG')").decode()
    head = re.search(r"<svg[^>]*>", drawing)
    assert head is not None
    assert 'width="85.00mm"' in head[0]
    height = re.search(r'height="([\d.]+)mm"', head[0])
    wide = re.search(r'viewBox="0 \S+ (\S+) ', head[0])
    assert height is not None
    assert wide is not None
    assert float(height[1]) == pytest.approx(60, abs=0.1)
    point = 85 / float(wide[1]) * 11.5 / 25.4 * 72  # of an axis' number, as printed
    assert point == pytest.approx(7, abs=0.05)
    on_screen = sized.evaluate("charts.spectrum.width")
    assert on_screen == pytest.approx(sized.locator("#spectrum .plot").bounding_box()["width"])


def test_a_picture_has_the_pixels_and_says_its_resolution(sized: Any) -> None:
    png = saved(sized, "#spectrum .tools button:text('PNG')")
    assert int.from_bytes(png[16:20], "big") == round(85 / 25.4 * 600)
    length, kind = struct.unpack(">I4s", png[33:41])
    x, y, unit = struct.unpack(">IIB", png[41:50])
    assert (length, kind, x, y, unit) == (9, b"pHYs", 23622, 23622, 1)
    assert struct.unpack(">I", png[50:54])[0] == zlib.crc32(png[37:50])


def test_the_paragraph_can_be_copied(visit: Visit, scored: Path) -> None:
    page = visit(scored / "report.html")
    page.click(".copy")
    page.wait_for_function("document.querySelector('.copy').textContent !== 'Copy'")
    assert "binder score of at least 0.9" in page.evaluate("String(getSelection())")


def test_drawings_of_all_landings_are_saved_with_the_chosen_width(
    visit: Visit, scored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = new_figure(width_mm=180, height_mm=60)
    figure.subplots().set(xlabel="mass (kDa)")
    drawn = save_figure(figure, tmp_path / "all_landings")[0].read_bytes()
    picture = {"name": "all_landings", "source": inlined(drawn, "svg"), "text": "All landings"}
    found = {"main": True, "species": [], "sentences": [], "figures": [picture]}
    monkeypatch.setattr("perrin.report.page.render.quantified_records", lambda _: [found])
    page = visit(write_report([scored], tmp_path / "page.html"))
    assert saved(page, ".pictures .tools button:text('SVG')") == drawn
    page.click(".size summary")
    page.fill("#size-width", "85")
    page.fill("#size-dpi", "600")
    head = re.search(rb"<svg[^>]*>", saved(page, ".pictures .tools button:text('SVG')"))
    assert head is not None
    assert b'width="85.00mm"' in head[0]
    height = re.search(rb' height="([\d.]+)mm"', head[0])
    assert height is not None
    assert float(height[1]) == pytest.approx(85 / 3, abs=0.1)
    png = saved(page, ".pictures .tools button:text('PNG')")
    assert int.from_bytes(png[16:20], "big") == round(85 / 25.4 * 600)
    assert struct.unpack(">I", png[41:45])[0] == 23622
