"""The type of every column, found on a sample, held against every cell, each with its reason."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.analysis.errors import BadTable
from app.analysis.ingest.asked import asked_plan, check_asked
from app.analysis.ingest.classify import choose, habits, present, readings
from app.analysis.ingest.declared import declared_plans
from app.analysis.ingest.doubts import code_reason, mixed_finding, text_findings, typed_findings
from app.analysis.ingest.engine import WHITE
from app.analysis.ingest.findings import Finding, counted, quoted
from app.analysis.ingest.keys import may_be_key
from app.analysis.ingest.notations import Notation
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.render import write_out
from app.analysis.ingest.sensitive_columns import mark_plans
from app.analysis.ingest.spellings import spelling_of
from app.analysis.ingest.table import Table
from app.analysis.ingest.textual import text_type
from app.analysis.ingest.verify import (
    EXACT_ROWS,
    TextFacts,
    TypedFacts,
    all_differ,
    bad_cells,
    cell,
    na_beside_codes,
    one_row,
    sample_columns,
    sample_size,
    text_facts,
    text_value,
    typed_facts,
)
from app.analysis.schema import ColumnType

if TYPE_CHECKING:
    import duckdb

_MAX_ROUNDS = 8
# A column that is NA in every cell says nothing, whatever the spelling.
_ONLY_NA = frozenset({"na", "n/a", "n.a.", "#n/a"})


def plan_columns(
    connection: duckdb.DuckDBPyConnection, table: Table, options: ReadOptions
) -> tuple[list[ColumnPlan], list[Finding]]:
    """A plan for every column of ``table``, and what is worth telling about them.

    Raises :class:`BadTable` where a type that the caller named does not fit, and
    :class:`BadOption` where it names no column.
    """
    judge = _Judge(connection, table, options)
    plans, findings = judge.judge()
    return mark_plans(connection, table, plans, judge.samples), findings


@dataclass(slots=True)
class _Judge:
    connection: duckdb.DuckDBPyConnection
    table: Table
    options: ReadOptions
    plans: dict[int, ColumnPlan] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    samples: dict[int, list[str]] = field(default_factory=dict)
    # Notations that a column's cells match in form but not in fact (31 February).
    disproved: dict[int, set[str]] = field(default_factory=dict)
    exact: bool = False
    na_means_missing: bool = False

    def judge(self) -> tuple[list[ColumnPlan], list[Finding]]:
        self._take_asked()
        self.plans |= declared_plans(
            self.connection, self.table, [i for i in self._open() if self._declared(i)]
        )
        wanted = self._open()
        self.samples, seen = sample_columns(self.connection, self.table, wanted)
        # A sample that was not filled is the whole table: no need to count it.
        self.exact = seen < sample_size(self.table) or self._row_count() <= EXACT_ROWS
        self._settle_typed(wanted)
        self._settle_text(self._open())
        return [self.plans[i] for i in range(len(self.table.names))], self.findings

    def _open(self) -> list[int]:
        return [i for i in range(len(self.table.names)) if i not in self.plans]

    def _declared(self, position: int) -> bool:
        return self.table.kinds[position] not in ("infer", "native", "string")

    def _row_count(self) -> int:
        return int(one_row(self.connection, f"SELECT count(*) FROM {self.table.relation}")[0])

    def _take_asked(self) -> None:
        asked = check_asked(self.table, self.options.types)
        known = {
            i: self.options.known_types[name]
            for i, name in enumerate(self.table.names)
            if name in self.options.known_types and i not in asked
        }
        # What the file itself declares so needs no finding; the rest is read as if written out.
        known = {i: kind for i, kind in known.items() if kind != self.table.kinds[i]}
        declared = [i for i in (*asked, *known) if self._declared(i)]
        if declared:
            write_out(self.connection, self.table, declared)
        for i, kind in asked.items():
            self.plans[i] = asked_plan(self.connection, self.table, i, kind)
        for i, kind in known.items():
            self._take_known(i, kind)

    def _take_known(self, position: int, kind: ColumnType) -> None:
        if kind in ("constant", "id"):
            return  # a new file's values may differ or repeat where the earlier one's did not
        try:
            plan = asked_plan(self.connection, self.table, position, kind)
        except BadTable as error:
            message = f"{error.message} The type is found anew."
            self.findings.append(Finding("known_type", message, self.table.names[position]))
        else:
            self.plans[position] = plan

    # -- numbers, truth values, dates ------------------------------------------------------

    def _settle_typed(self, wanted: Sequence[int]) -> None:
        pending = [i for i in wanted if self.table.kinds[i] != "string"]
        for _ in range(_MAX_ROUNDS):
            chosen, doubts = self._choose(pending, wanted)
            facts = typed_facts(self.connection, self.table, chosen, self.exact)
            pending = []
            for i, notation in chosen.items():
                if facts[i].bad:
                    self._learn(i, notation)
                    pending.append(i)
                else:
                    self._accept(i, notation, facts[i], doubts.get(i))
            if not pending:
                return

    def _choose(
        self, pending: Sequence[int], wanted: Sequence[int]
    ) -> tuple[dict[int, Notation], dict[int, str]]:
        found = {i: self._readings(i) for i in wanted if self.table.kinds[i] != "string"}
        habit = habits(list(found.values()), self.options.decimal, self.table.delimiter)
        chosen: dict[int, Notation] = {}
        doubts: dict[int, str] = {}
        for i in pending:
            notation, doubt = choose(found[i], habit)
            if notation is not None:
                chosen[i] = notation
            if doubt:
                doubts[i] = doubt
        return chosen, doubts

    def _readings(self, position: int) -> list[Notation]:
        native = self.table.kinds[position] == "native"
        found = readings(
            present(self.samples[position]), name=self.table.names[position], native=native
        )
        ruled_out = self.disproved.get(position, ())
        decimal = None if native else self.options.decimal
        return [
            notation
            for notation in found
            if notation.pattern not in ruled_out
            and (decimal is None or notation.decimal in (None, decimal))
        ]

    def _learn(self, position: int, notation: Notation) -> None:
        """Take cells that disproved a reading into the sample, so that the next one is better."""
        cells = [text for _, text in bad_cells(self.connection, self.table, position, notation, 50)]
        if all(notation.matches(text.strip(WHITE)) for text in cells):
            self.disproved.setdefault(position, set()).add(notation.pattern)
        self.samples[position] = [*self.samples[position], *cells]

    def _accept(
        self, position: int, notation: Notation, facts: TypedFacts, doubt: str | None
    ) -> None:
        name = self.table.names[position]
        kind, reason = self._typed_type(position, notation, facts)
        raw, nullable = cell(position), facts.values < facts.rows
        sql = notation.checked_sql(raw) if facts.tokens else notation.value_sql(raw)
        words = spelling_of(facts.words)
        self.plans[position] = ColumnPlan(name, kind, sql, nullable, reason, words)
        self.na_means_missing |= facts.na > 0
        if doubt:
            self.findings.append(Finding("ambiguous", f"{quoted(name)}: {doubt}", name))
        self.findings += typed_findings(self.connection, self.table, position, notation, facts)

    def _typed_type(
        self, position: int, notation: Notation, facts: TypedFacts
    ) -> tuple[ColumnType, str]:
        if facts.rows == facts.values > 1 and facts.least == facts.most:
            return "constant", f"every cell is {quoted(str(facts.least))}"
        if notation.type == "integer":
            reason = may_be_key(self.table.names[position], position, facts)
            value = notation.checked_sql(cell(position))
            if reason and self._unique(facts, value):
                return "id", reason
        return notation.type, notation.reason

    def _unique(self, facts: TypedFacts | TextFacts, value: str) -> bool:
        """Whether no value occurs twice, asked exactly only where it is likely."""
        if self.exact:
            return facts.distinct == facts.values
        if facts.distinct < 0.9 * facts.values:
            return False
        return all_differ(self.connection, self.table, value)

    # -- text ------------------------------------------------------------------------------

    def _settle_text(self, wanted: Sequence[int]) -> None:
        facts = text_facts(self.connection, self.table, wanted, self.exact)
        missing = {i for i in wanted if facts[i].na and self._na_is_missing(i)}
        again = text_facts(self.connection, self.table, sorted(missing), self.exact, missing)
        for i, described in {**facts, **again}.items():
            self._accept_text(i, described, i in missing)

    def _na_is_missing(self, position: int) -> bool:
        """NA in text is missing where the file uses it so elsewhere, unless it stands among codes."""
        return self.na_means_missing and not na_beside_codes(self.connection, self.table, position)

    def _accept_text(self, position: int, facts: TextFacts, na_is_missing: bool) -> None:
        name = self.table.names[position]
        value = text_value(self.table, position, na_is_missing=na_is_missing)
        if facts.least == facts.most and str(facts.least).strip(WHITE).lower() in _ONLY_NA:
            self._accept_all_missing(position, facts)
            return
        kind, reason = text_type(facts, self._unique(facts, value), self.exact)
        sample = self.samples.get(position, [])
        if self.table.kinds[position] == "string":
            reason = f"{reason} (the file itself declares text)"
        else:
            code = code_reason(name, sample)
            if code:
                kind = _code_type(kind)
                reason = f"{code}; {reason}"
                self.findings.append(Finding("kept_as_text", f"{quoted(name)}: {code}.", name))
            elif mixed := mixed_finding(self.connection, self.table, position, sample):
                self.findings.append(mixed)
        sql = value if facts.tokens else cell(position)
        self.plans[position] = ColumnPlan(name, kind, sql, facts.values < facts.rows, reason)
        self.findings += text_findings(self.connection, self.table, position, facts, na_is_missing)

    def _accept_all_missing(self, position: int, facts: TextFacts) -> None:
        name = self.table.names[position]
        self.plans[position] = ColumnPlan(
            name, "constant", "NULL::VARCHAR", True, "no cell holds a value"
        )
        message = f"All {counted(facts.values, 'cell')} of {quoted(name)} say {facts.least}: they are missing."
        self.findings.append(Finding("missing_tokens", message, name))


def _code_type(kind: ColumnType) -> ColumnType:
    """Codes are never texts, however many blanks they are written with."""
    return "categorical" if kind == "text" else kind


def schema_of(plans: Sequence[ColumnPlan]) -> list[Mapping[str, object]]:
    """The plans as the JSON list that a dataset stores."""
    return [plan.column().to_json() for plan in plans]
