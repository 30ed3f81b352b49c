"""The truth of what a quantifier reads, and events scattered as a detector scatters them."""

from __future__ import annotations

import numpy as np
import pytest

from perrin.landing.quantifier.quantities import LONGEST_RESIDENCE, TARGETS
from perrin.settings.simulation import ThumbnailSettings
from perrin.simulate.quantities import around, central, in_the_middle, truth_of
from perrin.simulate.thumbnail_simulator import Part, ThumbnailSimulator
from perrin.simulate.thumbnails import threads

KINDS = np.array(["binder", "unbinder", "neighbors", "roller", "wobbler"])
COUNT = 150


@pytest.fixture(scope="module")
def part() -> Part:
    shared, own = np.random.SeedSequence(3).spawn(2)
    simulator = ThumbnailSimulator.of(
        ThumbnailSettings(), centering="scattered", background=None, psf=None, seed=shared
    )
    with threads(1) as pool:
        (found,) = simulator.events(np.resize(KINDS, COUNT), seed=own, pool=pool)
    return found


def test_truth_follows_from_what_a_molecule_did(part: Part) -> None:
    truth = part.truth
    found, known = truth_of(truth)
    of = {name: found[:, k] for k, name in enumerate(TARGETS)}
    kind = truth["motion"].to_numpy()
    stays = np.isinf(truth["end_frame"].to_numpy(float))
    assert (of["residence_time"][stays] == LONGEST_RESIDENCE).all()
    leaving = (kind == "unbinder") & ~stays
    assert of["residence_time"][leaving] == pytest.approx(
        truth["residence_time_frames"][leaving], abs=1e-9
    )
    assert (of["path_length"][kind == "binder"] == 0).all()
    rolling = kind == "roller"
    assert of["path_length"][rolling] == pytest.approx(
        of["displacement"][rolling]
    )  # one straight line
    assert (of["displacement"] <= of["path_length"] + 1e-9).all()
    assert (
        known[:, TARGETS.index("speed")].tolist() == np.isin(kind, ["roller", "wobbler"]).tolist()
    )
    assert of["speed"][rolling] == pytest.approx(
        of["path_length"][rolling] / truth["residence_time_frames"][rolling]
    )


def test_scattered_events_lie_about_as_a_detector_sees_them(part: Part) -> None:
    """A third of a pixel of error, rounded to pixels; a frame early or late; movers elsewhere."""
    resting = part.truth[part.truth["class"].isin(["binder", "unbinder"]).to_numpy()]
    y, x = (resting[name].to_numpy() - 8 for name in ("y_px", "x_px"))
    spread = np.hypot(1 / 3, np.sqrt(1 / 12))
    assert np.std(np.r_[y, x]) == pytest.approx(spread, abs=4 * spread / np.sqrt(4 * len(y)))
    assert set(resting["frame"] - 20) == {-1, 0, 1}
    moving = part.truth[part.truth["class"] == "roller"]
    assert np.hypot(moving["y_px"] - 8, moving["x_px"] - 8).median() > 1


def test_the_molecule_in_the_middle_is_the_one_that_is_meant(part: Part) -> None:
    chosen, own = central(part), part.truth.reset_index(drop=True)
    assert (in_the_middle(chosen) >= in_the_middle(own) - 1e-12).all()
    moved = (in_the_middle(chosen) > in_the_middle(own)).to_numpy()
    assert moved.any()
    assert set(own["class"][moved]) == {"neighbors"}
    assert chosen["class"].tolist() == own["class"].tolist()
    rest = around(part)
    assert len(rest) == own["n_neighbors"].sum()
    assert rest.groupby("row_of").size().max() == own["n_neighbors"].max()
    # a molecule is either in the middle or around it
    everyone = np.sort(np.r_[chosen["mass_kda"], rest["mass_kda"]])
    assert everyone == pytest.approx(np.sort(np.r_[own["mass_kda"], part.neighbors["mass_kda"]]))


def test_a_heavy_molecule_near_a_light_one_is_what_is_seen(part: Part) -> None:
    pair = part.truth.iloc[[0, 0]].reset_index(drop=True)
    pair["contrast"] = [-1e-3, -4e-3]
    pair["frame"], pair["phase"], pair["steps"] = 20, 0.5, 0
    for start, end, places in (("x_px", "end_x_px", [8.0, 10.0]), ("y_px", "end_y_px", [8.0, 8.0])):
        pair[start] = pair[end] = places
    light, heavy = in_the_middle(pair)
    assert light == pytest.approx(1e-3)
    assert heavy == pytest.approx(4e-3 * np.exp(-4 / (2 * 2.3**2)))
    pair["frame"] = [20, 40]  # no more within the integration
    assert in_the_middle(pair)[1] == 0
