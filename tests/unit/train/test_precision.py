"""Half precision only where it is quicker."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from perrin.train.precision import in_bfloat16  # noqa: E402


@pytest.mark.parametrize(
    ("processor", "wanted", "half"),
    [("AVX512", True, True), ("AVX512", False, False), ("AVX2", True, False)],
)
def test_emulated_half_precision_is_left_alone(
    processor: str, wanted: bool, half: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: processor)
    with in_bfloat16(wanted):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert (product.dtype == torch.bfloat16) is half
