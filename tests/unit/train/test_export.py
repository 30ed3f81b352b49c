"""Calibration of intervals, and the way from a network to a bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perrin.diffusion.standard import Standard
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
    found = intervals.fit_interval(sure, count=400, rng=np.random.default_rng(0))
    fresh = intervals._drawn(
        kind="superposition", length=20, count=400, rng=np.random.default_rng(1)
    )
    raw, truth, known = intervals._answers(sure, fresh, told=True)
    answer = calibrated(raw, np.full(len(raw), 20), np.ones(len(raw), dtype=bool), found)
    inside = (answer[..., 0] <= truth) & (truth <= answer[..., 2])
    error = np.sqrt(2 * 0.9 * 0.1 / (4 * 400))  # of the calibration and of the count
    for target in (4, 5, 6):
        assert abs(inside[known[:, target], target].mean() - 0.9) < 5 * error


def test_a_network_becomes_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="training needs torch")
    pytest.importorskip("onnxscript", reason="exporting needs onnxscript")
    from perrin.train.export import record_measured
    from perrin.train.mixture.export import write_bundle
    from perrin.train.mixture.network import MixtureNetwork

    monkeypatch.setattr(intervals, "LENGTHS", LENGTHS)
    torch.manual_seed(0)
    folder = tmp_path / "new"
    settings = MixtureTraining(steps=1)
    said: list[str] = []
    card = write_bundle(MixtureNetwork(), folder, settings=settings, count=20, progress=said.append)
    assert said == ["exporting", "calibrating the intervals"]
    assert card.name == "new"
    assert card.training["settings"]["steps"] == 1
    record_measured(folder, figures={"w": 0.1})
    assert load_bundle(folder).card.figures == {"w": 0.1}
