"""What one API process holds open, as its services are given it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Workers use services, too, and none of these: they are not to wait for them.
    from app.config import Settings
    from app.core.afterwards import Afterwards
    from app.core.limits import RateLimits
    from app.core.sandbox_pool import PredictorPool
    from app.db.session import Database
    from app.storage.base import Storage


@dataclass(frozen=True)
class Resources:
    """What one API process holds open; ``probe`` is for those who ask how the database is."""

    settings: Settings
    database: Database
    probe: Database
    storage: Storage
    limits: RateLimits
    predictors: PredictorPool
    afterwards: Afterwards
