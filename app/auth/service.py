"""Accounts: making them, changing them, and making administrators."""

from __future__ import annotations

import secrets

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.auth.emails import normalise
from app.auth.passwords import hash_password
from app.auth.principal import Principal
from app.auth.sessions import end_all
from app.core.problems import Conflict, Unauthorized
from app.db.session import UnitOfWork
from app.db.tables import DEFAULT_PROJECT, Project, User, new_id

TAKEN = "There is already an account with this e-mail address."
# Any number; it makes two first registrations at the same moment take turns.
_FIRST_USER_LOCK = 7_203_519


def create_user(
    unit: UnitOfWork, *, name: str, email: str, password_hash: str, role: str = "user"
) -> User:
    """A new account with its ``Default`` project. Raises :class:`Conflict` for a taken e-mail."""
    now = unit.now()
    user = User(
        id=new_id(),
        name=name,
        email=email,
        password_hash=password_hash,
        role=role,
        is_active=True,
        token_version=0,
        created_at=now,
    )
    unit.session.add(user)
    try:
        unit.session.flush()
    except IntegrityError:
        raise Conflict(TAKEN) from None
    unit.session.add(
        Project(id=new_id(), user_id=user.id, name=DEFAULT_PROJECT, description="", created_at=now)
    )
    return user


def role_of_next_user(unit: UnitOfWork, *, first_is_admin: bool) -> str:
    """``admin`` for the first account of an installation whose operator asked for that."""
    if not first_is_admin:
        return "user"
    if unit.session.get_bind().dialect.name == "postgresql":
        unit.session.execute(select(func.pg_advisory_xact_lock(_FIRST_USER_LOCK)))
    anybody = unit.session.scalar(select(User.id).limit(1))
    return "user" if anybody else "admin"


def rename(unit: UnitOfWork, principal: Principal, name: str) -> User:
    """Change one's own name. Raises :class:`Unauthorized` when the account has just gone."""
    user = _own_row(unit, principal)
    user.name = name
    return user


def set_password(unit: UnitOfWork, principal: Principal, *, known: str, new_hash: str) -> None:
    """Replace the hash ``known``, that the caller proved, and end every token issued before.

    Raises :class:`Unauthorized` when the account, or its password, changed meanwhile.
    """
    user = _own_row(unit, principal)
    if user.password_hash != known:
        raise Unauthorized()
    user.password_hash = new_hash
    end_all(unit, user)


def _own_row(unit: UnitOfWork, principal: Principal) -> User:
    statement = select(User).where(User.id == principal.id).with_for_update()
    user = unit.session.scalars(statement).one_or_none()
    if user is None:
        raise Unauthorized()
    return user


def make_admin(
    unit: UnitOfWork, email: str, password: str | None = None
) -> tuple[User, str | None]:
    """Make ``email`` an active administrator; returns the account and a generated password.

    An existing account is promoted and keeps its password, so the second value is ``None``
    then, as it is when ``password`` was given. Raises ``ValueError`` when ``email`` is no
    address.
    """
    address = normalise(email)
    user = unit.session.scalars(select(User).where(User.email == address)).one_or_none()
    if user is not None:
        if user.role != "admin":
            user.role = "admin"
            end_all(unit, user)
        user.is_active = True
        return user, None
    generated = None if password else secrets.token_urlsafe(15)
    user = create_user(
        unit,
        name=address.partition("@")[0][:100],
        email=address,
        password_hash=hash_password(password or generated or ""),
        role="admin",
    )
    return user, generated
