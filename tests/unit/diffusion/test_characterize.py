"""Tracks to tables: units, abstention and reasons, whatever the model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from perrin.diffusion.characterize import Scale, characterize
from perrin.diffusion.standard import TARGETS, Prediction, to_unit
from perrin.diffusion.summary import ergodicity, msd_curves, summary
from perrin.diffusion.tables import TRAJECTORIES, WINDOWS
from perrin.diffusion.windows import Track
from perrin.errors import PerrinError
from perrin.settings.diffusion import WindowSettings
from perrin.simulate.walk_tables import tracks_table
from perrin.simulate.walks import brownian

WINDOW = WindowSettings(frames=20, stride=10)
NAMES = [name for name, _, _ in TARGETS]


class Says:
    """A model that always gives the same answer, plus or minus a tenth of the range."""

    name = "says"

    def __init__(self, **values: float) -> None:
        predicted = {
            "fraction_fbm": 0.6,
            "fraction_ctrw": 0.4,
            "w": 0.3,
            "alpha_fbm": 0.5,
            "alpha_ctrw": 0.6,
        }
        predicted |= {"jump_rate": 0.2, "log_step": np.log(0.6)}
        predicted |= values
        self.middle = np.array(
            [to_unit(np.array(predicted.get(name, 0.0)), k) for k, name in enumerate(NAMES)]
        )

    def refusal(self, seen: np.ndarray, dims: int) -> str | None:
        return "too short" if len(seen) < 10 else None

    def posterior_predictive_p(self, tracks, prediction):
        return np.full(len(tracks), 0.5)

    def predict_tracks(self, tracks: Sequence[Track]) -> Prediction:
        self.predicted = [(track.noise, track.exposure) for track in tracks]
        one = np.stack([self.middle - 0.1, self.middle, self.middle + 0.1], axis=1).clip(0, 1)
        steps = [np.full((len(track.seen) - 1, 2), 0.5) for track in tracks]
        return Prediction(np.repeat(one[None], len(tracks), axis=0), steps)


def tracks(count: int = 3, length: int = 40) -> pd.DataFrame:
    walks = brownian(count, length=length, rng=np.random.default_rng(0))
    return tracks_table(walks, np.ones((count, length), dtype=bool))


def found(table: pd.DataFrame, scale: Scale | None = None, **predicted: float):
    return characterize(
        table, model=Says(**predicted), scale=scale or Scale.unknown(), settings=WINDOW
    )


def test_the_tables_have_their_columns() -> None:
    result = found(tracks())
    assert list(result.trajectories.columns) == [column.name for column in TRAJECTORIES]
    assert list(result.windows.columns) == [column.name for column in WINDOWS]
    assert len(result.trajectories) == 3
    assert len(result.windows) == 9
    assert (result.windows["w_low"] < result.windows["w"]).all()


def test_a_track_too_long_for_the_model_has_a_time_course_from_pieces() -> None:
    class Short(Says):
        def refusal(self, seen: np.ndarray, dims: int) -> str | None:
            return "too long" if len(seen) > 1000 else super().refusal(seen, dims)

    result = characterize(tracks(1, 1500), model=Short(), scale=Scale.unknown(), settings=WINDOW)
    assert np.isnan(result.trajectories["w"][0])
    assert result.trajectories["reason"][0] == "too long"
    assert len(result.time_course.time_course) == 1500
    assert result.time_course.regimes["label"].tolist() == ["undecided"]


def test_what_looks_odd_is_flagged() -> None:
    class Doubtful(Says):
        def posterior_predictive_p(self, tracks, prediction):
            return np.array([0.2, 0.04, 0.9])

    result = characterize(tracks(), model=Doubtful(), scale=Scale.unknown(), settings=WINDOW)
    assert result.trajectories["out_of_model"].tolist() == [False, True, False]
    predicted = summary(result)["out_of_model"]
    assert (predicted["checked"], predicted["flagged"]) == (3, 1)
    assert predicted["fraction"] == pytest.approx(1 / 3)


def test_the_diffusion_coefficient_follows_the_units() -> None:
    plain = found(tracks()).trajectories
    scale = Scale.of_pixels(pixel_nm=50, frame_interval_s=0.01)
    physical = found(tracks(), scale).trajectories
    np.testing.assert_allclose(physical["D"], plain["D"] * 50**2 / 0.01**0.5)
    np.testing.assert_allclose(physical["jump_variance"], plain["jump_variance"] * 50**2)
    np.testing.assert_allclose(
        physical["tamsd_D"], plain["tamsd_D"] * 50**2 / 0.01 ** plain["tamsd_alpha"]
    )
    assert physical.attrs == {"length_unit": "nm", "time_unit": "s"}
    # 60% of squared steps of about 1 on each axis: D = .6 / 2
    assert plain["D"].mean() == pytest.approx(0.3, rel=0.25)
    with pytest.raises(PerrinError, match="above 0"):
        Scale.of_pixels(pixel_nm=0, frame_interval_s=1)


def test_the_variance_of_a_jump_is_that_of_the_jumps() -> None:
    """Rests and normal jumps, told which share of steps jumps: the variance comes back."""
    rate, variance, length, count = 0.2, 2.5, 400, 30
    rng = np.random.default_rng(12)
    jumps = rng.standard_normal((count, length, 2)) * np.sqrt(variance)
    jumps[rng.random((count, length)) > rate] = 0.0
    table = tracks_table(jumps.cumsum(axis=1), np.ones((count, length), dtype=bool))
    scale = Scale.of_pixels(pixel_nm=50, frame_interval_s=0.01)
    predicted = found(
        table, scale, fraction_fbm=0.0, fraction_ctrw=1.0, jump_rate=rate
    ).trajectories
    # of n jumps of 2 axes: their squares and their number scatter
    n = rate * length * count
    error = np.sqrt(2 / (2 * n) + (1 - rate) / n)
    assert predicted["jump_variance"].mean() == pytest.approx(variance * 50**2, rel=4 * error)


def test_the_model_is_told_what_the_table_knows_of_the_camera() -> None:
    model = Says()
    table = tracks().assign(x_se=0.3, y_se=0.4)
    table.attrs["exposure"] = 0.25
    result = characterize(table, model=model, scale=Scale.unknown(), settings=WINDOW)
    error = np.sqrt((0.3**2 + 0.4**2) / 2)
    noise, exposure = zip(*model.predicted, strict=True)  # of the windows, asked last
    np.testing.assert_allclose(noise, error)
    np.testing.assert_allclose(exposure, 0.25)
    np.testing.assert_allclose(result.trajectories["localisation_se"], error)
    characterize(tracks(), model=model, scale=Scale.unknown(), settings=WINDOW)
    assert np.isnan(model.predicted).all()


def test_small_parts_have_no_exponent_and_a_reason() -> None:
    row = found(tracks(), fraction_fbm=0.95, fraction_ctrw=0.05).trajectories.iloc[0]
    assert np.isnan(
        row[["alpha_ctrw", "alpha_ctrw_low", "jump_rate", "jump_variance"]].tolist()
    ).all()
    assert "no alpha_ctrw" in row["reason"]
    assert np.isfinite(row["alpha_fbm"])
    row = found(tracks(), fraction_fbm=0.02, fraction_ctrw=0.98).trajectories.iloc[0]
    assert np.isnan(row[["alpha_fbm", "D", "D_high"]].tolist()).all()
    row = found(tracks(), jump_rate=0.05).trajectories.iloc[0]
    assert np.isnan(row["alpha_ctrw"])
    assert row["reason"] == "2 jumps: no alpha_ctrw"


def test_tracks_out_of_range_are_kept_with_a_reason() -> None:
    short = tracks(1, 5).assign(particle=8)
    still = tracks(1).assign(particle=9, x=1.0, y=2.0)
    sparse = tracks(1).assign(particle=10)
    sparse = sparse[sparse["frame"] % 2 == 0]
    table = pd.concat([tracks(1), short, still, sparse], ignore_index=True)
    rows = found(table).trajectories
    assert rows["reason"].tolist() == ["", "too short", "immobile", "no two neighboring frames"]
    assert rows["w"].notna().tolist() == [True, False, False, False]
    with pytest.raises(PerrinError, match="no track"):
        found(table.iloc[:0])


def test_the_ensemble_is_summed_up() -> None:
    table = tracks(5, 60)
    result = found(table, fraction_ctrw=0.0, fraction_fbm=1.0)
    predicted = summary(result)
    assert predicted["trajectories"] == 5
    assert predicted["predicted"]["w"] == 5
    assert predicted["predicted"]["alpha_ctrw"] == 0
    assert predicted["quartiles"]["w"] == [0.3, 0.3, 0.3]
    curves = msd_curves(table, result.trajectories, result.scale)
    time, msd = curves[0]
    assert time[0] == 1
    assert np.isfinite(msd).all()
    assert ergodicity(curves) < 0.2
