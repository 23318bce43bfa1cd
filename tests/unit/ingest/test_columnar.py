"""Arrow files and streams, Feather, and ORC."""

from __future__ import annotations

import base64
import datetime as dt
import io

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest

from app.analysis.errors import BadTable, TooLarge, UnsupportedFormat


def arrow_file(table: pa.Table, **options: object) -> bytes:
    buffer = io.BytesIO()
    with pa.ipc.new_file(buffer, table.schema, **options) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def arrow_stream(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def feather_file(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    feather.write_feather(table, buffer, compression="zstd")
    return buffer.getvalue()


def orc_file(table: pa.Table, **options: object) -> bytes:
    buffer = io.BytesIO()
    orc.write_table(table, buffer, **options)
    return buffer.getvalue()


WRITERS = {"arrow": arrow_file, "arrows": arrow_stream, "feather": feather_file, "orc": orc_file}


@pytest.mark.parametrize("suffix", WRITERS)
def test_types_are_the_files_own(read, suffix):
    table = pa.table(
        {
            "n": pa.array([1, None, 3], pa.int32()),
            "x": pa.array([1.5, 2.0, None]),
            "code": ["007", "008", "007"],
            "day": pa.array([dt.date(2024, 1, 31)] * 2 + [None]),
            "flag": [True, None, False],
            "list": [[1, 2], [], None],
            "pair": [{"a": 1}, {"a": None}, None],
            "A": [1, 1, 2],
            "a": [2, 2, 1],
        }
    )
    result = read(WRITERS[suffix](table), f"t.{suffix}")
    assert result.types["n"] == "integer"
    assert result.types["code"] == "categorical"
    assert result.rows[0] == {
        "n": 1,
        "x": 1.5,
        "code": "007",
        "day": "2024-01-31T00:00:00",
        "flag": True,
        "list": "[1,2]",
        "pair": '{"a":1}',
        "A": 1,
        "a": 2,
    }
    assert result.rows[2]["list"] is None
    assert "converted" in result.kinds


@pytest.mark.parametrize("suffix", WRITERS)
def test_many_batches_keep_their_order(read, suffix):
    table = pa.table({"n": list(range(50_000)), "s": [f"s{i % 9}" for i in range(50_000)]})
    frame = read(WRITERS[suffix](table), f"t.{suffix}").frame()
    assert frame["n"].tolist() == list(range(50_000))


def test_types_that_uam_lacks_become_text_and_are_told(read):
    table = pa.table(
        {
            "wait": pa.array([90, None, 5], pa.duration("s")),
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
            "view": pa.array(["v", None, "w"], pa.string_view()),
            "run": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), ["r", "s"]),
            "span": pa.array([(1, 2, 3), None, (0, 0, 1)], pa.month_day_nano_interval()),
            "big": pa.array([2**100, 1, None], pa.decimal256(60, 0)),
            "half": pa.array([1.5, 2.0, None], pa.float16()),
            "none": pa.nulls(3),
        }
    )
    result = read(arrow_file(table), "t.arrow")
    assert result.values("wait") == ["00:01:30", None, "00:00:05"]
    assert result.values("kind") == ["a", "b", "a"]
    assert result.values("view") == ["v", None, "w"]
    assert result.values("run") == ["r", "r", "s"]
    assert result.values("big")[0] == str(2**100)
    assert result.values("half") == [1.5, 2.0, None]
    assert result.values("none") == [None] * 3
    told = {w["column"] for w in result.result["warnings"] if w["kind"] == "converted"}
    assert told == {"wait", "span", "big"}


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("change", ["cut", "flip"])
def test_a_damaged_file_is_told(read, suffix, change):
    table = pa.table({"a": list(range(9000)), "b": [f"{i * i}" for i in range(9000)]})
    content = bytearray(WRITERS[suffix](table))
    if change == "cut":
        del content[len(content) // 2 :]
    else:
        # A file is read by its footer, a stream from its beginning.
        place = -200 if suffix in ("arrow", "feather") else 12
        content[place : place + 108] = b"\xfe" * 108
    with pytest.raises(BadTable, match="damaged"):
        read(bytes(content), f"t.{suffix}")


def test_a_file_without_columns(read):
    with pytest.raises(BadTable, match="no columns"):
        read(arrow_file(pa.table({})), "t.arrow")


# -- bombs -----------------------------------------------------------------------------------


def test_a_long_column_of_nothing_is_refused(read):
    # Ten of them, of as many rows as a batch may have, in a file of a few kilobytes.
    column = pa.Array.from_buffers(pa.null(), 2**31 - 1, [None])
    content = arrow_stream(pa.table({f"n{i}": column for i in range(10)}))
    with pytest.raises(TooLarge):
        read(content, "t.arrow")


def test_a_long_text_that_a_dictionary_repeats_is_refused(read):
    indices = pa.array([0] * 200_000, pa.int8())
    array = pa.DictionaryArray.from_arrays(indices, ["x" * 2**20])
    with pytest.raises(TooLarge):
        read(arrow_file(pa.table({"s": array})), "t.arrow")


def test_a_run_of_endless_length_is_refused(read):
    array = pa.RunEndEncodedArray.from_arrays(pa.array([2**31 - 1], pa.int64()), ["x" * 1000])
    with pytest.raises(TooLarge):
        read(arrow_file(pa.table({"s": array})), "t.arrow")


def test_views_of_one_long_text_are_refused(read):
    array = pa.array(["x" * 2**20] * 2, pa.string_view())
    views = array.buffers()[1].to_pybytes()[:16] * 200_000
    buffers = [None, pa.py_buffer(views), *array.buffers()[2:]]
    many = pa.Array.from_buffers(pa.string_view(), 200_000, buffers)
    with pytest.raises(TooLarge):
        read(arrow_file(pa.table({"s": many})), "t.arrow")


def test_an_orc_file_of_one_value_is_refused(read):
    column = pa.array(np.full(10_000_000, 7))
    many = pa.table({"n": column, "m": column})
    with pytest.raises(TooLarge):
        read(orc_file(many, compression="zstd"), "t.orc")


def test_a_long_text_that_orc_repeats_is_refused(read):
    indices = pa.array([0] * 2000, pa.int8())
    text = pa.DictionaryArray.from_arrays(indices, ["x" * 2**16]).dictionary_decode()
    content = orc_file(pa.table({"s": text}), compression="zstd", dictionary_key_size_threshold=1.0)
    with pytest.raises(TooLarge):
        read(content, "t.orc")


def test_a_batch_that_declares_endless_bytes_is_refused(read):
    content = bytearray(
        arrow_file(
            pa.table({"n": list(range(50_000))}),
            options=pa.ipc.IpcWriteOptions(compression="zstd"),
        )
    )
    # A compressed buffer begins with the bytes that it unpacks to.
    length = (400_000).to_bytes(8, "little")
    place = content.index(length + b"\x28\xb5\x2f\xfd")
    content[place : place + 8] = (2**60).to_bytes(8, "little")
    with pytest.raises((TooLarge, BadTable)):
        read(bytes(content), "t.arrow")


class _Keys(encryption.KmsClient):
    """Keys wrapped in nothing."""

    def wrap_key(self, key_bytes: bytes, _master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, _master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


def test_encrypted_columns_behind_a_plain_footer(read):
    wanted = encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["b"]}, plaintext_footer=True
    )
    connection = encryption.KmsConnectionConfig()
    keys = encryption.CryptoFactory(lambda _config: _Keys())
    properties = keys.file_encryption_properties(connection, wanted)
    table, buffer = pa.table({"a": [1, 2], "b": [0.5, 1.5]}), io.BytesIO()
    with pq.ParquetWriter(buffer, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    assert buffer.getvalue().startswith(b"PAR1")
    with pytest.raises(UnsupportedFormat, match="encrypted"):
        read(buffer.getvalue(), "t.parquet")
