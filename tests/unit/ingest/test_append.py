"""A newer file behind a dataset, or in its place."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.analysis.errors import BadOption, BadTable
from app.analysis.ingest.findings import quoted
from app.analysis.ingest.jobs import append, renew
from app.analysis.progress import silent
from tests.unit.ingest.reading import LIMIT, Read
from tests.unit.ingest.test_formats import parquet, workbook

Joined = Callable[..., Read]
BASE = (
    "id,city,n,price,member,since,note,unit\n"
    "1,Bonn,10,1.5,True,2024-01-31,paid late again,cm\n"
    "2,Graz,20,2.5,False,2024-02-01,no complaint,cm\n"
    "3,Bonn,,3.5,True,2024-02-02,wrote a letter,cm\n"
)
MORE = (
    "note,id,city,n,price,member,since,unit\n"
    "came back once,4,Bern,40,4,False,2024-03-01,cm\n"
    "stayed away,5,Bonn,50,5.25,True,2024-03-02,cm\n"
)


@pytest.fixture
def joined(tmp_path: Path) -> Joined:
    """``joined(base, content, name, **options)``: the dataset with the file's rows behind it."""
    count = 0

    def run(
        base: Read,
        content: bytes | str,
        name: str = "more.csv",
        remembered: dict[str, Any] | None = None,
        **options: Any,
    ) -> Read:
        nonlocal count
        count += 1
        folder = tmp_path / f"joined-{count}"
        out = folder / "out"
        out.mkdir(parents=True)
        (folder / "source").write_bytes(content.encode() if isinstance(content, str) else content)
        result = append(
            source=str(folder / "source"),
            filename=name,
            base=str(base.data),
            columns=base.result["columns"],
            out_dir=str(out),
            options=options,
            remembered=remembered or {},
            max_unpacked_bytes=LIMIT,
            progress=silent,
        )
        assert sorted(path.name for path in out.iterdir()) == ["data.parquet", "preview.json"]
        return Read(out, result)

    return run


def test_rows_come_behind_matched_by_name_in_the_old_order(read: Any, joined: Joined) -> None:
    base = read(BASE)
    both = joined(base, MORE)
    assert (both.result["rows"], both.result["cols"]) == (5, 8)
    assert both.types == base.types
    assert [column["name"] for column in both.result["columns"]] == BASE.splitlines()[0].split(",")
    assert both.rows[:3] == base.rows
    assert both.rows[3] == {
        "id": 4,
        "city": "Bern",
        "n": 40,
        "price": 4.0,
        "member": False,
        "since": "2024-03-01T00:00:00",
        "note": "came back once",
        "unit": "cm",
    }
    assert both.result["read"]["rows_appended"] == 2
    assert both.result["warnings"] == []
    assert pq.read_schema(both.data).types == pq.read_schema(base.data).types


def test_the_words_for_true_and_false_are_kept(read: Any, joined: Joined) -> None:
    base = read(BASE)
    both = joined(base, MORE.replace("True", "TRUE").replace("False", "FALSE"))
    assert pq.read_schema(both.data).metadata == pq.read_schema(base.data).metadata
    assert both.values("member") == [True, False, True, False, True]


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "json"])
def test_another_format_with_the_same_columns(read: Any, joined: Joined, kind: str) -> None:
    base = read(
        "zip,n,x,when\n01234,1,1.5,2024-01-01\n99999,2,2.5,2024-01-02\n01234,3,3,2024-01-03\n"
    )
    assert base.types["zip"] == "categorical"
    day = dt.datetime.fromisoformat("2024-05-06")
    content = {
        "xlsx": lambda: workbook({"s": [["x", "zip", "n", "when"], [7, 70173, 8, day]]}),
        "parquet": lambda: parquet(pa.table({"zip": [70173], "n": [8.0], "x": [7], "when": [day]})),
        "json": lambda: b'[{"x": 7, "n": 8, "zip": 70173, "when": "2024-05-06"}]',
    }[kind]()
    both = joined(base, content, f"more.{kind}")
    assert both.rows[3] == {"zip": "70173", "n": 8, "x": 7.0, "when": "2024-05-06T00:00:00"}
    assert both.types == base.types


@pytest.mark.parametrize(
    ("old", "new", "column", "row"),
    [
        ("4,Bern,40", "4,Bern,many", "n", 1),
        ("5,Bonn,50", "5,Bonn,50.5", "n", 2),
        ("5.25", "cheap", "price", 2),
        ("2024-03-02", "in May", "since", 2),
        ("True", "perhaps", "member", 2),
        (",5,Bonn", ",five,Bonn", "id", 2),
    ],
)
def test_a_value_that_cannot_be_is_named(
    read: Any, joined: Joined, old: str, new: str, column: str, row: int
) -> None:
    with pytest.raises(BadTable) as caught:
        joined(read(BASE), MORE.replace(old, new))
    assert (caught.value.details["column"], caught.value.details["row"]) == (column, row)
    assert quoted(column) in caught.value.message


def test_other_columns_are_named(read: Any, joined: Joined) -> None:
    with pytest.raises(BadTable) as caught:
        joined(read("a,b,c\n1,2,3\n4,5,6\n"), "b,B,d\n1,2,3\n")
    assert caught.value.details["missing_columns"] == ["a", "c"]
    assert caught.value.details["extra_columns"] == ["B", "d"]
    assert all(name in caught.value.message for name in ("'a'", "'c'", "'B'", "'d'"))


