"""The type of every column, found on a sample, held against every cell, each with its reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.analysis.errors import BadTable
from app.analysis.ingest.asked import asked_notations, asked_plan, check_asked, staged_plan
from app.analysis.ingest.classify import choose, habits, present, readings
from app.analysis.ingest.declared import declared_plans
from app.analysis.ingest.doubts import code_reason, mixed_findings, text_findings, typed_findings
from app.analysis.ingest.engine import WHITE
from app.analysis.ingest.findings import Finding, counted, quoted
from app.analysis.ingest.keys import may_be_key
from app.analysis.ingest.notations import Notation
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.plan import ColumnPlan
from app.analysis.ingest.render import write_out
from app.analysis.ingest.sensitive_columns import mark_plans
from app.analysis.ingest.spellings import spelling_of
from app.analysis.ingest.staging import is_long, stage
from app.analysis.ingest.table import Table
from app.analysis.ingest.textual import text_type
from app.analysis.ingest.verify import (
    EXACT_ROWS,
    LONG_CHARS,
    TextFacts,
    TypedFacts,
    all_differ,
    bad_cells,
    beside_codes,
    cell,
    row_count,
    sample_columns,
    sample_size,
    text_facts,
    text_value,
    typed_facts,
)
from app.analysis.progress import Progress, silent
from app.analysis.schema import ColumnType

if TYPE_CHECKING:
    import duckdb

_MAX_ROUNDS = 8
# A column that is NA in every cell says nothing, whatever the spelling.
_ONLY_NA = frozenset({"na", "n/a", "n.a.", "#n/a"})


def plan_columns(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    options: ReadOptions,
    scratch: Path | None = None,
    progress: Progress = silent,
    *,
    as_written: bool = False,
) -> tuple[list[ColumnPlan], list[Finding]]:
    """A plan for every column of ``table``, and what is worth telling about them.

    A long text is staged in ``scratch``, if there is one: the plans are for what was staged,
    which is text whatever it says if it is wanted ``as_written``.
    Raises :class:`BadTable` where a type that the caller named does not fit, and
    :class:`BadOption` where it names no column.
    """
    judge = _Judge(connection, table, options)
    if scratch is not None and is_long(connection, table):
        judge.stage(scratch, progress, as_written)
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
    # What the samples can be read as.
    found: dict[int, list[Notation]] = field(default_factory=dict)
    # Notations that a column's cells match in form but not in fact (31 February).
    disproved: dict[int, set[str]] = field(default_factory=dict)
    exact: bool = False
    na_means_missing: bool = False

    def stage(self, scratch: Path, progress: Progress, as_written: bool) -> None:
        """Write the rows as what the samples say they are, so that they are parsed once."""
        asked = self._asked()
        self.samples, _ = sample_columns(self.connection, self.table, range(len(self.table.names)))
        wanted = [i for i in range(len(self.table.names)) if i not in asked]
        chosen = {} if as_written else self._choose(wanted, wanted)[0]
        if not as_written:
            chosen |= asked_notations(self.table, asked, self.samples)
        stage(self.connection, self.table, chosen, self.samples, scratch, progress)

    def _asked(self) -> dict[int, ColumnType]:
        """The types that the caller names or an earlier file had, those that a new one may change left out."""
        asked = check_asked(self.table, self.options.types)
        known = {
            i: self.options.known_types[name]
            for i, name in enumerate(self.table.names)
            if name in self.options.known_types and i not in asked
        }
        # A new file's values may differ or repeat where the earlier one's did not.
        return asked | {i: kind for i, kind in known.items() if kind not in ("constant", "id")}

    def judge(self) -> tuple[list[ColumnPlan], list[Finding]]:
        self._take_asked()
        self.plans |= declared_plans(
            self.connection, self.table, [i for i in self._open() if self._declared(i)]
        )
        wanted = self._open()
        unseen = [i for i in wanted if i not in self.samples]
        drawn, seen = sample_columns(self.connection, self.table, unseen)
        self.samples |= drawn
        # A sample that was not filled is the whole table: no need to count it.
        self.exact = (
            0 < seen < sample_size(self.table)
            or row_count(self.connection, self.table) <= EXACT_ROWS
        )
        self._settle_typed(wanted)
        self._settle_text(self._open())
        return [self.plans[i] for i in range(len(self.table.names))], self.findings

    def _open(self) -> list[int]:
        return [i for i in range(len(self.table.names)) if i not in self.plans]

    def _declared(self, position: int) -> bool:
        return self.table.kinds[position] not in ("infer", "native", "string")

    def _take_asked(self) -> None:
        asked = self._asked()
        known = {
            i: asked.pop(i) for i in list(asked) if self.table.names[i] not in self.options.types
        }
        # What the file itself declares so needs no finding; the rest is read as if written out.
        known = {i: kind for i, kind in known.items() if kind != self.table.kinds[i]}
        declared = [i for i in (*asked, *known) if self._declared(i)]
        if declared:
            write_out(self.connection, self.table, declared)
        for i, kind in asked.items():
            self.plans[i] = self._asked_plan(i, kind)
        for i, kind in known.items():
            self._take_known(i, kind)

    def _take_known(self, position: int, kind: ColumnType) -> None:
        try:
            plan = self._asked_plan(position, kind)
        except BadTable as error:
            message = f"{error.message} The type is found anew."
            self.findings.append(Finding("known_type", message, self.table.names[position]))
        else:
            self.plans[position] = plan

    def _asked_plan(self, position: int, kind: ColumnType) -> ColumnPlan:
        staged = self._staged()
        if position in staged:
            return staged_plan(self.table.names[position], position, kind, staged[position][1])
        return asked_plan(self.connection, self.table, position, kind)

    # -- numbers, truth values, dates ------------------------------------------------------

    def _settle_typed(self, wanted: Sequence[int]) -> None:
        pending = [i for i in wanted if self.table.kinds[i] != "string"]
        for _ in range(_MAX_ROUNDS):
            chosen, doubts = self._choose(pending, wanted)
            facts = self._typed_facts(chosen)
            accepted = {i: (n, facts[i]) for i, n in chosen.items() if not facts[i].bad}
            self._accept(accepted, doubts)
            pending = [i for i in chosen if i not in accepted]
            self._learn({i: chosen[i] for i in pending})
            if not pending:
                return

    def _typed_facts(self, chosen: Mapping[int, Notation]) -> dict[int, TypedFacts]:
        staged = self._staged()
        facts = {i: staged[i][1] for i in chosen if i in staged}
        rest = {i: notation for i, notation in chosen.items() if i not in facts}
        return facts | typed_facts(self.connection, self.table, rest, self.exact)

    def _staged(self) -> Mapping[int, tuple[Notation, TypedFacts]]:
        """The columns that hold values already."""
        staged = self.table.staged
        return {i: (n, staged.facts[i]) for i, n in staged.typed.items()} if staged else {}

    def _choose(
        self, pending: Sequence[int], wanted: Sequence[int]
    ) -> tuple[dict[int, Notation], dict[int, str]]:
        inferred = [i for i in wanted if self.table.kinds[i] != "string"]
        self.found |= {i: self._readings(i) for i in inferred if i not in self.found}
        found = {i: self.found[i] for i in inferred}
        habit = habits(list(found.values()), self.options.decimal, self.table.delimiter)
        chosen: dict[int, Notation] = {}
        doubts: dict[int, str] = {}
        staged = self._staged()
        for i in pending:
            notation, doubt = choose(found[i], habit)
            if i in staged:
                notation, _ = staged[i]
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

    def _learn(self, chosen: Mapping[int, Notation]) -> None:
        """Take cells that disproved readings into the samples, so that the next ones are better."""
        for i, found in bad_cells(self.connection, self.table, chosen, 50).items():
            cells = [text for _, text in found]
            if all(chosen[i].matches(text.strip(WHITE)) for text in cells):
                self.disproved.setdefault(i, set()).add(chosen[i].pattern)
            self.samples[i] = [*self.samples[i], *cells]
            del self.found[i]

    def _accept(
        self, accepted: Mapping[int, tuple[Notation, TypedFacts]], doubts: Mapping[int, str]
    ) -> None:
        told = typed_findings(self.connection, self.table, accepted)
        for i, (notation, facts) in accepted.items():
            name = self.table.names[i]
            kind, reason = self._typed_type(i, notation, facts)
            raw, nullable = cell(i), facts.values < facts.rows
            sql = notation.checked_sql(raw) if facts.tokens else notation.value_sql(raw)
            if i in self._staged():
                sql = raw
            words = spelling_of(facts.words)
            self.plans[i] = ColumnPlan(name, kind, sql, nullable, reason, words)
            self.na_means_missing |= facts.na > 0
            if i in doubts:
                self.findings.append(Finding("ambiguous", f"{quoted(name)}: {doubts[i]}", name))
            self.findings += told[i]

    def _typed_type(
        self, position: int, notation: Notation, facts: TypedFacts
    ) -> tuple[ColumnType, str]:
        if facts.rows == facts.values > 1 and facts.least == facts.most:
            return "constant", f"every cell is {quoted(str(facts.least))}"
        if notation.type == "integer":
            reason = may_be_key(self.table.names[position], position, facts)
            raw = cell(position)
            value = raw if position in self._staged() else notation.checked_sql(raw)
            if reason and self._unique(facts, value):
                return "id", reason
        return notation.type, notation.reason

    def _unique(self, facts: TypedFacts | TextFacts, value: str) -> bool:
        """Whether no value occurs twice, asked exactly only where it is likely."""
        if self.exact:
            return facts.distinct == facts.values
        if facts.distinct < 0.9 * facts.values:
            return False
        if isinstance(facts, TextFacts) and facts.chars > LONG_CHARS:
            value = f"md5_number({value})"
        return all_differ(self.connection, self.table, value)

    # -- text ------------------------------------------------------------------------------

    def _settle_text(self, wanted: Sequence[int]) -> None:
        facts = text_facts(self.connection, self.table, wanted, self.exact)
        missing = self._na_is_missing([i for i in wanted if facts[i].na])
        facts |= text_facts(self.connection, self.table, sorted(missing), self.exact, missing)
        self._accept_text(facts, missing)

    def _na_is_missing(self, positions: Sequence[int]) -> set[int]:
        """NA in text is missing where the file uses it so elsewhere, unless it stands among codes."""
        if not self.na_means_missing:
            return set()
        return set(positions) - beside_codes(self.connection, self.table, positions)

    def _accept_text(self, described: Mapping[int, TextFacts], missing: Collection[int]) -> None:
        held = {i: facts for i, facts in described.items() if not _says_only_na(facts)}
        told = text_findings(self.connection, self.table, held, missing)
        codes = {i: code for i in held if (code := self._code(i))}
        inferred = [i for i in held if self.table.kinds[i] != "string" and i not in codes]
        samples = {i: self.samples.get(i, []) for i in inferred}
        mixed = mixed_findings(self.connection, self.table, samples)
        for i, facts in described.items():
            if i not in held:
                self._accept_all_missing(i, facts)
                continue
            name = self.table.names[i]
            value = text_value(self.table, i, na_is_missing=i in missing)
            kind, reason = text_type(facts, self._unique(facts, value), self.exact)
            if self.table.kinds[i] == "string":
                reason = f"{reason} (the file itself declares text)"
            elif i in codes:
                kind, reason = _code_type(kind), f"{codes[i]}; {reason}"
                message = f"{quoted(name)}: {codes[i]}."
                self.findings.append(Finding("kept_as_text", message, name))
            elif i in mixed:
                self.findings.append(mixed[i])
            sql = value if facts.tokens else cell(i)
            self.plans[i] = ColumnPlan(name, kind, sql, facts.values < facts.rows, reason)
            self.findings += told.get(i, [])

    def _code(self, position: int) -> str | None:
        if self.table.kinds[position] == "string":
            return None
        return code_reason(self.table.names[position], self.samples.get(position, []))

    def _accept_all_missing(self, position: int, facts: TextFacts) -> None:
        name = self.table.names[position]
        self.plans[position] = ColumnPlan(
            name, "constant", "NULL::VARCHAR", True, "no cell holds a value"
        )
        message = f"All {counted(facts.values, 'cell')} of {quoted(name)} say {facts.least}: they are missing."
        self.findings.append(Finding("missing_tokens", message, name))


def _says_only_na(facts: TextFacts) -> bool:
    return facts.least == facts.most and str(facts.least).strip(WHITE).lower() in _ONLY_NA


def _code_type(kind: ColumnType) -> ColumnType:
    """Codes are never texts, however many blanks they are written with."""
    return "categorical" if kind == "text" else kind


def schema_of(plans: Sequence[ColumnPlan]) -> list[Mapping[str, object]]:
    """The plans as the JSON list that a dataset stores."""
    return [plan.column().to_json() for plan in plans]
