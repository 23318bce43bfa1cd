"""What goes in and out of the Projects routes."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.auth.schemas import Name
from app.web import Body, UtcTime


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


Description = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_storable)]


class ProjectNew(Body):
    """A new project."""

    name: Name
    description: Description = ""


class ProjectChange(Body):
    """What to change of a project; what is not named stays."""

    # Factories, so that the schema shows no default: what is not named is not changed.
    name: Name = Field(default_factory=str)
    description: Description = Field(default_factory=str)


class ProjectOut(BaseModel):
    """A project."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    description: str
    created_at: UtcTime
