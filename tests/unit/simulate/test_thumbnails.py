"""Simulated thumbnails: the same pixels as cutting from a movie, the same noise, any workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy.stats import chisquare, kstest, uniform

from perrin.errors import PerrinError
from perrin.io.movie import Movie
from perrin.landing.thumbnails import cut_thumbnails, half_length
from perrin.optics.camera import record
from perrin.optics.psf import Psf
from perrin.settings.disturbances import DisturbanceSettings
from perrin.settings.simulation import (
    BackgroundSettings,
    CameraSettings,
    CrowdSettings,
    MassPrior,
    ThumbnailSettings,
)
from perrin.simulate.event_patches import EventPatches, draw_event_patches, draw_masses
from perrin.simulate.movie import simulate_movie
from perrin.simulate.presets import preset
from perrin.simulate.render import multiply_landings, widening_coefficients
from perrin.simulate.thumbnail_set import ThumbnailSet
from perrin.simulate.thumbnails import simulate_thumbnails

LEAST_P = 1e-3
CLEAN = CameraSettings(shot_noise=0, fixed_pattern=0)
FIVE = ("binder", "unbinder", "neighbors", "roller", "wobbler")


@pytest.fixture(scope="module")
def some() -> ThumbnailSet:
    return simulate_thumbnails(1000, settings=ThumbnailSettings(), seed=1)


def _equal(one: ThumbnailSet, two: ThumbnailSet) -> None:
    np.testing.assert_array_equal(one.thumbnails, two.thumbnails)
    np.testing.assert_array_equal(one.inside, two.inside)
    np.testing.assert_array_equal(one.labels, two.labels)
    pd.testing.assert_frame_equal(one.truth, two.truth)
    pd.testing.assert_frame_equal(one.neighbors, two.neighbors)
    assert one.card == two.card


def test_shapes_and_shares(some: ThumbnailSet) -> None:
    assert some.thumbnails.shape == (1000, 40, 17, 17)
    assert some.thumbnails.dtype == np.float32
    assert np.isfinite(some.thumbnails).all()
    assert {name: (some.labels == name).sum() for name in FIVE} == dict.fromkeys(FIVE, 200)
    assert (some.thumbnails.transpose(0, 2, 3, 1)[~some.inside] == 0).all()
    assert (some.truth["class"] == some.labels).all()


def test_events_are_centerd_on_the_truth(some: ThumbnailSet) -> None:
    assert (some.truth["frame"] == 20).all()
    for name in ("x_px", "y_px"):
        assert kstest(some.truth[name], uniform(7.5, 1).cdf).pvalue > LEAST_P
    heavy = (some.labels == "binder") & (some.truth["mass_kda"] > 300)
    peak = some.thumbnails[heavy, :, 8, 8].argmin(axis=1)
    assert np.mean(np.abs(peak - 20) <= 1) > 0.9


def test_neighbors_are_binders_in_the_thumbnail(some: ThumbnailSet) -> None:
    counts = some.truth.loc[some.labels == "neighbors", "n_neighbors"]
    assert chisquare(np.bincount(counts - 1, minlength=19)).pvalue > LEAST_P
    assert (some.truth.loc[some.labels != "neighbors", "n_neighbors"] == 0).all()
    listed = some.neighbors.groupby("event").size()
    assert (listed == some.truth["n_neighbors"][listed.index]).all()
    assert (some.neighbors["motion"] == "binder").all()
    for name in ("x_px", "y_px"):
        assert kstest(some.neighbors[name], uniform(-0.5, 17).cdf).pvalue > LEAST_P
    time = some.neighbors["frame"] + some.neighbors["phase"]
    assert kstest(time, uniform(0, 40).cdf).pvalue > LEAST_P


def test_masses_follow_the_prior() -> None:
    masses = draw_masses(MassPrior(), count=20_000, rng=np.random.default_rng(0))

    def law(m: np.ndarray) -> np.ndarray:
        return np.interp(m, [30, 100, 800], [0, 0.5, 1])

    assert kstest(masses, law).pvalue > LEAST_P


def test_same_bytes_whatever_the_number_of_workers() -> None:
    settings = ThumbnailSettings(classes={"binder": 0.5, "neighbors": 0.5})
    one, two = (simulate_thumbnails(300, settings=settings, seed=3, workers=w) for w in (1, 2))
    _equal(one, two)
    other = simulate_thumbnails(300, settings=settings, seed=4)
    assert (one.thumbnails != other.thumbnails).mean() > 0.9


def test_without_background_the_pixels_are_those_of_a_whole_movie(psf: Psf) -> None:
    off = BackgroundSettings.none().model_copy(update={"tilt_contrast": 0.01})
    settings = ThumbnailSettings(background=off, camera=CLEAN)
    patch = simulate_thumbnails(40, settings=settings, seed=8)
    # the same molecules once more, as the first block of that seed draws them
    block = np.random.SeedSequence(8).spawn(4)[3]
    event_patches = draw_event_patches(
        patch.labels,
        settings,
        settings.instrument,
        slack_frames=0,
        slack_px=0,
        rng=np.random.default_rng(block.spawn(1)[0]),
    )
    for event in range(40):
        middle = event_patches.corner[event] + 8
        whole = cut_thumbnails(
            _whole_movie(event_patches, event, psf),
            frame=np.array([30]),
            y_px=middle[:1].astype(float),
            x_px=middle[1:].astype(float),
            n_avg=10,
        )
        assert (whole.inside[0] == patch.inside[event]).all()
        np.testing.assert_allclose(
            whole.values[0],  # noqa: PD011
            patch.thumbnails[event],
            atol=4e-6,
        )


def _whole_movie(event_patches: EventPatches, event: int, psf: Psf) -> Movie:
    """One event in the whole field, recorded without noise."""
    first, last = event_patches.owned[event : event + 2]
    light = np.ones((1, event_patches.n_frames, 38, 151), np.float32)
    multiply_landings(
        light,
        event_patches.particles[slice(first, last)],
        window=np.zeros((1, 3), np.int64),
        owned=np.array([0, last - first]),
        psf=psf,
        wider=widening_coefficients(psf),
    )
    counts = record(
        light,
        electrons=CLEAN.electrons,
        noise=np.zeros_like(light),
        **CLEAN.of_record(),
    )
    return Movie(frames=counts[0], frame_interval_s=3 / 726, pixel_nm=72.0, landing_sign=-1)


@pytest.mark.parametrize(
    ("n_avg", "disturbances"),
    [
        (2, DisturbanceSettings()),
        (10, DisturbanceSettings()),
        (40, DisturbanceSettings()),
        (10, DisturbanceSettings(gradient=5e-3, fringe_contrast=2e-3, fringe_hz=3.0)),
        (10, DisturbanceSettings(speckle_contrast=1e-3, speckle_time_s=0.02)),
        (10, DisturbanceSettings(debris_per_um2=0.5)),
    ],
)
def test_with_background_the_noise_is_that_of_a_whole_movie(
    n_avg: int, disturbances: DisturbanceSettings
) -> None:
    """Variance, covariance with the next pixel and with the frame n_avg later, over pixels."""
    speckle = BackgroundSettings(
        speckle_contrast=0.05, drift_nm_per_s=0, focus_contrast=0, tilt_contrast=0
    )
    light = MassPrior(low_kda=1e-6, middle_kda=1e-6, high_kda=1e-6)
    settings = ThumbnailSettings(
        n_avg=n_avg,
        classes={"binder": 1.0},
        masses=light,
        background=speckle,
        disturbances=disturbances,
    )
    patches = simulate_thumbnails(400, settings=settings, seed=2).thumbnails
    blank = preset("buffer").model_copy(
        update={"background": speckle, "disturbances": disturbances}
    )
    half = half_length(n_avg)
    found = []
    for seed in range(12):
        movie, _ = simulate_movie(blank, seconds=2 * (half + n_avg) * 3 / 726, seed=seed)
        rng = np.random.default_rng(seed)
        cut = cut_thumbnails(
            movie,
            frame=np.full(40, half + n_avg),
            y_px=rng.uniform(6, 31, 40),
            x_px=rng.uniform(6, 144, 40),
            n_avg=n_avg,
        )
        found.append(_moments(cut.values, n_avg))
    whole, scatter = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(12)
    groups = [_moments(part, n_avg) for part in np.array_split(patches, 10)]
    patch, error = np.mean(groups, axis=0), np.std(groups, axis=0, ddof=1) / np.sqrt(10)
    np.testing.assert_array_less(np.abs(patch - whole), 4.5 * np.hypot(scatter, error))


def _moments(r: np.ndarray, n_avg: int) -> np.ndarray:
    later = min(n_avg, r.shape[1] - 1)
    return np.array(
        [
            np.mean(r**2),
            np.mean(r[..., 1:] * r[..., :-1]),
            np.mean(r[:, later:] * r[:, :-later]),
        ]
    )


def test_detector_centering_follows_the_detector() -> None:
    settings = ThumbnailSettings(
        classes={"binder": 0.5, "roller": 0.5},
        masses=MassPrior(low_kda=100, middle_kda=200, high_kda=400),
    )
    found = simulate_thumbnails(120, settings=settings, seed=5, centering="detector")
    binder = found.truth[found.labels == "binder"]
    assert binder["frame"].between(17, 23).all()
    assert (binder["frame"] == 20).mean() > 0.7
    assert (binder["x_px"] - 8).abs().max() < 2
    assert np.corrcoef(binder["detected_contrast"], binder["contrast"])[0, 1] > 0.9
    assert (found.truth["detected_snr_spatial"] >= 4).all()
    again = simulate_thumbnails(120, settings=settings, seed=5, centering="detector", workers=2)
    _equal(found, again)


def test_buffer_events_are_what_the_detector_picks_on_a_blank() -> None:
    settings = ThumbnailSettings(classes={"binder": 0.4, "buffer": 0.6})
    found = simulate_thumbnails(50, settings=settings, seed=5)
    blank = found.truth[found.labels == "buffer"]
    assert len(blank) == 30
    assert blank["mass_kda"].isna().all()
    assert (blank["detected_snr_spatial"] >= 4).all()
    assert blank["detected_snr_spatial"].median() < 6
    peak = np.abs(found.thumbnails[found.labels == "buffer"][:, 18:23, 8, 8]).max(axis=1)
    assert peak.min() > 2e-4


def test_no_detection_is_an_error_not_an_endless_loop() -> None:
    settings = ThumbnailSettings(
        classes={"binder": 1.0}, masses=MassPrior(low_kda=0.1, middle_kda=0.1, high_kda=0.2)
    )
    with pytest.raises(PerrinError, match='centering="truth"'):
        simulate_thumbnails(2, settings=settings, seed=5, centering="detector")


def test_stored_whole(tmp_path: Path) -> None:
    settings = ThumbnailSettings(classes={"neighbors": 0.4, "wobbler": 0.4, "buffer": 0.2})
    found = simulate_thumbnails(20, settings=settings, seed=5)
    path = tmp_path / "train.npz"
    found.save(path)
    _equal(found, ThumbnailSet.load(path))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(PerrinError, match="not a thumbnail file"):
        ThumbnailSet.load(path)


def test_on_a_recorded_buffer() -> None:
    background, _ = simulate_movie(preset("buffer"), seconds=1.0, seed=3)
    settings = ThumbnailSettings(
        classes={"binder": 1.0}, masses=MassPrior(low_kda=400, middle_kda=500, high_kda=600)
    )
    found = simulate_thumbnails(60, settings=settings, seed=5, background=background)
    contrast = found.thumbnails[:, 20, 8, 8]
    # near the center pixel the PSF is above 0.75 wherever in it a molecule lands
    fraction = contrast / found.truth["contrast"].to_numpy()
    assert ((fraction > 0.65) & (fraction < 1.15)).all()
    bright = Movie(
        frames=background.frames, frame_interval_s=3 / 726, pixel_nm=72.0, landing_sign=1
    )
    flipped = simulate_thumbnails(60, settings=settings, seed=5, background=bright)
    assert (flipped.thumbnails[:, 20, 8, 8] < 0).all()


def test_buffer_events_of_a_recorded_buffer() -> None:
    background, _ = simulate_movie(preset("buffer"), seconds=2.0, seed=3)
    some = ThumbnailSettings(classes={"buffer": 1.0})
    found = simulate_thumbnails(3, settings=some, seed=5, background=background)
    assert set(found.labels) == {"buffer"}
    with pytest.raises(PerrinError, match="buffer events were requested"):
        simulate_thumbnails(5000, settings=some, seed=5, background=background)


def test_longer_integration_makes_longer_thumbnails() -> None:
    found = simulate_thumbnails(5, settings=ThumbnailSettings(n_avg=40), seed=5)
    assert found.thumbnails.shape == (5, 80, 17, 17)
    assert (found.truth["frame"] == 40).all()


def test_refuses() -> None:
    settings = ThumbnailSettings()
    with pytest.raises(PerrinError, match="0 thumbnails"):
        simulate_thumbnails(0, settings=settings, seed=1)
    with pytest.raises(PerrinError, match="0 workers"):
        simulate_thumbnails(1, settings=settings, seed=1, workers=0)
    short, _ = simulate_movie(preset("buffer"), seconds=0.2, seed=3)
    with pytest.raises(PerrinError, match=r"has 48 frames.*60 are needed"):
        simulate_thumbnails(1, settings=settings, seed=1, background=short)
    other = Movie(frames=short.frames, frame_interval_s=3 / 726, pixel_nm=84.0, landing_sign=-1)
    with pytest.raises(PerrinError, match="pixel size of 84"):
        simulate_thumbnails(1, settings=ThumbnailSettings(n_avg=2), seed=1, background=other)
    with pytest.raises(ValidationError, match="sum to 1"):
        ThumbnailSettings(classes={"binder": 0.5})
    with pytest.raises(ValidationError, match="must not fall"):
        MassPrior(low_kda=200)


def _crowded(fraction: float, *, inside: bool = False) -> EventPatches:
    crowd = CrowdSettings(fraction=fraction, low_per_um2_s=10.0, high_per_um2_s=10.0, inside=inside)
    settings = ThumbnailSettings(crowd=crowd)
    return draw_event_patches(
        np.full(400, "binder"),
        settings,
        settings.instrument,
        slack_frames=0,
        slack_px=0,
        rng=np.random.default_rng(11),
    )


def test_a_crowd_changes_no_event() -> None:
    alone, crowded = _crowded(0.0), _crowded(1.0)
    assert len(alone.crowd) == 0
    np.testing.assert_array_equal(alone.corner, crowded.corner)
    np.testing.assert_array_equal(alone.particles.x, crowded.particles.x)


def test_a_crowd_is_as_dense_as_asked_outside_the_thumbnails_and_absent_inside() -> None:
    event_patches = _crowded(1.0)
    instrument = ThumbnailSettings().instrument
    event = np.repeat(np.arange(400), np.diff(event_patches.crowd_owned))
    crowd = event_patches.crowd
    assert (np.diff(event_patches.crowd_owned) >= 0).all()
    assert event_patches.crowd_owned[-1] == len(crowd)
    center = event_patches.corner[event] + event_patches.size // 2
    land = event_patches.particles.land[event_patches.owned[:-1]][event]
    last = np.arange(len(crowd)), crowd.steps
    for time, y, x in (
        (crowd.land, crowd.y[:, 0], crowd.x[:, 0]),
        (crowd.leave, crowd.y[last], crowd.x[last]),
    ):
        near = (np.abs(time - land) <= 20) & (np.abs(y - center[:, 0]) <= 8.5)
        assert not (near & (np.abs(x - center[:, 1]) <= 8.5)).any()
    # landings of the whole patch time, but those in a thumbnail: 17 x 17 pixels, 40 frames
    during = (crowd.land >= 0).sum()
    pixel_um2, frame_s = (instrument.pixel_nm / 1e3) ** 2, instrument.frame_interval_s
    field = instrument.height_px * instrument.width_px
    expected = 400 * 10.0 * pixel_um2 * frame_s * (event_patches.n_frames * field)
    inside = 400 * 10.0 * pixel_um2 * frame_s * (40 * 17 * 17)
    spread = np.sqrt(expected)
    # landings kept: more than without all thumbnails and what leaves in them, fewer than all
    assert expected - 2 * inside - 4 * spread < during < expected - 0.5 * inside + 4 * spread


def test_a_crowd_inside_is_as_dense_in_the_thumbnails_and_owned_by_their_events() -> None:
    beside, event_patches = _crowded(1.0), _crowded(1.0, inside=True)
    instrument = ThumbnailSettings().instrument
    others = np.diff(event_patches.owned) - 1
    assert len(event_patches.crowd) == len(beside.crowd)
    assert ((event_patches.labels == "neighbors") == (others > 0)).all()
    first = event_patches.owned[:-1]
    np.testing.assert_array_equal(event_patches.particles.land[first], beside.particles.land)
    np.testing.assert_array_equal(event_patches.mass_kda[first], beside.mass_kda)
    event = np.repeat(np.arange(400), others + 1)
    rest = np.setdiff1d(np.arange(len(event)), first)
    place = event_patches.corner + event_patches.size // 2
    lands = (
        np.abs(
            event_patches.particles.land[rest] - event_patches.particles.land[first][event[rest]]
        )
        <= 20
    )
    for axis, at in ((0, event_patches.particles.y), (1, event_patches.particles.x)):
        lands &= np.abs(at[rest, 0] - place[event[rest], axis]) <= 8.5
    pixel_um2, frame_s = (instrument.pixel_nm / 1e3) ** 2, instrument.frame_interval_s
    # a thumbnail that reaches beyond the field has less; none begins further out than that
    expected = 400 * 10.0 * pixel_um2 * frame_s * (40 * 17 * 17)
    assert 0.8 * expected < lands.sum() < expected + 5 * np.sqrt(expected)
    # unlike the class of the paper, whose others all stay
    assert set(event_patches.motions.names[rest]) == {"binder", "unbinder", "roller", "wobbler"}


def test_a_crowd_reaches_the_patch_and_the_mean_of_its_frames() -> None:
    quiet = BackgroundSettings.none()
    crowd = CrowdSettings(fraction=1.0, low_per_um2_s=20, high_per_um2_s=20)
    found = [
        simulate_thumbnails(
            50,
            settings=ThumbnailSettings(
                background=quiet, camera=CLEAN, crowd=each, classes=_only_binders()
            ),
            seed=3,
        ).thumbnails
        for each in (CrowdSettings(), crowd)
    ]
    edge = [thumbnails[:, :, 0, :].std() for thumbnails in found]
    assert edge[1] > 2 * edge[0]


def _only_binders() -> dict[str, float]:
    return {name: float(name == "binder") for name in FIVE}