def test_a_constant_with_a_second_value_and_a_key_that_repeats(read: Any, joined: Joined) -> None:
    base = read(
        "key,code,month,year\n1,a1,2024-01,7\n2,b2,2024-01,7\n3,c3,2024-01,7\n",
        types={"key": "id", "month": "constant"},
    )
    assert base.types == {"key": "id", "code": "id", "month": "constant", "year": "constant"}
    both = joined(base, "key,code,month,year\n1,a1,2024-02,8\n")
    assert both.types["key"] == "integer"
    assert both.types["code"] == "categorical"
    assert both.types["month"] == "categorical" or both.types["month"] == "datetime"
    assert both.types["year"] == "integer"
    changed = [w["column"] for w in both.result["warnings"] if w["kind"] == "type_changed"]
    assert changed == ["key", "code", "month", "year"]


def test_a_column_that_held_nothing_takes_the_files_type(read: Any, joined: Joined) -> None:
    base = read("n,late\n1,\n2,\n3,\n")
    assert base.types["late"] == "constant"
    both = joined(base, "late,n\n1.5,4\n2.5,5\n")
    assert both.types["late"] == "number"
    assert both.values("late") == [None, None, None, 1.5, 2.5]
    again = joined(base, "late,n\n,4\n,5\n")
    assert again.types["late"] == "constant"
    assert again.result["rows"] == 5


def test_names_that_differ_in_case_alone(read: Any, joined: Joined) -> None:
    both = joined(read("a,A\n1,x\n2,y\n2,y\n"), "A,a\nz,3\n")
    assert both.rows[-1] == {"a": 3, "A": "z"}


def test_a_file_without_rows_and_a_dataset_without(read: Any, joined: Joined) -> None:
    base = read("a,b\n1,x\n2,y\n")
    both = joined(base, "b,a\n")
    assert both.result["rows"] == 2
    assert "no_rows" in both.kinds
    filled = joined(joined(read("a,b\n"), "a,b\n1,x\n"), "a,b\n2,y\n")
    assert filled.result["rows"] == 2


def test_an_irregular_file_is_read_row_by_row(read: Any, joined: Joined) -> None:
    base = read("a,b\n1,x\n2,y\n2,y\n")
    rows = "".join(f"{i},z\n" for i in range(30_000))
    both = joined(base, f'a,b\n{rows}7,"broken" quote\n8,z\n')
    assert both.result["rows"] == 3 + 30_002


def test_many_columns(read: Any, joined: Joined) -> None:
    names = [f"c{i}" for i in range(520)]
    base = read(",".join(names) + "\n" + ",".join(["1"] * 520) + "\n" + ",".join(["2"] * 520))
    both = joined(base, ",".join(reversed(names)) + "\n" + ",".join(map(str, range(520))))
    assert both.rows[2] == {name: 519 - i for i, name in enumerate(names)}


def test_remembered_options_are_used_where_they_fit(read: Any, joined: Joined) -> None:
    base = read("a;b\n1,5;x\n2,5;y\n", delimiter=";", decimal=",")
    remembered = {"delimiter": ";", "decimal": ","}
    both = joined(base, "a;b\n3,5;z\n", remembered=remembered)
    assert both.values("a") == [1.5, 2.5, 3.5]
    book = workbook({"s": [["a", "b"], [4.5, "q"]]})
    other = joined(base, book, "more.xlsx", remembered=remembered)
    assert other.values("a") == [1.5, 2.5, 4.5]
    assert "delimiter" in other.warning("remembered_option")["message"]
    with pytest.raises(BadOption):
        joined(base, book, "more.xlsx", delimiter=";")


def test_a_file_in_place_of_another_keeps_types_that_fit(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.write_text("zip;n;x\n70173;1;y\n70174;q;n\n")
    out.mkdir()
    result = renew(
        source=str(source),
        filename="new.csv",
        out_dir=str(out),
        options={},
        remembered={
            "delimiter": ";",
            "known_types": {"zip": "categorical", "n": "integer", "gone": "text"},
        },
        max_unpacked_bytes=LIMIT,
        progress=silent,
    )
    read = Read(out, result)
    assert read.types["zip"] == "categorical"
    assert read.types["n"] != "integer"
    assert read.warning("known_type")["column"] == "n"


PEAK = """
import resource, sys
from pathlib import Path
from app.analysis.ingest.jobs import append, ingest
from app.analysis.progress import silent
folder = Path(sys.argv[1])
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
(folder / "base").mkdir()
(folder / "out").mkdir()
told = dict(filename="t.csv", options={}, max_unpacked_bytes=2**30, progress=silent)
base = ingest(source=str(folder / "t.csv"), out_dir=str(folder / "base"), **told)
columns = base["columns"]
before = peak()
both = append(source=str(folder / "t.csv"), base=str(folder / "base" / "data.parquet"),
    columns=columns, out_dir=str(folder / "out"), remembered={}, **told)
print(both["rows"], before, peak())
"""


def test_appending_holds_no_table_in_memory(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("w") as file:
        file.write("name,n\n")
        for start in range(0, 400_000, 10_000):
            file.writelines(
                f"a name of some length {i * 7919 % 999_983},{i % 1000}\n"
                for i in range(start, start + 10_000)
            )
    argv = [sys.executable, "-c", PEAK, str(tmp_path)]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    rows, before, after = map(int, told.split())
    assert rows == 800_000
    # The limit of the engine, and what pyarrow needs for a row group or two.
    assert after < max(before, 420) + 150, (before, after)
