"""What all settings have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perrin.errors import PerrinError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Settings(BaseModel):
    """Immutable settings; an unknown name or a value out of bounds is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Seed = Annotated[int, Field(ge=0, description="of all that is drawn")]
Resamples = Annotated[int, Field(ge=0, description="bootstrap resamples; 0: no intervals")]

Kind = TypeVar("Kind", bound=Settings)


def settings_from(
    kind: type[Kind], /, *, named: Callable[[str], str] | None = None, **values: Any
) -> Kind:
    """Make settings of what a user gave; a value out of bounds is a `PerrinError`.

    `named` returns what the user calls a setting.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        said = what_is_wrong(first)
        if name and named is None:
            said = f"{name} = {first.get('input')!r}: {said}"
        elif name and named is not None:
            said = f"{named(name)} {_shown(first.get('input'))}: {said}"
        raise PerrinError(said) from error


_BOUNDS = {
    "greater_than": ("gt", "must be above {}"),
    "greater_than_equal": ("ge", "must be {} or more"),
    "less_than": ("lt", "must be below {}"),
    "less_than_equal": ("le", "must be {} or less"),
    "literal_error": ("expected", "must be {}"),
    "enum": ("expected", "must be {}"),
}
_TYPES = {
    "finite_number": "must be a number that is not infinite",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
}


def what_is_wrong(problem: ErrorDetails) -> str:
    """Return what is wrong with a value, in words for people, from one of pydantic's errors."""
    kind = problem["type"]
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return words.format(_shown(problem["ctx"][bound]).replace("'", ""))
    return _TYPES.get(kind, problem["msg"].removeprefix("Value error, "))


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
