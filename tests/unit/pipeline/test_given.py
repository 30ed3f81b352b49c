"""The name of a file where data are wanted: what to do is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import perrin
from perrin.errors import PerrinError


@pytest.mark.parametrize(
    ("call", "opener"),
    [
        (perrin.analyze_landings, "open_movie"),
        (perrin.build_psf, "open_movie"),
        (lambda path: perrin.track(path, "spheres"), "open_movie"),
        (lambda path: perrin.calibrate(path, "nativemark"), "open_movie.*read_events"),
        (perrin.fit_spectrum, "read_events"),
        (perrin.characterize, "read_tracks"),
        (perrin.andi, "read_tracks"),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_refused_with_what_opens_it(
    call: Callable[[Any], Any], opener: str, kind: type
) -> None:
    with pytest.raises(PerrinError, match=rf"'sample.mp' is the name of a file.*{opener}"):
        call(kind("sample.mp"))
