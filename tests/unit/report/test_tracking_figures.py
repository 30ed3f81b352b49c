"""Figures of tracked movies."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from perrin.report.tracking_figures import msd_figure
from perrin.tracking.msd import msd_table


@pytest.mark.parametrize("interval_s", [0.001, 0.02, 0.5])
def test_the_times_of_the_msd_do_not_overlap(interval_s: float) -> None:
    steps = np.random.default_rng(3).normal(size=(4, 300, 2))
    x, y = np.moveaxis(steps.cumsum(axis=1), 2, 0)
    particle, frame = np.repeat(np.arange(4), 300), np.tile(np.arange(300), 4)
    tracks = pd.DataFrame({"particle": particle, "frame": frame, "x": x.ravel(), "y": y.ravel()})
    tracks[["x_se", "y_se"]] = 0.1
    table = msd_table(tracks, pixel_nm=5.0, frame_interval_s=interval_s)
    figure = msd_figure(table)
    figure.canvas.draw()
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    labels = [
        text
        for text in axes.get_xticklabels(which="both")
        if text.get_text() and low <= text.get_position()[0] <= high
    ]
    ends = [text.get_window_extent() for text in sorted(labels, key=lambda t: t.get_position()[0])]
    assert len(ends) >= 3
    assert all(a.x1 < b.x0 for a, b in pairwise(ends))
