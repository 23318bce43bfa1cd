"""Uploads beyond CSV, and what is refused of them: the status and the place."""

import io
import sqlite3
import zipfile
from contextlib import closing

import numpy as np
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from tests.api.world import assert_problem

CSV = b"a,b\n1,x\n2,y\n3,x\n"
TABLE = pa.table({"a": [1, 2, 3], "b": ["x", "y", "x"]})


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return buffer.getvalue()


def arrow() -> bytes:
    buffer = io.BytesIO()
    with pa.ipc.new_file(buffer, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return buffer.getvalue()


def orc_file() -> bytes:
    buffer = io.BytesIO()
    orc.write_table(TABLE, buffer)
    return buffer.getvalue()


def repeated_text() -> bytes:
    """A Parquet file of a few megabytes that decodes to 50 GB."""
    letters = np.random.default_rng(0).integers(97, 122, 5 * 2**20, dtype=np.uint8)
    index = pa.array(np.zeros(10_000, dtype=np.int32))
    column = pa.DictionaryArray.from_arrays(index, [letters.tobytes().decode()])
    buffer = io.BytesIO()
    pq.write_table(pa.table({"s": column}), buffer, dictionary_pagesize_limit=2**30)
    return buffer.getvalue()


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "two.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE one (a, b); INSERT INTO one VALUES (1, 'x'), (2, 'y'), (3, 'x');"
            "CREATE TABLE two (c); INSERT INTO two VALUES (5);"
        )
    return path.read_bytes()


def send(world, content: bytes, name: str, **fields: str):
    files = {"file": (name, io.BytesIO(content))}
    return world.api.post("/datasets/upload", files=files, data=fields)


def test_formats_are_read_alike(world, database):
    packed = pa.compress(CSV, "zstd", asbytes=True)
    sent = {
        "t.csv.zst": packed,
        "t.zip": archive(**{"t.csv": CSV}),
        "t.arrow": arrow(),
        "t.orc": orc_file(),
    }
    for name, content in sent.items():
        answer = world.upload(content, name)
        assert answer["preview"]["first_rows"][0] == {"a": 1, "b": "x"}, name
    assert world.upload(database, "two.db", table="one")["rows"] == 3
    assert world.upload(archive(**{"a.csv": CSV, "b.csv": b"c\n1\n"}), "t.zip", table="b.csv")


def test_several_tables_are_named_in_the_refusal(world, database):
    body = assert_problem(send(world, database, "two.db"), 422)
    assert "'one', 'two'" in body["detail"]
    body = assert_problem(send(world, archive(**{"a.csv": CSV, "b.csv": CSV}), "t.zip"), 422)
    assert "'a.csv', 'b.csv'" in body["detail"]
    body = assert_problem(send(world, database, "two.db", table="three"), 422)
    assert body["errors"][0]["location"] == "body.table"


def test_bombs_are_413(world):
    zeros = archive(**{"t.csv": b"a,b\n" + b"1,2\n" * (15 * 2**20)})
    stream = pa.compress(b"1,2\n" * 2**20, "zstd", asbytes=True) * 15
    for name, content in {"t.zip": zeros, "t.zst": stream, "t.parquet": repeated_text()}.items():
        assert_problem(send(world, content, name), 413)
    wide = ",".join(f"k{i}" for i in range(1_000_000)).encode() + b"\n1\n"
    assert_problem(send(world, wide, "t.csv"), 413)


def test_what_breaks_inside_is_422_with_its_place(world):
    body = assert_problem(send(world, b'{"a": 1}\n{"a": \n', "t.ndjson"), 422)
    assert body["row"] == 3
    assert body["errors"][0]["location"] == "row 3"
    assert_problem(send(world, arrow()[:-30], "t.arrow"), 422)
    assert_problem(send(world, b"[" * 100_000, "t.json"), 422)
    assert_problem(send(world, archive(**{"a.png": b"\x89PNG"}), "t.zip"), 415)
    assert_problem(send(world, b"Rar!\x1a\7\0" + bytes(100), "t.rar"), 415)
