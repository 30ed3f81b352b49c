"""From a movie to tracks: what comes out, and what cannot be tracked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perrin.diffusion.tables import check_tracks
from perrin.errors import PerrinError
from perrin.io import open_movie
from perrin.io.movie import Movie
from perrin.mass.calibration import Calibration
from perrin.settings.motion import MotionMovie
from perrin.settings.tracking import LinkSettings, TrackingSettings
from perrin.simulate.moving import simulate_motion
from perrin.tracking.appearance import Appearance
from perrin.tracking.clean import refuse_crowds
from perrin.tracking.found import LocalizationResult
from perrin.tracking.shape import Shape
from perrin.tracking.track import TrackingResult, track
from perrin_benchmarks import worlds
from perrin_benchmarks.tracking import match_positions, score_links
from perrin_benchmarks.worlds import make, score

FRAMES = 60


def simulated(kind: str, *, seed: int = 1, **changes: object) -> tuple[Movie, pd.DataFrame]:
    usual = {"frames": FRAMES, "height_px": 128, "width_px": 128, "count": 4}
    movie, truth, _ = simulate_motion(MotionMovie.of(kind, **(usual | changes)), seed=seed)
    return movie, truth


def tracked(movie: Movie, kind: str, **settings: object) -> TrackingResult:
    return track(movie, settings=TrackingSettings.model_validate({"kind": kind, **settings}))


def apart(truth: pd.DataFrame, *, by: float) -> np.ndarray:
    """Return which true positions (N,) have no other of their frame within `by` pixels."""
    near = truth.merge(truth, on="frame", suffixes=("", "_other"))
    near = near[near["particle"] != near["particle_other"]]
    far = np.hypot(near["x"] - near["x_other"], near["y"] - near["y_other"])
    closest = far.groupby([near["particle"], near["frame"]]).min()
    keys = pd.MultiIndex.from_frame(truth[["particle", "frame"]])
    return closest.reindex(keys, fill_value=np.inf).to_numpy() > by


@pytest.fixture(scope="module")
def rods() -> tuple[TrackingResult, pd.DataFrame]:
    movie, truth = simulated(
        "rods",
        count=2,
        immobile=1,
        rotation_rad2_per_s=4.0,
        height_px=160,
        width_px=160,
        length_nm=10.0,
        seed=2,
    )
    return tracked(movie, "rods", exposure=0.5), truth


@pytest.mark.parametrize(("kind", "contrast"), [("spheres", "dark"), ("spheres", "bright")])
def test_spheres_of_both_contrasts_are_followed(kind: str, contrast: str) -> None:
    movie, truth = simulated(kind, contrast=contrast)
    found = tracked(movie, kind)
    assert score_links(truth, found.tracks).f1 > 0.95
    assert ("darker" if contrast == "dark" else "brighter") in found.notes[0]
    assert np.sign(found.tracks["contrast"]).eq(-1 if contrast == "dark" else 1).all()


def test_clouds_finer_than_a_tile_hide_no_particle() -> None:
    """Moving clouds of 15%, 24 px from one to the next, and no drift; independent simulator."""
    movie, truth = make(worlds.of("clouds 15%", frames=40, size=192, count=5), seed=1)
    found = tracked(movie, "spheres")
    assert found.drift is None or not found.drift.significant
    got = score(truth, found.positions, found.tracks)
    seen = match_positions(truth, found.tracks) >= 0
    assert seen[apart(truth, by=20.0)].mean() > 0.95  # two that meet may hide one another
    assert got.precision > 0.95
    assert got.merged < 0.01
    assert 0.85 < got.ratio < 1.2  # 2 x 200 errors: 5% at one standard deviation, about 1 to 1.1


def test_a_binned_movie_gives_the_same_places_in_its_larger_pixels() -> None:
    movie, truth = simulated("spheres")
    found = tracked(movie, "spheres", bin=2)
    assert found.tracks["pixel_nm"].eq(2 * movie.pixel_nm).all()
    large = truth.assign(x=(truth["x"] - 0.5) / 2, y=(truth["y"] - 0.5) / 2)
    row = match_positions(large, found.tracks)
    assert (row >= 0).mean() > 0.9
    part = found.tracks.iloc[row[row >= 0]].reset_index(drop=True)
    missed = (part["x"] - large[row >= 0].reset_index(drop=True)["x"]) / part["x_se"]
    assert abs(missed.mean()) < 4 / np.sqrt(len(missed))  # a shift of half a pixel is far more
    assert "binned 2 x 2" in found.read_as


def test_tracks_follow_the_schema(rods: tuple[TrackingResult, pd.DataFrame]) -> None:
    tracks = check_tracks(rods[0].tracks)
    assert tracks["pixel_nm"].eq(0.5).all()
    assert tracks["exposure"].eq(0.5).all()
    assert tracks.attrs["frame_interval_s"] == 0.01
    assert (tracks[["x_se", "y_se", "angle_se_deg"]] > 0).all(axis=None)


def test_angles_do_not_jump_at_half_a_turn(rods: tuple[TrackingResult, pd.DataFrame]) -> None:
    found, truth = rods
    steps = found.tracks.groupby("particle")["angle_deg"].diff().abs()
    gaps = found.tracks.groupby("particle")["frame"].diff()
    assert steps[gaps == 1].max() < 90
    row = match_positions(truth, found.tracks)
    part = found.tracks.iloc[row[row >= 0]].reset_index(drop=True)
    true = truth[row >= 0].reset_index(drop=True)
    missed = (part["angle_deg"] - true["angle_deg"] + 90) % 180 - 90
    assert missed[~part["touching"]].abs().median() < 1.5


def test_a_rod_at_rest_is_tracked_and_said(rods: tuple[TrackingResult, pd.DataFrame]) -> None:
    found, truth = rods
    still = truth[truth["particle"] == 2].iloc[0]
    resting = found.particles[found.particles["immobile"]]
    assert len(resting) == 1
    assert resting["stationary"].all()
    assert not found.tracks["particle"].isin(resting["particle"]).any()
    part = found.positions[found.positions["particle"] == resting["particle"].iloc[0]]
    assert len(part) > 0.9 * FRAMES
    assert np.hypot(part["x"].mean() - still["x"], part["y"].mean() - still["y"]) < 0.2
    assert any("1 particles are immobile for most" in note for note in found.notes)


def test_rods_on_each_other_are_told_apart_or_marked() -> None:
    movie, truth = simulated("rods", count=4, height_px=96, width_px=96, length_nm=8.0, frames=40)
    found = tracked(movie, "rods")
    labels = found.positions["label"].value_counts()
    assert labels["touching"] > 0
    # what is said to be one rod by itself is one, and where it is
    single = found.positions[found.positions["label"] == ""]
    row = match_positions(truth, single, within_px=1.0)
    assert (row >= 0).sum() > 0.98 * len(single)
    assert (found.tracks["particle"] >= 0).all()


def test_masses_and_their_change_come_out(calibration: Calibration) -> None:
    settings = MotionMovie.of(
        "molecules", frames=160, height_px=80, width_px=80, count=2, steps_to_kda=300.0
    )
    movie, _, _ = simulate_motion(settings, seed=4)
    found = track(movie, settings=TrackingSettings(kind="molecules"), calibration=calibration)
    whole = found.particles[found.particles["positions"] > 120]
    assert len(whole) >= 1
    assert (whole["step_p"] < 0.05).all()
    assert (np.abs(whole["step_frame"] - 80) <= 3).all()
    assert (np.abs(whole["step_kda"] - 150) < 4 * whole["step_se_kda"] + 0.03 * 150).all()
    assert {"mass_kda", "mass_se_kda"} <= set(found.tracks.columns)
    assert any("part of the background" in note for note in found.notes)


def test_drift_is_taken_off_or_left() -> None:
    movie, truth = simulated(
        "spheres", drift_nm_per_s=10.0, texture=0.03, step_nm=0.4, frames=120, immobile=2
    )
    found = tracked(movie, "spheres", keep_immobile=True)
    kept = tracked(movie, "spheres", keep_drift=True)
    assert found.drift is not None
    assert found.drift.significant
    moved = truth.loc[truth["frame"] == 119, ["drift_x", "drift_y"]].iloc[0]
    for result, left in ((found, 0.0), (kept, 1.0)):
        still = result.tracks[result.tracks["particle"].isin(_resting(result, truth))]
        far = still.groupby("particle").agg(["first", "last"])
        gone = np.hypot(
            far["x"]["last"] - far["x"]["first"], far["y"]["last"] - far["y"]["first"]
        ).median()
        assert gone == pytest.approx(left * np.hypot(*moved), abs=0.5)
    assert any("drifts by up to" in note for note in found.notes)


def _resting(found: TrackingResult, truth: pd.DataFrame) -> list[int]:
    """Tracks of the particles that never move by themselves."""
    camera = found.tracks.assign(
        x=found.tracks["x"] + found.tracks["drift_x"], y=found.tracks["y"] + found.tracks["drift_y"]
    )
    still = truth[truth["particle"] >= truth["particle"].max() - 1].reset_index(drop=True)
    row = match_positions(still, camera)
    return camera.iloc[row[row >= 0]]["particle"].value_counts().index[:2].tolist()


def test_an_empty_movie_is_a_result_that_says_why() -> None:
    movie, _ = simulated("spheres", count=0)
    found = tracked(movie, "spheres")
    assert len(found.tracks) == len(found.particles) == 0
    assert "no particle found in 60 frames" in found.notes[0]
    assert {"particle", "frame", "x", "y"} <= set(found.tracks.columns)


def test_frames_that_are_all_alike_are_refused() -> None:
    movie = Movie.from_array(
        np.full((30, 64, 64), 100, np.uint16), frame_interval_s=0.01, pixel_nm=1.0
    )
    with pytest.raises(PerrinError, match="all alike"):
        tracked(movie, "spheres")


def test_black_frames_are_refused() -> None:
    frames = np.random.default_rng(0).poisson(100, (30, 64, 64)).astype(np.uint16)
    frames[10:] = 0
    movie = Movie(frames=frames, frame_interval_s=0.01, pixel_nm=1.0, landing_sign=-1)
    with pytest.raises(PerrinError, match="is black"):
        tracked(movie, "spheres")


def test_more_particles_than_the_field_can_hold_are_refused() -> None:
    count = 400
    rng = np.random.default_rng(0)
    columns = [rng.uniform(0, 64, count) for _ in range(9)]
    crowd = LocalizationResult(
        np.full(count, 2), *columns, np.zeros(count, np.int64), np.zeros((count, 3))
    )
    seen = Appearance("spheres", -1, 2.0, Shape(0.0, 2.2, 2.0), None)
    movie = Movie(np.ones((9, 64, 64)), frame_interval_s=1, pixel_nm=1, landing_sign=-1)
    with pytest.raises(PerrinError, match=r"frame 7 holds 400 particles.*told apart"):
        refuse_crowds(crowd, range(5, 9), movie, seen)
    with pytest.raises(ValueError, match="take fewer"):
        MotionMovie.of("spheres", height_px=64, width_px=64, count=60)


def test_gold_has_no_mass(calibration: Calibration) -> None:
    movie, _ = simulated("spheres", frames=4)
    with pytest.raises(PerrinError, match="contrast of gold is no mass"):
        track(movie, settings=TrackingSettings(kind="spheres"), calibration=calibration)


def test_two_frames_are_enough_for_a_step() -> None:
    movie, truth = simulated("spheres", frames=2)
    found = tracked(movie, "spheres", link=LinkSettings(min_positions=1))
    assert len(found.positions) >= 0.7 * len(truth)


def test_progress_rises_to_the_end() -> None:
    movie, _ = simulated("spheres", frames=20)
    said: list[float] = []
    track(movie, settings=TrackingSettings(kind="spheres"), progress=said.append)
    assert said == sorted(said)
    assert said[-1] == 1.0


def test_links_go_through_positions_of_two_in_one_and_tracks_do_not() -> None:
    movie, _ = simulated("spheres", count=14, step_nm=4.0, seed=3)
    found = tracked(movie, "spheres")
    merged = found.positions[found.positions["label"] == "merged"]
    linked = merged[merged["particle"] >= 0]
    assert len(linked) > 0
    kept = found.tracks.set_index(["particle", "frame"]).index
    assert not any((row.particle, row.frame) in kept for row in linked.itertuples())
    # the track goes on behind the gap
    ends = found.tracks.groupby("particle")["frame"].agg(["min", "max"])
    within = linked.join(ends, on="particle")
    assert ((within["frame"] > within["min"]) & (within["frame"] < within["max"])).any()


def test_molecules_on_pixels_of_an_electron_microscope_are_refused_at_once() -> None:
    movie, _ = simulated("spheres", frames=4)
    with pytest.raises(PerrinError, match="pixels of 1 nm are those of an electron microscope"):
        tracked(movie, "molecules")


def test_a_movie_of_rods_without_a_track_is_a_result() -> None:
    movie, _ = simulated("rods", frames=20, count=1)
    found = tracked(movie, "rods", link=LinkSettings(min_positions=1000))
    assert len(found.tracks) == len(found.particles) == 0
    assert "angle_deg" in found.tracks.columns


def test_bright_molecules_without_a_background_are_tracked(shared_data: Path) -> None:
    """A real clip of lipids, whose background was subtracted: no option is needed."""
    path = shared_data / "tracking" / "lipid_30x64x64_float.tif"
    with open_movie(path, contents="moving", pixel_nm=160.0, frame_interval_s=0.01) as movie:
        found = tracked(movie, "molecules")
    assert len(found.particles) >= 5
    assert any("brighter" in note for note in found.notes)
