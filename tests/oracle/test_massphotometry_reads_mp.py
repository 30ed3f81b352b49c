"""The public reader `massphotometry` takes our .mp files for the vendor's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from perrin.io import write_mp
from perrin.io.movie import Movie

massphotometry = pytest.importorskip("massphotometry")


@pytest.fixture(scope="module")
def movie(two_mp: Callable[..., Movie]) -> Movie:
    rng = np.random.default_rng(3)
    frames = rng.poisson(30_000, (333, 38, 51)).astype(np.uint16)
    return two_mp(frames)


def test_it_reads_the_same_frames_and_numbers_from_a_plain_file(movie, tmp_path, capsys):
    write_mp(tmp_path / "a.mp", movie)
    frames, said = massphotometry.read_mp(tmp_path / "a.mp", convert_metadata=True)
    np.testing.assert_array_equal(frames, movie.frames)
    assert said["framerate_effective"] == pytest.approx(1 / movie.frame_interval_s)
    assert 1000 * said["pixelsize_effective"] == pytest.approx(movie.pixel_nm)
    assert said["instrument"] == movie.instrument
    assert said["exposuretime"] == 1.3
    assert capsys.readouterr().out == ""  # it prints where it cannot make sense of a file


def test_it_decodes_and_verifies_a_compressed_file(movie, tmp_path, capsys):
    """Frames only: version 0.1.0 loses the metadata of any file that it has decoded."""
    write_mp(tmp_path / "a.mp", movie, compressed=True)
    frames, _ = massphotometry.read_mp(tmp_path / "a.mp")
    np.testing.assert_array_equal(frames, movie.frames)
    assert capsys.readouterr().out == ""
