"""A long text is parsed once and written as what it seems to be: the result is the same as ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.ingest import stacks, staging, typing_rules, verify, write

ROWS = 300
SAMPLE = 200
Read = Callable[..., Any]


@pytest.fixture(autouse=True)
def small_sample() -> Iterator[None]:
    """A sample that sees only the beginning of small tables."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (verify, typing_rules):
            patch.setattr(module, "sample_size", lambda _table: SAMPLE)
        yield


def read_both(read: Read, content: str, **options: Any) -> tuple[Any, Any]:
    """The file read as a short one is, and as a long one."""
    short = read(content, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stacks, "HELD_BYTES", -1)
        patch.setattr(stacks, "_LEAST_COLUMNS", 10**9)
        return short, read(content, **options)


def assert_same(short: Any, long: Any) -> None:
    assert long.result == short.result
    assert long.preview == short.preview
    one, other = pq.read_table(short.data), pq.read_table(long.data)
    assert one.schema.types == other.schema.types
    assert one.schema.metadata == other.schema.metadata
    # NaN is no value here, so plain equality holds.
    assert one.to_pylist() == other.to_pylist()


def column(usual: Callable[[int], str], **late: str) -> list[str]:
    """The cells of a column, with others in the rows (from 0) that ``late`` names as ``r250``."""
    cells = [usual(n) for n in range(ROWS)]
    for row, cell in late.items():
        cells[int(row[1:])] = cell
    return cells


def plain(n: int) -> str:
    return str(n * 7 % 40)


# What a sample of the first rows does not tell of the others.
LATE: dict[str, list[str]] = {
    "whole numbers": column(plain),
    "an empty cell": column(plain, r250=""),
    "NA among numbers": column(plain, r250="NA", r251="-"),
    "a word among numbers": column(plain, r250="see note"),
    "a leading zero": column(plain, r250="007"),
    "sixteen digits": column(plain, r250="1234567890123456"),
    "the mark itself": column(plain, r250="-9223372036854775808"),
    "a decimal": column(plain, r250="2.5"),
    "padded": column(plain, r250=" 12 "),
    "a typographic minus": column(plain, r250="−12"),
    "zero below zero": column(plain, r250="-0"),
    "a code of an exponent": column(lambda n: f"{n / 4:.2f}", r250="12E4"),
    "a cell NaN": column(lambda n: f"{n / 4:.2f}", r250="NaN"),
    "infinite": column(lambda n: f"{n / 4:.2f}", r250="inf", r251="-Infinity"),
    "too many digits": column(lambda n: f"{n / 4:.2f}", r250="0.12345678901234567890"),
    "seventeen digits": column(lambda n: f"{n / 4:.2f}", r250="0.12345678901234568"),
    "a decimal comma": column(lambda n: f"{n / 4:.2f}", r250="12,5"),
    "dates": column(lambda n: f"2024-{n % 12 + 1:02d}-{n % 28 + 1:02d}"),
    "a day that is none": column(lambda n: f"2024-02-{n % 28 + 1:02d}", r250="2024-02-31"),
    "a date and a time": column(lambda n: f"2024-02-{n % 28 + 1:02d}", r250="2024-02-01 12:30"),
    "infinite dates": column(lambda n: f"2024-02-{n % 28 + 1:02d}", r250="-infinity"),
    "days over twelve": column(lambda n: f"0{n % 9 + 1}/0{n % 9 + 1}/2024", r250="31/01/2024"),
    "truth values": column(lambda n: ("True", "False", "")[n % 3]),
    "a truth value spelled else": column(lambda n: ("True", "False")[n % 2], r250="true"),
    "no truth value": column(lambda n: ("True", "False")[n % 2], r250="maybe"),
    "only true at first": column(lambda _: "true", r250="false"),
    "a currency": column(lambda n: f"$ {n}", r250="($ 5)"),
    "per cent": column(lambda n: f"{n} %", r250="7"),
    "numbers in thousands": column(lambda n: f'"1,{n:03d}"', r250="12"),
    "codes": column(lambda n: f"A{n % 5}"),
    "null among codes": column(lambda n: f"A{n % 5}", r250="NULL"),
    "countries": column(lambda n: ("DE", "NA", "FR")[n % 3]),
    "texts": column(lambda n: f"some words {n}", r250="NA", r251="nan"),
    "nothing but NA": column(lambda _: "NA"),
    "empty": column(lambda _: ""),
    "one value": column(lambda _: "7"),
    "another in the end": column(lambda _: "7", r299="8"),
    "row id": column(str),
    "a key that repeats": column(lambda n: f"k{n}", r250="k1"),
    "telephone": column(lambda n: f"+49 30 1234{n:03d}"),
    "mostly numbers": column(lambda n: "x" if n % 10 == 0 else str(n)),
}


def csv(columns: dict[str, list[str]]) -> str:
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(row) for row in rows)]) + "\n"


@pytest.mark.parametrize("name", LATE)
def test_what_the_sample_did_not_tell_is_found(read: Read, name: str) -> None:
    short, long = read_both(read, csv({"n": column(lambda n: f"x{n % 9}"), name: LATE[name]}))
    assert_same(short, long)


