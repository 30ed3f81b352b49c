"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: the first example of a test may compile a kernel.
settings.register_profile("perrin", deadline=None)
settings.load_profile("perrin")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of shared real data; a test that needs it skips where there is none."""
    root = os.environ.get("PERRIN_SHARED")
    if not root:
        pytest.skip("shared real data: set PERRIN_SHARED to the folder that holds data/")
    folder = Path(root) / "data"
    if not folder.is_dir():
        pytest.skip(f"shared real data: {folder} is not a folder")
    return folder
