from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.text import Annotation, Text

from perrin.errors import PerrinError
from perrin.mass.calibration import Calibration, calibrate
from perrin.mass.ladder_peaks import LadderSpectrum
from perrin.mass.spectrum import CONTRAST_PER_KDA, fit_spectrum
from perrin.mass.time_course import landing_density
from perrin.report.calibration_figure import calibration_figure
from perrin.report.figures import (
    events_in_time_figure,
    mass_residual_figure,
    ratiometric_frame_figure,
    save_figure,
    spectrum_figure,
)
from perrin.report.style import new_figure

SVG = "{http://www.w3.org/2000/svg}"


def ladder(masses=(66, 132, 198, 264, 330, 480), n=1500, seed=1):
    rng = np.random.default_rng(seed)
    values = rng.choice(np.asarray(masses, float), n)
    values += rng.normal(size=n) * np.sqrt(50 + (0.015 * values) ** 2)
    return values * np.where(rng.random(n) < 0.2, -1, 1)


@pytest.fixture(scope="module")
def masses():
    return ladder()


@pytest.fixture(scope="module")
def spectrum(masses):
    return fit_spectrum(masses)


@pytest.fixture(scope="module")
def calibration():
    return calibrate(
        [66, 146, 480],
        [-0.00359, -0.00862, -0.0289],
        contrast_se=[5e-5, 8e-5, 2e-4],
        labels=["NM 1", "NM 2", "NM 3"],
    )


def width_mm(figure):
    return figure.get_size_inches()[0] * 25.4


def overlaps(axes):
    """Pairs of labels that cover each other, in pixels as drawn."""
    axes.figure.draw_without_rendering()
    renderer = axes.figure.canvas.get_renderer()
    texts = [t for t in axes.texts if isinstance(t, Annotation) and t.get_text()]
    boxes = [Text.get_window_extent(text, renderer) for text in texts]
    return [(a, b) for a, b in combinations(boxes, 2) if a.overlaps(b)]


def test_importing_the_module_imports_no_matplotlib():
    code = "import sys, perrin.report.figures; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_spectrum_names_its_peaks_without_overlap(spectrum):
    figure = spectrum_figure({"ladder": spectrum})
    (axes,) = figure.axes
    assert width_mm(figure) == pytest.approx(85)
    assert axes.get_xlabel() == "Mass (kDa)"
    assert axes.get_ylabel() == "Events per 5 kDa"
    texts = {text.get_text() for text in axes.texts}
    for peak in spectrum.peaks:
        assert f"{peak.mode.value:.0f} kDa\n{100 * peak.fraction.value:.0f}%" in texts
    assert overlaps(axes) == []
    low, high = axes.get_xlim()
    assert low < -480 < 480 < high  # both signs


def test_the_bars_are_the_histogram_and_the_curves_have_its_area(spectrum):
    (axes,) = spectrum_figure({"ladder": spectrum}).axes
    heights = [patch.get_height() for patch in axes.patches]
    assert heights == spectrum.bin_counts.tolist()
    density = axes.lines[0]
    area = np.trapezoid(density.get_ydata(), density.get_xdata())
    assert area == pytest.approx(5 * spectrum.n_events, rel=1e-4)


def test_spectra_are_overlaid_with_a_legend(spectrum):
    other = fit_spectrum(ladder((75, 140, 480), 400, 2))
    (axes,) = spectrum_figure({"a": spectrum, "b": other}).axes
    assert axes.get_ylabel() == "Landings per 5 kDa (%)"
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == [f"a (n = {spectrum.n_landing})", f"b (n = {other.n_landing})"]
    assert overlaps(axes) == []


def test_a_spectrum_of_contrast_says_so(masses):
    spectrum = fit_spectrum(-masses * CONTRAST_PER_KDA, unit="contrast")
    (axes,) = spectrum_figure({"raw": spectrum}).axes
    assert axes.get_xlabel() == "−Contrast (10⁻³)"
    assert axes.get_ylabel() == "Events per 0.2 × 10⁻³"
    assert axes.get_xlim()[1] > 480 * CONTRAST_PER_KDA * 1e3


def test_limits_are_kept(spectrum):
    (axes,) = spectrum_figure({"ladder": spectrum}, limits=(0, 300)).axes
    assert axes.get_xlim() == (0, 300)
    assert not any("480" in text.get_text() for text in axes.texts)


@pytest.mark.parametrize("values", [[], [100.0], [-100.0, -120.0]])
def test_spectra_of_next_to_nothing_are_drawn(values, tmp_path):
    save_figure(spectrum_figure({"few": fit_spectrum(values)}), tmp_path / "few")


def test_spectra_of_different_units_are_refused(spectrum, masses):
    raw = fit_spectrum(-masses * CONTRAST_PER_KDA, unit="contrast")
    with pytest.raises(PerrinError, match="contrast and kDa"):
        spectrum_figure({"a": spectrum, "b": raw})
    with pytest.raises(PerrinError, match="no spectrum"):
        spectrum_figure({})


