"""The table of exponents and models, whatever the network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from perrin.diffusion.andi import COLUMNS, AndiAnswer, andi_table, outside_in_words
from perrin.diffusion.andi_outside import OutsideLimits
from perrin.diffusion.motion_kinds import KINDS
from perrin.errors import PerrinError
from perrin.pipeline import andi
from perrin.simulate.andi import simulate_andi
from perrin.simulate.walk_tables import tracks_table
from perrin.simulate.walks import brownian


class Says:
    """A model that takes everything for FBM."""

    names = ("ctrw", "fbm")
    outside = OutsideLimits(kinds="", lengths=(30, 300), limits=((0.5, 0.6), (0.1, 0.1)))

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


def test_what_is_of_no_kind_that_its_model_has_is_out_of_the_models() -> None:
    walks = brownian(3, length=30, rng=np.random.default_rng(0))
    table = tracks_table(walks, np.ones((3, 30), dtype=bool))
    p = np.zeros((3, len(KINDS)))
    for row, (directed, fbm) in enumerate(((0.7, 0.3), (0.55, 0.45), (0.0, 1.0))):
        p[row, KINDS.index("directed")], p[row, KINDS.index("fbm")] = directed, fbm
    found = andi_table(table, model=Says(), tell=lambda tracks: p[: len(tracks)])
    assert found["p_outside"].tolist() == pytest.approx([0.7, 0.55, 0.0])
    assert found["out_of_model"].tolist() == [True, False, False]  # .6 is the limit of 30 frames
    assert found["kind"].tolist() == ["directed", "directed", "fbm"]
    said = outside_in_words(found)
    assert said == "1 of 3 out of the 5 models, 5% of their own tracks would be: rather 1 directed"
    silent = andi_table(table, model=Says())
    assert silent["p_outside"].isna().all()
    assert not silent["out_of_model"].any()
    assert outside_in_words(silent) == ""


def test_what_drifts_is_out_of_the_models_and_their_own_walks_are_not() -> None:
    """Networks that ship: 5% of the models' walks are flagged, most of what drifts is."""
    rng = np.random.default_rng(5)
    count, length = 60, 100
    own = simulate_andi(count, length=length, rng=rng).positions
    drift = brownian(count, length=length, rng=rng) + 0.5 * np.arange(length)[:, None]
    seen = np.ones((count, length), dtype=bool)
    flagged = [andi(tracks_table(walks, seen))["out_of_model"].mean() for walks in (own, drift)]
    assert flagged[0] < 0.05 + 4 * np.sqrt(0.05 * 0.95 / count)
    assert flagged[1] > 0.7
