"""Units of length and time as files write them, in nanometers and seconds."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import Literal

Quantity = Literal["length", "time"]

_PREFIXES = {
    "q": 1e-30, "r": 1e-27, "y": 1e-24, "z": 1e-21, "a": 1e-18, "f": 1e-15, "p": 1e-12,
    "n": 1e-9, "μ": 1e-6, "u": 1e-6, "m": 1e-3, "c": 1e-2, "d": 1e-1, "": 1.0, "da": 1e1,
    "h": 1e2, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18, "Z": 1e21,
    "Y": 1e24, "R": 1e27, "Q": 1e30,
}  # fmt: skip
_PREFIX_WORDS = {
    "yocto": 1e-24, "zepto": 1e-21, "atto": 1e-18, "femto": 1e-15, "pico": 1e-12, "nano": 1e-9,
    "micro": 1e-6, "milli": 1e-3, "centi": 1e-2, "deci": 1e-1, "": 1.0, "deca": 1e1,
    "hecto": 1e2, "kilo": 1e3, "mega": 1e6, "giga": 1e9, "tera": 1e12, "peta": 1e15,
    "exa": 1e18, "zetta": 1e21, "yotta": 1e24,
}  # fmt: skip

# meters; the units beside the metre are those of OME's schema (UnitsLength)
_METERS = {
    **{f"{prefix}m": size for prefix, size in _PREFIXES.items()},
    "Å": 1e-10, "A": 1e-10, "thou": 2.54e-5, "mil": 2.54e-5, "in": 0.0254, '"': 0.0254,
    "ft": 0.3048, "yd": 0.9144, "mi": 1609.344, "li": 2.54e-2 / 12, "pt": 0.0254 / 72,
    "ua": 149_597_870_700.0, "ly": 9_460_730_472_580_800.0, "pc": 3.0856775814913673e16,
}  # fmt: skip
_METER_WORDS = {
    **{f"{prefix}{word}": size for prefix, size in _PREFIX_WORDS.items()
       for word in ("meter", "metre", "meters", "metres")},
    "micron": 1e-6, "microns": 1e-6, "nanons": 1e-9, "angstrom": 1e-10, "angstroms": 1e-10,
    "ångström": 1e-10, "ångstrom": 1e-10, "angström": 1e-10, "inch": 0.0254, "inches": 0.0254,
    "foot": 0.3048, "feet": 0.3048, "yard": 0.9144, "mile": 1609.344,
}  # fmt: skip
_SECONDS = {
    **{f"{prefix}s": size for prefix, size in _PREFIXES.items()},
    "min": 60.0, "h": 3600.0, "hr": 3600.0, "d": 86400.0,
}  # fmt: skip
_SECOND_WORDS = {
    **{f"{prefix}{word}": size for prefix, size in _PREFIX_WORDS.items()
       for word in ("second", "seconds", "sec", "secs")},
    "msec": 1e-3, "usec": 1e-6, "μsec": 1e-6, "nsec": 1e-9, "psec": 1e-12, "msecs": 1e-3,
    "mins": 60.0, "minute": 60.0, "minutes": 60.0, "hour": 3600.0, "hours": 3600.0, "hrs": 3600.0,
    "day": 86400.0, "days": 86400.0,
}  # fmt: skip
_GARBLED = {"Âµ": "μ", "âµ": "μ", "Î¼": "μ", "î¼": "μ", "Ã…": "Å"}  # UTF-8 that was read as cp1252
_BASE = {"length": 1e-9, "time": 1.0}  # nanometers and seconds
# what no movie of single particles can have: below a picometer or above a millimeter a pixel,
# below 10 ns or above a day a frame
_SEEN_AT_MOST_NM = 2e4  # of a pixel in the sample; 300 dots an inch are 84,667
_BOUNDS = {"length": (1e-3, 1e6), "time": (1e-8, 86_400.0)}
_WHAT = {"length": "a pixel", "time": "a frame interval"}
_IN = {"length": "nm", "time": "s"}


@dataclass(frozen=True)
class Said:
    """What a file says of a length (nm) or time (s): the value, or a note why it is not used."""

    value: float | None = None
    note: str | None = None


def factor(unit: object, quantity: Quantity) -> float | None:
    """Return how many nm or s `unit` is, None where it is not known."""
    text = str(unit or "").strip()
    if "\\u" in text:  # how Java writes what is not ASCII
        text = text.replace("\\u00B5", "μ").replace("\\u00b5", "μ").replace("\\u00C5", "Å")
    for garbled, meant in _GARBLED.items():
        text = text.replace(garbled, meant)
    text = unicodedata.normalize("NFKC", text).strip("[]() .").replace("_", "")
    symbols, words = (_METERS, _METER_WORDS) if quantity == "length" else (_SECONDS, _SECOND_WORDS)
    size = symbols.get(text, words.get(text.lower()))
    # 15 digits: 1e-6 / 1e-9 is 999.9999999999999 in a computer
    return None if size is None else float(f"{size / _BASE[quantity]:.15g}")


def read(value: object, unit: object, quantity: Quantity) -> Said:
    """Return what a file says: a value that is usable, or a note that quotes it."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return Said()
    if not math.isfinite(number) or number <= 0:
        return Said()
    size = factor(unit, quantity)
    text = str(unit or "").strip()
    said = f"the file says {_WHAT[quantity]} of {number:.6g} {text or 'without a unit'}"
    if size is None and text.lower() in ("pixel", "pixels", "px", "pix", "reference frame", ""):
        return Said(note=f"{said}, which is no size" if text else None)
    if size is None:
        return Said(note=f"{said}, a unit that is not known here")
    return bounded(number * size, quantity, said=said)


