"""API keys: long-lived, shown once, kept as their SHA-256 alone.

A key has 256 random bits, so a plain hash cannot be reversed by guessing, and one look-up
finds its row.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import timedelta

from sqlalchemy import Select, or_, select, update
from sqlalchemy.exc import OperationalError

from app.auth.principal import Principal
from app.core.problems import NotFound
from app.db.session import Database, UnitOfWork
from app.db.tables import ApiKey, User, new_id

logger = logging.getLogger(__name__)

PREFIX = "uam_"
USED_AT_MOST_EVERY = timedelta(minutes=1)


def owned_keys(user: Principal) -> Select[ApiKey]:
    """The user's keys, newest first."""
    return (
        select(ApiKey)
        .where(ApiKey.user_id == user.id)
        .order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    )


def create_key(
    unit: UnitOfWork, user: Principal, name: str, expires_in_days: int | None
) -> tuple[ApiKey, str]:
    """A new key's row, and the key itself, which is not kept."""
    key = PREFIX + secrets.token_urlsafe(32)
    now = unit.now()
    row = ApiKey(
        id=new_id(),
        user_id=user.id,
        name=name,
        key_hash=_digest(key),
        created_at=now,
        expires_at=now + timedelta(days=expires_in_days) if expires_in_days else None,
    )
    unit.session.add(row)
    return row, key


def delete_key(unit: UnitOfWork, user: Principal, key_id: str) -> None:
    """End a key of the user's. Raises :class:`NotFound`."""
    row = unit.session.scalars(owned_keys(user).where(ApiKey.id == key_id)).one_or_none()
    if row is None:
        raise NotFound("API key")
    unit.session.delete(row)


def user_of_key(database: Database, key: str) -> User | None:
    """The active user whose unexpired key this is; notes the use, at most once a minute."""
    with database.unit(write=False) as unit:
        now = unit.now()
        statement = (
            select(ApiKey, User)
            .join(User, User.id == ApiKey.user_id)
            .where(
                ApiKey.key_hash == _digest(key),
                User.is_active.is_(True),
                or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
            )
        )
        found = unit.session.execute(statement).one_or_none()
    if found is None:
        return None
    row, user = found
    if row.last_used_at is None or row.last_used_at <= now - USED_AT_MOST_EVERY:
        _note_use(database, row.id)
    return user


def _note_use(database: Database, key_id: str) -> None:
    try:
        with database.unit() as unit:
            unit.session.execute(
                update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=unit.now())
            )
    except OperationalError as error:
        # The request itself may need no write at all; it shall not fail for this note.
        logger.warning("the use of an API key could not be noted: %s", type(error).__name__)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
