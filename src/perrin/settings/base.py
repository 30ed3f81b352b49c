"""What all settings have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Immutable settings; an unknown name or a value out of bounds is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
