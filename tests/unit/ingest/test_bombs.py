"""Small files that stand for huge tables: refused early, whatever sizes they declare."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from app.analysis.errors import BadTable, TooLarge
from app.analysis.ingest import engine
from tests.unit.ingest.workbooks import fill, made, ods, xls, xlsb


def parquet(table: pa.Table, **options: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def test_parquet_pages_that_repeat_one_long_text(read):
    # 5 MB of text, named 10,000 times in a byte or less: 50 GB.
    rows = 10_000
    text = np.random.default_rng(0).integers(97, 122, 5 * 2**20, dtype=np.uint8).tobytes().decode()
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), [text])
    content = parquet(pa.table({"s": column}), dictionary_pagesize_limit=2**30)
    assert len(content) < 6 * 2**20
    assert pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0).total_byte_size < 12 * 2**20
    with pytest.raises(TooLarge):
        read(content, "t.parquet")


def test_parquet_texts_that_share_a_beginning(read):
    # Each text is the one before it and a letter: the beginning is stored as a length.
    texts = ["x" * (20_000 + i) for i in range(8000)]
    content = parquet(
        pa.table({"s": texts}),
        use_dictionary=False,
        column_encoding={"s": "DELTA_BYTE_ARRAY"},
        compression="zstd",
    )
    assert len(content) < 200_000
    with pytest.raises(TooLarge):
        read(content, "t.parquet")


def test_parquet_runs_of_one_number(read):
    content = parquet(pa.table({"n": np.full(20_000_000, 7)}), compression="zstd")
    with pytest.raises(TooLarge):
        read(content, "t.parquet")


def test_parquet_lists_of_one_number(read):
    offsets = pa.array(np.arange(2001, dtype=np.int32) * 5000)
    lists = pa.ListArray.from_arrays(offsets, pa.array(np.full(10_000_000, 7)))
    with pytest.raises(TooLarge):
        read(parquet(pa.table({"n": lists}), compression="zstd"), "t.parquet")


def test_parquet_that_declares_more_rows_than_it_has(read):
    content = bytearray(parquet(pa.table({"n": np.arange(100, 10_100)}), compression="none"))
    # 10,000 as a zigzag varint of the footer; now a million, in as many bytes.
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    content[footer:] = content[footer:].replace(b"\xa0\x9c\x01", b"\xfe\xff\x7f")
    with pytest.raises(BadTable):
        read(bytes(content), "t.parquet")


def test_honest_parquet_passes(read):
    words = [f"word {i % 1000}" for i in range(100_000)]
    content = parquet(pa.table({"s": words, "n": np.arange(100_000), "z": np.zeros(100_000)}))
    assert read(content, "t.parquet").result["rows"] == 100_000


@pytest.mark.parametrize("page", [2**20, 2**30])
def test_a_row_group_larger_than_the_engines_memory_is_read(read, monkeypatch, page):
    """Of one page, too: 80 MB of numbers of which no two are alike, in an engine of 64 MB."""
    monkeypatch.setattr(engine, "MEMORY_LIMIT_MB", 64)
    rows = 10_000_000
    table = pa.table({"n": np.random.default_rng(0).integers(0, 2**62, rows)})
    content = parquet(
        table,
        row_group_size=rows,
        use_dictionary=False,
        compression="none",
        data_page_size=page,
        write_batch_size=min(rows, page // 8),
    )
    metadata = pq.ParquetFile(io.BytesIO(content)).metadata
    assert metadata.num_row_groups == 1
    assert metadata.row_group(0).total_byte_size > 64 * 10**6
    done = read(content, "t.parquet")
    assert done.result["rows"] == rows
    assert done.result["columns"][0]["type"] in ("integer", "id")


@pytest.mark.parametrize("kind", ["csv", "json", "columns", "ndjson", "parquet"])
def test_a_million_columns_are_refused(read, kind):
    count = 1_000_000
    pairs = (f'"k{i}":1' for i in range(count))
    if kind == "csv":
        content: bytes | str = ",".join(f"k{i}" for i in range(count)) + "\n1,2\n"
    elif kind == "json":
        content = "[{" + ",".join(pairs) + "}]"
    elif kind == "columns":
        content = "{" + ",".join(f'"k{i}":[1]' for i in range(count)) + "}"
    elif kind == "ndjson":
        content = "\n".join("{" + pair + "}" for pair in pairs)
    else:
        # So many columns take a minute to write: one more than the limit stands for them.
        content = parquet(pa.table({f"k{i}": [1] for i in range(20_001)}))
    with pytest.raises(TooLarge, match="columns"):
        read(content, f"t.{kind}")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '[{"a":' + "[" * 100_000])
@pytest.mark.parametrize("closed", [False, True])
def test_json_100_000_deep_is_refused(read, text, closed):
    ends = "".join({"[": "]", "{": "}"}.get(c, "") for c in reversed(text)) if closed else ""
    with pytest.raises(BadTable):
        read(text + "1" + ends, "t.json")


@pytest.mark.parametrize("depth", [201, 500, 900])
def test_json_a_little_too_deep_is_refused(read, depth):
    with pytest.raises(BadTable, match="200 deep"):
        read('[{"a": ' + "[" * depth + "]" * depth + "}]", "t.json")


def test_keys_that_are_new_in_every_record_are_refused(read):
    records = "\n".join(f'{{"key{i}": {i}}}' for i in range(15_000))
    with pytest.raises(TooLarge, match="nearly all empty"):
        read(records, "t.ndjson")


# -- workbooks -------------------------------------------------------------------------------


def rewritten(content: bytes, **members: bytes) -> bytes:
    """A workbook with some of its members replaced."""
    source, buffer = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, members.get(name, source.read(name)))
    return buffer.getvalue()


def workbook(rows: int = 3) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet()
    for i in range(rows):
        sheet.write_row(i, 0, ["name", "value"] if i == 0 else [f"n{i}", i])
    book.close()
    return buffer.getvalue()


def test_a_huge_declared_dimension_costs_nothing(read):
    content = workbook()
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert b'<dimension ref="A1:B3"/>' in sheet
    huge = sheet.replace(b'"A1:B3"', b'"A1:XFD1048576"')
    table = read(rewritten(content, **{"xl/worksheets/sheet1.xml": huge}), "t.xlsx")
    assert table.values("value") == [1, 2]


def test_shared_strings_that_unpack_too_far(read):
    strings = b"<sst>" + b"<si><t>x</t></si>" * (5 * 2**20) + b"</sst>"
    with pytest.raises(TooLarge):
        read(rewritten(workbook(), **{"xl/sharedStrings.xml": strings}), "t.xlsx")


def test_shared_strings_larger_than_the_directory_says(read):
    strings = b"<sst>" + b"<si><t>x</t></si>" * (5 * 2**20) + b"</sst>"
    content = bytearray(rewritten(workbook(), **{"xl/sharedStrings.xml": strings}))
    for mark, place in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            if int.from_bytes(content[start + place : start + place + 4], "little") == len(strings):
                content[start + place : start + place + 4] = (500).to_bytes(4, "little")
            start += 4
    with pytest.raises((TooLarge, BadTable)):
        read(bytes(content), "t.xlsx")


LONG = "".join(chr(97 + i * i % 26) for i in range(32_000))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.xlsx", lambda rows: made(lambda book: fill(book.add_worksheet(), rows))),
        ("t.xls", xls),
        ("t.xlsb", lambda rows: xlsb(rows, shared=True)),
        ("t.ods", lambda rows: ods(rows[:1], repeated=len(rows))),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_one_long_text_in_many_cells(read, name, content):
    # 64 MB of text, which the file holds once.
    packed = content([[LONG]] * 2000)
    assert len(packed) < 250_000
    with pytest.raises(TooLarge, match="200 times"):
        read(packed, name)
