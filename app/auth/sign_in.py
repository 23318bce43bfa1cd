"""The use cases that hash a password.

A hash takes a quarter of a second, and on SQLite a writing unit keeps every other writer
waiting: so no unit is open while one is computed, and these functions open their own. They
block; the router runs them in the hashing threads.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from app.auth.emails import lookup_key
from app.auth.passwords import hash_password, verify
from app.auth.principal import Principal
from app.auth.schemas import PasswordChange, Registration, Tokens
from app.auth.service import TAKEN, create_user, role_of_next_user, set_password
from app.auth.sessions import forget_expired, issue
from app.core.problems import Conflict, TooManyRequests, Unauthorized, Unprocessable
from app.db.session import UnitOfWork
from app.db.tables import User
from app.resources import Resources

WRONG = "The e-mail address or the password is wrong."


def register(held: Resources, address: str, body: Registration) -> Tokens:
    """A new account, signed in. Raises Conflict or TooManyRequests."""
    wait = held.limits.register(address)
    if wait is not None:
        raise TooManyRequests("Too many registrations from this address.", wait)
    with held.database.unit(write=False) as unit:
        # A taken address is told anyway: it need not cost a hash.
        if _by_email(unit, body.email) is not None:
            raise Conflict(TAKEN)
    hashed = hash_password(body.password)
    with held.database.unit() as unit:
        role = role_of_next_user(unit, first_is_admin=held.settings.uam_first_user_is_admin)
        user = create_user(unit, name=body.name, email=body.email, password_hash=hashed, role=role)
        return issue(unit, held.settings, user)


def sign_in(held: Resources, address: str, email: str, password: str) -> Tokens:
    """Tokens for an account's password.

    Raises Unauthorized alike, and after the same work, for an unknown address, a wrong
    password and a disabled account; TooManyRequests after too many failures.
    """
    account = _limit_key(email)
    email = lookup_key(email)
    _refuse_when_blocked(held, address, account)
    with held.database.unit(write=False) as unit:
        found = _by_email(unit, email)
    proved = verify(password, found.password_hash if found else None)
    if found and proved and found.is_active:
        with held.database.unit() as unit:
            user = _by_email(unit, email)
            if user and user.is_active and user.password_hash == found.password_hash:
                forget_expired(unit, user.id)
                return issue(unit, held.settings, user)
    _count_failure(held, address, account)
    raise Unauthorized(WRONG)


def change_password(held: Resources, address: str, user: Principal, body: PasswordChange) -> None:
    """Replace one's own password; every token issued before ends, API keys stay.

    Raises Unprocessable for a wrong current password, which counts as a failed sign-in.
    """
    account = _limit_key(user.email)
    _refuse_when_blocked(held, address, account)
    with held.database.unit(write=False) as unit:
        found = _by_email(unit, user.email)
    if found is None or not verify(body.current_password, found.password_hash):
        _count_failure(held, address, account)
        where = {"location": "body.current_password", "message": "is wrong"}
        raise Unprocessable("The current password is wrong.", errors=[where])
    hashed = hash_password(body.new_password)
    with held.database.unit() as unit:
        set_password(unit, user, known=found.password_hash, new_hash=hashed)


def _by_email(unit: UnitOfWork, email: str) -> User | None:
    return unit.session.scalars(select(User).where(User.email == email)).one_or_none()


def _limit_key(email: str) -> str:
    # Hashed, so that a counter's name has a fixed length whatever was sent.
    return hashlib.sha256((lookup_key(email) or email).encode()).hexdigest()


def _refuse_when_blocked(held: Resources, address: str, account: str) -> None:
    wait = held.limits.login_blocked_for(address, account)
    if wait is not None:
        raise TooManyRequests("Too many failed sign-ins; wait before the next.", wait)


def _count_failure(held: Resources, address: str, account: str) -> None:
    # Attempts made at the same moment all passed the check before the hash; those over the
    # limit are refused here, so that never more than ten learn that they were wrong.
    if not held.limits.login_failed(address, account):
        _refuse_when_blocked(held, address, account)
