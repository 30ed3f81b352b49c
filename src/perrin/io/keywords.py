"""The keywords of every function that looks into a movie file, once for all of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import ParamSpec, TypedDict, TypeVar, get_type_hints

from perrin.io.found import Asked, Contents, Given

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class MovieKeywords(TypedDict, total=False):
    """What may be said of a movie file; `perrin.open_movie` says what each means."""

    pixel_nm: float | None
    frame_rate_hz: float | None
    frame_interval_s: float | None
    landing_sign: int | None
    dataset: str | None
    encoding: str | None
    axes: str | None
    channel: int | None
    z: int | None
    unsigned: bool
    follow_links: bool
    contents: Contents


def split(keywords: MovieKeywords) -> tuple[Asked, Given]:
    """Return what is said of the inside of the file, and the numbers."""
    numbers = {option.name for option in fields(Given)}
    given = {name: value for name, value in keywords.items() if name in numbers}
    asked = {name: value for name, value in keywords.items() if name not in numbers}
    return Asked(**asked), Given(**given)  # type: ignore[arg-type]


def takes_movie_keywords(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Let a function of ``**keywords: Unpack[MovieKeywords]`` show each in its signature."""
    own = inspect.signature(function)
    usual = {option.name: option.default for option in (*fields(Given), *fields(Asked))}
    spelled = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=usual[name], annotation=annotation
        )
        for name, annotation in get_type_hints(MovieKeywords).items()
    ]
    others = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
    signature = own.replace(parameters=[*others, *spelled])
    known = frozenset(signature.parameters)

    @functools.wraps(function)
    def checked(*args: Parameters.args, **keywords: Parameters.kwargs) -> Result:
        if not keywords.keys() <= known:
            signature.bind(*args, **keywords)  # TypeError for what is no keyword
        return function(*args, **keywords)

    checked.__signature__ = signature  # type: ignore[attr-defined]
    return checked