def test_events_in_time(masses):
    times = np.linspace(0, 60, masses.size)
    landings = times[masses > 0]
    density = landing_density(landings, start_s=0, stop_s=60, area_um2=30, bin_s=5)
    figure = events_in_time_figure(times, masses, density=density)
    above, below = figure.axes
    assert width_mm(figure) == pytest.approx(180)
    assert above.get_ylabel() == "Mass (kDa)"
    assert below.get_ylabel() == "Landings\n(µm⁻² s⁻¹)"
    assert below.get_xlabel() == "Time (s)"
    names = [text.get_text() for text in above.get_legend().get_texts()]
    assert names == [f"landing ({landings.size})", f"unbinding ({masses.size - landings.size})"]
    assert len(events_in_time_figure(times, masses).axes) == 1
    assert len(events_in_time_figure([], []).axes) == 1


def test_the_calibration_s_line_runs_through_its_band(calibration):
    figure = calibration_figure(calibration)
    above, below = figure.axes
    assert above.get_ylabel() == "−Contrast (10⁻³)"
    assert below.get_xlabel() == "Mass (kDa)"
    assert {t.get_text() for t in above.texts} == {"NM 1", "NM 2", "NM 3"}
    line = above.lines[0]
    mass, contrast = line.get_xdata()[100], line.get_ydata()[100] / -1e3
    assert contrast == pytest.approx(calibration.contrast(mass))
    band = above.collections[0].get_paths()[0]
    half = 2e3 * float(calibration.mass_se_kda(contrast, 0)) * abs(calibration.gradient_per_kda)
    at = band.vertices[np.isclose(band.vertices[:, 0], mass), 1]
    assert np.ptp(at) == pytest.approx(2 * half)


def test_the_spectrum_of_the_calibrant_stands_beside_its_line(calibration):
    counts = (0, 4, 9, 1, 0, 3)  # of minus the contrast, in bins of 1.5e-3
    kept = LadderSpectrum(bin_width=1.5e-3, counts=counts, unread=(-0.008,))
    figure = calibration_figure(calibration.model_copy(update={"spectrum": kept}))
    line, below, beside = figure.axes
    bars = beside.patches[0].get_data()
    assert bars.values.tolist() == list(counts)
    assert bars.edges == pytest.approx([0, 1.5, 3, 4.5, 6, 7.5, 9])
    assert beside.get_ylim() == line.get_ylim()
    assert beside.get_xlim()[0] > beside.get_xlim()[1] >= 0
    marked = [float(mark.get_ydata()[0]) for mark in beside.lines]
    assert marked == pytest.approx([3.59, 8.62, 28.9, 8.0])
    leads = [lead for lead in line.lines if len(lead.get_xdata()) == 2]
    assert [lead.get_xdata()[1] for lead in leads] == [66, 146, 480]
    off = [100 * (calibration.mass_kda(p.contrast) / p.mass_kda - 1) for p in calibration.points]
    assert below.lines[0].get_ydata() == pytest.approx(off)
    assert below.get_ylabel() == "Error (%)"


def test_a_calibration_without_points_is_refused():
    line = Calibration(gradient_per_kda=-4e-5, offset=0.0)
    with pytest.raises(PerrinError, match="no points"):
        calibration_figure(line)


def test_residuals_tell_rejected_events(masses):
    residuals = np.full(masses.size, 4e-4)
    figure = mass_residual_figure(masses, residuals, retained=np.arange(masses.size) >= 10)
    (axes,) = figure.axes
    assert axes.get_ylabel() == "Fit residual RMS (10⁻³)"
    assert axes.get_legend().get_texts()[0].get_text() == "rejected (10)"
    (other,) = mass_residual_figure(masses, 500 * residuals, residual_name="Fit error").axes
    assert other.get_ylabel() == "Fit error"


def test_a_frame_has_its_events_and_a_scale_bar():
    image = np.random.default_rng(1).normal(0, 4e-4, (38, 151))
    figure = ratiometric_frame_figure(
        image, pixel_nm=72, x_px=[30.5, 90], y_px=[12, 20], contrast=[-0.005, 0.003]
    )
    axes, scale = figure.axes
    circles, bar = axes.patches[:2], axes.patches[2]
    assert [circle.center for circle in circles] == [(30.5, 12), (90, 20)]
    assert circles[0].get_edgecolor() != circles[1].get_edgecolor()
    assert axes.texts[0].get_text() == "2 µm"
    assert bar.get_width() == pytest.approx(2000 / 72)
    assert scale.get_ylabel() == "Contrast (10⁻³)"
    with pytest.raises(PerrinError, match="1 x, 0 y"):
        ratiometric_frame_figure(image, pixel_nm=72, x_px=[1])


def test_saved_figures_are_the_same_bytes_with_text_as_text(spectrum, tmp_path):
    first = save_figure(spectrum_figure({"ladder": spectrum}), tmp_path / "a.b")
    second = save_figure(spectrum_figure({"ladder": spectrum}), tmp_path / "other")
    assert [path.name for path in first] == ["a.b.svg", "a.b.png"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    texts = [element.text for element in ElementTree.parse(first[0]).iter(f"{SVG}text")]  # noqa: S314
    assert "Mass (kDa)" in texts
    assert "date>" not in first[0].read_text().lower()
    assert imread(first[1]).shape[1] == int(85 / 25.4 * 300)


def test_a_new_figure_has_no_screen():
    figure = new_figure(width_mm=85, height_mm=60)
    assert type(figure.canvas).__name__ == "FigureCanvasAgg"
    assert figure.get_size_inches() == pytest.approx((85 / 25.4, 60 / 25.4))
