"""How many runs there are in each state, counted when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from app.db.session import Database
from app.db.tables import Run
from app.runs.states import TERMINAL, UNFINISHED


def count_runs(database: Database) -> dict[str, int]:
    """How many runs there are of each status that occurs."""
    with database.unit(write=False) as unit:
        rows = unit.session.execute(select(Run.status, func.count()).group_by(Run.status)).all()
    return {str(row[0]): int(row[1]) for row in rows}


class RunCounts(Collector):
    """``uam_runs_total`` and ``uam_runs_unfinished``, by status."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The two families."""
        for name, text, statuses in (
            ("uam_runs_total", "Runs that are stored, by status.", (*UNFINISHED, *TERMINAL)),
            ("uam_runs_unfinished", "Runs that have not ended, by status.", UNFINISHED),
        ):
            family = GaugeMetricFamily(name, text, labels=["status"])
            for status in statuses:
                family.add_metric([status], self._counts.get(status, 0))
            yield family
