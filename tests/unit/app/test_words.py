"""What the page of the app writes."""

from types import SimpleNamespace
from typing import Any

import pytest

from perrin.app.words import status


@pytest.mark.parametrize(
    ("fraction", "said"),
    [(0.4, "bsa: 40%, about 3 s left"), (0.999, "bsa: finishing (tables, figures, report).")],
)
def test_no_job_is_said_to_be_over_while_it_writes(fraction: float, said: str) -> None:
    job: Any = SimpleNamespace(
        title="bsa", stopping=False, state="running", fraction=fraction, left_s=lambda: 3.2
    )
    assert status(job) == said