def bounded(value: float, quantity: Quantity, *, said: str) -> Said:
    """Return the value in nm or s unless it cannot be; `said` begins the note."""
    low, high = _BOUNDS[quantity]
    if quantity == "length" and _SEEN_AT_MOST_NM < value <= high:
        return Said(
            note=f"{said}, {value:.6g} nm, more than a microscope sees in one: the resolution of a "
            "print or a screen? Not used"
        )
    if low <= value <= high:
        return Said(value)
    return Said(
        note=f"{said}, which cannot be (known are {low:g} to {high:g} {_IN[quantity]}): not used"
    )


def check_bounds(value: float, quantity: Quantity) -> str | None:
    """Return why a number that the user gave cannot be, None where it can."""
    low, high = _BOUNDS[quantity]
    if low <= value <= high:
        return None
    return f"{_WHAT[quantity]} of {value:g} {_IN[quantity]} cannot be ({low:g} to {high:g})"


def spacing(values: object, unit: object, quantity: Quantity) -> Said:
    """Return the step of evenly spaced coordinates of an axis."""
    import numpy as np

    points = np.asarray(values, dtype=np.float64).reshape(-1)
    if len(points) < 2 or not np.isfinite(points).all():
        return Said()
    steps = np.diff(points)
    step = float(np.median(steps))
    if step == 0 or np.abs(steps / step - 1).max() > 0.01:
        return Said(
            note=f"the file says coordinates of {_WHAT[quantity]} that are not evenly spaced "
            f"(steps of {np.abs(steps).min():.6g} to {np.abs(steps).max():.6g}): not used"
        )
    return read(abs(step), unit, quantity)


def square(x: Said, y: Said) -> tuple[float | None, list[str]]:
    """Return the side of a pixel, None where it is not known to be square, and notes."""
    notes = list(dict.fromkeys(side.note for side in (x, y) if side.note))
    if x.value is None or y.value is None:
        if (known := x.value or y.value) and not notes:
            side = "x" if y.value is None else "y"
            notes.append(f"the file says {known:g} nm for the side {side} of a pixel only")
        return None, notes
    if abs(x.value / y.value - 1) < 1e-3:
        return x.value, notes
    notes.append(
        f"the file says pixels of {x.value:g} x {y.value:g} nm (x, y), which are not square: "
        "not used"
    )
    return None, notes
