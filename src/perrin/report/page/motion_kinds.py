"""The kind of motion of each trajectory in words, with the numbers of that kind."""

from __future__ import annotations

from typing import Any

import pandas as pd

from perrin.diffusion.motion_kinds import ADJECTIVES, MOTION_KINDS, KindNumber, unit_of

_NUMBERS = {kind.name: kind.numbers for kind in MOTION_KINDS}


def kinds_of(table: pd.DataFrame, units: dict[str, str]) -> list[str]:
    """Return a line a trajectory, as "confined, 97%: radius 3.7 (3.1 to 4.2) um"."""
    if "kind" not in table:
        return [""] * len(table)
    return [_line(row, units) for row in table.to_dict("records")]


def unit_in_words(number: KindNumber, units: dict[str, str]) -> str:
    """Return the unit of a number of a kind."""
    length, time = units["length_unit"], units["time_unit"]
    length = "units" if length.startswith("unit") else length
    if time == "frame" and number.time == 1 and not number.length:
        return "frames"
    unit = unit_of(number.length, number.time, length=length, time=time)
    return unit.replace(" / ", "/").replace("^2", "²")


def _line(row: dict[Any, Any], units: dict[str, str]) -> str:
    kind = row["kind"]
    if not isinstance(kind, str) or not kind:
        return ""
    said = ADJECTIVES[kind]
    probability = row.get(f"p_{kind}")
    if probability is not None and probability == probability:
        said += f", {probability:.0%}"
    numbers = [_number(one, row, units) for one in _NUMBERS.get(kind, ())]
    known = ", ".join(filter(None, numbers))
    return f"{said}: {known}" if known else said


def _number(number: KindNumber, row: dict[Any, Any], units: dict[str, str]) -> str:
    value = row.get(number.name)
    if value is None or value != value:
        return ""
    low, high = row.get(f"{number.name}_low"), row.get(f"{number.name}_high")
    known = low is not None and high is not None and low == low and high == high
    between = f" ({low:.3g} to {high:.3g})" if known else ""
    return f"{number.label} {value:.3g}{between} {unit_in_words(number, units)}"
