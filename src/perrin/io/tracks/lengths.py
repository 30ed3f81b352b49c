"""Axes of tracks: which there are, and what one unit of each is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perrin.errors import PerrinError
from perrin.io.tracks.raw import AXES, RawTracks
from perrin.io.units import PIXEL, nanometers

_AGREES = 1e-3  # relative difference up to which a given value is what the file says

_FEW_MOVES, _MANY_MOVES = 0.02, 0.5  # fractions of steps that move: along a flat axis, along others
_TINY = 1e-6  # of the steps along another axis: rounding


@dataclass(frozen=True)
class Length:
    """Unit of all axes ("px", "nm", ..., "unknown"), its length (nm; None: not known), phrase."""

    unit: str
    nm: float | None
    said: str


def drop_resting_axes(raw: RawTracks) -> None:
    """Leave out axes along which no track moves, or that hold nothing; x takes their place.

    A z of 0, of one plane, or of one plane for each track would make every diffusion coefficient
    a third too small; so would one that is another in a few rows only.
    """
    there = [axis for axis in AXES if axis in raw.table]
    empty = [axis for axis in there if raw.table[axis].isna().all()]
    if len(empty) == len(there):
        raise PerrinError(f"column {raw.called(there[0])!r} holds no positions: it is empty.")
    for axis in empty:
        raw.remarks.append(f"column {raw.called(axis)} has no values: no axis")
    resting = _resting(raw, [axis for axis in there if axis not in empty])
    for axis, what in resting.items():
        raw.remarks.append(f"{raw.called(axis)} {what}: no axis")
    lost = {*empty, *resting}
    raw.table = raw.table.drop(
        columns=[name for axis in lost for name in (axis, f"{axis}_se") if name in raw.table]
    )
    kept = [axis for axis in there if axis not in lost]
    move = {old: new for old, new in zip(kept, AXES, strict=False) if old != new}
    move |= {f"{old}_se": f"{new}_se" for old, new in move.items() if new != "z"}
    raw.table = raw.table.rename(columns=move)
    names = {new: raw.called(old) for old, new in zip(kept, AXES, strict=False)}
    raw.names |= names
    raw.units = {new: raw.units.get(old, "") for old, new in zip(kept, AXES, strict=False)}


def _resting(raw: RawTracks, axes: list[str]) -> dict[str, str]:
    """Return the axes along which no track moves, or next to none, and how that shows."""
    steps = raw.table.groupby("particle")[axes].diff().abs()
    moved = {axis: float((steps[axis].dropna() > 0).mean()) for axis in axes}
    least = {axis: -1.0 if moved[axis] < _FEW_MOVES else 0.0 for axis in axes}  # steps above
    usual = {axis: float(steps[axis][steps[axis] > least[axis]].median()) for axis in axes}
    most = max(moved.values(), default=0.0)
    found = {}
    if most == 0 and steps.notna().any(axis=None):
        raw.remarks.append("no track moves: all its positions are the same")
    for axis in axes if most > 0 else ():  # where nothing moves that is a result
        same_unit = [one for one in axes if raw.units.get(one, "") == raw.units.get(axis, "")]
        values = raw.table[axis].dropna().unique()
        if not moved[axis] > 0:
            one = f"{values[0]:g} everywhere" if len(values) == 1 else "the same along each track"
            found[axis] = f"is constant ({one})"
        elif moved[axis] < _FEW_MOVES and most > _MANY_MOVES:
            found[axis] = f"is constant (another value after {moved[axis]:.2g} of the steps only)"
        elif usual[axis] < _TINY * max(usual[one] for one in same_unit):
            found[axis] = f"is constant (steps of {usual[axis]:.1g} only)"
    left = [axis for axis in axes if axis not in found]
    counting = [axis for axis in left if _counts(raw, axis)]
    return found | dict.fromkeys(counting if len(counting) < len(left) else [], "counts frames")


def _counts(raw: RawTracks, axis: str) -> bool:
    """Whether an axis counts frames: one value in each, evenly spaced, for several tracks."""
    time = "frame" if "frame" in raw.table else "time"
    both = raw.table[[time, axis]].apply(pd.to_numeric, errors="coerce")
    table = both.dropna().to_numpy(dtype=np.float64)
    frames, first, place = np.unique(table[:, 0], return_index=True, return_inverse=True)
    values = table[first, 1]
    if len(frames) < 3 or len(frames) == len(table) or not (table[:, 1] == values[place]).all():
        return False
    rates = np.diff(values) / np.diff(frames)
    return bool(rates[0] != 0 and np.allclose(rates, rates[0], rtol=1e-6, atol=0))


def settle_lengths(raw: RawTracks, *, pixel_nm: float | None, z_step_nm: float | None) -> Length:
    """Bring all axes to one unit, and return it. pixel_nm, z_step_nm: given by the user.

    Raises `PerrinError` where a given pixel contradicts the unit in the file, and where axes of
    several units lack a pixel.
    """
    _scale_z(raw, pixel_nm, z_step_nm)
    units = {axis: raw.units.get(axis, "") for axis in AXES if axis in raw.table}
    kinds = set(units.values())
    pixel, source = raw.pixel_nm, "from the file"
    if pixel_nm is not None and kinds & {"", PIXEL}:
        if raw.pixel_nm is not None and abs(pixel_nm / raw.pixel_nm - 1) > _AGREES:
            raw.remarks.append(
                f"a pixel of {pixel_nm:g} nm was given and is used; the file says {raw.pixel_nm:g}"
            )
        pixel, source = pixel_nm, "from the option"
    if len(kinds) > 1:
        return _mixed(raw, units, pixel)
    unit = kinds.pop()
    if unit == PIXEL:
        said = "pixels of unknown size" if pixel is None else f"{pixel:g} nm a pixel ({source})"
        return Length(PIXEL, pixel, said)
    if not unit:
        said = "unit of length not known" if pixel is None else f"{pixel:g} nm a unit ({source})"
        return Length("unknown", pixel, said)
    length = nanometers(unit)
    if pixel_nm is not None and length is not None:
        _check_given(raw, unit, length, pixel_nm)
    return Length(unit, length, f"positions in {unit} (from the file)")


def _check_given(raw: RawTracks, unit: str, length: float, pixel_nm: float) -> None:
    """A pixel beside positions in a unit of length is the camera's, or a contradiction."""
    if abs(pixel_nm / length - 1) <= _AGREES:
        return
    camera = raw.camera_pixel_nm
    if camera is not None and abs(pixel_nm / camera - 1) <= _AGREES:
        raw.remarks.append(
            f"--pixel-nm {pixel_nm:g} is the camera's pixel and not used: positions are in {unit}"
        )
        return
    raise PerrinError(
        f"--pixel-nm {pixel_nm:g} contradicts the file, whose positions are in {unit} "
        f"({raw.called('x')}), {length:g} nm each: leave --pixel-nm out. If they are pixels in "
        "truth, correct the unit in the file."
    )


