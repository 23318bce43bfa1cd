"""Who is asking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.db.tables import User


@dataclass(frozen=True)
class Principal:
    """The signed-in user of a request, as read from the database when it came in."""

    id: str
    email: str
    name: str
    role: str
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Principal:
        """The principal that ``user`` is."""
        return cls(user.id, user.email, user.name, user.role, user.created_at)

    @property
    def is_admin(self) -> bool:
        """Whether the admin routes are open to this user."""
        return self.role == "admin"
