"""What a reader finds in a movie file, and the numbers once the user has added theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from perrin.errors import PerrinError
from perrin.io.movie import LazyFrames, check_landing_sign, check_positive
from perrin.io.quantities import check_bounds

RAW = "raw"
TIME_DIFFERENCE = "time-difference"
Contents = Literal["landings", "moving"]


@dataclass(frozen=True)
class Asked:
    """What the user said of the inside of a file: the options that readers act on.

    contents: "landings" for raw movies of landing molecules, "moving" for any other.
    """

    dataset: str | None = None
    encoding: str | None = None
    axes: str | None = None
    channel: int | None = None
    z: int | None = None
    unsigned: bool = False
    follow_links: bool = False
    contents: Contents = "landings"


@dataclass(frozen=True)
class Found:
    """One movie file: what it says, and by option name what it does not say.

    frames is None where the file holds several arrays and `dataset` must name one, or where
    there is a problem: a sentence, without the file's name, why nothing in it is a movie.
    asks maps an option's name to the sentence that says why it is needed. axes: one letter a
    stored axis ("?" where unnamed); axes_named: whether the format itself, or the user, says
    which axis is time. stored_shape: of the array in the file.
    """

    path: Path
    format: str
    description: str
    frames: LazyFrames | None
    axes_named: bool
    frame_interval_s: float | None = None
    pixel_nm: float | None = None
    pixel_from: str = "file"
    landing_sign: int | None = None
    instrument: str | None = None
    encoding: str | None = RAW
    details: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    asks: dict[str, str] = field(default_factory=dict)
    axes: str = ""
    stored_shape: tuple[int, ...] | None = None
    problem: str | None = None


def check_encoding(encoding: str | None) -> None:
    """Raise `PerrinError` unless `encoding` is None or the name of one."""
    if encoding not in (None, RAW, TIME_DIFFERENCE):
        raise PerrinError(f"encoding is {encoding!r}; give {RAW!r} or {TIME_DIFFERENCE!r}.")


def refuse_encoding(encoding: str | None, path: Path, kind: str) -> None:
    """Raise `PerrinError` where difference coding is asked of a format that has none."""
    if encoding == TIME_DIFFERENCE:
        raise PerrinError(
            f"{path}: encoding={TIME_DIFFERENCE!r} was given, but a {kind} movie is never "
            "difference-coded here; leave --encoding away."
        )


@dataclass(frozen=True)
class Given:
    """The numbers that the user gave for a movie; None: left to the file."""

    pixel_nm: float | None = None
    frame_rate_hz: float | None = None
    frame_interval_s: float | None = None
    landing_sign: int | None = None

    def interval_s(self) -> float | None:
        """Return the interval, s; `PerrinError` where it cannot be or contradicts the rate."""
        rate, interval = self.frame_rate_hz, self.frame_interval_s
        if interval is not None:
            interval = check_positive(interval, "frame_interval_s", "seconds")
        if rate is not None:
            rate = check_positive(rate, "frame_rate_hz", "hertz")
        if rate is not None and interval is not None and _differ(rate * interval, 1):
            raise PerrinError(
                f"frame_rate_hz {rate:g} and frame_interval_s {interval:g} contradict each other "
                f"({rate:g} a second are {1 / rate:.6g} s apart); give one of them."
            )
        interval = 1 / rate if interval is None and rate is not None else interval
        if interval is not None and (why := check_bounds(interval, "time")):
            raise PerrinError(f"{why}; check the unit of what was given.")
        return interval


@dataclass(frozen=True)
class Numbers:
    """The numbers of a movie with what the user gave, and where each came from.

    missing maps an option that must be given to why. Numbers that are missing are None.
    """

    frame_interval_s: float | None
    pixel_nm: float | None
    landing_sign: int
    sources: dict[str, str]
    notes: tuple[str, ...]
    missing: dict[str, str]


_LANDINGS_NM = (1.0, 2000.0)
_LANDINGS_S = 1.0  # from which on no movie of landings is so slow; times in milliseconds are above
_SAYS_NOTHING = "the file does not say it"
_DISAGREES = 1e-3  # relative difference at which a given value is said to contradict the file


def settle(found: Found, given: Given, *, contents: Contents = "landings") -> Numbers:
    """Combine what the file says with what the user gave, which goes first.

    Of landings: numbers of the file that no such movie has are not used, and asked for.
    Raises `PerrinError` for given values that are impossible.
    """
    notes, missing = list(found.notes), dict(found.asks)
    interval, pixel, sign = found.frame_interval_s, found.pixel_nm, found.landing_sign
    sources = {"frame_interval": "file", "pixel": found.pixel_from, "landing_sign": "file"}
    if contents == "landings":
        why = _doubts(interval, pixel)
        pixel = None if "pixel_nm" in why else pixel
        interval = None if "frame_rate_hz" in why else interval
        notes += why.values()
        missing |= {option: f"{doubt}: not used" for option, doubt in why.items()}
    told = given.interval_s()
    if told is not None:
        interval = _given_interval(told, of_landings=contents == "landings")
        sources["frame_interval"] = "given"
        missing.pop("frame_rate_hz", None)
        notes += _rate_notes(found, 1 / told)
    if given.pixel_nm is not None:
        pixel = _given_pixel(given.pixel_nm, of_landings=contents == "landings")
        sources["pixel"] = "given"
        missing.pop("pixel_nm", None)
        if found.pixel_nm is not None and _differ(pixel, found.pixel_nm):
            notes.append(
                f"a pixel of {pixel:g} nm was given and is used; the file says {found.pixel_nm:g}"
            )
    if given.landing_sign is not None:
        sources["landing_sign"] = "given"
        sign = check_landing_sign(given.landing_sign)
        if found.landing_sign not in (None, sign):
            notes.append(
                f"landing_sign {sign} was given and is used; the file says {found.landing_sign}"
            )
    elif sign is None:
        sources["landing_sign"] = "assumed"
        if contents == "landings":
            notes.append(
                "the file does not say it: landings are taken to be dark (landing_sign -1)"
            )
    if interval is None:
        missing.setdefault("frame_rate_hz", _SAYS_NOTHING)
    if pixel is None:
        missing.setdefault("pixel_nm", _SAYS_NOTHING)
    return Numbers(interval, pixel, sign or -1, sources, tuple(notes), missing)


def no_landings(interval_s: float | None, pixel_nm: float | None) -> dict[str, str]:
    """Return which numbers are of no movie of landings, by the option that gives others."""
    doubts = {"pixel_nm": _odd_pixel(pixel_nm), "frame_rate_hz": _too_slow(interval_s)}
    return {option: doubt for option, doubt in doubts.items() if doubt}


def _doubts(interval_s: float | None, pixel_nm: float | None) -> dict[str, str]:
    """The same of numbers of the file, with what opens it nevertheless."""
    doubts = no_landings(interval_s, pixel_nm).items()
    return {
        option: f"the file says {doubt}; contents='moving' opens others" for option, doubt in doubts
    }


def _odd_pixel(pixel_nm: float | None) -> str | None:
    low, high = _LANDINGS_NM
    if pixel_nm is None or low <= pixel_nm <= high:
        return None
    return f"a pixel of {pixel_nm:.6g} nm, which no movie of landings has ({low:g} to {high:g} nm)"


def _too_slow(interval_s: float | None) -> str | None:
    if interval_s is None or interval_s < _LANDINGS_S:
        return None
    return (
        f"a frame interval of {interval_s:.6g} s, which no movie of landings has (below "
        f"{_LANDINGS_S:g} s)"
    )


def _given_interval(told: float, *, of_landings: bool) -> float:
    """The interval that was given; raises `PerrinError` for one that cannot be."""
    if of_landings and (why := _too_slow(told)):
        raise PerrinError(
            f"what was given is {why}. In milliseconds? Then it is {told / 1e3:g} s; in kilohertz, "
            f"{1e3 / told:g} frames a second."
        )
    return told


def _given_pixel(given: float, *, of_landings: bool) -> float:
    """The pixel that was given; raises `PerrinError` for one that cannot be."""
    pixel = check_positive(given, "pixel_nm", "nanometers")
    if why := check_bounds(pixel, "length"):
        raise PerrinError(f"{why}; check the unit of what was given.")
    low, high = _LANDINGS_NM
    if not of_landings or low <= pixel <= high:
        return pixel
    meant = f" In micrometers? Then it is {pixel * 1e3:g} nm." if low <= pixel * 1e3 <= high else ""
    raise PerrinError(
        f"--pixel-nm {pixel:g}: no movie of landings has a pixel of {pixel:g} nm ({low:g} to "
        f"{high:g} nm have some; contents='moving' opens others).{meant}"
    )


def _differ(given: float, found: float) -> bool:
    return abs(given / found - 1) > _DISAGREES


def _rate_notes(found: Found, rate: float) -> list[str]:
    if found.frame_interval_s is None or not _differ(rate * found.frame_interval_s, 1):
        return []
    note = (
        f"{rate:g} frames/s were given and are used; the file says {1 / found.frame_interval_s:g}"
    )
    camera = found.details.get("camera_rate_hz")
    if camera and not _differ(rate, camera):
        note += f" (the camera ran at {camera:g}, but stored frames are binned: is that meant?)"
    return [note]
