from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from perrin.mass.spectrum import fit_spectrum
from perrin.report.page import fits
from perrin.report.page.fits import Filterable, drawn, fits_on_grid, plain_peaks
from perrin.settings.spectrum import SpectrumSettings
from perrin.types import FloatArray

SETTINGS = SpectrumSettings(resamples=0)


@pytest.fixture(scope="module")
def events() -> Filterable:
    rng = np.random.default_rng(0)
    heavy = rng.random(2000) < 0.3
    masses = np.where(heavy, rng.normal(132, 8, 2000), rng.normal(66, 6, 2000))
    return Filterable(
        masses=masses,
        base=rng.random(2000) < 0.98,
        score=rng.beta(5, 1, 2000),
        residual=rng.gamma(20, 2e-5, 2000),
    )


def test_each_filter_keeps_what_it_says(events: Filterable) -> None:
    assert events.score is not None
    np.testing.assert_array_equal(events.kept("score", 0.8), events.base & (events.score >= 0.8))
    np.testing.assert_array_equal(events.kept("none", 0.5), events.base)


def test_peaks_on_the_grid_are_those_of_the_spectrum(events: Filterable) -> None:
    made = fits_on_grid(events, unit="kDa", settings=SETTINGS, own_threshold=0.77)
    assert [fit["at"] for fit in made if fit["filter"] == "score"] == sorted(
        {*fits.SCORE_GRID, 0.77}
    )
    for fit in made:
        kept = events.kept(fit["filter"], fit["at"])
        assert fit["kept"] == kept.sum()
        spectrum = fit_spectrum(events.masses[kept], settings=SETTINGS)
        assert fit["peaks"] == plain_peaks(spectrum.to_dict())
        assert spectrum.mixture is not None
        for curve, c in zip(fit["curves"], spectrum.mixture.components, strict=True):
            density = spectrum.mixture.component_density(c, c.mean)
            height = spectrum.mixture.n_events * c.fraction * density
            assert (curve["mean"], curve["height"]) == pytest.approx((c.mean, height))


def test_what_the_analysis_fitted_is_not_fitted_again(
    events: Filterable, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fits_on_grid(events, unit="kDa", settings=SETTINGS, own_threshold=0.77)
    at = {(fit["filter"], fit["at"]): fit["spectrum"] for fit in whole}
    known = {place: at[place] for place in (("none", 0.0), ("score", 0.77))}
    asked = []

    def counted(masses: FloatArray, **keywords: Any) -> Any:
        asked.append(len(masses))
        return fit_spectrum(masses, **keywords)

    monkeypatch.setattr(fits, "fit_spectrum", counted)
    again = fits_on_grid(events, unit="kDa", settings=SETTINGS, own_threshold=0.77, known=known)
    assert again == whole
    # a threshold of 0 keeps what no filter keeps, which is known only by that other name
    assert len(asked) == len({fit["kept"] for fit in whole}) - 1


def test_of_many_events_some_are_fitted_and_counts_scaled_back(
    events: Filterable, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole, *_) = fits_on_grid(events, unit="kDa", settings=SETTINGS, own_threshold=None)
    monkeypatch.setattr(fits, "MOST_FITTED", 500)
    (thinned, *_) = fits_on_grid(events, unit="kDa", settings=SETTINGS, own_threshold=None)
    assert thinned["kept"] == whole["kept"]
    for a, b in zip(whole["peaks"], thinned["peaks"], strict=True):
        # evenly spaced in rank: far closer than the standard error of 500 events
        assert b["mode"] == pytest.approx(a["mode"], abs=a["fwhm"] / 2.355 / np.sqrt(500))
        assert b["counts"] == pytest.approx(a["counts"], rel=0.03)
        assert b["fraction_low"] is None


def test_contrast_is_drawn_in_thousandths(events: Filterable) -> None:
    spectrum = fit_spectrum(-4e-5 * events.masses, settings=SETTINGS, unit="contrast").to_dict()
    found = drawn(spectrum)
    assert found["peaks"][0]["mode"] == pytest.approx(1e3 * spectrum["peaks"][0]["mode_contrast"])
    assert found["to"] == pytest.approx(1e3 * spectrum["mixture_high_contrast"])


def test_no_events_no_peaks() -> None:
    nothing = Filterable(np.empty(0), np.empty(0, bool), np.empty(0), np.empty(0))
    for fit in fits_on_grid(nothing, unit="kDa", settings=SETTINGS, own_threshold=0.9):
        assert (fit["kept"], fit["peaks"], fit["curves"]) == (0, [], [])
