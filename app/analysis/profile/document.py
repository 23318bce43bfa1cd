"""The profile of a dataset, computed in one pass over its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.analysis.charts.spec import plain
from app.analysis.errors import BadOption
from app.analysis.profile.alerts import Alert, ranked
from app.analysis.profile.associations import Associations, associations
from app.analysis.profile.columns import columns_of, room_for
from app.analysis.profile.duplicates import Fingerprints, count_duplicates
from app.analysis.profile.facts import Facts, column_facts
from app.analysis.profile.rules import column_alerts, missing_together, table_alerts
from app.analysis.profile.source import Array, Table
from app.analysis.profile.target_rules import pair_alerts, target_alerts
from app.analysis.profile.time_drift import clock_of, drift_over_time
from app.analysis.profile.time_rules import drift_alerts
from app.analysis.progress import Progress
from app.analysis.schema import Column

SAMPLE_ROWS = 50_000
"""Rows on which associations and charts by group rest; a table that is smaller is taken whole."""


@dataclass(frozen=True, slots=True)
class Profile:
    """``document`` is ``profile.json``; ``facts`` are the columns with their sampled rows.

    ``sampled`` is the number of rows in the sample, or ``None`` when it is the whole table.
    """

    document: dict[str, Any]
    facts: list[Facts]
    rows: int
    sampled: int | None
    target: Facts | None


def compute(
    source: str | Path,
    columns: Sequence[Column],
    *,
    dataset: Mapping[str, Any],
    target: str | None,
    seed: int,
    progress: Progress,
    memory_mb: int | None = None,
) -> Profile:
    """The profile of the Parquet file ``source``.

    The process is to take ``memory_mb`` at most, unless that is ``None``: what does not fit is
    read batch by batch and sorted in the temporary directory, with the same figures.

    Raises :class:`BadOption` when ``target`` is no column and ``BadTable`` when the file does
    not hold what ``columns`` says.
    """
    if target is not None and target not in {column.name for column in columns}:
        raise BadOption("The target is not a column of this table.", option="target")
    table = Table(source, columns)
    sample = _sample(table.rows, seed)
    room = room_for(memory_mb)
    facts, suspected = _read(table, sample, room, progress)
    duplicates = count_duplicates(source, columns, table.rows, room) if suspected else 0
    aim = next((f for f in facts if f.name == target), None)
    related = associations(facts, target)
    drift = drift_over_time(facts, target)
    alerts = _alerts(facts, aim, related, drift, table.rows, duplicates)
    progress(0.9)
    document = {
        "dataset": _dataset(dataset, table.rows, facts, duplicates),
        "target": target,
        "columns": [f.profile for f in facts],
        "associations": related.listed,
        "dependencies": related.dependencies,
        "clusters": related.clusters,
        "drift": drift,
        "alerts": [alert.to_json() for alert in alerts],
        "sampling": _sampling(related, table.rows, sample, seed),
    }
    return Profile(plain(document), facts, table.rows, None if sample is None else len(sample), aim)


def _sample(rows: int, seed: int) -> Array | None:
    """The rows of the sample in file order, or ``None`` for all."""
    if rows <= SAMPLE_ROWS:
        return None
    drawn = np.random.default_rng(seed).choice(rows, SAMPLE_ROWS, replace=False, shuffle=False)
    return np.sort(drawn)


def _read(
    table: Table, sample: Array | None, room: int | None, progress: Progress
) -> tuple[list[Facts], int]:
    """The facts of every column, and how many rows may be duplicates."""
    facts: list[Facts] = []
    prints = Fingerprints(table.rows if table.columns else 0, room)
    for values in columns_of(table, sample, room):
        facts.append(column_facts(values, sample))
        prints.add(values, facts[-1].profile["distinct"])
        progress(0.8 * len(facts) / len(table.columns))
    return facts, prints.suspected()


def _alerts(
    facts: Sequence[Facts],
    target: Facts | None,
    related: Associations,
    drift: Mapping[str, Any] | None,
    rows: int,
    duplicates: int,
) -> list[Alert]:
    found = list(table_alerts(rows, facts, duplicates))
    if rows:
        found += [alert for f in facts for alert in column_alerts(f, rows)]
        found += missing_together(facts, rows)
        found += pair_alerts(related, target.name if target else None)
        found += drift_alerts(drift, target.name if target else None)
        found += target_alerts(target, facts, related.listed, rows, clock_of(facts))
    return ranked(found)


def _dataset(
    dataset: Mapping[str, Any], rows: int, facts: Sequence[Facts], duplicates: int
) -> dict[str, Any]:
    missing = sum(f.profile["missing"] for f in facts)
    return {
        "name": dataset.get("name"),
        "rows": rows,
        "cols": len(facts),
        "size_bytes": dataset.get("size_bytes"),
        "missing_cells": missing,
        "missing_share": missing / (rows * len(facts)) if rows and facts else 0.0,
        "duplicate_rows": duplicates,
    }


def _sampling(related: Associations, rows: int, sample: Array | None, seed: int) -> dict[str, Any]:
    """What rests on a sample or was left out, so that nobody takes it for the whole."""
    return {
        "columns": "every figure of a column rests on all rows, unless it says otherwise",
        "associations_rows": rows if sample is None else len(sample),
        "associations_rows_total": rows,
        "associations_columns": related.columns_used,
        "associations_columns_left_out": related.columns_left_out,
        "associations_pairs_left_out": related.pairs_left_out,
        "seed": seed,
    }
