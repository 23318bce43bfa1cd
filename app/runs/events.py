"""A run's events, numbered in the order of their commits, and the bell that announces them."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import update

from app.config import get_settings
from app.core.errands import Errands
from app.core.queue import CHANNEL
from app.db.session import UnitOfWork
from app.db.tables import Log, Run, new_id

if TYPE_CHECKING:
    import redis

logger = logging.getLogger(__name__)

Kind = Literal["log", "status", "leaderboard"]

_ringing = Errands("bell")


def emit(
    unit: UnitOfWork,
    run_id: str,
    kind: Kind,
    message: str = "",
    *,
    level: str = "INFO",
    data: dict[str, Any] | None = None,
) -> None:
    """Append an event to a run; does nothing when the run is gone.

    The number is taken by an UPDATE of the run's row, which holds the row until the commit:
    numbers are without gaps and are seen in their order.
    """
    numbered = unit.session.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(event_seq=Run.event_seq + 1)
        .returning(Run.event_seq, Run.request_id)
        .execution_options(synchronize_session=False)
    ).first()
    if numbered is None:
        return
    unit.session.add(
        Log(
            id=new_id(),
            run_id=run_id,
            seq=numbered.event_seq,
            event=kind,
            level=level,
            message=message,
            data_json=data,
            request_id=numbered.request_id,
            timestamp=unit.now(),
        )
    )
    if kind == "log":
        number = getattr(logging, level, logging.INFO)
        logger.log(number, "run %s: %s", run_id, message, extra={"run_id": run_id})
    unit.after_commit(lambda: _ringing.leave(run_id, lambda: _ring(run_id)))


def emit_status(unit: UnitOfWork, run: Run) -> None:
    """Append the run's present state as a ``status`` event."""
    emit(
        unit,
        run.id,
        "status",
        run.status,
        data={
            "run_id": run.id,
            "status": run.status,
            "current_task": run.current_task,
            "progress": round(run.progress, 1),
            "error": run.error,
        },
    )


@lru_cache(maxsize=1)
def _bell() -> redis.Redis | None:
    url = get_settings().redis_url
    if not url:
        return None
    import redis

    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)


def _ring(run_id: str) -> None:
    """Tell whoever watches; they would find out by themselves a little later."""
    bell = _bell()
    if bell is None:
        return
    from redis import RedisError

    try:
        bell.publish(CHANNEL, run_id)
    except RedisError:
        logger.debug("nobody could be told of run %s", run_id)