def _mixed(raw: RawTracks, units: dict[str, str], pixel: float | None) -> Length:
    """Convert axes of different units to nanometers."""
    told = ", ".join(f"{raw.called(axis)} in {unit or '?'}" for axis, unit in units.items())
    if "" in units.values():
        raise PerrinError(
            f"the axes have different units ({told}), and not all say theirs: write the unit into "
            "the name of each column, as in x_nm, y_nm."
        )
    if pixel is None and PIXEL in units.values():
        raise PerrinError(
            f"the axes have different units ({told}): give --pixel-nm, the size of a pixel."
        )
    for axis, unit in units.items():
        factor = nanometers(unit) or pixel or 1.0
        for name in (axis, f"{axis}_se"):
            if name in raw.table:
                raw.table[name] = raw.table[name] * factor
    pixels = f", {pixel:g} nm a pixel" if PIXEL in units.values() else ""
    return Length("nm", 1.0, f"{told}{pixels}, all converted to nm")


def _scale_z(raw: RawTracks, pixel_nm: float | None, z_step_nm: float | None) -> None:
    if "z" not in raw.table:
        if z_step_nm is not None:
            raw.remarks.append("--z-step-nm is not used: there is no z that changes")
        return
    unit = raw.units.get("z", "")
    if unit not in ("", PIXEL):
        if z_step_nm is not None:
            raise PerrinError(
                f"--z-step-nm {z_step_nm:g} was given, but {raw.called('z')} is in {unit} already: "
                "leave it out."
            )
        return
    if z_step_nm is None:
        if unit == raw.units.get("x", ""):
            raw.remarks.append(
                "z counts in the same unit as x and y; if it counts slices, give their distance "
                "with --z-step-nm"
            )
        return
    if not 0 < z_step_nm < np.inf:
        raise PerrinError(f"--z-step-nm {z_step_nm:g}: a length above 0 is needed.")
    in_pixels = raw.units.get("x", "") in ("", PIXEL)
    size = (pixel_nm or raw.pixel_nm) if in_pixels else nanometers(raw.units["x"])
    if size is None:
        raise PerrinError("--z-step-nm needs the size of a pixel too: give --pixel-nm.")
    raw.table["z"] = raw.table["z"] * (z_step_nm / size)
    raw.units["z"] = raw.units.get("x", "")


def settle_errors(raw: RawTracks) -> None:
    """Check the standard errors of positions; empty ones become the median of their column.

    Raises `PerrinError` for an error below 0 or beyond all positions, and names its row.
    """
    extent = max(float(np.ptp(raw.table[axis])) for axis in AXES if axis in raw.table)
    for name in [name for name in ("x_se", "y_se") if name in raw.table]:
        values = raw.table[name].replace([np.inf, -np.inf], np.nan)
        odd = (values < 0) | (values > 10 * max(extent, 1.0))
        if odd.any():
            row = raw.table.iloc[int(np.flatnonzero(odd)[0])]
            raise PerrinError(
                f"{raw.called(name)} is {values[odd].iloc[0]:g} at frame {row['frame']:g} of track "
                f"{row['particle']:g}: a localization error (x_se, y_se) is 0 or more and not "
                "beyond all positions. Correct or remove it."
            )
        lost = int(values.isna().sum())
        if lost > len(values) / 2:
            raw.table = raw.table.drop(columns=name)
            raw.columns_not_used.append(f"{raw.called(name)} (empty in {lost} rows)")
        elif lost:
            values = values.fillna(values.median())
            raw.remarks.append(f"{lost} cells of {raw.called(name)} are empty: their median used")
        if name in raw.table:
            raw.table[name] = pd.Series(values, dtype=np.float64)
