from __future__ import annotations

import numpy as np

from perrin.landing.matched import MARGIN_PX, WINDOW_PX, MatchedFilter
from perrin.optics.psf import Psf


def test_kernel_is_least_squares_with_a_constant_background(psf: Psf) -> None:
    patch = np.random.default_rng(0).normal(size=(WINDOW_PX, WINDOW_PX))
    design = np.stack([psf.image(WINDOW_PX).ravel(), np.ones(WINDOW_PX**2)], axis=1)
    amplitude = np.linalg.lstsq(design, patch.ravel(), rcond=None)[0][0]
    assert np.isclose((MatchedFilter.of(psf).kernel * patch).sum(), amplitude)


def test_separable_parts_are_the_kernel(psf: Psf) -> None:
    matched = MatchedFilter.of(psf)
    frames = np.random.default_rng(1).normal(size=(3, 20, 24)).astype(np.float32)
    found = matched.apply(frames)
    assert found.shape == frames.shape
    padded = np.pad(frames, ((0, 0), (MARGIN_PX, MARGIN_PX), (MARGIN_PX, MARGIN_PX)))
    expected = np.zeros(found.shape)
    for y in range(found.shape[1]):
        for x in range(found.shape[2]):
            window = padded[:, y : y + WINDOW_PX, x : x + WINDOW_PX]
            expected[:, y, x] = (window * matched.kernel).sum(axis=(1, 2))
    # What is left out is below 1e-3 of the kernel's energy: 2% of the noise's amplitude.
    assert np.std(found - expected) < 0.03 * np.std(expected)


def test_response_to_an_event_is_its_contrast_at_the_middle(psf: Psf) -> None:
    matched = MatchedFilter.of(psf)
    middle = matched.response.shape[0] // 2
    assert np.isclose(matched.response[middle, middle], 1.0)
    frame = psf.image(37)[None].astype(np.float32)
    found = matched.apply(frame)[0, MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
    np.testing.assert_allclose(found, matched.response, atol=0.02)


def test_noise_is_the_cramer_rao_bound(psf: Psf) -> None:
    frames = np.random.default_rng(2).normal(size=(60, 80, 80)).astype(np.float32)
    image = psf.image(WINDOW_PX)
    bound = 1 / np.sqrt((image**2).sum() - image.sum() ** 2 / image.size)
    noise = MatchedFilter.of(psf).apply(frames)[:, MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX].std()
    # About 60 * 80 * 80 / 13 independent values: the standard deviation is known to 0.4%.
    assert abs(noise / bound - 1) < 0.02
