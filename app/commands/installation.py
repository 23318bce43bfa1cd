"""``uam migrate`` and ``uam admin create``, and what ``uam serve`` prepares before it starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from app.commands.failures import WorkFailed, WrongUsage
from app.config import ConfigurationError, Settings, load_settings
from app.db.migrate import migrate
from app.db.session import Database
from app.storage.errors import StorageError
from app.storage.factory import open_storage


def settings_or_exit() -> Settings:
    """The settings. Raises :class:`WrongUsage` with the one line that names what is wrong."""
    try:
        settings = load_settings()
        _ = settings.signing_key
    except ConfigurationError as error:
        raise WrongUsage(f"configuration: {error}") from None
    except OSError as error:
        raise WrongUsage(f"configuration: UAM_HOME: {error.strerror}") from None
    return settings


@contextmanager
def answering() -> Iterator[None]:
    """Turn a database or storage that does not answer into one line and exit code 1."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or type(error).__name__)
        raise WorkFailed(f"the database does not answer: {cause.splitlines()[0]}") from None
    except StorageError as error:
        raise WorkFailed(f"the storage does not answer: {error}") from None


def prepare(settings: Settings | None = None) -> None:
    """Bring the database to this version's schema, and make the bucket where there is none."""
    settings = settings or settings_or_exit()
    database = Database(settings)
    with answering():
        revision = migrate(database)
        try:
            open_storage(settings).ensure_bucket()
        except ConfigurationError as error:
            raise WrongUsage(f"configuration: {error}") from None
    database.dispose()
    print(f"uam: the database is at revision {revision}", flush=True)


def create_admin(email: str) -> None:
    """Make or promote an administrator; a new account's password is printed once."""
    # Alone in needing accounts: nobody else who starts is to wait for them.
    from app.auth.service import make_admin

    settings = settings_or_exit()
    database = Database(settings)
    with answering():
        migrate(database)
        try:
            with database.unit() as unit:
                user, password = make_admin(unit, email)
        except ValueError as error:
            raise WrongUsage(f"admin create: {error}") from None
    database.dispose()
    if password is None:
        print(f"{user.email} is an administrator")
    else:
        print(f"{user.email} is an administrator; its password, shown once: {password}")
