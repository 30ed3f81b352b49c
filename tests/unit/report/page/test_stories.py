"""The sentences: each rule speaks where it should, and is silent where not."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perrin.mass.errors import spectrum_with_errors
from perrin.mass.spectrum import fit_spectrum
from perrin.report.page.facts import Facts, Moved
from perrin.report.page.fits import Filterable
from perrin.report.page.landing_story import landing_story
from perrin.settings.spectrum import SpectrumSettings

RECORDED = {"n_avg": 10, "frame_interval_s": 1 / 242, "pixel_nm": 72.0, "instrument": "x"}


def facts(
    masses: np.ndarray[Any, Any],
    *,
    score: np.ndarray[Any, Any] | None = None,
    threshold: float | None = None,
    se: float = 1.0,
    **summary: Any,
) -> Facts:
    base = np.ones(masses.size, bool)
    chosen = Filterable(masses, base, score, None)
    kept = base if threshold is None else chosen.kept("score", threshold)
    spectrum = fit_spectrum(masses[kept], settings=SpectrumSettings(resamples=0))
    events = pd.DataFrame({"contrast": -4e-5 * masses, "mass_kda": masses, "mass_se_kda": se})
    said = {
        "events": masses.size,
        "landings": int((masses > 0).sum()),
        "unbindings": int((masses < 0).sum()),
        "retained": int(kept.sum()),
        "recorded": RECORDED,
        "notes": [],
        "spectrum": spectrum.to_dict(),
        "spectrum_settings": SpectrumSettings().model_dump(mode="json"),
    }
    return Facts(said | summary, events, chosen, threshold)


def peaks_at(*positions: float, each: int = 1000, seed: int = 0) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(at, 5, each) for at in positions])


def density(mean: float, landings: list[int] | None = None) -> dict[str, Any]:
    counts = landings or [50] * 20
    return {
        "time_edges_s": list(range(len(counts) + 1)),
        "landings": counts,
        "mean_density_per_um2_s": mean,
        "mean_density_per_um2_s_low": 0.9 * mean,
        "mean_density_per_um2_s_high": 1.1 * mean,
    }


def test_a_good_measurement_calls_for_no_change() -> None:
    story = landing_story(facts(peaks_at(66, 132)))
    assert story["headline"].startswith("Two peaks: ")
    assert story["next"] == ["Nothing calls for a change."]
    assert story["distrust"] == []
    assert any("near whole multiples" in said for said in story["stands_out"])


def test_dilution_brings_the_expected_neighbors_to_five_percent() -> None:
    story = landing_story(facts(peaks_at(66), landing_density=density(2.0)))
    reach = np.pi * (6 * 0.072) ** 2 * 40 / 242  # um^2 s
    assert f"{1 - np.exp(-2.0 * reach):.0%} of the landings" in " ".join(story["distrust"])
    factor = 2.0 * reach / -np.log(0.95)
    assert f"Dilute about {factor:.1f}-fold" in story["next"][0]


@pytest.mark.parametrize(
    ("given", "part", "sentence"),
    [
        ({"masses": np.r_[peaks_at(66), -peaks_at(66, each=400)]}, "next", "Change the surface"),
        ({"masses": peaks_at(66, each=100)}, "next", "Measure longer"),
        ({"masses": peaks_at(66), "se": 4.5}, "next", "Integrate longer"),
        ({"masses": np.empty(0)}, "headline", "Nothing was found"),
        (
            {"masses": peaks_at(66), "landing_density": density(0.1, [90] * 10 + [10] * 10)},
            "distrust",
            "surface fills up",
        ),
        (
            {
                "masses": peaks_at(66),
                "peak_drifts": [{"change_kda": 3.1, "p_value": 1e-6, "events": 99}],
            },
            "distrust",
            "kDa by +3.1.",
        ),
    ],
)
def test_what_is_wrong_is_said(given: dict[str, Any], part: str, sentence: str) -> None:
    story = landing_story(facts(**given))
    said = story[part] if part == "headline" else " ".join(story[part])
    assert sentence in said


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (
            "default",
            "The PSF fits: 1,240 landings are 301 nm wide, with a ring of 12% of the center.",
        ),
        ("measured", "The PSF is that of 1,240 landings of this movie: 301 nm wide"),
        ("given", "Whether the PSF fits was not measured."),
    ],
)
def test_how_the_psf_fits_is_said(chosen: str, sentence: str) -> None:
    card = {"fwhm_nm": 301.2, "ring": -0.118, "events": 1240}
    instrument = {"psf": chosen, "psf_measured": {} if chosen == "given" else card}
    said = landing_story(facts(peaks_at(66), instrument=instrument))["measured"]
    assert any(one.startswith(sentence) for one in said)
    of_a_table = landing_story(facts(peaks_at(66)))["measured"]
    assert not any("PSF" in one for one in of_a_table)


def test_the_bias_of_the_filter_is_counted() -> None:
    masses = peaks_at(66, 132)
    score = np.where(np.arange(2000) % 10 < np.where(masses < 100, 3, 8), 0.95, 0.1)
    story = landing_story(facts(masses, score=score, threshold=0.9))
    (bias,) = (said for said in story["distrust"] if said.startswith("The filter keeps"))
    assert "30% at 66 kDa and 80% at 132 kDa" in bias


def test_the_story_is_that_of_the_main_spectrum() -> None:
    """The filter keeps 4% of the light landings and 20% of the heavy ones."""
    masses = peaks_at(66, 132)
    score = np.where(np.arange(2000) % 100 < np.where(masses < 100, 4, 20), 0.95, 0.1)
    whole = spectrum_with_errors(masses, np.full(2000, 2.0)).to_dict()
    given = {"score": score, "threshold": 0.9, "quantification": {"spectrum": whole}}
    filtered = landing_story(facts(masses, reported_spectrum="filtered", **given))
    assert re.match(r"Two peaks: 13\d kDa \(83%\) and 6\d kDa", filtered["headline"])
    assert any(said.startswith("Only 240 landings") for said in filtered["distrust"])
    assert any(said.startswith("The filter keeps") for said in filtered["distrust"])

    story = landing_story(facts(masses, reported_spectrum="all", **given))
    assert re.fullmatch(
        r"Two species in all landings: \d+ kDa \(50%\) and \d+ kDa \(50%\)", story["headline"]
    )
    assert story["stands_out"][0].startswith("Main species at ")
    assert "2,000 landings, suboptimal ones too, make the reported spectrum" in " ".join(
        story["measured"]
    )
    assert not any(said.startswith("Only") for said in story["distrust"])
    assert any(said.startswith("Filtered spectrum: the filter keeps") for said in story["distrust"])


@pytest.mark.parametrize(("sd", "said"), [(1.0, "at most 10 kDa wide"), (9.0, "kDa wide")])
def test_a_width_at_the_least_that_a_mixture_may_have_is_a_bound(sd: float, said: str) -> None:
    masses = np.random.default_rng(4).normal(66, sd, 2000)
    whole = spectrum_with_errors(masses, np.full(2000, 4.0)).to_dict()
    given = {"reported_spectrum": "all", "quantification": {"spectrum": whole}}
    main = landing_story(facts(masses, **given))["stands_out"][0]
    assert said in main
    assert ("at most" in main) == (sd == 1.0)


@pytest.mark.parametrize(("unit", "sign"), [("kDa", 1.0), ("contrast", -1.0)])
def test_landings_of_another_filter_are_on_the_side_where_landings_are(
    unit: str, sign: float
) -> None:
    chosen: Any = SimpleNamespace(
        masses=sign * np.array([100.0, 200.0, 300.0, -100.0, -200.0]),
        kept=lambda *_: np.array([True, True, False, True, True]),
    )
    spectrum = {"unit": unit, "landings": 9}
    moved = Moved("score", 0.5, spectrum)
    facts = Facts({"spectrum": spectrum}, pd.DataFrame(), chosen, 0.9, moved)
    more: Any = SimpleNamespace(masses=chosen.masses, kept=lambda *_: np.ones(5, bool))
    assert facts.landings == 2
    assert replace(facts, chosen=more).landings == 3
