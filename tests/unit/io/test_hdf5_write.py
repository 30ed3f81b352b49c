"""HDF5 on a disk that is full: an error, never the end of the process."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.errors import PerrinError
from perrin.io import disk, write_mp
from perrin.io.movie import Movie

_FULL = """
import resource, signal, sys
from pathlib import Path
import numpy as np, pandas as pd
from perrin.errors import PerrinError
from perrin.io import write_events, write_mp, write_mpr
from perrin.io.movie import Movie

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
where, what = Path(sys.argv[1]), sys.argv[2]
frames = np.random.default_rng(0).integers(0, 60000, (300, 32, 32), dtype=np.uint16)
movie = Movie.from_array(frames, pixel_nm=70, frame_interval_s=0.003)
events = pd.DataFrame({"measurement": "a", "event": np.arange(9000), "contrast": -0.003})
for limit in (0, 100, 3000, 30_000, 100_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        if what == "events":
            write_events(events, where / "a.h5")
        elif what == "mp":
            write_mp(where / "a.mp", movie)
        elif what == "compressed":
            write_mp(where / "a.mp", movie, compressed=True)
        else:
            write_mpr(where / "a.mpr", movie)
    except PerrinError as error:
        assert "could not be written" in str(error), error
    else:
        raise AssertionError(f"nothing was said at {limit}")
    assert not list(where.iterdir()), list(where.iterdir())
print("alive")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file")
@pytest.mark.parametrize("what", ["events", "mp", "compressed", "mpr"])
def test_a_full_disk_is_an_error(what: str, tmp_path: Path, run_apart: Callable[..., str]) -> None:
    assert run_apart(_FULL, tmp_path, what).split() == ["alive"]


def test_room_is_looked_for_before_a_movie_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = pd.Series({"free": disk._SPARE_BYTES + 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    frames = np.full((10, 8, 8), 900, np.uint16)
    movie = Movie.from_array(frames, pixel_nm=70, frame_interval_s=0.003)
    with pytest.raises(PerrinError, match="are free"):
        write_mp(tmp_path / "a.mp", movie)
    assert not list(tmp_path.iterdir())
