"""Columns of event tables: which names and units mean contrast, mass, frame and position.

``contrasts``, ``Contrast (%)``, ``Mass [kDa]``, ``masses_Da`` and ``mass`` with the attribute
``unit`` of ``MDa`` are all understood; everything else keeps its own name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from perrin.errors import PerrinError
from perrin.tables import EVENTS

_ALIASES: dict[str, str] = {
    **{column.name: column.name for column in EVENTS},
    "contrasts": "contrast",
    "ratiometric_contrast": "contrast",
    "ratiometric_contrasts": "contrast",
    "contrasts_se": "contrast_se",
    "mass": "mass_kda",
    "masses": "mass_kda",
    "molecular_mass": "mass_kda",
    "molecular_weight": "mass_kda",
    "molar_mass": "mass_kda",
    "mw": "mass_kda",
    "kontrast": "contrast",
    "kontraste": "contrast",
    "contraste": "contrast",
    "contrasto": "contrast",
    "masse": "mass_kda",
    "massen": "mass_kda",
    "masa": "mass_kda",
    "massa": "mass_kda",
    "calibrated_values": "mass_kda",
    "frames": "frame",
    "frame_number": "frame",
    "frame_index": "frame",
    "frame_indices": "frame",
    "x_coords": "x_px",
    "y_coords": "y_px",
    "fit_errors": "fit_error",
    "nearest_neighbour_distances": "neighbor_px",
    "neareast_neighbour_distances": "neighbor_px",  # spelt so in DiscoverMP's CSV
    "selections": "retained",
    "selected": "retained",
    "accepted": "retained",
}

MASS_UNITS: Mapping[str, float] = {
    "da": 1e-3,
    "u": 1e-3,
    "amu": 1e-3,
    "dalton": 1e-3,
    "daltons": 1e-3,
    "g_mol": 1e-3,
    "kda": 1.0,
    "kd": 1.0,
    "kilodalton": 1.0,
    "kilodaltons": 1.0,
    "kg_mol": 1.0,
    "mda": 1e3,
    "megadalton": 1e3,
    "megadaltons": 1e3,
}
"""What a mass in that unit is multiplied with to be in kDa."""
CONTRAST_UNITS: Mapping[str, float] = {
    "fraction": 1.0,
    "1": 1.0,
    "percent": 1e-2,
    "pct": 1e-2,
    "permille": 1e-3,
    "per_mille": 1e-3,
    "1e_3": 1e-3,
    "10_3": 1e-3,
    "x1000": 1e-3,
    "x_1000": 1e-3,
    "x10_3": 1e-3,
    "x_10_3": 1e-3,
    "1e3": 1e-3,
    "x1e3": 1e-3,
    "ppm": 1e-6,
}
"""What a contrast in that unit is multiplied with to be a fraction."""
_UNITS = {"mass_kda": MASS_UNITS, "contrast": CONTRAST_UNITS, "contrast_se": CONTRAST_UNITS}
_PX = {"px": 1.0, "pixel": 1.0, "pixels": 1.0}
_WITHOUT_UNIT = {"mass_kda": "mass", "x_px": "x", "y_px": "y", "time_s": "time"}
_SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_BRACKET = re.compile(r"(.*?)[\[(](.*)[\])]\s*")
_SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "min": 60.0}


@dataclass(frozen=True)
class Meaning:
    """What a column is: its name in the schema, the factor into its unit, the unit it came in.

    unit is empty where the file does not say it.
    """

    name: str
    factor: float = 1.0
    unit: str = ""


def meaning_of(name: object, unit: object = "") -> Meaning | None:
    """Return what a column called `name` is, None where the schema does not know it.

    unit: of the column's values, where the file says it beside the name. Raises `PerrinError`
    for a contrast or mass in a unit that is not known.
    """
    key = key_of(name)
    said = key_of(unit)
    if key in _ALIASES:
        return _in_unit(_ALIASES[key], name, said)
    if key in ("da", "kda", "mda"):  # a unit alone names the masses
        return Meaning("mass_kda", MASS_UNITS[key], key)
    for base, end in _splits(key):
        known = _ALIASES.get(base) or _named(base)
        if known is None:
            continue
        if end in _units_of(known):
            return Meaning(known, _units_of(known)[end], end)
        bracket = _BRACKET.fullmatch(str(name))
        if known in _UNITS and bracket and key_of(bracket[1]) == base:
            raise PerrinError(_unknown_unit(name, known))
    return None


def key_of(name: object) -> str:
    """'Mass (kDa)', 'mass [kDa]' and 'mass_kDa' are one name."""
    text = str(name).strip().lower().replace("%", " percent ").replace("‰", " permille ")
    text = text.translate(_SUPERSCRIPTS).replace("µ", "u").replace("μ", "u").replace("×", "x")
    return re.sub(r"[^0-9a-z]+", "_", text).strip("_")


def _named(base: str) -> str | None:
    """Return the column whose schema name holds its unit: ``x`` of ``x [px]``."""
    for name, bare in _WITHOUT_UNIT.items():
        if base == bare:
            return name
    return None


def _splits(key: str) -> list[tuple[str, str]]:
    """Every way to read the end of a key as its unit: ``mass_in_kda``, ``contrast_1e_3``."""
    parts = key.split("_")
    ways = []
    for at in range(len(parts) - 1, 0, -1):
        base = parts[: at - 1] if at > 1 and parts[at - 1] == "in" else parts[:at]
        ways.append(("_".join(base), "_".join(parts[at:])))
    return ways


def _units_of(name: str) -> Mapping[str, float]:
    if name in _UNITS:
        return _UNITS[name]
    if name == "time_s":
        return _SECONDS
    return _PX if name in ("x_px", "y_px") else {}


def _in_unit(known: str, name: object, unit: str) -> Meaning:
    if known not in _UNITS or not unit:
        in_kda = key_of(name).endswith("kda") or key_of(name) == "calibrated_values"
        end = "kda" if known == "mass_kda" and in_kda else ""
        return Meaning(known, unit=end)
    if unit not in _UNITS[known]:
        raise PerrinError(_unknown_unit(f"{name} in {unit}", known))
    return Meaning(known, _UNITS[known][unit], unit)


def _unknown_unit(name: object, known: str) -> str:
    wanted = "Da, kDa or MDa" if known == "mass_kda" else "fraction, percent or permille"
    example = "mass_kDa" if known == "mass_kda" else "contrast_percent"
    return (
        f"the column {str(name)!r} is in a unit that is not known here. Known are {wanted}: "
        f"name it so, as {example!r}, and convert its values if they are in another unit."
    )
