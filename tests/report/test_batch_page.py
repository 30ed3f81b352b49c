"""The page over many measurements in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perrin.batch import run_batch


@pytest.fixture(scope="module")
def batch_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plate")
    rng = np.random.default_rng(1)
    lines = ["file,sample,replicate,B_nM"]
    for place in range(8):
        masses = np.concatenate([rng.normal(66, 7, 200), rng.normal(216, 14, 20 * place)])
        if place == 5:
            masses = masses[:0]
        text = "contrast,mass_kda\n" + "".join(f"{-4e-5 * m:.7f},{m:.3f}\n" for m in masses)
        (folder / f"w{place}.csv").write_text(text)
        lines.append(f"w{place}.csv,s{place // 2},{place % 2 + 1},{100 - place}")
    sheet = folder / "plate.csv"
    sheet.write_text("\n".join(lines))
    run_batch(sheet, folder / "out", species="A:66,AB:216", resamples=0)
    return folder / "out" / "report.html"


def test_rows_are_sorted_filtered_and_lead_to_their_reports(
    batch_page: Path, visit: Callable[..., Any]
) -> None:
    page = visit(batch_page)
    page.wait_for_selector("body[data-ready=yes]")
    landings = page.locator("#samples tbody tr td:nth-child(4)")
    assert landings.all_inner_texts()[5] == "0"
    page.uncheck("#grouped")
    page.click("#samples thead button:text-is('landings')")
    numbers = [int(text.replace(",", "")) for text in landings.all_inner_texts()]
    assert numbers == sorted(numbers)
    page.fill("#filter", "no events")
    assert landings.count() == 1
    assert page.inner_text("#shown") == "1 of 8 rows"
    page.fill("#filter", "")
    links = page.locator("#samples a")
    assert links.count() == 7
    for link in links.all():
        assert (batch_page.parent / link.get_attribute("href")).is_file()
    assert page.locator("#multiples svg").count() == 7
    assert page.eval_on_selector("#order", "one => one.selectedOptions[0].text") == "B_nM"
    assert page.locator("#heatmap canvas").get_attribute("height") == str(7 * 18)


def test_nothing_overlaps_is_cut_off_or_scrolls_sideways(faults: Any, batch_page: Path) -> None:
    assert faults(batch_page) == {}
