"""The image of gold."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.tracking.shape import FLAT, HALF, WIDTH, Shape, profile

ROD = Shape(half=6.0, width=2.4, flat=2.0)


def test_radius_and_reach_are_where_the_contrast_is_half_and_nearly_gone() -> None:
    q = np.zeros(8)
    q[[HALF, WIDTH, FLAT]] = ROD.half, ROD.width, ROD.flat
    at_half = profile(q, 0.0, ROD.radius, 1.0, 0.0)
    assert at_half == pytest.approx(0.5, abs=1e-9)
    assert profile(q, ROD.reach, 0.0, 1.0, 0.0) < 0.06
    assert profile(q, 0.0, 0.0, 1.0, 0.0) == pytest.approx(1.0)
