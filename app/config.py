"""Settings, read once from the environment and ``.env``: the only place that reads them."""

from __future__ import annotations

import os
import secrets
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MIN_SECRET_BYTES = 32
EXAMPLE_SECRETS = frozenset({"<strong-secret>", "changeme", "change-me", "secret", "changethis"})


class ConfigurationError(Exception):
    """A setting is missing or wrong; the message is one line that names it."""


def _default_home() -> Path:
    data_home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data_home) / "uam"


class Settings(BaseSettings):
    """Every setting of UAM. What is not named is embedded under ``UAM_HOME``."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    database_url: str = ""
    redis_url: str = ""

    minio_endpoint: str = ""
    minio_access_key: str = ""
    minio_secret_key: SecretStr = SecretStr("")
    minio_bucket: str = "artifacts"
    minio_secure: bool = False
    minio_public_endpoint: str = ""

    secret_key: SecretStr = SecretStr("")
    algorithm: Literal["HS256", "HS384", "HS512"] = "HS256"
    access_token_expire_minutes: int = Field(default=30, ge=1, le=1440)
    refresh_token_expire_days: int = Field(default=14, ge=1, le=365)

    uam_home: Path = Field(default_factory=_default_home)
    cors_origins: Annotated[list[str], NoDecode] = Field(default_factory=list)
    max_upload_mb: int = Field(default=1024, ge=1)
    max_concurrent_runs: int = Field(default=3, ge=1)
    presign_expiry_seconds: int = Field(default=3600, ge=1, le=604_800)
    predict_sync_max_rows: int = Field(default=100_000, ge=1)
    uam_first_user_is_admin: bool = False

    lease_seconds: float = Field(
        default=30.0, ge=1.0, validation_alias=AliasChoices("UAM_LEASE_SECONDS", "lease_seconds")
    )
    stage_timeout_seconds: float = Field(
        default=7200.0,
        ge=10.0,
        validation_alias=AliasChoices("UAM_STAGE_TIMEOUT_SECONDS", "stage_timeout_seconds"),
    )
    child_memory_mb: int = Field(
        default=0, ge=0, validation_alias=AliasChoices("UAM_CHILD_MEMORY_MB", "child_memory_mb")
    )
    read_memory_mb: int = Field(
        default=1024, ge=256, validation_alias=AliasChoices("UAM_READ_MEMORY_MB", "read_memory_mb")
    )
    worker_slots: int = Field(
        default=2, ge=1, le=64, validation_alias=AliasChoices("UAM_WORKER_SLOTS", "worker_slots")
    )

    metrics_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        validation_alias=AliasChoices("UAM_METRICS_PORT", "metrics_port"),
    )

    fail: str = Field(default="", validation_alias=AliasChoices("UAM_FAIL", "fail"))

    sentry_dsn: str = ""
    log_format: Literal["json", "console"] = "console"
    llm_base_url: str = ""
    llm_api_key: SecretStr = SecretStr("")
    llm_model: str = ""
    compute_url: str = ""

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not value:
            return value
        scheme, separator, rest = value.partition("://")
        if not separator:
            raise ValueError("must be a URL such as postgresql://user:password@host/name")
        if scheme in {"postgres", "postgresql", "postgresql+psycopg"}:
            return f"postgresql+psycopg://{rest}"
        if scheme == "sqlite":
            return value
        raise ValueError(f"{scheme}:// is not supported; use postgresql:// or sqlite:///")

    @field_validator("redis_url")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("compute_url")
    @classmethod
    def _known_compute(cls, value: str) -> str:
        if value and (urlsplit(value).scheme != "dask" or urlsplit(value).port is None):
            raise ValueError("must be dask://host:port")
        if value and find_spec("distributed") is None:
            raise ValueError("needs the extra 'dask' of UAM: pip install 'uam[dask]'")
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator("uam_home")
    @classmethod
    def _absolute_home(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        if self.minio_endpoint and not (
            self.minio_access_key and self.minio_secret_key.get_secret_value()
        ):
            raise ValueError("MINIO_ENDPOINT needs MINIO_ACCESS_KEY and MINIO_SECRET_KEY")
        secret = self.secret_key.get_secret_value()
        if self.is_postgres or secret:
            weak = (
                len(secret.encode()) < MIN_SECRET_BYTES
                or secret.lower() in EXAMPLE_SECRETS
                or len(set(secret)) < 8
                or "example" in secret.lower()
            )
            if weak:
                raise ValueError(
                    f"SECRET_KEY must be set to at least {MIN_SECRET_BYTES} random bytes, not an "
                    "example's (try: openssl rand -hex 32)"
                )
        return self

    @property
    def is_postgres(self) -> bool:
        """Whether the database is PostgreSQL (else the embedded SQLite)."""
        return self.database_url.startswith("postgresql")

    @property
    def sqlalchemy_url(self) -> str:
        """The database's URL for SQLAlchemy; SQLite under ``UAM_HOME`` when none is named."""
        return self.database_url or f"sqlite:///{self.uam_home / 'uam.db'}"

    @property
    def unused(self) -> list[str]:
        """Settings that are set but that this version does not use yet."""
        return ["LLM_BASE_URL"] if self.llm_base_url else []

    @property
    def link_origin(self) -> str:
        """The origin of signed links, such as ``https://files.example.org``; empty where they
        lead to UAM itself."""
        host = self.minio_public_endpoint or self.minio_endpoint
        if not host:
            return ""
        return host if "://" in host else f"http{'s' if self.minio_secure else ''}://{host}"

    @property
    def stall_seconds(self) -> float:
        """How long a child of a worker may stand still: five leases."""
        return 5 * self.lease_seconds

    @property
    def max_upload_bytes(self) -> int:
        """The largest upload accepted, in bytes."""
        return self.max_upload_mb * 1024 * 1024

    @cached_property
    def signing_key(self) -> str:
        """The key that signs tokens, links and models.

        Without ``SECRET_KEY`` one is made once and kept in ``UAM_HOME/secret_key`` (mode 0600).
        """
        named = self.secret_key.get_secret_value()
        if named:
            return named
        path = self.uam_home / "secret_key"
        self.uam_home.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            kept = path.read_text().strip()
            if len(kept.encode()) < MIN_SECRET_BYTES:
                raise ConfigurationError(
                    f"{path} is too short; delete it and start again"
                ) from None
            return kept
        key = secrets.token_hex(MIN_SECRET_BYTES)
        with os.fdopen(descriptor, "w") as file:
            file.write(key + "\n")
        return key


def load_settings() -> Settings:
    """Read the environment afresh. Raises :class:`ConfigurationError` naming what is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]).upper()
        message = str(first["msg"]).removeprefix("Value error, ")
        raise ConfigurationError(f"{name}: {message}" if name else message) from None


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process's settings, read at the first call."""
    return load_settings()