def test_columns_in_doubt_leave_the_others_alone(read: Read) -> None:
    assert_same(*read_both(read, csv(LATE)))


def test_a_clean_text_is_parsed_and_written_once(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = note_writing(monkeypatch)
    clean = ("whole numbers", "dates", "truth values", "codes", "infinite", "an empty cell")
    _, long = read_both(read, csv({name: LATE[name] for name in clean}))
    assert written == ["data.parquet", "staged.parquet"]  # the short one, then the long one
    assert long.result["rows"] == ROWS


def test_doubts_cost_one_more_parsing(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    written = note_writing(monkeypatch)
    doubted = ("NA among numbers", "a day that is none", "a word among numbers", "codes")
    read_both(read, csv({name: LATE[name] for name in doubted}))
    assert written == ["data.parquet", "staged.parquet", "staged.parquet", "data.parquet"]


def note_writing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    written: list[str] = []

    def noting(*given: Any) -> int:
        written.append(given[3].name)
        return write.write_dataset(*given)

    monkeypatch.setattr(staging, "write_dataset", noting)
    monkeypatch.setattr("app.analysis.ingest.dataset.write_dataset", noting)
    return written


def test_names_that_differ_by_case_only(read: Read) -> None:
    columns = {"a": LATE["dates"], "A": LATE["codes"], "á": LATE["NA among numbers"]}
    assert_same(*read_both(read, csv(columns)))


def test_types_that_the_caller_gives(read: Read) -> None:
    columns = {"zip": column(lambda n: f"0{n}"), "n": LATE["a leading zero"], "b": column(plain)}
    types = {"zip": "text", "n": "integer", "b": "number"}
    assert_same(*read_both(read, csv(columns), types=types))


CLEAN = {
    "n": column(plain),
    "x": column(plain),
    "zip": column(lambda n: f"0{n}"),
    "day": column(lambda n: f"2024-01-{n % 28 + 1:02d}"),
    "said": column(lambda n: "ja" if n % 3 else "nein"),
    "code": column(lambda n: f"c{n % 7}"),
    "key": column(str),
}
GIVEN = {"n": "integer", "x": "number", "zip": "text", "day": "datetime", "code": "categorical"}
REMEMBERED = {**GIVEN, "said": "boolean", "key": "id"}


def test_types_that_the_caller_gives_cost_no_second_writing(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    for options in ({"types": {**GIVEN, "said": "boolean"}}, {"known_types": REMEMBERED}):
        written = note_writing(monkeypatch)
        short, long = read_both(read, csv(CLEAN), **options)
        assert_same(short, long)
        assert written == ["data.parquet", "staged.parquet"]
        assert long.types["x"] == "number"
        assert long.types["said"] == "boolean"


def test_types_that_only_the_sample_fits(read: Read) -> None:
    late = {"n": "?", "x": "007", "day": "2024-02-30", "said": "vielleicht"}
    for name, cell in late.items():
        content = csv({**CLEAN, name: column(CLEAN[name].__getitem__, r250=cell)})
        assert_same(*read_both(read, content, known_types=REMEMBERED))


def test_a_text_that_breaks_its_rules_is_read_carefully(read: Read) -> None:
    content = csv({"a": column(plain), "b": column(lambda n: f"b{n}")})
    broken = content.replace("\n" + plain(250) + ",b250\n", "\n" + plain(250) + ",b250,more\n")
    assert broken != content
    short, long = read_both(read, broken)
    assert_same(short, long)
    assert "ragged_long" in long.kinds


CELL = st.one_of(
    st.integers(-(10**17), 10**17).map(str),
    st.floats(allow_nan=True).map(repr),
    st.dates().map(str),
    st.sampled_from(["", "NA", "null", "-", "True", "False", "007", "1e5", "−3", " 4", "x y"]),
    st.text("0123456789.-+eE", max_size=8),
)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_late_cells(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    from tests.unit.ingest.reading import read_bytes

    kinds = ("whole numbers", "infinite", "dates", "truth values", "codes")
    columns = {}
    for name in kinds:
        cells = list(LATE[name])
        for row in data.draw(st.sets(st.integers(SAMPLE, ROWS - 1), max_size=3)):
            cells[row] = data.draw(CELL)
        columns[name] = cells

    def read(content: str) -> Any:
        return read_bytes(tmp_path_factory.mktemp("late"), content.encode())

    assert_same(*read_both(read, csv(columns)))


def test_a_text_is_staged_if_it_is_long_and_narrow(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = note_writing(monkeypatch)
    monkeypatch.setattr(staging, "_LONG_BYTES", 2000)
    narrow = csv({"a": column(plain), "b": column(lambda n: f"b{n}")})
    wide = csv({f"c{i}": column(plain) for i in range(60)})
    for content in (narrow, "a,b\n1,2\n2,3\n", wide):
        read(content)
    assert written == ["staged.parquet", "data.parquet", "data.parquet"]
