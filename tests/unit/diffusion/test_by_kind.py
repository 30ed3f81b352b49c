"""What kinds of motion leave of w and the exponents: intervals, blanks, reasons, notes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perrin.diffusion.by_kind import bounded_by_kind, w_may_be_anything, without_w
from perrin.diffusion.characterize import Scale, characterize
from perrin.diffusion.kinds import KindsPrediction
from perrin.diffusion.motion_kinds import KINDS
from perrin.diffusion.standard import TARGETS, Prediction, to_unit
from perrin.diffusion.summary import characterized, msd_curves, summary
from perrin.settings.diffusion import WindowSettings
from perrin.simulate.walk_tables import tracks_table
from perrin.simulate.walks import brownian

FBM = ["alpha_fbm", "alpha_fbm_low", "alpha_fbm_high", "D", "D_low", "D_high"]
CTRW = ["alpha_ctrw", "alpha_ctrw_low", "alpha_ctrw_high", "jump_rate", "jump_variance"]
W = ["w_low", "w", "w_high"]


class Mixed:
    """A mixture network that says w .3 (.2 to .4) and half FBM, half CTRW of every track."""

    name = "mixed"

    def refusal(self, seen, dims):
        return None

    def posterior_predictive_p(self, tracks, prediction):
        return np.full(len(tracks), 0.5)

    def predict_tracks(self, tracks):
        said = {"fraction_fbm": 0.5, "fraction_ctrw": 0.5, "w": 0.3, "alpha_fbm": 0.6}
        said |= {"alpha_ctrw": 0.7, "jump_rate": 0.2}
        middle = [to_unit(np.array(said.get(name, 0.0)), k) for k, (name, *_) in enumerate(TARGETS)]
        ends = np.stack([np.array(middle) + off for off in (-0.1, 0.0, 0.1)], axis=1).clip(0, 1)
        steps = [np.full((len(track.seen) - 1, 2), 0.5) for track in tracks]
        return Prediction(np.repeat(ends[None], len(tracks), axis=0), steps)


class Told:
    """A model of kinds that says one mixture of kinds for every track."""

    reach = None

    def __init__(self, p: dict[str, float]) -> None:
        self.p = [p.get(kind, 0.0) for kind in KINDS]

    def predict(self, tracks, prediction):
        return KindsPrediction(np.tile(self.p, (len(tracks), 1)), np.ones(len(tracks)))


def found(p: dict[str, float]):
    walks = brownian(2, length=60, rng=np.random.default_rng(0))
    return characterize(
        tracks_table(walks, np.ones((2, 60), dtype=bool)),
        model=Mixed(),
        kinds=Told(p),
        scale=Scale.unknown(),
        settings=WindowSettings(frames=30, stride=30),
    )


@pytest.mark.parametrize(
    ("p", "interval"),
    [
        ({"mixture": 1.0}, (0.2, 0.4)),
        ({"mixture": 0.96, "fbm": 0.02, "brownian": 0.02}, (0.2, 0.4)),
        ({"mixture": 0.94, "fbm": 0.03, "brownian": 0.03}, (0.0, 0.4)),
        ({"mixture": 0.94, "ctrw": 0.06}, (0.2, 1.0)),
        ({"mixture": 0.52, "changing_diffusivity": 0.48}, (0.2, 0.4)),
        ({"mixture": 0.48, "confined": 0.3, "directed": 0.22}, (0.0, 1.0)),
    ],
)
def test_the_interval_of_w_reaches_what_the_kinds_do_not_exclude(
    p: dict[str, float], interval: tuple[float, float]
) -> None:
    result = found(p)
    low, middle, high = result.trajectories[W].to_numpy()[0]
    assert (low, high) == pytest.approx(interval)
    assert middle == pytest.approx(0.3)
    assert result.windows[W].to_numpy()[0] == pytest.approx([0.2, 0.3, 0.4])
    anything = 2 * (interval == (0.0, 1.0))
    assert summary(result)["outside_the_models"] == {
        "w_not_given": 0,
        "w_may_be_anything": anything,
    }
    assert any("anything from 0 to 1" in note for note in result.notes) == bool(anything)


def test_outside_the_models_nothing_of_them_is_given() -> None:
    result = found({"changing_diffusivity": 0.95, "mixture": 0.05})
    table = result.trajectories
    assert table[[*W, *FBM, *CTRW, "frames_ctrw"]].isna().all(axis=None)
    assert table["fraction_fbm"].notna().all()
    assert table["D_slow"].notna().all()
    assert "outside FBM, CTRW and their mixtures with p 0.95: no w" in table["reason"][0]
    assert without_w(table).tolist() == [True, True]
    assert any(note.startswith("w is not given for 2 of 2 tracks") for note in result.notes)
    assert summary(result)["outside_the_models"]["w_not_given"] == 2
    # the network answered all the same
    assert characterized(table) == "2 of 2 trajectories characterized"
    assert len(msd_curves(result.tracks, table, result.scale)) == 2
    assert "not given" in repr(result)


def test_a_part_that_the_kinds_exclude_has_no_numbers() -> None:
    fbm = found({"fbm": 0.95, "mixture": 0.05}).trajectories
    assert fbm[CTRW].isna().all(axis=None)
    assert fbm[[*W, *FBM]].notna().all(axis=None)
    assert fbm["reason"][0] == "no CTRW part with p 0.95: no alpha_ctrw, no jumps"
    ctrw = found({"ctrw": 0.95, "mixture": 0.05}).trajectories
    assert ctrw[FBM].isna().all(axis=None)
    assert ctrw[[*W, *CTRW]].notna().all(axis=None)
    both = found({"fbm": 0.8, "ctrw": 0.2}).trajectories
    assert both[[*W, *FBM, *CTRW]].notna().all(axis=None)


def test_where_no_kind_is_told_the_network_has_the_word() -> None:
    table = found({"mixture": 1.0}).trajectories
    silent = table.assign(**{f"p_{kind}": np.nan for kind in KINDS})
    pd.testing.assert_frame_equal(bounded_by_kind(silent), silent)
    assert not w_may_be_anything(silent).any()
