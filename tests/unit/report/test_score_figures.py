from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.landing.classifier.prevalence import ClassPrevalence
from perrin.mass.results import Estimate
from perrin.mass.spectrum import fit_spectrum
from perrin.report.score_figures import (
    before_after_figure,
    class_prevalences_figure,
    removed_figure,
    scores_figure,
    tradeoff_figure,
)


def texts(axes):
    return [text.get_text() for text in axes.texts if text.get_text()]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.fixture(scope="module")
def spectra():
    rng = np.random.default_rng(0)
    clean = np.r_[rng.normal(150, 8, 600), rng.normal(300, 10, 200)]
    foot = np.r_[rng.uniform(20, 300, 300), -rng.uniform(20, 200, 200)]
    return fit_spectrum(np.r_[clean, foot]), fit_spectrum(clean)


def test_before_and_after_show_both_signs_and_both_resolving_powers(spectra):
    before, after = spectra
    (axes,) = before_after_figure(before, after).axes
    assert legend(axes) == [
        "before: 1100 landings, 200 unbindings",
        "after: 800 landings, 0 unbindings",
    ]
    assert axes.get_xlim()[0] < -150
    assert axes.get_xlim()[1] > 300
    (first, _) = texts(axes)
    power = [peaks[0].resolving_power.value for peaks in (before.peaks, after.peaks)]
    assert first.endswith(f"m/Δm {power[0]:.1f} → {power[1]:.1f}")


def test_scores_are_colored_by_label_and_cut_at_the_threshold():
    figure = scores_figure(
        [100, -100, 150, 120],
        [0.99, 0.01, 0.5, np.nan],
        labels=["binder", "unbinder", "duplicate", "unscored"],
        threshold=0.9,
    )
    (axes,) = figure.axes
    assert legend(axes) == ["binder (1)", "unbinder (1)", "duplicate (1)"]
    assert any(line.get_ydata() == [0.9, 0.9] for line in axes.lines if len(line.get_ydata()) == 2)
    scores_figure([], [], labels=[], threshold=1.0).draw_without_rendering()


def test_shares_are_drawn_with_and_without_intervals():
    fractions = [
        ClassPrevalence("binder", Estimate(0.7, 0.6, 0.8), Estimate(0.65, 0.5, 0.8), 60),
        ClassPrevalence("roller", Estimate(0.3), Estimate(0.35), 40),
    ]
    (axes,) = class_prevalences_figure(fractions).axes
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([70, 30])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["binder", "roller"]


def test_bars_of_what_was_removed_add_up_to_all_events():
    removed = pd.DataFrame(
        {
            "low_kda": [-40.0, 0.0, 40.0],
            "high_kda": [0.0, 40.0, 60.0],
            "events": [30, 50, 40],
            "kept": [0, 10, 40],
            "retention": [0.0, 0.2, 1.0],
            "retention_low": [0.0, 0.1, 0.9],
            "retention_high": [0.1, 0.3, 1.0],
            "removed_unbinder": [30, 30, 0],
            "removed_binder": [0, 10, 0],
        }
    )
    axes, below = removed_figure(removed).axes
    assert legend(axes) == ["kept", "binder, low score", "unbinder"]
    area = sum(bar.get_width() * bar.get_height() for bar in axes.patches)
    assert area == pytest.approx(120)
    assert below.get_ylim() == (0, 100)
    removed_figure(pd.DataFrame()).draw_without_rendering()


def test_the_tradeoff_shows_its_table():
    table = pd.DataFrame(
        {
            "threshold": [0.0, 0.5, 1.0],
            "landings": [100, 60, 0],
            "unbindings": [50, 2, 0],
            "precision": [0.5, 0.9, np.nan],
            "recall": [1.0, 0.8, 0.0],
            "resolving_power": [5.0, 9.0, np.nan],
        }
    )
    counts, rates, power = tradeoff_figure(table, threshold=0.9).axes
    assert counts.lines[0].get_ydata().tolist() == [100, 60, 0]
    assert legend(rates) == ["precision", "recall"]
    assert power.get_ylabel().startswith("Resolving power")
    assert power.lines[-1].get_xdata()[0] == pytest.approx(0.9)


def test_legends_end_within_their_figures(spectra):
    names = ("binder", "unbinder", "neighbors", "roller", "wobbler", "buffer")
    fractions = [ClassPrevalence(n, Estimate(0.1), Estimate(0.1), 60) for n in names]
    scores = scores_figure([100.0] * 6, [0.5] * 6, labels=list(names), threshold=0.9)
    for figure in (class_prevalences_figure(fractions), before_after_figure(*spectra), scores):
        figure.draw_without_rendering()
        for axes in figure.axes:
            box = axes.get_legend().get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.x1
            assert box.y1 <= figure.bbox.y1
