"""perrin's tracks against trackpy's whole pipeline on the same movie."""

from __future__ import annotations

import logging
import warnings

import pandas as pd

from perrin.settings.motion import MotionMovie
from perrin.settings.tracking import TrackingSettings
from perrin.simulate.moving import simulate_motion
from perrin.tracking.track import track
from perrin_benchmarks.tracking import score_links


def test_links_are_as_good_as_those_of_trackpy(tmp_path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import trackpy
    settings = MotionMovie.of(
        "spheres", height_px=160, width_px=160, count=14, step_nm=4.0, frames=30
    )
    movie, truth, _ = simulate_motion(settings, seed=5)
    ours = track(movie, settings=TrackingSettings(kind="spheres"))
    logging.getLogger("trackpy").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = trackpy.batch(movie.frames[:], 11, invert=True, minmass=500, processes=1)
        theirs = trackpy.link(found, 15, memory=3)
    assert ours.linked is not None
    assert (
        score_links(truth, ours.positions).f1
        >= score_links(truth, theirs.reset_index(drop=True)).f1
    )
    # and trackpy's own tools read our table
    ours.tracks.to_csv(tmp_path / "tracks.csv", index=False)
    again = pd.read_csv(tmp_path / "tracks.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moved = trackpy.emsd(again, mpp=0.001, fps=100, max_lagtime=3)
    assert (moved > 0).all()
