"""The drawing of a spectrum is described once: the figure and the page agree."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib.colors as mcolors
import numpy as np

import perrin.report.page
from perrin.mass.spectrum import fit_spectrum
from perrin.report.figures import spectrum_figure
from perrin.report.spectrum_parts import PARTS, parts_for_page

WEB = Path(perrin.report.page.__file__).parent / "web"


def test_the_page_draws_each_part_by_its_description() -> None:
    script = (WEB / "spectrum.js").read_text("utf-8")
    drawn = set(re.findall(r"PART\.(\w+)\.", script))
    assert drawn <= set(PARTS)
    assert drawn == set(PARTS) - {"density"}  # only on paper
    style = (WEB / "page.css").read_text("utf-8")
    for part in parts_for_page()["parts"].values():
        assert f"{part['page']}:" in style


def test_the_figure_draws_each_part_by_its_description() -> None:
    rng = np.random.default_rng(5)
    masses = np.concatenate([rng.normal(90, 8, 300), rng.normal(-90, 8, 60)])
    (axes,) = spectrum_figure({"a": fit_spectrum(masses)}).axes
    bars = {mcolors.to_hex(bar.get_facecolor()).upper() for bar in axes.patches}
    assert bars == {PARTS[name].paper for name in ("landings", "unbindings")}
    lines = [line.get_color() for line in axes.lines]
    assert lines[:2] == [PARTS["density"].paper, PARTS["mixture"].paper]
    assert "unbindings" in axes.get_title(loc="right")
