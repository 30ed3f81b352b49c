"""Edges of the support that have moved: spots of another contrast where the background changes."""

from __future__ import annotations

import numpy as np

from perrin.tracking.appearance import Appearance
from perrin.tracking.found import EDGE, TOUCHING, LocalizationResult
from perrin.tracking.shape import Shape
from perrin.tracking.support import relief, without_edges

SEEN = Appearance("spheres", -1, 2.0, Shape(0.0, 2.3, 1.8), None, amplitude=0.5)


def test_relief_is_the_step_of_an_edge_within_reach_and_nothing_elsewhere() -> None:
    background = np.where(np.arange(80) < 40, 1.0, 0.6)[None, :].repeat(60, axis=0)
    background[30, 5] = 0.0  # a dead pixel is no edge
    found = relief(background.astype(np.float32), SEEN)
    reach = SEEN.extent_px + 3 * SEEN.sigma_px
    assert 0.7 * np.log(1 / 0.6) < found[:, 39:41].min() <= found.max() <= np.log(1 / 0.6)
    away = np.abs(np.arange(80) - 39.5) > reach + 1
    assert found[:, away].max() < 1e-3


def test_a_slope_of_the_light_is_no_edge() -> None:
    light = np.tile(np.linspace(0.7, 1.3, 256), (256, 1)).astype(np.float32)
    assert relief(light, SEEN).max() < 0.5 * 0.1  # half of a spot of a fifth of the contrast


def test_only_unusual_spots_where_the_background_changes_are_edges() -> None:
    contrast = -np.array([0.15, 0.5, 0.15, 0.15, 0.9, 0.2])
    change = np.zeros((40, 40))
    change[:, 20:] = 0.5
    change[:, 30:] = 0.05
    x = np.array([25.0, 25.0, 5.0, 35.0, 25.0, 45.0])
    label = np.array([0, TOUCHING, 0, 0, 0, 0])
    columns = {name: np.zeros(6) for name in LocalizationResult.__dataclass_fields__}
    columns |= {"x": x, "y": np.full(6, 10.0), "contrast": contrast, "label": label}
    found = without_edges(LocalizationResult(**columns), change, SEEN)  # type: ignore[arg-type]
    # weak on the edge, usual, in the open, where little changes, strong on the edge, off the field
    assert found.label.tolist() == [EDGE, TOUCHING, 0, 0, EDGE, 0]


def test_a_few_among_many_stay_particles() -> None:
    """A slow particle of another size leaves a trace in the background: that is no edge."""
    many = 100
    columns = {name: np.zeros(many) for name in LocalizationResult.__dataclass_fields__}
    columns |= {"contrast": np.full(many, -0.5), "label": np.zeros(many, int)}
    columns["contrast"][:4] = -0.15
    found = without_edges(LocalizationResult(**columns), np.full((9, 9), 0.5), SEEN)  # type: ignore[arg-type]
    assert not found.label.any()
