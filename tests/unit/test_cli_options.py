"""Options that several commands share."""

from __future__ import annotations

import pytest

from perrin.cli.options import interval_s
from perrin.errors import PerrinError


def test_interval_and_rate_say_the_same_or_are_refused() -> None:
    assert interval_s(None, None) is None
    assert interval_s(0.05, None) == 0.05
    assert interval_s(None, 20) == 0.05
    assert interval_s(0.05, 20) == 0.05
    with pytest.raises(PerrinError, match="contradict each other"):
        interval_s(0.05, 25)
    with pytest.raises(PerrinError, match="above 0"):
        interval_s(None, 0)
