"""Two tables beside each other: what became of the columns, and of what they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.analysis.charts.spec import plain
from app.analysis.charts.style import percent
from app.analysis.profile.alerts import listed
from app.analysis.profile.column_change import ColumnChange, column_change
from app.analysis.profile.columns import pairs_of, room_for
from app.analysis.profile.drift import (
    CHANCE,
    FEWEST_ROWS,
    MISSING_POINTS,
    MODERATE_PSI,
    STRONG_PSI,
    corrected,
    verdict,
)
from app.analysis.profile.source import Table
from app.analysis.progress import Progress
from app.analysis.schema import Column

_ORDER = {"strong": 0, "moderate": 1, "too_few_rows": 2, "none": 3}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two tables: its Parquet file, its schema, and its name for people."""

    source: str | Path
    columns: Sequence[Column]
    name: str


def compare(
    first: Side, second: Side, progress: Progress, memory_mb: int | None = None
) -> dict[str, Any]:
    """What changed from ``first`` to ``second``, as ``compare.json`` holds it.

    Columns are matched by name. The process is to take ``memory_mb`` at most, unless that is
    ``None``: what does not fit is read batch by batch and sorted in the temporary directory, with
    the same figures; only strings that find no room are matched by hashes, which is told. Raises ``BadTable`` when a file does not hold what its schema
    says.
    """
    after = {column.name: column for column in second.columns}
    common = [column for column in first.columns if column.name in after]
    tables = (
        Table(first.source, common),
        Table(second.source, [after[column.name] for column in common]),
    )
    changes = []
    for left, right in pairs_of(*tables, room_for(memory_mb)):
        changes.append(column_change(left, right))
        progress(0.95 * len(changes) / len(common))
    columns = _judged(changes)
    schema = _schema(first.columns, second.columns)
    rows = (tables[0].rows, tables[1].rows)
    document = {
        "a": {"name": first.name, "rows": rows[0], "cols": len(first.columns)},
        "b": {"name": second.name, "rows": rows[1], "cols": len(second.columns)},
        "summary": _summary(schema, columns, rows),
        "schema": schema,
        "columns": columns,
        "method": {
            "moderate_psi": MODERATE_PSI,
            "strong_psi": STRONG_PSI,
            "p_corrected_below": CHANCE,
            "correction": "holm",
            "tests": sum(len(change.p_values) for change in changes),
            "fewest_rows": FEWEST_ROWS,
            "missing_points": MISSING_POINTS,
        },
    }
    found: dict[str, Any] = plain(document)
    return found


def _schema(before: Sequence[Column], after: Sequence[Column]) -> dict[str, Any]:
    old, new = ({c.name: c.type for c in columns} for columns in (before, after))
    kept_before = [c.name for c in before if c.name in new]
    kept_after = [c.name for c in after if c.name in old]
    found = {
        "added": [{"name": c.name, "type": c.type} for c in after if c.name not in old],
        "removed": [{"name": c.name, "type": c.type} for c in before if c.name not in new],
        "retyped": [
            {"name": name, "before": old[name], "after": new[name]}
            for name in kept_before
            if old[name] != new[name]
        ],
        "reordered": kept_before != kept_after,
    }
    return {"same": not any(found.values()), **found}


def _judged(changes: Sequence[ColumnChange]) -> list[dict[str, Any]]:
    """The entries of all columns, the strongest change first; p-values are corrected together."""
    left = iter(corrected([p for change in changes for p in change.p_values]))
    entries = [_entry(change, [next(left) for _ in change.p_values]) for change in changes]
    return sorted(entries, key=lambda e: (_ORDER[e["verdict"]], -(e["psi"] or 0.0)))


def _entry(change: ColumnChange, p_values: Sequence[float]) -> dict[str, Any]:
    found, missing = change.change, change.missing_share
    entry: dict[str, Any] = {
        "name": change.name,
        "kind": change.kind,
        "verdict": "too_few_rows" if found is None else "none",
        "measure": None,
        "statistic": None,
        "p_value": None,
        "p_corrected": None,
        "psi": None,
        "values": {"a": change.rows[0], "b": change.rows[1]},
        "missing": {"a": change.missing[0], "b": change.missing[1]},
        "missing_share": {"a": missing[0], "b": missing[1]},
        "missing_changed": False,
    }
    left = list(p_values)
    if change.missing_p is not None:
        unlikely = left.pop(0) < CHANCE
        entry["missing_changed"] = unlikely and abs(missing[1] - missing[0]) >= MISSING_POINTS
    if found is not None:
        entry |= {
            "verdict": verdict(found.psi, left[0], change.rows),
            "measure": found.measure,
            "statistic": found.statistic,
            "p_value": found.p_value,
            "p_corrected": left[0],
            "psi": found.psi,
        }
    elif change.kind in ("other", "id") and min(change.rows):
        entry["verdict"] = "none"
    entry |= change.facts
    return {**entry, "message": _message(change, entry)}


def _message(change: ColumnChange, entry: Mapping[str, Any]) -> str:
    """The change in a sentence; empty when there is nothing to say."""
    said = []
    if entry["verdict"] in ("moderate", "strong"):
        size = "Differs strongly" if entry["verdict"] == "strong" else "Differs"
        said.append(f"{size} (PSI {entry['psi']:.2f}): {change.sentence}.")
    elif entry["verdict"] == "too_few_rows":
        said.append("Too few values on one side to say.")
    elif change.kind in ("other", "id"):
        said.append(f"{change.sentence[:1].upper()}{change.sentence[1:]}.")
    fresh = entry.get("new")
    if fresh and fresh["rows"]:
        share = percent(fresh["rows"] / max(1, change.rows[1]))
        said.append(
            f"{fresh['count']:,} new {'value' if fresh['count'] == 1 else 'values'} "
            f"({share} of the rows): {listed([str(row['value']) for row in fresh['values']], 3)}."
        )
    if entry["missing_changed"]:
        before, after = (percent(share) for share in change.missing_share)
        said.append(f"Missing in {before} of the rows before, {after} now.")
    return " ".join(said)


def _summary(
    schema: Mapping[str, Any], columns: Sequence[Mapping[str, Any]], rows: tuple[int, int]
) -> list[str]:
    """The comparison in a few sentences."""
    said = [f"{rows[0]:,} rows before, {rows[1]:,} now."]
    for what, word in (("added", "New"), ("removed", "Gone"), ("retyped", "Of another type")):
        names = [row["name"] for row in schema[what]]
        if names:
            noun = "column" if len(names) == 1 else "columns"
            said.append(f"{word}: {len(names):,} {noun}, {listed(names)}.")
    if schema["reordered"]:
        said.append("The columns stand in another order.")
    drifted = [row["name"] for row in columns if row["verdict"] in ("moderate", "strong")]
    if drifted:
        said.append(
            f"What they hold differs in {len(drifted):,} of {len(columns):,}: {listed(drifted)}."
        )
    elif columns:
        said.append("No column differs by more than chance and habit.")
    emptier = [row["name"] for row in columns if row["missing_changed"]]
    if emptier:
        said.append(f"More or fewer cells are missing in {listed(emptier)}.")
    few = [row["name"] for row in columns if row["verdict"] == "too_few_rows"]
    if few:
        said.append(f"Too few values to say anything of {listed(few)}.")
    return said
