"""Affinities come back from simulated counts, and are refused where the counts do not tell them."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from scipy.optimize import curve_fit

from perrin.errors import PerrinError
from perrin.mass.affinity import Likelihood, Titration
from perrin.mass.affinity_estimate import Affinity, estimate_affinity, two_digits
from perrin.mass.affinity_model import observed, parse_model
from perrin.types import FloatArray

COMPLEX, DIMER = parse_model("A+B=AB"), parse_model("A+A=AA")
B = np.repeat(np.geomspace(0.5, 120, 12), 2)
WELLS = np.stack([np.full(24, 10.0), B], axis=1)


def titration(
    rng: np.random.Generator,
    kd: float | list[float],
    *,
    text: str = "A+B=AB",
    totals: FloatArray = WELLS,
    windows: tuple[str, ...] = ("A", "B", "AB"),
    landings: int = 1500,
    unsure: float = 0.1,
    pipetting: float = 0.0,
) -> Titration:
    """Counts with efficiencies, stocks and pipetting that scatter as the fit is told."""
    model = parse_model(text)
    seen = observed(model, [name.split("+") for name in windows])
    stock = rng.normal(0, unsure, totals.shape[1]) + rng.normal(0, pipetting, totals.shape)
    c = model.concentrations(np.log(np.atleast_1d(kd)), totals * np.exp(stock)) @ seen.T
    rates = c * np.exp(rng.normal(0, unsure, len(windows)))
    counts = [rng.multinomial(landings, row / row.sum()) for row in rates]
    return Titration.of(
        model,
        totals,
        counts,
        seen=seen,
        windows=windows,
        efficiency_error=unsure,
        concentration_error=unsure,
    )


def test_the_gradient_is_that_of_differences() -> None:
    data = titration(
        np.random.default_rng(1),
        [4.0, 9.0],
        text="A+B=AB+AB=A2B2",
        windows=("A", "B", "AB", "A2B2"),
    )
    likelihood = Likelihood(data)
    values = likelihood.start + np.linspace(-0.2, 0.3, likelihood.size)
    values[:2] = log(6.0), log(20.0)
    _, gradient = likelihood.value(values)
    for k, step in enumerate(1e-5 * np.eye(likelihood.size)):
        rise = likelihood.value(values + step)[0] - likelihood.value(values - step)[0]
        assert gradient[k] == pytest.approx(rise / 2e-5, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "totals", "windows"),
    [
        ("A+B=AB", WELLS, ("A", "B", "AB")),
        ("A+B=AB", WELLS, ("A", "AB")),  # B too light to be seen
        ("A+A=AA", B[:, None], ("A", "AA")),
    ],
)
def test_the_truth_is_inside_the_interval_as_often_as_it_should(
    text: str, totals: FloatArray, windows: tuple[str, ...]
) -> None:
    rng = np.random.default_rng(2)
    inside, errors = 0, []
    for _ in range(8):
        kd = float(np.exp(rng.uniform(log(2), log(60))))
        found = estimate_affinity(
            titration(rng, kd, text=text, totals=totals, windows=windows, pipetting=0.03)
        ).constants[0]
        assert found.verdict == "determined"
        assert found.kd_nM
        assert found.low_nM
        assert found.high_nM
        inside += found.low_nM <= kd <= found.high_nM
        errors.append(log(found.kd_nM / kd))
    assert inside >= 6  # 8 at 95%: fewer in 1 of 170
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(8)


def test_exact_counts_give_back_the_constant() -> None:
    model = COMPLEX
    c = model.concentrations(np.log([12.0]), WELLS)
    counts = np.rint(2e4 * c / c.sum(axis=1, keepdims=True))
    data = Titration.of(
        model,
        WELLS,
        counts,
        seen=observed(model, [("A",), ("B",), ("AB",)]),
        windows=("A", "B", "AB"),
    )
    found = estimate_affinity(data)
    assert found.constants[0].kd_nM == pytest.approx(12.0, rel=0.03)
    np.testing.assert_allclose(found.efficiency, 1, atol=0.03)
    np.testing.assert_allclose(found.stock, 1, atol=0.03)


def test_both_constants_of_a_chain_and_of_a_competition() -> None:
    rng = np.random.default_rng(3)
    chain = estimate_affinity(
        titration(
            rng, [6.0, 15.0], text="A+B=AB+AB=A2B2", windows=("A", "B", "AB", "A2B2"), landings=3000
        )
    )
    totals = np.stack(
        [np.full(16, 10.0), np.full(16, 20.0), np.repeat(np.geomspace(2, 2000, 8), 2)], 1
    )
    competition = estimate_affinity(
        titration(
            rng,
            [5.0, 40.0],
            text="competition",
            totals=totals,
            windows=("A+AC", "B", "AB"),
            landings=3000,
        )
    )
    for found, truth in ((chain, (6.0, 15.0)), (competition, (5.0, 40.0))):
        for one, kd in zip(found.constants, truth, strict=True):
            assert one.low_nM
            assert one.high_nM
            assert one.low_nM < kd < one.high_nM


@pytest.mark.parametrize(("kd", "verdict"), [(3000.0, "lower limit"), (0.01, "upper limit")])
@pytest.mark.parametrize("text", ["A+B=AB", "A+A=AA"])
def test_outside_the_concentrations_there_is_a_limit_that_holds(
    text: str, kd: float, verdict: str
) -> None:
    totals, windows = (WELLS, ("A", "B", "AB")) if text == "A+B=AB" else (B[:, None], ("A", "AA"))
    for seed in range(2):
        found = estimate_affinity(
            titration(np.random.default_rng(seed), kd, text=text, totals=totals, windows=windows)
        )
        one = found.constants[0]
        assert (one.verdict, one.kd_nM) == (verdict, None)
        assert one.low_nM is None or one.low_nM < kd
        assert one.high_nM is None or one.high_nM > kd
        assert "0.50 to 120 nM" in one.reason
        assert ("higher" if kd > 1 else "lower") in str(one)


def test_one_concentration_of_unsure_stocks_tells_nothing_narrow() -> None:
    rng = np.random.default_rng(4)
    totals = np.full((6, 2), 10.0)
    found = estimate_affinity(titration(rng, 10.0, totals=totals, unsure=1.0)).constants[0]
    assert found.kd_nM is None or found.high_nM is None or found.high_nM > 4 * (found.low_nM or 0)


def test_scatter_of_the_wells_widens_the_interval_and_is_said() -> None:
    def width(found: Affinity) -> float:
        one = found.constants[0]
        assert one.low_nM
        assert one.high_nM
        return log(one.high_nM / one.low_nM)

    rng = np.random.default_rng(5)
    calm = estimate_affinity(titration(rng, 12.0))
    wild = estimate_affinity(titration(rng, 12.0, pipetting=0.6))
    assert width(wild) > 1.2 * width(calm)
    assert any("the wells scatter by" in note for note in wild.notes)
    assert calm.notes == ()


def test_the_formulas_of_the_notebooks_of_pyphotomol_agree_on_the_same_counts() -> None:
    """Dimer fractions by curve_fit, and Kd = A B / AB of each well, averaged; exact stocks."""
    rng = np.random.default_rng(6)
    total = np.array([1.0, 2, 4, 8, 16, 32, 64])
    data = titration(
        rng,
        8.35,
        text="A+A=AA",
        totals=total[:, None],
        windows=("A", "AA"),
        landings=4000,
        unsure=1e-6,
    )
    monomer, dimer = data.counts.T
    fraction = 2 * dimer / (monomer + 2 * dimer)

    def bound(t: FloatArray, kd: float) -> FloatArray:
        free = (-kd + np.sqrt(kd**2 + 8 * t * kd)) / 4
        return np.asarray((t - free) / t)

    (theirs,), _ = curve_fit(bound, total, fraction, p0=[1])
    ours = estimate_affinity(data).constants[0]
    assert ours.kd_nM == pytest.approx(theirs, rel=0.05)

    b = 0.25 * 1.65 ** np.arange(2.0, 9.0)
    totals = np.stack([np.full(7, 5.0), b], axis=1)
    data = titration(rng, 1.2, totals=totals, windows=("A", "AB"), landings=20_000, unsure=1e-6)
    free, bound_a = (5.0 * data.counts / data.counts.sum(axis=1, keepdims=True)).T
    wells = free * (b - bound_a) / bound_a
    ours = estimate_affinity(data).constants[0]
    assert ours.kd_nM == pytest.approx(np.median(wells), rel=0.1)
    assert ours.low_nM
    assert ours.high_nM
    assert ours.low_nM < 1.2 < ours.high_nM


def test_no_window_is_the_one_that_others_are_relative_to() -> None:
    """Each efficiency may be off by itself: the interval is that of the windows in any order."""
    data = titration(
        np.random.default_rng(7), 12.0, text="A+A=AA", totals=B[:, None], windows=("A", "AA")
    )
    turned = Titration.of(
        DIMER,
        data.totals,
        data.counts[:, ::-1],
        seen=data.seen[::-1],
        windows=("AA", "A"),
        efficiency_error=0.1,
    )
    one, other = (estimate_affinity(each) for each in (data, turned))
    first, second = one.constants[0], other.constants[0]
    assert first.low_nM == pytest.approx(second.low_nM, rel=0.01)
    assert first.high_nM == pytest.approx(second.high_nM, rel=0.01)
    assert one.efficiency[1] == pytest.approx(1 / other.efficiency[1], rel=0.01)


def test_what_is_no_titration_is_refused() -> None:
    seen = observed(COMPLEX, [("A",), ("AB",)])
    counts = np.full((4, 2), 10)
    with pytest.raises(PerrinError, match="0 or more"):
        Titration.of(COMPLEX, -WELLS[:4], counts, seen=seen, windows=("A", "AB"))
    with pytest.raises(PerrinError, match="2 wells have landings"):
        Titration.of(
            COMPLEX, WELLS[:4], counts * [[1], [1], [0], [0]], seen=seen, windows=("A", "AB")
        )
    with pytest.raises(PerrinError, match="bound from free"):
        Titration.of(
            COMPLEX, WELLS[:4], counts, seen=observed(COMPLEX, [("A",), ("B",)]), windows=("A", "B")
        )
    with pytest.raises(PerrinError, match="components A, B"):
        Titration.of(COMPLEX, WELLS[:4, :1], counts, seen=seen, windows=("A", "AB"))
    good = Titration.of(COMPLEX, WELLS[:4], counts, seen=seen, windows=("A", "AB"))
    with pytest.raises(PerrinError, match="confidence is 95"):
        estimate_affinity(good, confidence=95)


def test_two_digits() -> None:
    assert [two_digits(value) for value in (0.123, 9.26, 12.4, 163, 1250, 0)] == [
        "0.12",
        "9.3",
        "12",
        "160",
        "1200",
        "0",
    ]
