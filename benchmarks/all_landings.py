"""All landings, masses predicted by the network, against the filtered ones on the same movies.

The presets ``hsp27`` and ``antibody`` are those of paper 002 whose landings are worst. Counted are
landings in the spectrum; the resolving power of the main peak is measured the same way on both
(`perrin.fit_spectrum`), with its 95% interval; that of a species whose masses were measured exactly
stands beside it. Abundances are the fractions of the mixture, for all landings that of
`perrin.mass.errors`; beside them stand the fractions of the molecules that land, and of those whose
landing was found (light ones are missed more often).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

import perrin
from _measure import print_table
from perrin.mass.calibration import calibrate
from perrin.mass.modes import FWHM_PER_SD
from perrin.mass.results import ComponentEstimate, Spectrum
from perrin.mass.spectrum import fit_spectrum
from perrin.settings.simulation import InstrumentSettings, LandingAssay, Species
from perrin.simulate.matching import match_landings

MOVIES = {"hsp27": 60.0, "antibody": 30.0}  # seconds
SEED = 20_264
NEAR = 0.06  # of the mass of a species, within which a component is its own


def main() -> None:
    shorter = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    for name, seconds in MOVIES.items():
        assay = perrin.preset(name)
        measured, truth = _measured(assay, seconds=seconds * shorter)
        found = measured.quantification
        agreed = None if found is None else found.agreement
        if found is None or agreed is None:
            raise SystemExit("the shipped networks do not cover the simulator's own instrument")
        print(f"\n{name}, {seconds * shorter:g} s: network over fit {agreed.difference:+.1%}")
        print(f"(standard error {agreed.se:.1%}) on {agreed.events} high-confidence binders")
        kept = _kept(measured.events)
        weighed = fit_spectrum(
            measured.events.loc[kept, "mass_pred_kda"].to_numpy(np.float64),
            settings=measured.spectrum_settings,
            rng=np.random.default_rng(SEED),
        )
        seen = match_landings(truth, measured.events[kept]) >= 0
        exact = _main(assay).mass_kda / (FWHM_PER_SD * _main(assay).width_kda)
        rows: list[Sequence[object]] = [
            ["landings", measured.spectrum.n_landing, found.landings],
            [f"resolving power of the main peak ({exact:.1f} if measured exactly)",
             *(_power(s, assay) for s in (measured.spectrum, weighed))],
            *_fractions(
                assay, truth[seen], measured.spectrum.components, found.spectrum.components
            ),
        ]  # fmt: skip
        print_table(["", "filtered, fitted", "all, network"], rows)


def _measured(assay: LandingAssay, *, seconds: float) -> tuple[perrin.LandingsResult, pd.DataFrame]:
    movie, truth = perrin.simulate_movie(assay, seconds=seconds, seed=SEED)
    each = InstrumentSettings().contrast_per_kda
    measured = perrin.analyze_landings(
        movie,
        calibration=calibrate([100.0, 400.0], [100 * each, 400 * each]),
        classifier=perrin.ClassifierModel.load("default"),
        quantifier=perrin.QuantifierModel.load("default"),
        resamples=100,
        seed=SEED,
    )
    return measured, truth


def _kept(events: pd.DataFrame) -> pd.Series:
    """Which events are in the spectrum of all landings."""
    kept = (
        (events["contrast"] < 0) & events["mass_pred_kda"].notna() & ~events["out_of_distribution"]
    )
    kept &= (events["label"] != "duplicate") & ~(events["p_buffer"] > 0.5)
    return kept


def _power(spectrum: Spectrum, assay: LandingAssay) -> str:
    """Resolving power of the peak nearest to the commonest species."""
    main = _main(assay).mass_kda
    peak = min(spectrum.peaks, key=lambda peak: abs(peak.mode.value - main), default=None)
    if peak is None or peak.resolving_power is None:
        return "-"
    power = peak.resolving_power
    ends = "" if power.low is None else f" ({power.low:.1f} to {power.high:.1f})"
    return f"{power.value:.1f}{ends}"


def _main(assay: LandingAssay) -> Species:
    return max(assay.species, key=lambda species: species.abundance)


def _fractions(
    assay: LandingAssay,
    seen: pd.DataFrame,
    filtered: tuple[ComponentEstimate, ...],
    weighed: tuple[ComponentEstimate, ...],
) -> Iterator[list[str]]:
    total = sum(species.abundance for species in assay.species)
    for species in assay.species:
        true = species.abundance / total
        found = np.mean(np.isclose(seen["nominal_mass_kda"], species.mass_kda))
        yield [
            f"fraction of {species.mass_kda:.0f} kDa, true {true:.1%}, of those found {found:.1%}",
            *(_fraction(species.mass_kda, components) for components in (filtered, weighed)),
        ]


def _fraction(mass: float, components: tuple[ComponentEstimate, ...]) -> str:
    own = [c for c in components if abs(c.mean.value / mass - 1) < NEAR]
    if not own:
        return "not found"
    fraction = max(own, key=lambda c: c.fraction.value).fraction
    return f"{fraction.value:.1%} ({fraction.low:.1%} to {fraction.high:.1%})"


if __name__ == "__main__":
    main()
