"""Parquet that hardly any writer makes, and what most write of moments with a time zone."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.analysis.errors import UnsupportedFormat
from app.analysis.ingest import parquet as parquet_reader
from app.analysis.ingest.detect import Detected


def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_parquet_of_nanoseconds_with_a_time_zone(read, zone):
    ticks = pa.array([1_700_000_000_123_456_000, -1_500_000, None], pa.int64())
    table = read(parquet(pa.table({"t": ticks.cast(pa.timestamp("ns", tz=zone))})), "t.parquet")
    assert table.types == {"t": "datetime"}
    assert table.values("t") == ["2023-11-14T22:13:20.123456", "1969-12-31T23:59:59.998500", None]
    told = table.warning("converted")["message"]
    assert told == f"'t' has the time zone {zone} and is kept in UTC, to the microsecond."


def test_records_without_a_field_are_left_out_and_told(tmp_path, monkeypatch):
    # No writer at hand makes them; pyarrow's reader passes over such a column.
    class File:
        schema_arrow = pa.schema({"a": pa.int64(), "nested": pa.struct([]), "b": pa.int64()})

        def __init__(self, path) -> None:
            self._file = pq.ParquetFile(path)
            self.metadata = self._file.metadata
            self.iter_batches = self._file.iter_batches

    path = tmp_path / "t.parquet"
    path.write_bytes(parquet(pa.table({"a": [1, 2], "b": [3, 4]})))
    monkeypatch.setattr(parquet_reader, "open_file", File)
    detected = Detected("parquet", path, "parquet", packed=10_000)
    table = parquet_reader._careful(detected, tmp_path, 2**30)
    assert table.names == ["a", "b"]
    assert [(f.kind, f.column) for f in table.findings] == [("converted", "nested")]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Column is noted as encrypted but no file decryptor", "encrypted columns"),
        ("Decimal precision out of range [1, 76]: 77", "more digits than UAM reads"),
    ],
)
def test_what_parquet_lacks_a_reader_for_is_not_called_damaged(said, told):
    with (
        pytest.raises(UnsupportedFormat, match=told),
        parquet_reader._told("its pages cannot be read"),
    ):
        raise OSError(said)
