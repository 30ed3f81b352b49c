"""Tables of an evaluation are kept, come back as they were, and say so where they are damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.evaluate.kept import Kept

TABLE = pd.DataFrame(
    {
        "class": ["binder", "roller"],
        "mass_kda": [180.0, np.nan],
        "out_of_distribution": [True, False],
    }
)


def test_a_table_is_made_once_and_comes_back_as_it_was(tmp_path: Path) -> None:
    made = []

    def make() -> pd.DataFrame:
        made.append(1)
        return TABLE

    for _ in range(2):
        found = Kept(tmp_path).table("one", make)
        pd.testing.assert_frame_equal(found, TABLE, check_dtype=False)
        assert found["mass_kda"].dtype == float
        assert found["out_of_distribution"].dtype == bool
    assert len(made) == 1
    Kept().table("one", make)
    assert len(made) == 2


@pytest.mark.parametrize("length", [0, 40])
def test_a_damaged_table_is_named(tmp_path: Path, length: int) -> None:
    Kept(tmp_path).table("one", lambda: TABLE)
    path = tmp_path / "one.npz"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(PerrinError, match=r"one\.npz cannot be read"):
        Kept(tmp_path).table("one", lambda: TABLE)
