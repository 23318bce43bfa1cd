"""The engine reads one file and nothing else, and the guard lets one plain SELECT through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from app.analysis.errors import BadTable
from app.analysis.questions.engine import Engine, engine_names
from app.analysis.questions.guard import Refused, check
from app.analysis.questions.plan import Figures, Filter, Grouped, Key, Measure, Values
from app.analysis.questions.sql import build
from tests.unit.questions.tables import engine, written

COLUMNS = ["name", "salary", "hired"]

REFUSED = [
    "SELECT 1; DROP TABLE dataset",
    "DROP TABLE dataset",
    "INSERT INTO dataset VALUES (1)",
    "DELETE FROM dataset",
    "UPDATE dataset SET salary = 0",
    "COPY dataset TO '/tmp/x.csv'",
    "ATTACH 'other.db'",
    "INSTALL httpfs",
    "PRAGMA database_list",
    "SET memory_limit = '1TB'",
    "CREATE TABLE other AS SELECT name FROM dataset",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT name FROM other",
    "SELECT name FROM main.dataset",
    "SELECT name FROM dataset AS d",
    "SELECT name FROM dataset, dataset",
    "SELECT name FROM dataset JOIN dataset AS b ON true",
    "SELECT name FROM dataset UNION SELECT name FROM dataset",
    "WITH x AS (SELECT name FROM dataset) SELECT name FROM x",
    "SELECT (SELECT name FROM dataset) FROM dataset",
    "SELECT name FROM dataset WHERE salary IN (SELECT salary FROM dataset)",
    "SELECT password FROM dataset",
    "SELECT dataset.name FROM dataset",
    "SELECT getenv('HOME') FROM dataset",
    "SELECT repeat('x', 1000000000) FROM dataset",
    "SELECT current_setting('memory_limit') FROM dataset",
    "SELECT range(1000000000) FROM dataset",
    "SELECT CAST(name AS BLOB) FROM dataset",
    "SELECT name FROM dataset TABLESAMPLE 10%",
    "SELECT name FROM dataset WHERE name ~ '(a+)+$'",
    "SELECT (",
    "",
]
ACCEPTED = [
    "SELECT COUNT(*) FROM dataset",
    'SELECT "name", AVG("salary") FROM dataset WHERE "salary" > 1 GROUP BY "name" LIMIT 5',
    "SELECT NAME FROM dataset WHERE hired >= CAST('2020-01-01 00:00:00' AS TIMESTAMP)",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_the_guard_refuses(sql: str) -> None:
    with pytest.raises(Refused):
        check(sql, COLUMNS)


@pytest.mark.parametrize("sql", ACCEPTED)
def test_the_guard_lets_a_plain_select_through(sql: str) -> None:
    check(sql, COLUMNS)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_csv('http://127.0.0.1/x.csv')",
        "COPY (SELECT 1) TO '/tmp/uam-escaped.csv'",
        "ATTACH '/tmp/uam-escaped.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/passwd']",
        "SET lock_configuration = false",
        "RESET memory_limit",
    ],
)
def test_the_engine_is_shut_in_even_without_the_guard(sql: str) -> None:
    with engine("staff") as opened, pytest.raises(duckdb.Error):
        opened._connection.execute(sql)


def test_the_engine_checks_what_it_runs() -> None:
    with engine("staff") as opened, pytest.raises(Refused):
        opened.run(exp.select("1").from_("other"))


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: folder / "absent.parquet",
        lambda folder: _file(folder, b"not a table"),
        lambda folder: _file(folder, b"PAR1" + b"\x00" * 40 + b"PAR1"),
    ],
    ids=["absent", "text", "broken"],
)
def test_what_is_no_parquet_file_is_a_bad_table(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    with pytest.raises(BadTable):
        Engine(str(make(tmp_path)))


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "x.parquet"
    path.write_bytes(content)
    return path


def test_names_that_differ_in_case_or_are_empty_are_told_apart() -> None:
    assert engine_names(["Age", "age", "AGE", "", "age (2)"]) == [
        "Age", "age (2)", "AGE (3)", "column 4", "age (2) (2)",
    ]  # fmt: skip


AWKWARD = st.text(min_size=1, max_size=12).filter(lambda text: "\x00" not in text)


@settings(max_examples=40, deadline=None)
@given(names=st.lists(AWKWARD, min_size=2, max_size=4, unique=True))
def test_any_names_give_the_same_figures_as_plain_ones(names: list[str]) -> None:
    source, _ = written(names, ["integer"] * len(names), [[i, i + 1] for i in range(len(names))])
    with Engine(source) as opened:
        for place, name in enumerate(names):
            plan = Figures((Measure("sum", name), Measure("missing", name)))
            assert opened.run(build(plan, opened.names))[1].rows == [[2 * place + 1, 0]]


@settings(max_examples=60, deadline=None)
@given(value=AWKWARD)
def test_any_value_is_found_as_itself_and_never_as_sql(value: str) -> None:
    source, _ = written(["word", "n"], ["text", "integer"], [[value, f"{value}!"], [1, 2]])
    with Engine(source) as opened:
        where = (Filter("word", "eq", (value,)),)
        sql, result = opened.run(build(Figures((Measure("sum", "n"),), where), opened.names))
        assert result.rows == [[1]]
        assert len(sqlglot.parse(sql, dialect="duckdb")) == 1


def test_ends_of_time_and_numbers_are_json() -> None:
    moment = datetime(2024, 2, 29, 12, 30)  # noqa: DTZ001
    source, _ = written(["t", "x"], ["datetime", "number"], [[moment, None], [float("inf"), 1.5]])
    with Engine(source) as opened:
        assert opened.run(build(Values("t"), opened.names))[1].rows == [["2024-02-29T12:30:00"]]
        assert opened.run(build(Values("x"), opened.names))[1].rows == [[1.5], [None]]
        grouped = Grouped(Key("t", "quarter"), Measure("rows"))
        assert opened.run(build(grouped, opened.names))[1].rows == [["2024-Q1", 1]]


def test_a_table_of_many_columns_counts_its_gaps() -> None:
    names = [f"c{i}" for i in range(600)]
    source, _ = written(names, ["integer"] * 600, [[1, None]] * 600)
    with Engine(source) as opened:
        found = opened.run(build(Figures((Measure("missing"),)), opened.names))[1]
    assert found.rows == [[600]]
