"""Sign-ins that last: refresh tokens in families, each token spent when it is used.

One sign-in is one family. Ending the family (sign-out, a spent token that comes back) ends
its access tokens too, because :func:`user_of` asks whether the family still stands.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import CursorResult, bindparam, delete, exists, select, update

from app.auth.schemas import Tokens, UserOut
from app.auth.tokens import Claims, encode
from app.config import Settings
from app.db.session import UnitOfWork
from app.db.tables import RefreshToken, User, new_id

_FAMILY = exists().where(
    RefreshToken.family_id == bindparam("family"), RefreshToken.user_id == User.id
)
# Built once: every request asks it.
_STANDING = select(User).where(
    User.id == bindparam("user"),
    User.is_active.is_(True),
    User.token_version == bindparam("version"),
    # One revoked token ends its family, a token issued at that very moment included.
    _FAMILY,
    ~_FAMILY.where(RefreshToken.revoked_at.is_not(None)),
)


def issue(unit: UnitOfWork, settings: Settings, user: User, family_id: str | None = None) -> Tokens:
    """A new pair of tokens, in a new family unless one is named."""
    now = unit.now()
    row = RefreshToken(
        id=new_id(),
        user_id=user.id,
        family_id=family_id or new_id(),
        created_at=now,
        expires_at=now + timedelta(days=settings.refresh_token_expire_days),
    )
    unit.session.add(row)
    refresh = Claims(user.id, row.id, row.family_id, user.token_version)
    access = Claims(user.id, new_id(), row.family_id, user.token_version)
    minutes = timedelta(minutes=settings.access_token_expire_minutes)
    days = timedelta(days=settings.refresh_token_expire_days)
    return Tokens(
        access_token=encode(settings, access, "access", minutes),
        refresh_token=encode(settings, refresh, "refresh", days),
        expires_in=int(minutes.total_seconds()),
        user=UserOut.model_validate(user),
    )


def user_of(unit: UnitOfWork, claims: Claims) -> User | None:
    """The user for whom a token still stands; ``None`` when what it rests on has ended."""
    asked = {"user": claims.user_id, "version": claims.version, "family": claims.family_id}
    return unit.session.scalars(_STANDING, asked).one_or_none()


def rotate(unit: UnitOfWork, settings: Settings, claims: Claims) -> Tokens | None:
    """Spend a refresh token for a new pair.

    ``None`` when it is refused. One that was spent before takes its whole family with it:
    either the caller or somebody else holds a stolen copy. The unit is to be committed in
    both cases.
    """
    user = user_of(unit, claims)
    if user is None:
        return None
    spent = unit.session.execute(
        update(RefreshToken)
        .where(RefreshToken.id == claims.token_id, RefreshToken.spent_at.is_(None))
        .values(spent_at=unit.now())
    )
    assert isinstance(spent, CursorResult)
    if spent.rowcount != 1:
        end_family(unit, user.id, claims.family_id)
        return None
    return issue(unit, settings, user, claims.family_id)


def end_family(unit: UnitOfWork, user_id: str, family_id: str) -> None:
    """Revoke one sign-in of a user: its refresh tokens, and with them its access tokens."""
    unit.session.execute(
        update(RefreshToken)
        .where(
            RefreshToken.family_id == family_id,
            RefreshToken.user_id == user_id,
            RefreshToken.revoked_at.is_(None),
        )
        .values(revoked_at=unit.now())
    )


def end_all(unit: UnitOfWork, user: User) -> None:
    """End every token of a user that was ever issued."""
    user.token_version += 1
    unit.session.execute(
        update(RefreshToken)
        .where(RefreshToken.user_id == user.id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=unit.now())
    )


def forget_expired(unit: UnitOfWork, user_id: str) -> None:
    """Drop a user's refresh tokens that have expired: nothing rests on them any more."""
    unit.session.execute(
        delete(RefreshToken).where(
            RefreshToken.user_id == user_id,
            RefreshToken.expires_at < unit.now() - timedelta(days=1),
        )
    )
