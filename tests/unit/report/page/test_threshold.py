from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from perrin.report.page.threshold import MOST_FALSE, STEP, automatic_threshold

shares = st.floats(0, 1).map(lambda x: round(x, 3))


@given(st.integers(1, 60).flatmap(lambda n: hnp.arrays(float, (2, n), elements=shares)))
def test_it_is_the_lowest_that_keeps_few_false_ones(columns: np.ndarray) -> None:
    score, p = columns
    found = automatic_threshold(score, p)
    good = [
        round(k * STEP, 2)
        for k in range(100)
        if (kept := score >= round(k * STEP, 2)).any() and (1 - p[kept]).mean() <= MOST_FALSE
    ]
    # at equality the order of summation decides
    edge = [t for t in good if (1 - p[score >= t]).mean() > MOST_FALSE - 1e-9]
    if found is None:
        assert good == edge
    else:
        assert found in good
        assert [t for t in good if t < found] == [t for t in edge if t < found]


def test_calibrated_probabilities_keep_the_promise() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(1, 0.5, 20_000)
    true = rng.random(p.size) < p
    at = automatic_threshold(p, p)
    assert at is not None
    kept = p >= at
    false = (~true[kept]).mean()
    assert false == pytest.approx(MOST_FALSE, abs=4 * np.sqrt(MOST_FALSE / kept.sum()) + 0.002)


def test_no_events_no_threshold() -> None:
    assert automatic_threshold(np.empty(0), np.empty(0)) is None
