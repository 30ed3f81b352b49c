"""The short movie with overlays: GIF, and mp4 where there is an ffmpeg.

A stand-in takes ffmpeg's place: it notes how it was called and how much came in. What it is
handed is what ffmpeg 9.0 made a movie of that plays.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
from PIL import Image

from perrin.pipeline import track
from perrin.report.track_movie import write_track_movie
from perrin.settings.motion import MotionMovie
from perrin.settings.tracking import TrackingSettings
from perrin.simulate.moving import simulate_motion
from perrin.tracking.clip import Clip
from perrin.tracking.track import TrackingResult

FRAMES = 4

STAND_IN = """#!{python}
import json, sys
from pathlib import Path

if "-version" in sys.argv:
    sys.exit()
came = len(sys.stdin.buffer.read())
Path(sys.argv[-1]).write_text(json.dumps([sys.argv[1:], came]))
"""


@pytest.fixture(scope="module")
def tracked() -> tuple[TrackingResult, Clip]:
    settings = MotionMovie.of("spheres", frames=12, count=3, height_px=97, width_px=128)
    movie, _, _ = simulate_motion(settings, seed=5)
    found = track(movie, TrackingSettings(kind="spheres"), overlay_frames=FRAMES)
    assert found.clip is not None
    return found, found.clip


def test_without_ffmpeg_it_is_a_gif(tracked: tuple[TrackingResult, Clip], tmp_path: Path) -> None:
    found, clip = tracked
    with mpl.rc_context({"animation.ffmpeg_path": str(tmp_path / "none")}):
        path = write_track_movie(tmp_path, found, clip)
    assert path.name == "overlay.gif"
    with Image.open(path) as image:
        assert image.n_frames == FRAMES


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_with_ffmpeg_every_frame_goes_into_an_mp4(
    tracked: tuple[TrackingResult, Clip], tmp_path: Path
) -> None:
    found, clip = tracked
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text(STAND_IN.format(python=sys.executable))
    ffmpeg.chmod(0o755)
    with mpl.rc_context({"animation.ffmpeg_path": str(ffmpeg)}):
        path = write_track_movie(tmp_path, found, clip)
    assert path.name == "overlay.mp4"
    arguments, came = json.loads(path.read_text())
    width, height = map(int, arguments[arguments.index("-s") + 1].split("x"))
    assert (width % 2, height % 2) == (0, 0)  # h264 takes no odd sizes
    assert came == FRAMES * width * height * 4
    assert arguments[arguments.index("-vcodec", arguments.index("-i")) + 1] == "h264"
