"""Half precision where the processor has it: twice as fast there, ten times slower elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def in_bfloat16(wanted: bool = True) -> AbstractContextManager[None]:
    """Return a context in which convolutions run in bfloat16, or one that changes nothing.

    Where the processor lacks AVX-512, PyTorch emulates bfloat16; there it stays in float32.
    """
    able = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return torch.autocast("cpu", dtype=torch.bfloat16) if wanted and able else nullcontext()
