"""What all settings have in common."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perrin.errors import PerrinError


class Settings(BaseModel):
    """Immutable settings; an unknown name or a value out of bounds is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Seed = Annotated[int, Field(ge=0, description="of all that is drawn")]
Resamples = Annotated[int, Field(ge=0, description="bootstrap resamples; 0: no intervals")]

Kind = TypeVar("Kind", bound=Settings)


def settings_from(kind: type[Kind], /, **values: Any) -> Kind:
    """Make settings of what a user gave; a value out of bounds is a `PerrinError`."""
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        said = f"{name} = {first.get('input')!r}: {message}" if name else message
        raise PerrinError(said) from error
