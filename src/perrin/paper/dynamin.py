"""Dynamin: firm binding, little to remove but neighbors."""

from __future__ import annotations

from collections.abc import Sequence

from perrin.paper.compare import resolving_power_at
from perrin.paper.core import (
    CLASSIFIER,
    Context,
    Findings,
    Goal,
    plan_preset,
    standard_goals,
    value_of,
)
from perrin.paper.sample import Sample
from perrin.pipeline.simulated import Measured
from perrin.simulate.presets import PRESETS

PEAKS = tuple(s.mass_kda for s in PRESETS["dynamin"].species)
DIMER, TETRAMER = 180.0, 360.0
PAPER = {DIMER: "10", TETRAMER: "17"}

plan = plan_preset("dynamin", movies=5, seconds=60.0)


def analyze(measured: Sequence[Measured], context: Context) -> Findings:
    """Resolving power at 180 and 360 kDa; what is discarded."""
    from perrin.paper.figures import spectra_figure

    sample = Sample.of(measured, context)
    comparison = sample.compared(*(resolving_power_at(mass, peaks=PEAKS) for mass in PAPER))
    kept = sample.kept()
    by_peak = {mass: comparison[comparison["quantity"].str.contains(f"{mass:g}")] for mass in PAPER}
    powers = tuple(
        Goal(
            f"resolving power at {mass:g} kDa after filtering",
            f"about {paper}",
            "-",
            value_of(by_peak[mass], CLASSIFIER),
            value_of(by_peak[mass], "perfect"),
            "-",
        )
        for mass, paper in PAPER.items()
    )
    return Findings(
        tables=sample.tables(comparison, kept),
        figures={
            "dynamin": spectra_figure(sample.spectra(), comparison, limits=(-100, 800), bin_kda=5)
        },
        goals=(*standard_goals(by_peak[TETRAMER], kept), *powers),
        comparable="The widths of the simulated species were set for the paper's resolving power "
        "(about 10 and 17): what compares is that filtering changes little.",
    )
