"""Names of columns, and what they mean: ``Track ID``, ``x [nm]``, ``POSITION_X``, ``t (sec)``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from perrin.errors import PerrinError
from perrin.io.units import SECONDS, length_unit, time_unit

_WORDS = r"(?:pos|position|coord|coords|coordinate|coordinates|centroid|center|center|loc|location)"
_NUMBER = r"(?:_?(?:id|nr|no|num|number|n|idx|index|ref|name|label))?"
_AXIS = re.compile(rf"(?:(?:{_WORDS}_)*{_WORDS}_?([xyz])|([xyz])_?{_WORDS}?|(coordinate))")
_FRAME = re.compile(
    r"(?:frame|slice|plane|timepoint|time_?point|time_?step|time_?frame|image|t_?frame)s?"
    r"_?(?:number|nr|no|num|idx|index|id|n)?|(?:time|t)_(?:idx|index)"
)
_TIME = re.compile(r"t|(?:elapsed_|acquisition_)?times?|time_?stamps?|pos(?:ition)?_t")
_PARTICLE = (
    re.compile(rf"particles?{_NUMBER}"),
    re.compile(
        rf"(?:track|traj|trajectory|trajectories)s?{_NUMBER}|tid|trackobjects_label(?:_\d+)?"
    ),
    re.compile(r"(?:id|nr|no|n|number)_?(?:of_)?(?:particle|track|trajectory)"),
    re.compile(rf"(?:molecule|object|rod|bead){_NUMBER}"),
    re.compile(r"id"),
    re.compile(r"group"),
)
_GROUP = re.compile(
    r"(?:movie|video|film|file|image|date|source|source_?file|image_?file|image_?name|sample|experiment|exp|"
    r"recording|measurement|cluster|cid|cell|roi|fov|field|field_?of_?view|well|series|condition|"
    r"replicate|dataset|data_?set|stack|folder|path|day|channel|position|acquisition|run|site|"
    rf"batch|slide|plate|group|tif)s?(?:_?name)?{_NUMBER}"
)
_ERROR = re.compile(
    r"(?:([xy])_?(?:se|err|error|std_?err|precision|uncertainty)|"
    r"(?:se|err|error|precision|uncertainty)_?([xy])|lp([xy]))"
)
_ERROR_OF_BOTH = re.compile(r"(?:lp|loc_?precision|precision|uncertainty)(?:_?xy)?")
_BRACKET = re.compile(r"(.*?)[\s_]*[\[({]\s*([^\])}]*?)\s*[\])}]\s*")
_GLUED = re.compile(r"([xyz])([nuµμ]m|px|pix)", re.IGNORECASE)
_WORD_OF_TIME = 3  # letters from which on a unit of time alone names a column: min may be a minimum
_SLASH = re.compile(r"(.*?\S)\s*[/,]\s*([^\s/,]+)")
_SUFFIX = re.compile(r"(.+?)(?:_+|\s+|\.+|-)([^\W\d_]+|\\u00b5m)[_.]*")  # R: x (um) is x..um.


@dataclass(frozen=True)
class Name:
    """A column's name: as it is, in plain lower case without unit, and the unit ("" if none)."""

    full: str
    base: str
    unit: str


def parse(full: str, said: str = "") -> Name:
    """Return the name of a column with its unit taken off: brackets, a slash or a suffix.

    said: its unit, where the file keeps it beside the name. Raises `PerrinError` where it is
    another than that in the name.
    """
    name = _parsed(full)
    if not said.strip():
        return name
    if name.unit and any(kind(name.unit) != kind(said) for kind in (length_unit, time_unit)):
        raise PerrinError(
            f"column {name.full!r} has the unit {said!r} beside its name: they contradict each "
            "other. Correct one of them."
        )
    return Name(name.full, name.base, name.unit or said)


def _parsed(full: str) -> Name:
    text = str(full).strip().lstrip("#%").strip()
    if text.lower() == "sec" or (len(text) > _WORD_OF_TIME and time_unit(text) in SECONDS):
        return Name(str(full), "time", text)
    for form in (_BRACKET, _GLUED, _SLASH, _SUFFIX):
        match = form.fullmatch(text)
        if match and (length_unit(match[2]) or time_unit(match[2]) or form is _BRACKET):
            base = _plain(match[1]).removesuffix("_in")
            if form is _SUFFIX and not (_axis(base) or _TIME.fullmatch(base)):
                continue
            return Name(str(full), base, match[2])
    return Name(str(full), _plain(text), "")


def _plain(text: str) -> str:
    return re.sub(r"[\s\-.°#]+", "_", text.strip().lower()).strip("_")


def _axis(base: str) -> str | None:
    match = _AXIS.fullmatch(base)
    return None if match is None else (match[1] or match[2] or "x")


def roles(names: list[Name]) -> dict[str, list[Name]]:
    """Return the columns that may be meant by each role, the likeliest first."""
    found: dict[str, list[Name]] = {}
    for name in names:
        for role in _roles_of(name):
            found.setdefault(role, []).append(name)
    for axis in "xyz":
        if axis in found:
            found[axis].sort(key=lambda name: (_in_pixels(name), len(name.base)))
    if "particle" in found:
        found["particle"].sort(key=_rank)
    return found


def _in_pixels(name: Name) -> bool:
    return length_unit(name.unit) in (None, "px")


def _rank(name: Name) -> tuple[int, bool]:
    form = next(k for k, known in enumerate(_PARTICLE) if known.fullmatch(name.base))
    return form, name.base.endswith(("name", "label"))


def _roles_of(name: Name) -> list[str]:
    base, found = name.base, []
    axis = _axis(base)
    if axis and (not name.unit or length_unit(name.unit)):
        found.append(axis)
    elif axis:
        found.append(f"odd unit of {axis}")
    if _FRAME.fullmatch(base) and time_unit(name.unit) in SECONDS:
        found.append("time")
    elif _FRAME.fullmatch(base) or (_TIME.fullmatch(base) and time_unit(name.unit) == "frame"):
        found.append("frame")
    elif _TIME.fullmatch(base):
        found.append("time")
    if any(known.fullmatch(base) for known in _PARTICLE):
        found.append("particle")
    if _GROUP.fullmatch(base):
        found.append("group")
    if match := _ERROR.fullmatch(base):
        found.append(f"{match[1] or match[2] or match[3]}_se")
    if _ERROR_OF_BOTH.fullmatch(base):
        found.append("se")
    return found
