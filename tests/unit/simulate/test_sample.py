"""Which molecules land, when and where; the truth table."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import chisquare, kstest, poisson, uniform

from perrin.errors import PerrinError
from perrin.settings.simulation import (
    BackgroundSettings,
    InstrumentSettings,
    LandingAssay,
    Species,
)
from perrin.simulate.presets import PRESETS, preset
from perrin.simulate.sample import draw_sample, parse_species

LEAST_P = 1e-3
MIXED: dict[str, float] = {"binder": 0.4, "unbinder": 0.3, "roller": 0.2, "wobbler": 0.1}


def _assay(**changes: object) -> LandingAssay:
    base = {"species": parse_species("66:0.8,132:0.2"), "density": 2.0, "motions": MIXED}
    return LandingAssay.model_validate(base | changes)


def _truth(assay: LandingAssay, *, n_frames: int = 7260, seed: int = 0):  # type: ignore[no-untyped-def]
    focus = np.zeros(n_frames)
    rng = np.random.default_rng(seed)
    return draw_sample(assay, assay.instrument, focus=focus, rng=rng)[1]


def test_parse_species() -> None:
    species = parse_species("66:0.8, 132:0.2")
    assert [(one.mass_kda, one.abundance) for one in species] == [(66, 0.8), (132, 0.2)]
    assert parse_species("480")[0].abundance == 1


@pytest.mark.parametrize("text", ["", "66:", "-66:1", "66:0", "66:-1", "a:b", "66:1:2", "nan:1"])
def test_parse_species_refuses(text: str) -> None:
    with pytest.raises(PerrinError, match="mass:abundance"):
        parse_species(text)


def test_density_is_the_mean_over_field_and_movie() -> None:
    assay = _assay()
    truth = _truth(assay)
    instrument = assay.instrument
    inside = truth["x_px"].between(-0.5, 150.5) & truth["y_px"].between(-0.5, 37.5)
    field_um2 = 38 * 151 * (instrument.pixel_nm / 1000) ** 2
    expected = 2.0 * field_um2 * 7260 * instrument.frame_interval_s
    assert 1e-3 < poisson.cdf(inside.sum(), expected) < 1 - 1e-3


@pytest.mark.parametrize("decay_s", [None, 20.0])
def test_the_landing_rate_falls_as_the_sample_is_used_up(decay_s: float | None) -> None:
    truth = _truth(_assay(decay_s=decay_s))
    t, end = truth["time_s"], 7260 * 3 / 726

    def law(at: np.ndarray) -> np.ndarray:
        if decay_s is None:
            return at / end
        return np.expm1(-at / decay_s) / np.expm1(-end / decay_s)

    assert kstest(t, law).pvalue > LEAST_P


def test_places_and_phases_are_uniform() -> None:
    truth = _truth(_assay())
    assert kstest(truth["x_px"], uniform(-12, 174).cdf).pvalue > LEAST_P
    assert kstest(truth["y_px"], uniform(-12, 61).cdf).pvalue > LEAST_P
    assert kstest(truth["phase"], uniform(0, 1).cdf).pvalue > LEAST_P


def test_species_motions_and_masses() -> None:
    truth = _truth(_assay())
    assert (np.diff(truth["time_s"]) >= 0).all()
    count = len(truth)
    found = truth["motion"].value_counts()[list(MIXED)]
    assert chisquare(found, count * np.array(list(MIXED.values()))).pvalue > LEAST_P
    found = truth["species"].value_counts()[["66 kDa", "132 kDa"]]
    assert chisquare(found, count * np.array([0.8, 0.2])).pvalue > LEAST_P
    spread = (truth["mass_kda"] - truth["nominal_mass_kda"]) / 4.3
    assert kstest(spread, "norm").pvalue > LEAST_P
    np.testing.assert_allclose(truth["contrast"], -3.8e-5 * truth["mass_kda"])


def test_a_species_may_move_in_its_own_way() -> None:
    own = Species(mass_kda=150, abundance=1, motions={"roller": 1.0})
    truth = _truth(_assay(species=(own, Species(mass_kda=66, abundance=1))), n_frames=2420)
    assert set(truth.loc[truth["nominal_mass_kda"] == 150, "motion"]) == {"roller"}
    assert set(truth.loc[truth["nominal_mass_kda"] == 66, "motion"]) == set(MIXED)


def test_neighbors_are_counted_in_the_thumbnail_of_each_landing() -> None:
    truth = _truth(_assay(), n_frames=1210)
    for row in range(0, len(truth), 7):
        one, others = truth.loc[row], truth.drop(index=row)
        expected = 0
        for time, x, y in (
            (others["frame"] + others["phase"], others["x_px"], others["y_px"]),
            (others["end_frame"], others["end_x_px"], others["end_y_px"]),
        ):
            near = (time - one["frame"] - one["phase"]).abs() <= 20
            near &= (x - one["x_px"]).abs() <= 8.5
            expected += int((near & ((y - one["y_px"]).abs() <= 8.5)).sum())
        assert one["n_neighbors"] == expected
    crowded = (truth["motion"] == "binder") & (truth["n_neighbors"] > 0)
    assert (truth["class"] == np.where(crowded, "neighbors", truth["motion"])).all()


def test_every_step_of_a_path_is_in_the_truth() -> None:
    truth = _truth(_assay(), n_frames=1210)
    wobbler = truth[truth["motion"] == "wobbler"].iloc[0]
    speeds = np.array(wobbler["speeds_nm_per_ms"].split(), float)
    angles = np.array(wobbler["directions_rad"].split(), float)
    assert len(speeds) == wobbler["residence_time_frames"] == wobbler["steps"]
    step = speeds * 3 / 726 * 1000 / 72
    assert wobbler["path_px"] == pytest.approx(step.sum(), rel=1e-4)
    assert wobbler["end_x_px"] - wobbler["x_px"] == pytest.approx(
        (step * np.cos(angles)).sum(), abs=1e-4
    )


def test_focus_changes_what_lands() -> None:
    assay = _assay(background=BackgroundSettings(tilt_contrast=0.0))
    particles, truth = draw_sample(
        assay, assay.instrument, focus=np.full(500, 0.03), rng=np.random.default_rng(0)
    )
    np.testing.assert_allclose(truth["focus"], 0.03)
    np.testing.assert_allclose(particles.contrast, 1.03 * truth["contrast"])


def test_no_species_no_landings() -> None:
    assert len(_truth(preset("buffer"))) == 0


def test_presets_say_where_their_numbers_come_from() -> None:
    for name, assay in PRESETS.items():
        assert len(assay.source) > 30, name
        assert preset(name) is assay


def test_preset_with_another_density() -> None:
    assert preset("dynamin", density=34.6).density == 34.6


def test_presets_refuse() -> None:
    with pytest.raises(PerrinError, match=r"no preset 'bas'.*bsa, dynamin"):
        preset("bas")
    with pytest.raises(PerrinError, match="preset 'buffer'"):
        preset("bsa", density=0)
    with pytest.raises(PerrinError, match="no species"):
        preset("buffer", density=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"density": 0.0}, "preset 'buffer'"),
        ({"density": -1.0}, "greater than or equal"),
        ({"species": ()}, "no species"),
        ({"motions": {"binder": 0.5, "roller": 0.4}}, "sum to 1"),
        ({"motions": {"binder": 1.5, "roller": -0.5}}, "sum to 1"),
        ({"motions": {"jumper": 1.0}}, "jumper"),
        ({"species": [{"mass_kda": -66, "abundance": 1}]}, "greater than 0"),
        ({"instrument": InstrumentSettings().model_dump() | {"pixel_nm": 0}}, "greater than 1"),
    ],
)
def test_bad_settings_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        _assay(**changes)
