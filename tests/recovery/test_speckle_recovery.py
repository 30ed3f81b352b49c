"""Binders in speckle that changes within a second, as the shipped networks see them."""

from __future__ import annotations

import numpy as np
import pytest

import perrin
from perrin.pipeline import LandingsResult, analyze_landings
from perrin.simulate.matching import is_accepted, is_isolated, match_landings

SECONDS, PATCH_PX, DIMER_KDA = 15.0, 12.0, 180.0
SPECKLE = {"dynamic_contrast": 1e-3, "dynamic_time_s": 1.0}


@pytest.fixture(scope="module")
def speckled():
    """A movie in speckle, its truth, and the analysis."""
    assay = perrin.preset("dynamin")
    background = assay.background.model_copy(update=SPECKLE)
    movie, truth = perrin.simulate_movie(
        assay.model_copy(update={"background": background}), seconds=SECONDS, seed=20_266
    )
    return movie, truth, analyze_landings(movie, resamples=0, psf="default")


def kept_of(found: LandingsResult, wanted: np.ndarray, truth, movie) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    """How many of the wanted molecules are retained, and how many there are."""
    matched = match_landings(truth, found.events)
    retained = found.events["retained"].to_numpy(bool)
    kept = wanted & (matched >= 0) & retained[np.maximum(matched, 0)]
    return int(kept.sum()), int(wanted.sum())


def test_most_binders_are_kept_and_what_is_kept_are_binders(speckled) -> None:  # type: ignore[no-untyped-def]
    movie, truth, found = speckled
    assert found.instrument.noise.kernel is not None
    stays = (truth["motion"] == "binder").to_numpy() & is_accepted(truth, movie, n_avg=10)
    alone = stays & is_isolated(truth, n_avg=10, within_px=PATCH_PX)
    kept, there = kept_of(found, alone, truth, movie)
    assert kept / there > 0.8 - 2 * np.sqrt(0.8 * 0.2 / there)
    landing = found.events["retained"].to_numpy(bool) & (found.events["contrast"] < 0).to_numpy()
    matched = match_landings(truth, found.events)
    right = np.zeros(len(landing), bool)
    right[matched[(truth["motion"] == "binder").to_numpy() & (matched >= 0)]] = True
    number = int(landing.sum())
    assert right[landing].mean() > 0.96 - 2 * np.sqrt(0.96 * 0.04 / number)


def test_a_psf_that_is_built_in_speckle_is_said_to_be_doubtful(speckled) -> None:  # type: ignore[no-untyped-def]
    assert any("too wide" in note for note in perrin.build_psf(speckled[0]).notes)


def test_a_contrast_is_what_it_is_without_speckle(speckled) -> None:  # type: ignore[no-untyped-def]
    """The filter is scaled to the height of a landing: no calibration has to know of it."""
    _, truth, found = speckled
    matched = match_landings(truth, found.events)
    retained = found.events["retained"].to_numpy(bool)
    species = (truth["motion"] == "binder").to_numpy() & (matched >= 0)
    species &= (truth["species"] == "dimer").to_numpy()
    species &= retained[np.maximum(matched, 0)]
    line = abs(perrin.preset("dynamin").instrument.contrast_per_kda)
    fitted = -found.events["contrast"].to_numpy()[matched[species]] / line
    error = fitted.std() / np.sqrt(len(fitted))
    assert len(fitted) > 30
    assert np.median(fitted) == pytest.approx(DIMER_KDA, abs=3 * 1.25 * error)
