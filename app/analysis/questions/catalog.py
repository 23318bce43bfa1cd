"""What a dataset offers to questions: its columns, their values, and what a row stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from sqlglot import exp

from app.analysis.charts.style import holds_years
from app.analysis.questions.engine import Engine, Result
from app.analysis.questions.expressions import column_of
from app.analysis.questions.names import NameIndex, head
from app.analysis.questions.naming import KEY_WORDS, LABEL_WORDS
from app.analysis.questions.sql import TABLE, count_rows
from app.analysis.questions.values import ValueIndex
from app.analysis.questions.words import content, fold, stem
from app.analysis.schema import NUMERIC_TYPES, Column, ColumnType

MAX_VALUES = 3_000
"""A text column with more different values is asked only for the words of the question."""

_COLUMNS_AT_ONCE = 200
_TRUE = frozenset({"yes", "true", "y", "t", "1"})
_FALSE = frozenset({"no", "false", "n", "f", "0"})
_TEXT_TYPES = frozenset({"categorical", "text", "id", "constant"})


Flag = tuple[str, str] | tuple[int, int]
"""The values that mean yes and no (booleans are integers to Python)."""


@dataclass(frozen=True, slots=True)
class CatalogColumn:
    """A column as a question sees it.

    ``filled`` counts its values, ``distinct`` (an estimate) the different ones; ``unique``
    says that no two rows share one. ``flag`` holds its values for yes and no, where it has
    just two that mean so. ``textual`` says that its cells are strings, ``reaches_zero`` that
    it is a number that can be zero or less, ``years`` that its whole numbers read as years.
    """

    name: str
    type: ColumnType
    filled: int
    distinct: int
    unique: bool
    textual: bool
    flag: Flag | None = None
    reaches_zero: bool = False
    years: bool = False

    @property
    def numeric(self) -> bool:
        """Whether an average of it means something."""
        return self.type in NUMERIC_TYPES

    @property
    def key_like(self) -> bool:
        """Whether its values name things: a category, a key, a text, a flag."""
        return not self.numeric and self.type != "datetime"


class Catalog:
    """Everything a question can speak of."""

    def __init__(
        self, rows: int, columns: Sequence[CatalogColumn], values: ValueIndex, dataset: str
    ) -> None:
        self.rows = rows
        self.columns: Mapping[str, CatalogColumn] = {column.name: column for column in columns}
        self.names = NameIndex([column.name for column in columns])
        self.values = values
        self.large = [c.name for c in columns if c.textual and c.distinct > MAX_VALUES]
        self.years = frozenset(c.name for c in columns if c.years)
        self.times = [c.name for c in columns if c.type == "datetime"]
        self.row_words = _row_words(columns) | _file_words(dataset)
        self.row_is_named = bool(self.row_words)

    def labels(self) -> tuple[str, ...]:
        """The columns that tell one row from another: a unique name, a unique key, or all."""
        unique = [column for column in self.columns.values() if column.unique]
        for wanted in (LABEL_WORDS, KEY_WORDS):
            for column in unique:
                if set(content(column.name)) & wanted:
                    return (column.name,)
        texts = [c.name for c in unique if c.textual or c.type == "id"]
        return (texts[0],) if len(texts) == 1 else tuple(self.columns)


def read_catalog(engine: Engine, columns: Sequence[Column], dataset: str = "") -> Catalog:
    """Look once over the dataset; ``dataset`` is its name, which may say what a row is."""
    known = [column for column in columns if column.name in engine.names]
    rows = int(engine.run(count_rows((), engine.names))[1].first[0])
    described: list[CatalogColumn] = []
    for start in range(0, len(known), _COLUMNS_AT_ONCE):
        described.extend(_describe(engine, known[start : start + _COLUMNS_AT_ONCE], rows))
    values = ValueIndex()
    for place, column in enumerate(described):
        if column.textual and column.distinct <= MAX_VALUES:
            found = [str(row[0]) for row in _distinct(engine, column.name).rows]
            values.add(column.name, found)
            described[place] = replace(column, flag=_text_flag(found))
    return Catalog(rows, described, values, dataset)


def look_up(engine: Engine, catalog: Catalog, texts: Sequence[str]) -> ValueIndex:
    """Those of ``texts`` that are values of the large text columns, whatever their case."""
    index = ValueIndex()
    wanted = [exp.convert(text.lower()) for text in texts]
    for name in catalog.large if wanted else ():
        column = column_of(name, engine.names)
        select = _from(column).where(
            exp.In(this=exp.Lower(this=column.copy()), expressions=[w.copy() for w in wanted])
        )
        found = engine.run(select.distinct().limit(MAX_VALUES))[1]
        index.add(name, [row[0] for row in found.rows])
    return index


def _describe(engine: Engine, columns: Sequence[Column], rows: int) -> list[CatalogColumn]:
    shown: list[exp.Expr] = []
    for column in columns:
        cells = column_of(column.name, engine.names)
        shown += [
            exp.Count(this=cells),
            exp.ApproxDistinct(this=cells.copy()),
            exp.Min(this=cells.copy()),
            exp.Max(this=cells.copy()),
        ]
    select = exp.select(*shown).from_(exp.Table(this=exp.to_identifier(TABLE)))
    line = engine.run(select)[1].first
    return [
        _column(engine, column, rows, line[4 * place : 4 * place + 4])
        for place, column in enumerate(columns)
    ]


def _column(engine: Engine, column: Column, rows: int, line: Sequence[object]) -> CatalogColumn:
    filled, distinct, low, high = line
    count = int(str(filled))
    estimate = min(int(str(distinct)), count)
    textual = column.type in _TEXT_TYPES and isinstance(low, str)
    unique = False
    if count == rows > 1 and column.type != "number" and estimate > 0.9 * rows:
        unique = _exact_distinct(engine, column.name) == rows
    flag: Flag | None = (True, False) if column.type == "boolean" else None
    if column.type == "integer" and (low, high) == (0, 1):
        flag = (1, 0)
    zero = isinstance(low, (int, float)) and low <= 0
    years = column.type != "boolean" and holds_years({"min": low, "max": high})
    return CatalogColumn(
        column.name, column.type, count, estimate, unique, textual, flag, zero, years
    )


def _text_flag(values: Sequence[str]) -> tuple[str, str] | None:
    """The values for yes and for no, when there are just two and they mean so."""
    true = [value for value in values if fold(value) in _TRUE]
    false = [value for value in values if fold(value) in _FALSE]
    return (true[0], false[0]) if (len(true), len(false), len(values)) == (1, 1, 2) else None


def _exact_distinct(engine: Engine, name: str) -> int:
    distinct = exp.Distinct(expressions=[column_of(name, engine.names)])
    select = exp.select(exp.Count(this=distinct)).from_(exp.Table(this=exp.to_identifier(TABLE)))
    return int(engine.run(select)[1].first[0])


def _distinct(engine: Engine, name: str) -> Result:
    column = column_of(name, engine.names)
    return engine.run(_from(column).distinct())[1]


def _from(column: exp.Column) -> exp.Select:
    present = exp.not_(exp.Is(this=column.copy(), expression=exp.null()))
    table = exp.Table(this=exp.to_identifier(TABLE))
    return exp.select(column.copy()).from_(table).where(present)


def _row_words(columns: Sequence[CatalogColumn]) -> frozenset[str]:
    """Stems of what a row is: ``customer`` where ``customer_id`` differs in every row."""
    found = set()
    for column in columns:
        words = content(column.name)
        if column.unique and len(words) > 1 and set(words[-1:]) & (KEY_WORDS | LABEL_WORDS):
            found.add(head(column.name))
    return frozenset(found)


def _file_words(dataset: str) -> frozenset[str]:
    """Stems of the plural that a file is named with: ``flight`` for ``flights_2013.csv``."""
    name = PurePath(dataset).name.split(".", 1)[0]
    return frozenset(
        stem(word) for word in content(name) if len(word) > 3 and word.endswith("s")
    ) - {""}
