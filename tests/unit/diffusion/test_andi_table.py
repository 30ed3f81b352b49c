"""The table of exponents and models, whatever the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from perrin.diffusion.andi import COLUMNS, AndiAnswer, andi_table
from perrin.errors import PerrinError
from perrin.simulate.walk_tables import tracks_table
from perrin.simulate.walks import brownian


class Says:
    """A model that takes everything for FBM."""

    names = ("ctrw", "fbm")

    def refusal(self, seen: np.ndarray, dims: int) -> str | None:
        return "too short" if len(seen) < 10 else None

    def predict(
        self, positions: Sequence[np.ndarray], seen: Sequence[np.ndarray] | None = None
    ) -> AndiAnswer:
        count = len(positions)
        return AndiAnswer(np.tile([0.5, 0.7, 0.9], (count, 1)), np.tile([0.2, 0.8], (count, 1)))


def test_every_track_has_a_row_and_a_reason_where_there_is_no_answer() -> None:
    walks = brownian(2, length=30, rng=np.random.default_rng(0))
    table = tracks_table(walks, np.ones((2, 30), dtype=bool))
    short = table[table["particle"] == 0].head(5).assign(particle=7)
    still = table[table["particle"] == 0].assign(particle=8, x=1.0, y=2.0)
    found = andi_table(pd.concat([table, short, still], ignore_index=True), model=Says())
    assert list(found.columns) == [c.name for c in COLUMNS] + ["p_ctrw", "p_fbm"]
    assert found["reason"].tolist() == ["", "", "too short", "immobile"]
    assert found["model"].tolist() == ["fbm", "fbm", "", ""]
    assert found["alpha"].tolist()[:2] == [0.7, 0.7]
    assert found[["alpha", "p_model", "p_fbm"]].iloc[2:].isna().all(axis=None)
    with pytest.raises(PerrinError, match="no track"):
        andi_table(table.iloc[:0], model=Says())
