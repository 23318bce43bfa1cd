"""What goes in and out of the Admin routes."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from app.auth.schemas import Role, UserOut
from app.web import Body, UtcTime

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class AccountOut(UserOut):
    """An account as an administrator sees it."""

    is_active: bool


class AccountChange(Body):
    """What to change of an account; what is not named stays."""

    # Factories, so that the schema shows no default: what is not named is not changed.
    role: Role = Field(default_factory=lambda: "user")
    is_active: StrictBool = Field(default_factory=lambda: True)


class StorageUse(BaseModel):
    """Where objects live, and the bytes that datasets and artifacts take there."""

    backend: Literal["local", "s3"]
    bucket: str
    bytes: int


class Stats(BaseModel):
    """What the installation holds. ``runs`` counts by status, ``runs_total`` all of them."""

    users: int
    users_active: int
    projects: int
    datasets: int
    datasets_bytes: int
    runs: dict[str, int]
    runs_total: int
    artifacts: int
    artifacts_bytes: int
    models: int
    storage: StorageUse


class LogOut(BaseModel):
    """One log line; ``run_id`` is null for the system's own."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    run_id: str | None
    timestamp: UtcTime
    level: str
    message: str
    request_id: str | None
