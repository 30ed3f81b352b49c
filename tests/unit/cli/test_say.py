from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.cli.say import _say_classes
from perrin.landing.classifier.classification import Classification
from perrin.settings.scores import ScoreSettings


@pytest.mark.parametrize(
    ("precision", "recall", "said"),
    [
        (0.985, 0.9, "(default): estimated precision 98%, recall 90%"),
        (np.nan, 0.0, "(default): nothing"),
        (np.nan, np.nan, "(default): nothing"),
    ],
)
def test_where_nothing_is_retained_there_is_no_precision(
    precision: float, recall: float, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = pd.DataFrame()
    found = Classification(
        model="classifier",
        threshold=0.9,
        chosen="default",
        precision=precision,
        recall=recall,
        fractions=(),
        labels=empty,
        removed=empty,
        tradeoff=empty,
        settings=ScoreSettings(),
        notes=(),
    )
    _say_classes(found)
    assert said in capsys.readouterr().out
