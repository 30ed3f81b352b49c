"""Two exponents that exclude each other are said."""

from __future__ import annotations

import numpy as np
import pandas as pd

from perrin.diffusion.agreement import note_on_exponents, with_agreement


def test_only_intervals_with_nothing_in_common_disagree() -> None:
    table = pd.DataFrame(
        {
            "alpha_fbm_low": [0.8, 0.8, 0.8, 0.8, np.nan, 0.8],
            "alpha_fbm_high": [1.0, 1.0, 1.0, 1.0, np.nan, 1.0],
            "fbm_alpha": [0.9, 1.15, 1.20, 0.60, 0.60, 1.9],
            "fbm_alpha_se": [0.1, 0.1, 0.1, 0.1, 0.1, np.nan],
            "w_low": [0.0, 0.0, 0.0, 0.2, 0.0, 0.0],
        }
    )
    found = with_agreement(table)
    assert found["exponents_disagree"].tolist() == [False, False, True, True, False, False]
    (note,) = note_on_exponents(found)
    assert "in 2 of 4 tracks" in note
    assert "in 1 of them w may be 0" in note
    assert note_on_exponents(found.iloc[:2]) == []
    (mixed,) = note_on_exponents(found.iloc[[0, 3]])
    assert "CTRW part" in mixed
    assert "w may be 0" not in mixed
    (no_w,) = note_on_exponents(found.iloc[[3]].assign(w_low=np.nan))
    assert "in 1 of them" in no_w
