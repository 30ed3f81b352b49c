"""Text of a file as characters, in whichever encoding a spreadsheet chose."""

from __future__ import annotations

from pathlib import Path

from perrin.errors import PerrinError

_MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
_LOOKED_AT = 4096
_FIRST = 16  # bytes that show what a file is
_MOST_ODD = 0.3  # of a text that is damaged
_PLAIN = bytes([9, 10, 13, *range(32, 127)])
_OF_TEXT = {9, 10, 11, 12, 13, 27}  # control characters that texts have


def read_text(path: Path) -> tuple[str, str]:
    """Return the text of a file, and the name of its encoding.

    Known are UTF-8, UTF-16, UTF-32 (with a byte order mark, UTF-16 without too) and cp1252, the
    encoding of Windows in western Europe, which any bytes without control characters may be.
    Raises `PerrinError` for a file that is no text in any of them.
    """
    content = path.read_bytes()
    encoding = encoding_of(content)
    if encoding is None and (why := damaged_text(content)):
        raise PerrinError(f"{path} is {why}.")
    if encoding is None:
        raise PerrinError(
            f"{path}: neither HDF5 nor parquet nor UTF-8 text (it starts with {content[:8]!r}); "
            "not a table. Export the table as CSV."
        )
    try:
        return content.decode(encoding), encoding
    except UnicodeDecodeError as error:
        raise PerrinError(
            f"{path}: no UTF-8 text, and as {encoding} it cannot be read either (byte "
            f"{error.start}): it is damaged or cut off. Copy it again, or export it in UTF-8."
        ) from error


def damaged_text(content: bytes) -> str:
    """Return what is wrong with a text of which some bytes are none of text; "" for other files."""
    head = content[: 16 * _LOOKED_AT]
    odd = head.translate(None, _PLAIN)
    if content[:_FIRST].translate(None, _PLAIN) or not 0 < len(odd) < _MOST_ODD * len(head):
        return ""
    first = next(k for k, byte in enumerate(head) if byte not in _PLAIN)
    return (
        f"a text that is damaged: from byte {first} on it holds bytes that no text has. Copy or "
        "export it again"
    )


def encoding_of(content: bytes) -> str | None:
    """Return the encoding of a text, None where the bytes are none."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    head = content[:_LOOKED_AT]
    if b"\0" in head:
        return _utf16_without_mark(head)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        controls = any(byte < 32 and byte not in _OF_TEXT for byte in head)
        return None if controls else "cp1252"
    return "utf-8"


def _utf16_without_mark(head: bytes) -> str | None:
    """Plain text in UTF-16 has a zero in every second byte, and none in the others."""
    even, odd = head[0::2], head[1::2]
    if odd.count(0) > 0.9 * len(odd) and not even.count(0):
        return "utf-16-le"
    if even.count(0) > 0.9 * len(even) and not odd.count(0):
        return "utf-16-be"
    return None
