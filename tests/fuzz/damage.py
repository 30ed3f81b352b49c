"""What happens to files: each damage takes the bytes of a whole file and a random generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Damage = Callable[[bytes, np.random.Generator], bytes]
_ABSURD = (b"1e300", b"-1e300", b"inf", b"nan", b"9" * 40, b"=1+1", b"abc", b"", b"0x10", b"1,5")


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    """Lose the end of the file."""
    return content[: int(rng.integers(0, len(content)))]


def flip(content: bytes, rng: np.random.Generator) -> bytes:
    """Change a few bits."""
    changed = bytearray(content)
    for place in rng.integers(0, len(content), int(rng.integers(1, 9))):
        changed[place] ^= 1 << int(rng.integers(0, 8))
    return bytes(changed)


def zero(content: bytes, rng: np.random.Generator) -> bytes:
    """Overwrite a block with zeros."""
    start = int(rng.integers(0, len(content)))
    length = int(rng.integers(1, max(2, len(content) // 4)))
    return (content[:start] + bytes(length) + content[start + length :])[: len(content)]


def wrong_sizes(content: bytes, rng: np.random.Generator) -> bytes:
    """Overwrite four bytes of the first kilobyte, where sizes are declared, with a large number."""
    start = int(rng.integers(0, max(1, min(len(content), 1024) - 4)))
    return content[:start] + b"\xff\xff\xff\x7f" + content[start + 4 :]


def drop_lines(content: bytes, rng: np.random.Generator) -> bytes:
    """Lose one to three lines below the first."""
    lines = content.splitlines(keepends=True)
    gone = set(rng.integers(1, max(2, len(lines)), int(rng.integers(1, 4))).tolist())
    return b"".join(line for k, line in enumerate(lines) if k not in gone)


def repeat_lines(content: bytes, rng: np.random.Generator) -> bytes:
    """Have one to three lines below the first twice."""
    lines = content.splitlines(keepends=True)
    more = set(rng.integers(1, max(2, len(lines)), int(rng.integers(1, 4))).tolist())
    return b"".join(line * (2 if k in more else 1) for k, line in enumerate(lines))


def absurd_cell(content: bytes, rng: np.random.Generator) -> bytes:
    """Replace one cell."""
    lines = content.split(b"\n")
    row = int(rng.integers(0, len(lines)))
    cells = lines[row].split(b",")
    cells[int(rng.integers(0, len(cells)))] = _ABSURD[int(rng.integers(0, len(_ABSURD)))]
    lines[row] = b",".join(cells)
    return b"\n".join(lines)


def swap_columns(content: bytes, rng: np.random.Generator) -> bytes:
    """Exchange two names in the header."""
    head, line, rest = content.partition(b"\n")
    names = head.split(b",")
    one, other = (int(k) for k in rng.integers(0, len(names), 2))
    names[one], names[other] = names[other], names[one]
    return b",".join(names) + line + rest


ANY: tuple[Damage, ...] = (cut, flip, zero, wrong_sizes)
TEXT: tuple[Damage, ...] = (cut, flip, zero, drop_lines, repeat_lines, absurd_cell, swap_columns)
