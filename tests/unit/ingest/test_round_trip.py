"""Whatever goes in comes out: properties over tables of every kind of cell."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import string

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.analysis.errors import AnalysisError
from app.analysis.ingest.careful import read_carefully
from app.analysis.ingest.dialect import Dialect
from app.analysis.ingest.engine import connect
from app.analysis.ingest.export import export_dataset
from app.analysis.ingest.notations import MISSING_IN_TEXT, MISSING_IN_TYPED
from app.analysis.progress import silent
from app.analysis.schema import columns_from_json
from tests.unit.ingest.reading import read_bytes

LIGHT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MISSING = {token.lower() for token in (*MISSING_IN_TEXT, *MISSING_IN_TYPED)}
ALPHABET = string.ascii_letters + string.digits + " ,;'\"\n\r\t.-+%€äß=|"
CELLS = st.text(ALPHABET, max_size=8)


def written(header: list[str], rows: list[list[str]], line_end: str = "\n") -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def shown(folder, content: bytes, **options):
    table = read_bytes(folder, content, **options)
    return [list(row.values()) for row in table.rows]


@LIGHT
@given(rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8))
def test_text_comes_back_as_it_was_written(tmp_path_factory, rows):
    assume(all(cell.strip().lower() not in MISSING or cell == "" for row in rows for cell in row))
    folder = tmp_path_factory.mktemp("text")
    kinds = {"types": {"a": "text", "b": "text", "c": "text"}, "delimiter": ",", "header_row": 1}
    found = shown(folder, written(["a", "b", "c"], rows), **kinds)
    assert found == [[cell or None for cell in row] for row in rows]


@LIGHT
@given(
    rows=st.lists(
        st.tuples(
            st.integers(-(10**15) + 1, 10**15 - 1),
            st.floats(allow_nan=False, allow_infinity=False),
            st.sampled_from(["Yes", "No", "perhaps so"]),
            st.datetimes(min_value=dt.datetime.fromisoformat("1000-01-01")),
        ),
        min_size=3,
        max_size=8,
    )
)
def test_numbers_dates_and_words_survive_two_journeys(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("typed")
    cells = [[str(n), repr(x), word, when.isoformat(" ")] for n, x, word, when in rows]
    first = read_bytes(folder, written(["n", "x", "w", "d"], cells))
    for row, (n, x, word, when) in zip(first.rows, rows, strict=True):
        assert row == {"n": n, "x": x, "w": word, "d": when.isoformat()}

    out = folder / "again.csv"
    columns = columns_from_json(first.result["columns"])
    export_dataset(first.data, out, "csv", columns, silent, neutralise=False)
    (folder / "second").mkdir()
    second = read_bytes(folder / "second", out.read_bytes())
    assert second.rows == first.rows
    assert second.types == first.types


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
)


@LIGHT
@given(cells=st.lists(SCALARS, min_size=1, max_size=8))
def test_a_json_column_loses_nothing(tmp_path_factory, cells):
    assume(not any(isinstance(c, str) and c.strip().lower() in MISSING - {""} for c in cells))
    assume(not any(isinstance(c, str) and (c[:1].isspace() or c[-1:].isspace()) for c in cells))
    folder = tmp_path_factory.mktemp("json")
    content = json.dumps([{"v": cell, "k": i} for i, cell in enumerate(cells)]).encode()
    table = read_bytes(folder, content, "t.json", types={"v": "text"})
    for cell, found in zip(cells, table.values("v"), strict=True):
        if cell is None or isinstance(cell, str):
            assert found == cell
        else:
            assert json.loads(found) == cell


def assert_table_or_sentence(folder, content: bytes) -> None:
    refused, table = None, None
    try:
        table = read_bytes(folder, content)
    except AnalysisError as error:
        refused = error
    if table is not None:
        assert table.result["cols"] == len(table.result["columns"]) > 0
    else:
        assert refused is not None
        assert refused.message
        assert str(folder) not in refused.message


@LIGHT
@given(text=st.text("ab1,\"\n\r ;\x00'é", max_size=60))
def test_any_text_is_read_or_refused_in_words(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("any")
    assert_table_or_sentence(folder, text.encode())


@LIGHT
@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_words(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bytes")
    assert_table_or_sentence(folder, content)


LINES = st.lists(
    st.lists(st.text("ab1\" 'é", max_size=4), min_size=2, max_size=2), min_size=1, max_size=6
)


@LIGHT
@given(rows=LINES)
def test_the_fast_reader_agrees_with_the_careful_one_or_gives_up(tmp_path_factory, rows):
    """The fast reader may refuse a text; what it accepts, the careful one reads alike."""
    import duckdb

    folder = tmp_path_factory.mktemp("agree")
    source = folder / "t.csv"
    source.write_text("\n".join(",".join(row) for row in rows) + "\n", newline="")
    relation = (
        f"read_csv('{source}', auto_detect = false, header = false, delim = ',', quote = '\"', "
        "escape = '\"', strict_mode = true, columns = {c0: 'VARCHAR', c1: 'VARCHAR'})"
    )
    with connect(folder) as connection:
        try:
            fast = connection.execute(f"SELECT * FROM {relation}").fetchall()
        except duckdb.Error:
            return
        # Blanks between a quote and a delimiter: the two read them differently, see Dialect.
        text = source.read_text()
        assume(' "' not in text and '" ' not in text)
        parsed = read_carefully(source, Dialect(","), 0, 2, folder)
        # A line of words behind a gap is a note, which the careful one leaves out and tells.
        assume(not any(finding.kind == "footer" for finding in parsed.findings))
        careful = connection.execute(f"SELECT * FROM {parsed.relation}").fetchall()
    assert fast == careful


@pytest.mark.parametrize("value", ["True", "TRUE", "true"])
def test_truth_is_spelled_as_in_the_file(tmp_path, value):
    other = {"True": "False", "TRUE": "FALSE", "true": "false"}[value]
    content = f"flag,v\n{value},1\n{other},2\n{value},3\n".encode()
    table = read_bytes(tmp_path, content)
    out = tmp_path / "out.csv"
    export_dataset(table.data, out, "csv", columns_from_json(table.result["columns"]), silent)
    assert out.read_bytes() == content
