"""Rates and averages of a training, against the formulas; skipped where torch is not installed."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from perrin.train.loop import averaged_of, cosine  # noqa: E402


def test_rates_are_warmed_up_and_fall_as_half_a_cosine() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    schedule = cosine(optimizer, highest=0.3, warmup=4, steps=10)
    for step in range(10):
        warm = min(1, (step + 1) / 4)
        expected = 0.3 * warm * (1 + math.cos(math.pi * step / 10)) / 2
        assert optimizer.param_groups[0]["lr"] == pytest.approx(expected, rel=1e-12)
        optimizer.step()
        schedule.step()


def test_averages_follow_faster_at_first_and_buffers_at_once() -> None:
    network = torch.nn.BatchNorm1d(1)
    averaged = averaged_of(network, decay=0.5)
    expected = network.weight.item()
    for step in range(20):
        with torch.no_grad():
            network.weight.fill_(float(step))
            network.running_mean.fill_(float(step))
        averaged.update_parameters(network)
        kept = min(0.5, (step + 1) / (step + 11))
        expected = kept * expected + (1 - kept) * step
        assert averaged.module.weight.item() == pytest.approx(expected, rel=1e-6)
        assert averaged.module.running_mean.item() == step
    assert not any(weight.requires_grad for weight in averaged.parameters())
