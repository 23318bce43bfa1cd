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
from app.analysis.ingest.engine import WHITE, adopt, connect, literal, parquet_relation
from app.analysis.ingest.findings import counted
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.queries import (
    STACKED,
    Question,
    ask,
    ask_side_by_side,
    count_repeated,
    one_row,
)
from app.analysis.ingest.render import physical_types
from app.analysis.ingest.spellings import read_spellings, spelling_notes
from app.analysis.ingest.table import CELL, Table
from app.analysis.ingest.write import write_dataset
from app.analysis.progress import Progress
from app.analysis.schema import Column, columns_to_json

if TYPE_CHECKING:
    import duckdb

CLEANED, LOG = "cleaned.parquet", "cleaning.json"


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
            table, rows = _table(connection, link, columns)
            cleaner = _Cleaner(connection, table, rows, columns, on, kept)
            cleaner.prepare()
            progress(0.5, f"Cleaning in {counted(len(cleaner.steps), 'step')}")
            spellings = read_spellings(link)
            plans = cleaner.plans(spellings)
            rows_out = write_dataset(
                connection,
                cleaner.distinct_relation(),
                plans,
                out_dir / CLEANED,
                scratch,
                table.row_bytes,
                spelling_notes(plans),
                cleaner.as_it_stands(),
            )
    schema = [plan.column() for plan in plans]
    cleaned = Cleaned(cleaner.rows, rows_out, schema, cleaner.steps, cleaner.reported)
    (out_dir / LOG).write_text(
        json.dumps(cleaned.to_json(), ensure_ascii=False, allow_nan=False), encoding="utf-8"
    )
    return cleaned


def _table(
    connection: duckdb.DuckDBPyConnection, source: Path, columns: Sequence[Column]
) -> tuple[Table, int]:
    """The table in a Parquet file, and how many rows it has."""
    relation = parquet_relation(source, len(columns))
    rows = int(one_row(connection, f"SELECT count(*) FROM {relation}")[0])
    row_bytes = 4 * source.stat().st_size / max(rows, 1)
    return Table([column.name for column in columns], relation, [], {}, row_bytes), rows


@dataclass(slots=True)
class _Cleaner:
    """``_forms`` are SQL for what becomes of a column's cells, with ``{c}`` for the cell."""

    connection: duckdb.DuckDBPyConnection
    table: Table
    rows: int
    columns: Sequence[Column]
    on: Mapping[str, bool]
    kept: frozenset[str]
    steps: list[dict[str, Any]] = field(default_factory=list)
    reported: list[dict[str, Any]] = field(default_factory=list)
    _forms: list[str] = field(default_factory=list)
    _physical: list[str] = field(default_factory=list)
    _dropped: set[int] = field(default_factory=set)
    _nullable: list[bool] = field(default_factory=list)
    _distinct: bool = False

    def prepare(self) -> None:
        self._forms = [CELL] * len(self.columns)
        self._physical = physical_types(self.connection, self.table.relation)
        texts = [i for i, kind in enumerate(self._physical) if kind == "VARCHAR"]
        numbers = [i for i, kind in enumerate(self._physical) if kind == "DOUBLE"]
        # What is no number is missing, to everyone who reads the table: no step to tell of.
        for i in numbers:
            self._forms[i] = f"CASE WHEN isnan({CELL}) THEN NULL ELSE {CELL} END"
        self._each("trim_space", texts, lambda cell: f"trim({cell}, {literal(WHITE)})")
        self._each("empty_to_missing", texts, lambda cell: f"nullif({cell}, '')")
        self._unify([i for i in texts if self.columns[i].type == "categorical"])
        self._each(
            "infinite_to_missing", numbers, lambda c: f"CASE WHEN isinf({c}) THEN NULL ELSE {c} END"
        )
        self._drop_columns()
        self._duplicates()

    def _cell(self, position: int) -> str:
        """SQL for what becomes of a column's cells."""
        return self._forms[position].replace(CELL, f"c{position}")

    def _each(self, rule: str, wanted: Sequence[int], change: Callable[[str], str]) -> None:
        """Apply a change of single cells where it touches any."""
        if not self.on[rule]:
            return
        touched = self._ask(
            wanted, lambda form: f"count(*) FILTER ({change(form)} IS DISTINCT FROM {form})"
        )
        for i, (count,) in touched.items():
            if count:
                self._forms[i] = change(self._forms[i])
                self._log(rule, i, int(count))

    def _unify(self, wanted: Sequence[int]) -> None:
        if not self.on["unify_booleans"]:
            return
        distinct = self._ask(wanted, lambda form: f"approx_count_distinct({form})")
        few = [i for i, (count,) in distinct.items() if 2 < count <= MAX_SPELLINGS]
        for i, (found,) in self._ask(few, lambda form: f"histogram({form})").items():
            counts = sorted((found or {}).items())
            mapping = unified_spellings(dict(counts))
            if mapping:
                cases = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in mapping.items())
                touched = sum(count for word, count in counts if word in mapping)
                self._forms[i] = f"CASE {self._forms[i]} {cases} ELSE {self._forms[i]} END"
                self._log("unify_booleans", i, touched, {"spellings": mapping})

    def _drop_columns(self) -> None:
        every = range(len(self.columns))
        seen = self._ask(
            every,
            lambda form: f"count({form})",
            lambda form: f"min({form}) IS NOT DISTINCT FROM max({form})",
        )
        self._nullable = [seen[i][0] < self.rows for i in every]
        found: dict[int, str] = {}
        for i in every:
            if self.columns[i].name in self.kept or not self.rows:
                continue
            present, same = seen[i]
            if not present:
                found[i] = "drop_empty_columns"
            elif same and present == self.rows > 1:
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
        forms = {i: form for i, form in enumerate(self._forms) if i not in self._dropped}
        if not forms:
            return
        count = count_repeated(self.connection, self.table, self.rows, forms)
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

    def _ask(
        self, wanted: Iterable[int], *aggregates: Callable[[str], str]
    ) -> dict[int, tuple[Any, ...]]:
        """The aggregates of what becomes of the cells, given as SQL of the cell, by column."""
        questions = {
            i: Question(CELL, tuple(sql(self._forms[i].replace(CELL, "{r}")) for sql in aggregates))
            for i in wanted
        }
        asked = ask if len(self.columns) > STACKED else ask_side_by_side
        answers = asked(self.connection, self.table, questions)
        return {i: answers[i][1:] for i in questions}

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
                f"c{i}" if self._distinct else self._cell(i),
                self._nullable[i],
                column.reason,
                spellings.get(column.name),
                column.sensitive,
                column.sensitive_reason,
            )
            for i, column in enumerate(self.columns)
            if i not in self._dropped
        ]

    def as_it_stands(self) -> Table | None:
        """The table, if its rows are written as they are."""
        return None if self._distinct else self.table

    def distinct_relation(self) -> str:
        """The rows to write: all of them, or the first of each that repeat."""
        if not self._distinct:
            return self.table.relation
        kept = [i for i in range(len(self.columns)) if i not in self._dropped]
        cells = ", ".join(f"{self._cell(i)} AS c{i}" for i in kept)
        names = ", ".join(f"c{i}" for i in kept)
        return (
            f"(SELECT {names} FROM (SELECT {cells}, row_number() OVER () AS n "
            f"FROM {self.table.relation}) "
            f"QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY n) = 1 ORDER BY n)"
        )
