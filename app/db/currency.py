"""Whether the database is at the schema that this code knows: what works on it asks first.

While an installation is upgraded, processes of two versions are there. One that works without
being asked, a worker or a beat, would write by rules that no longer hold, and sweep what it
does not know of: it leaves everything alone until the schema is its own.
"""

from __future__ import annotations

import logging
import threading

from app.db.revisions import current_revision, head_revision, is_known
from app.db.session import Database

logger = logging.getLogger(__name__)


class SchemaCheck:
    """Compares the schema of a database with that of this code, and says once when they part."""

    def __init__(self, database: Database, who: str) -> None:
        """``who`` is the part that asks, as its log is to name it."""
        self._database = database
        self._who = who
        self._told: str | None = head_revision()
        self._lock = threading.Lock()

    def fits(self) -> bool:
        """Whether the database is at this code's schema now. Raises SQLAlchemy's errors."""
        with self._database.unit(write=False) as unit:
            at = current_revision(unit.session.connection())
        with self._lock:
            if at != self._told:
                self._told = at
                self._tell(at)
        return at == head_revision()

    def _tell(self, at: str | None) -> None:
        if at == head_revision():
            logger.warning("%s: the database is at revision %s: it works again", self._who, at)
        elif is_known(at):
            logger.warning(
                "%s: the database is at revision %s and this version needs %s: it waits for uam migrate",
                self._who,
                at,
                head_revision(),
            )
        else:
            logger.warning(
                "%s: the database is at revision %s, which this version does not know: "
                "it leaves the work to a newer one",
                self._who,
                at,
            )
