"""The cleaned table and the log of every step; the log is executable.

``clean_dataset`` works in SQL, streamed; what they did is done to frames in memory
by :func:`app.analysis.ingest.applied.apply_steps`.
"""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.analysis.ingest.cleaning_rules import (
    MAX_SPELLINGS,
    RULES,
    protected_columns,
    switches,
    unified_spellings,
)
from app.analysis.ingest.engine import WHITE, adopt, connect, literal, parquet_relation, positions
from app.analysis.ingest.findings import counted
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.queries import one_row
from app.analysis.ingest.render import physical_types
from app.analysis.ingest.spellings import read_spellings, spelling_notes
from app.analysis.ingest.write import write_dataset
from app.analysis.progress import Progress
from app.analysis.schema import Column, columns_to_json

if TYPE_CHECKING:
    import duckdb

CLEANED, LOG = "cleaned.parquet", "cleaning.json"
_CHUNK = 20


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What cleaning did: the steps as in ``cleaning.json``, what it only reports, the schema."""

    rows_in: int
    rows_out: int
    columns: list[Column]
    steps: list[dict[str, Any]]
    reported: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """The content of ``cleaning.json``."""
        return {
            "steps": self.steps,
            "reported": self.reported,
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "columns": columns_to_json(self.columns),
        }


def clean_dataset(
    source: Path,
    out_dir: Path,
    columns: Sequence[Column],
    options: Mapping[str, Any],
    progress: Progress,
) -> Cleaned:
    """Write ``cleaned.parquet`` and ``cleaning.json`` into ``out_dir``.

    ``options`` are a run's: ``cleaning`` switches rules, and a column that the run names
    (its target, say) is never dropped. Raises :class:`BadOption` for an unknown rule.
    """
    on, kept = switches(options), protected_columns(options)
    with tempfile.TemporaryDirectory(dir=out_dir, prefix=".cleaning-") as folder:
        scratch = Path(folder)
        link = adopt(source, scratch)
        with connect(scratch, files=[source], folders=[out_dir]) as connection:
            cleaner = _Cleaner(connection, parquet_relation(link, len(columns)), columns, on, kept)
            cleaner.prepare()
            progress(0.5, f"Cleaning in {counted(len(cleaner.steps), 'step')}")
            spellings = read_spellings(link)
            plans = cleaner.plans(spellings)
            row_bytes = 4 * source.stat().st_size / max(cleaner.rows, 1)
            rows_out = write_dataset(
                connection,
                cleaner.distinct_relation(),
                plans,
                out_dir / CLEANED,
                scratch,
                row_bytes,
                spelling_notes(plans),
            )
    schema = [plan.column() for plan in plans]
    cleaned = Cleaned(cleaner.rows, rows_out, schema, cleaner.steps, cleaner.reported)
    (out_dir / LOG).write_text(
        json.dumps(cleaned.to_json(), ensure_ascii=False, allow_nan=False), encoding="utf-8"
    )
    return cleaned


@dataclass(slots=True)
class _Cleaner:
    connection: duckdb.DuckDBPyConnection
    relation: str
    columns: Sequence[Column]
    on: Mapping[str, bool]
    kept: frozenset[str]
    rows: int = 0
    steps: list[dict[str, Any]] = field(default_factory=list)
    reported: list[dict[str, Any]] = field(default_factory=list)
    _cells: list[str] = field(default_factory=list)
    _physical: list[str] = field(default_factory=list)
    _dropped: set[int] = field(default_factory=set)
    _nullable: list[bool] = field(default_factory=list)
    _distinct: bool = False

    def prepare(self) -> None:
        self._cells = positions(len(self.columns))
        self._physical = physical_types(self.connection, self.relation)
        self.rows = int(one_row(self.connection, f"SELECT count(*) FROM {self.relation}")[0])
        texts = [i for i, kind in enumerate(self._physical) if kind == "VARCHAR"]
        numbers = [i for i, kind in enumerate(self._physical) if kind == "DOUBLE"]
        # What is no number is missing, to everyone who reads the table: no step to tell of.
        for i in numbers:
            cell = self._cells[i]
            self._cells[i] = f"CASE WHEN isnan({cell}) THEN NULL ELSE {cell} END"
        self._each("trim_space", texts, lambda cell: f"trim({cell}, {literal(WHITE)})")
        self._each("empty_to_missing", texts, lambda cell: f"nullif({cell}, '')")
        self._unify([i for i in texts if self.columns[i].type == "categorical"])
        self._each(
            "infinite_to_missing", numbers, lambda c: f"CASE WHEN isinf({c}) THEN NULL ELSE {c} END"
        )
        self._drop_columns()
        self._duplicates()

    def _each(self, rule: str, wanted: Sequence[int], change: Callable[[str], str]) -> None:
        """Apply a change of single cells where it touches any."""
        if not self.on[rule]:
            return
        touched = self._aggregate(
            wanted,
            lambda i: (
                f"count(*) FILTER ({change(self._cells[i])} IS DISTINCT FROM {self._cells[i]})"
            ),
        )
        for i, count in touched.items():
            if count:
                self._cells[i] = change(self._cells[i])
                self._log(rule, i, int(count))

    def _unify(self, wanted: Sequence[int]) -> None:
        if not self.on["unify_booleans"]:
            return
        distinct = self._aggregate(wanted, lambda i: f"approx_count_distinct({self._cells[i]})")
        for i in (i for i, count in distinct.items() if 2 < count <= MAX_SPELLINGS):
            counts = self.connection.execute(
                f"SELECT {self._cells[i]} AS v, count(*) FROM {self.relation} "
                f"GROUP BY v HAVING v IS NOT NULL ORDER BY v"
            ).fetchall()
            mapping = unified_spellings(dict(counts))
            if mapping:
                cases = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in mapping.items())
                touched = sum(count for word, count in counts if word in mapping)
                self._cells[i] = f"CASE {self._cells[i]} {cases} ELSE {self._cells[i]} END"
                self._log("unify_booleans", i, touched, {"spellings": mapping})

    def _drop_columns(self) -> None:
        every = range(len(self.columns))
        present = self._aggregate(every, lambda i: f"count({self._cells[i]})")
        same = self._aggregate(
            every, lambda i: f"min({self._cells[i]}) IS NOT DISTINCT FROM max({self._cells[i]})"
        )
        self._nullable = [present[i] < self.rows for i in every]
        found: dict[int, str] = {}
        for i in every:
            if self.columns[i].name in self.kept or not self.rows:
                continue
            if not present[i]:
                found[i] = "drop_empty_columns"
            elif same[i] and present[i] == self.rows > 1:
                found[i] = "drop_constant_columns"
        dropped = {i: rule for i, rule in found.items() if self.on[rule]}
        if len(dropped) == len(self.columns):
            message = "Every column is empty or constant, so none was dropped."
            self.reported.append({"rule": "drop_constant_columns", "rows": 0, "message": message})
            return
        for i, rule in dropped.items():
            self._dropped.add(i)
            self._log(rule, i, self.rows)

    def _duplicates(self) -> None:
        cells = [self._cells[i] for i in range(len(self.columns)) if i not in self._dropped]
        if not cells:
            return
        # Rows are compared by a 64-bit hash here: this only counts them.
        count = int(
            one_row(
                self.connection,
                f"SELECT count(*) - count(DISTINCT hash({', '.join(cells)})) FROM {self.relation}",
            )[0]
        )
        if not count:
            return
        if self.on["drop_duplicate_rows"]:
            self._distinct = True
            self._log("drop_duplicate_rows", None, count)
        else:
            message = f"{counted(count, 'row')} repeat an earlier one; they were kept."
            self.reported.append(
                {
                    "rule": "drop_duplicate_rows",
                    "rows": count,
                    "message": message,
                    "switch_on": "options.cleaning.drop_duplicate_rows = true",
                }
            )

    def _aggregate(self, wanted: Iterable[int], sql: Callable[[int], str]) -> dict[int, Any]:
        found: dict[int, Any] = {}
        columns = list(wanted)
        for start in range(0, len(columns), _CHUNK):
            chunk = columns[start : start + _CHUNK]
            query = f"SELECT {', '.join(sql(i) for i in chunk)} FROM {self.relation}"
            found |= dict(zip(chunk, one_row(self.connection, query), strict=True))
        return found

    def _log(
        self, rule: str, position: int | None, rows: int, parameters: dict[str, Any] | None = None
    ) -> None:
        column = None if position is None else self.columns[position].name
        self.steps.append(
            {
                "id": f"step-{len(self.steps) + 1}",
                "column": column,
                "rule": rule,
                "rows": rows,
                "reason": RULES[rule].reason,
                "parameters": parameters or {},
                "switch_off": f"options.cleaning.{rule} = false",
            }
        )

    def plans(self, spellings: Mapping[str, tuple[str, str]]) -> list[ColumnPlan]:
        """The columns that stay, with what was done to their cells."""
        return [
            ColumnPlan(
                column.name,
                column.type,
                f"c{i}" if self._distinct else self._cells[i],
                self._nullable[i],
                column.reason,
                spellings.get(column.name),
                column.sensitive,
                column.sensitive_reason,
            )
            for i, column in enumerate(self.columns)
            if i not in self._dropped
        ]

    def distinct_relation(self) -> str:
        """The rows to write: all of them, or the first of each that repeat."""
        if not self._distinct:
            return self.relation
        kept = [i for i in range(len(self.columns)) if i not in self._dropped]
        cells = ", ".join(f"{self._cells[i]} AS c{i}" for i in kept)
        names = ", ".join(f"c{i}" for i in kept)
        return (
            f"(SELECT {names} FROM (SELECT {cells}, row_number() OVER () AS n FROM {self.relation}) "
            f"QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY n) = 1 ORDER BY n)"
        )
