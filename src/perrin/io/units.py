"""Units of length and time as programs write them."""

from __future__ import annotations

PIXEL = "px"
"""What pixels, voxels and slices are called here."""

_LENGTHS = {
    "px": ("px", "pix", "pixel", "pixels", "voxel", "voxels", "slice", "slices"),
    "pm": ("pm", "picometer", "picometers", "picometre", "picometres"),
    "angstrom": ("angstrom", "angstroms", "ångström", "ångstrom", "å", "a", "ang"),
    "nm": ("nm", "nanometer", "nanometers", "nanometre", "nanometres"),
    "um": (
        "um",
        "µm",
        "μm",
        "\\u00b5m",
        "micron",
        "microns",
        "micrometer",
        "micrometers",
        "micrometre",
        "micrometres",
        "mum",
    ),
    "mm": ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    "cm": ("cm", "centimeter", "centimeters", "centimetre", "centimetres"),
    "m": ("m", "meter", "meters", "metre", "metres"),
    "inch": ("inch", "inches", "in"),
}
_NM = {
    "pm": 1e-3,
    "angstrom": 0.1,
    "nm": 1.0,
    "um": 1e3,
    "mm": 1e6,
    "cm": 1e7,
    "m": 1e9,
    "inch": 2.54e7,
}
_TIMES = {
    "frame": ("frame", "frames", "px", "pixel", "pixels"),  # pixels: lines of a kymograph
    "ns": ("ns", "nsec", "nanosecond", "nanoseconds"),
    "us": ("us", "µs", "μs", "usec", "µsec", "microsecond", "microseconds", "\\u00b5s"),
    "ms": ("ms", "msec", "msecs", "millisecond", "milliseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "min": ("min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
}
SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
"""Seconds in each unit of time, by the name it has here."""

_LENGTH_NAMES = {spelling: unit for unit, known in _LENGTHS.items() for spelling in known}
_TIME_NAMES = {spelling: unit for unit, known in _TIMES.items() for spelling in known}


def length_unit(text: str) -> str | None:
    """Return the one name of a unit of length (``"px"`` for pixels), None for an unknown one."""
    return _LENGTH_NAMES.get(_plain(text))


def time_unit(text: str) -> str | None:
    """Return the one name of a unit of time (``"frame"`` for frames), None for an unknown one."""
    return _TIME_NAMES.get(_plain(text))


def nanometers(unit: str) -> float | None:
    """Return the length of one `unit` (a name from `length_unit`), None for pixels."""
    return _NM.get(unit)


def _plain(text: str) -> str:
    return text.strip().strip("()[]").strip().lower().rstrip(".")
