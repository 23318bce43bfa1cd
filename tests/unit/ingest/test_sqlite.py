"""SQLite databases: which table, what its cells become, and what a hostile one may not do."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from app.analysis.errors import BadOption, BadTable, TooLarge

PEOPLE = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, born TEXT, height REAL, raw BLOB);"
    "INSERT INTO people VALUES (10, 'Ada', '1815-12-10', 1.65, x'00ff'),"
    "(12, 'Grace', '1906-12-09', NULL, NULL), (15, '', '1912-06-23', 1.7, x'01');"
)


@pytest.fixture
def database(tmp_path):
    count = 0

    def make(script: str) -> bytes:
        nonlocal count
        count += 1
        path = tmp_path / f"made-{count}.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)
        return path.read_bytes()

    return make


def test_the_one_table_is_read(read, database):
    table = read(database(PEOPLE), "people.db")
    assert table.types["born"] == "datetime"
    assert table.types["height"] == "number"
    assert table.rows[0] == {
        "id": 10,
        "name": "Ada",
        "born": "1815-12-10T00:00:00",
        "height": 1.65,
        "raw": "0x00ff",
    }
    assert table.values("name")[2] == ""
    assert table.result["read"] == {"format": "sqlite", "table": "people"}
    assert table.warning("converted")["column"] == "raw"


def test_several_tables_are_named(read, database):
    content = database(PEOPLE + "CREATE TABLE b (v); INSERT INTO b VALUES (1), (2);")
    with pytest.raises(BadTable, match="2 tables: 'b', 'people'") as caught:
        read(content, "t.db")
    assert "table=b" in caught.value.details["hint"]
    assert read(content, "t.db", table="b").values("v") == [1, 2]
    assert len(read(content, "t.db", table="PEOPLE").rows) == 3
    with pytest.raises(BadOption, match="'b', 'people'"):
        read(content, "t.db", table="c")


def test_an_empty_table_does_not_compete(read, database):
    table = read(database(PEOPLE + "CREATE TABLE later (v);"), "t.db")
    assert "only table with rows" in table.warning("table")["message"]


def test_a_view_is_read_where_it_is_named_or_alone(read, database):
    view = "CREATE VIEW tall AS SELECT name, height FROM people WHERE height > 1.66;"
    content = database(PEOPLE + view)
    assert "tall" in read(content, "t.db").warning("table")["message"]
    assert read(content, "t.db", table="tall").values("height") == [1.7]
    alone = read(database("CREATE VIEW v AS SELECT 1 AS a UNION ALL SELECT 2;"), "t.db")
    assert alone.values("a") == [1, 2]


def test_values_of_many_kinds_in_a_column_are_told(read, database):
    content = database("CREATE TABLE t (v, w); INSERT INTO t VALUES (1, 'é'), ('two', 2), (3, 3);")
    table = read(content, "t.sqlite")
    assert table.values("v") == ["1", "two", "3"]
    assert table.kinds >= {"mixed_cells"}


def test_a_database_without_tables(read, database):
    with pytest.raises(BadTable, match="no tables"):
        read(database("CREATE TABLE t (a); DROP TABLE t;"), "t.db")


def test_a_damaged_database_says_where(read, database):
    rows = "".join(f"INSERT INTO t VALUES ({i}, '{'word' * 20}');" for i in range(2000))
    content = bytearray(database(f"CREATE TABLE t (a, b); BEGIN; {rows} COMMIT;"))
    half = len(content) // 2 // 4096 * 4096
    content[half:] = b"\xff" * (len(content) - half)
    with pytest.raises(BadTable, match=r"near row [0-9,]+") as caught:
        read(bytes(content), "t.db")
    assert 100 < caught.value.details["row"] < 2000
    for short in (content[:100], content[:3000]):
        with pytest.raises(BadTable, match="damaged"):
            read(bytes(short), "t.db")


def test_changes_in_a_journal_are_told(read, database):
    assert "journal" in read(database("PRAGMA journal_mode = WAL;" + PEOPLE), "t.db").kinds


@pytest.mark.parametrize(
    "view",
    [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) AS s FROM n",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, hex(zeroblob(9999)) AS b FROM n",
        "SELECT hex(zeroblob(900000000)) AS s",
        "SELECT zeroblob(60000000) AS s UNION ALL SELECT zeroblob(60000001)",
    ],
)
def test_a_view_without_end_is_refused(read, database, view):
    with pytest.raises(TooLarge):
        read(database(f"CREATE VIEW v AS {view};"), "t.db")


@pytest.mark.parametrize(
    "view",
    [
        "SELECT load_extension('/tmp/x') AS s",
        "SELECT readfile('/etc/passwd') AS s",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM missing",
    ],
)
def test_a_view_reaches_nothing_but_its_database(read, database, view):
    with pytest.raises(BadTable):
        read(database(f"CREATE VIEW v AS {view};"), "t.db")
