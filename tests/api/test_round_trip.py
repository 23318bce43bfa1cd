"""Whatever goes in through the API comes out of it: every cell that was not declared missing."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.analysis.ingest.notations import MISSING_IN_TEXT, MISSING_IN_TYPED
from tests.api.world import World

# Each example is a few requests to a real server: few of them, and the same ones each time.
FEW = settings(
    max_examples=4,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# The storage behind the API has its own tests.
EMBEDDED = pytest.mark.parametrize("server", ["embedded"], indirect=True)
MISSING = {"", "na", *(token.lower() for token in (*MISSING_IN_TEXT, *MISSING_IN_TYPED))}
LETTERS = "aZ 0,;'\"\n\t=+-@|#.éß漢😀\u200d\u0301\u00a0"
ROWS = 7

# One strategy for the cells of each column of text, and the nastiest of their kind.
SPELLED = {
    "any text": st.text(LETTERS, max_size=12),
    "names": st.sampled_from(["O'Brien", 'say "so"', "two\nlines", "a, b", "Zoë", "漢字", "😀"]),
    "codes": st.sampled_from(["007", "0010", "12E4", "1-2", "0x1F", "1_000", "000"]),
    "long": st.integers(10**15, 10**30).map(str),
    "whole": st.integers(-(10**14), 10**14).map(str),
    "decimal": st.decimals(-1000, 1000, places=3).map(str),
    "day": st.dates(dt.date.fromisoformat("1850-01-01")).map(str),
    "moment": st.datetimes(dt.datetime.fromisoformat("1850-01-01T00:00:00")).map(
        lambda moment: moment.replace(microsecond=0).isoformat(" ")
    ),
    "word": st.sampled_from(["True", "False"]),
    "country": st.sampled_from(["NA", "DE", "FR", "GB"]),
    "gaps": st.sampled_from(["", "NA", "null", "-", "7", "8.5"]),
    "formula": st.sampled_from(["=1+1", "@sum", "-2", "+3", "plain"]),
}
TYPED = {
    "text": (pa.string(), st.one_of(st.none(), st.text(LETTERS, max_size=12))),
    "NA": (pa.string(), st.sampled_from(["NA", "null", "007", None])),
    "whole": (pa.int64(), st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))),
    "real": (pa.float64(), st.one_of(st.none(), st.floats(allow_nan=False))),
    "truth": (pa.bool_(), st.one_of(st.none(), st.booleans())),
    "moment": (
        pa.timestamp("us"),
        st.one_of(st.none(), st.datetimes(dt.datetime.fromisoformat("1850-01-01T00:00:00"))),
    ),
    "day": (pa.date32(), st.one_of(st.none(), st.dates(dt.date.fromisoformat("1850-01-01")))),
}

Columns = dict[str, list[Any]]


def columns_of(kinds: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Columns]:
    """A table with a column of each kind, so that few examples meet them all."""
    cells = {name: st.lists(cell, min_size=ROWS, max_size=ROWS) for name, cell in kinds.items()}
    return st.fixed_dictionaries({"row": st.just(list(range(1, ROWS + 1))), **cells})


def as_csv(columns: Columns) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return buffer.getvalue().encode()


def as_json(columns: Columns) -> bytes:
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return json.dumps(rows, ensure_ascii=False).encode()


def as_parquet(columns: Columns) -> bytes:
    buffer = io.BytesIO()
    kinds = {name: TYPED[name][0] for name in columns if name != "row"}
    arrays = [pa.array(cells, kinds.get(name)) for name, cells in columns.items()]
    pq.write_table(pa.Table.from_arrays(arrays, names=list(columns)), buffer)
    return buffer.getvalue()


def downloaded(world: World, dataset_id: str, kind: str) -> Columns:
    answer = world.api.get(f"/datasets/{dataset_id}/download", params={"format": kind})
    assert answer.status_code == 200, answer.text
    if kind == "parquet":
        return dict(pq.read_table(io.BytesIO(answer.content)).to_pydict())
    names, *rows = csv.reader(io.StringIO(answer.content.decode(), newline=""))
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def moment(value: Any) -> dt.datetime | None:
    if isinstance(value, str):
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime.combine(value, dt.time())
    return value if isinstance(value, dt.datetime) else None


def number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or (isinstance(value, str) and re.match(r"-?0[0-9]", value)):
        return None
    try:
        return Decimal(repr(value) if isinstance(value, float) else str(value))
    except InvalidOperation:
        return None


def comes_back(cell: Any, found: Any, of: str) -> bool:
    """Whether what was downloaded from a column of that type is the cell that was sent."""
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in MISSING):
        # A missing cell, or what may be declared one: nothing else may come in its place.
        return found in (None, "", cell, f"'{cell}")
    if found == cell and type(found) is type(cell):
        return True
    if isinstance(found, str) and found in (str(cell), f"'{cell}"):  # no formula in a CSV
        return True
    if of in ("datetime", "constant") and moment(cell) is not None:
        return moment(cell) == moment(found)
    if of == "boolean" or isinstance(found, bool):
        return str(found).lower() == str(cell).lower()
    if of in ("integer", "number", "id", "constant"):
        return number(cell) is not None and number(cell) == number(found)
    return False


def assert_returns(
    world: World, columns: Columns, write: Callable[[Columns], bytes], suffix: str
) -> None:
    uploaded = world.upload(write(columns), f"table.{suffix}")
    types = {column["name"]: column["type"] for column in uploaded["preview"]["columns"]}
    assert list(types) == list(columns)
    for kind in ("csv", "parquet"):
        found = downloaded(world, uploaded["dataset_id"], kind)
        assert list(found) == list(columns)
        for name, cells in columns.items():
            lost = differences(cells, found[name], types[name])
            assert lost == [], (kind, name, types[name])
    world.api.delete(f"/datasets/{uploaded['dataset_id']}")


def differences(cells: Sequence[Any], found: Sequence[Any], of: str) -> list[tuple[Any, Any]]:
    assert len(cells) == len(found)
    pairs = zip(cells, found, strict=True)
    return [(cell, value) for cell, value in pairs if not comes_back(cell, value, of)]


@EMBEDDED
@FEW
@given(columns=columns_of(SPELLED))
def test_the_cells_of_a_csv(world: World, columns: Columns) -> None:
    assert_returns(world, columns, as_csv, "csv")


@EMBEDDED
@FEW
@given(columns=columns_of(SPELLED))
def test_the_strings_of_json(world: World, columns: Columns) -> None:
    assert_returns(world, columns, as_json, "json")


@EMBEDDED
@FEW
@given(columns=columns_of({name: cells for name, (_, cells) in TYPED.items()}))
def test_the_values_of_a_parquet(world: World, columns: Columns) -> None:
    assert_returns(world, columns, as_parquet, "parquet")


@pytest.mark.parametrize(
    ("cell", "found", "of"),
    [
        ("007", 7, "integer"),
        ("007", "7", "categorical"),
        ("1.5", 1.25, "number"),
        ("two\nlines", "two lines", "text"),
        ("2024-01-02", "2024-02-01", "datetime"),
        ("a", None, "text"),
        ("a", "", "text"),
        ("", "x", "text"),
        (2**60 + 1, float(2**60), "number"),
    ],
)
def test_what_is_lost_is_seen(cell: Any, found: Any, of: str) -> None:
    assert not comes_back(cell, found, of)
