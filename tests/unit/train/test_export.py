"""Calibration of intervals, and the way from a network to a bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perrin.diffusion.standard import CAMERAS, Standard
from perrin.models.bundle import load_bundle
from perrin.models.mixture import calibrated
from perrin.settings.diffusion import MixtureTraining
from perrin.train.mixture import intervals

LENGTHS = (20, 60)


def sure(standard: Standard) -> np.ndarray:
    """A model that answers the same for every track, far too sure of itself."""
    one = np.repeat([[0.46, 0.5, 0.54]], 10, axis=0).astype(np.float32)
    return np.repeat(one[None], len(standard.seen), axis=0)


def test_calibrated_intervals_cover_ninety_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "LENGTHS", LENGTHS)
    found = intervals.fit_interval(sure, count=60, rng=np.random.default_rng(0))
    fresh = intervals.query(
        sure, kind="superposition", length=20, count=60, rng=np.random.default_rng(1)
    )
    prediction = calibrated(fresh.raw, np.full(len(fresh.raw), 20), fresh.camera, found)
    inside = (prediction[..., 0] <= fresh.truth) & (fresh.truth <= prediction[..., 2])
    for camera in range(len(CAMERAS)):
        for target in (4, 6):  # truths on both sides of what the model says
            counted = fresh.counts[:, target] & (fresh.camera == camera)
            error = np.sqrt(2 * 0.9 * 0.1 / counted.sum())  # of the calibration and of the count
            assert abs(inside[counted, target].mean() - 0.9) < 5 * error


def test_a_network_becomes_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="training needs torch")
    pytest.importorskip("onnxscript", reason="exporting needs onnxscript")
    from perrin.train.export import record_measured
    from perrin.train.mixture.export import load_weights, write_bundle
    from perrin.train.mixture.network import MixtureNetwork

    monkeypatch.setattr(intervals, "LENGTHS", LENGTHS)
    torch.manual_seed(0)
    folder = tmp_path / "new"
    settings = MixtureTraining(steps=1)
    said: list[str] = []
    network = MixtureNetwork()
    card = write_bundle(
        network, folder, settings=settings, start=None, count=2, progress=said.append
    )
    assert said[:2] == ["exporting", "calibrating the intervals"]
    assert "discrepancies" in said[2]
    assert card.discrepancies is not None
    assert (np.diff(card.discrepancies.distances, axis=1) >= 0).all()
    assert card.name == "new"
    assert card.training["settings"]["steps"] == 1
    assert card.training["start"] == "nothing"
    back = load_weights(folder).state_dict()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, back[name], rtol=1e-3, atol=1e-6)  # half precision
    record_measured(folder, figures={"w": 0.1})
    assert load_bundle(folder).card.figures == {"w": 0.1}
