"""Packed files: gz, bz2, xz, zst, and zip archives with a table in them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile

import pyarrow as pa
import pytest
import xlsxwriter

from app.analysis.errors import BadOption, BadTable, TooLarge, UnsupportedFormat

CSV = b"a,b\n1,x\n2,y\n3,x\n"


def zst(content: bytes) -> bytes:
    return pa.compress(content, "zstd", asbytes=True)


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return buffer.getvalue()


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zst}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_packed_table_is_read(read, suffix):
    table = read(PACKERS[suffix](CSV), f"t.csv.{suffix}")
    assert table.values("a") == [1, 2, 3]
    assert table.result["read"]["compression"] == suffix


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_file_of_several_streams_is_read_to_its_end(read, suffix):
    pack = PACKERS[suffix]
    assert read(pack(CSV[:8]) + pack(CSV[8:]), f"t.csv.{suffix}").values("a") == [1, 2, 3]


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_packed_file_that_ends_early_says_where(read, suffix):
    content = PACKERS[suffix]("\n".join(f"{i},{i * 7919}" for i in range(99_999)).encode())
    with pytest.raises(BadTable, match=r"damaged after [0-9,]+ unpacked bytes"):
        read(content[: len(content) // 2], f"t.csv.{suffix}")


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_bomb_is_refused(read, suffix):
    # Streams one behind the other are one file, and packing one of them is enough.
    streams = PACKERS[suffix](b"a,b\n") + PACKERS[suffix](b"1,2\n" * 2**18) * 55
    with pytest.raises(TooLarge, match="200 times"):
        read(streams, f"t.csv.{suffix}")


def test_a_zip_of_one_table(read):
    content = archive(**{"folder/t.csv": CSV, "__MACOSX/folder/._t.csv": b"junk", "a.png": b"x"})
    table = read(content, "t.zip")
    assert table.values("b") == ["x", "y", "x"]
    assert table.result["read"]["member"] == "t.csv"


def test_a_zip_of_a_packed_table_and_of_a_workbook(read):
    assert read(archive(**{"t.csv.gz": gzip.compress(CSV)}), "t.zip").values("a") == [1, 2, 3]
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    for name, value in (("one", 1), ("two", 2)):
        sheet = book.add_worksheet(name)
        sheet.write_column(0, 0, ["v", value, value + 10])
    book.close()
    packed = archive(**{"two.xlsx": buffer.getvalue()})
    assert read(packed, "t.zip", sheet="two").values("v") == [2, 12]


def test_a_zip_of_several_tables_names_them(read):
    content = archive(**{"x/one.csv": CSV, "two.csv": b"c\n1\n2\n"})
    with pytest.raises(BadTable, match=r"'x/one.csv', 'two.csv'") as caught:
        read(content, "t.zip")
    assert "table" in caught.value.details["hint"]
    assert list(read(content, "t.zip", table="two.csv").types) == ["c"]
    assert list(read(content, "t.zip", table="one").types) == ["a", "b"]
    one = read(content, "t.zip", sheet="x/one.csv")
    assert "two.csv" in one.warning("archive")["message"]


def test_a_note_beside_the_table_is_no_second_table(read):
    table = read(archive(**{"README.txt": b"Figures of 2024", "t.csv": CSV}), "t.zip")
    assert table.values("a") == [1, 2, 3]
    assert "README.txt" in table.warning("archive")["message"]


@pytest.mark.parametrize(
    "members",
    [
        {"a.png": b"x", "b.png": b"y"},
        {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0", "data.csv": CSV},
        {"inner.zip": archive(**{"deep.zip": archive(**{"t.csv": CSV})})},
        {},
    ],
)
def test_a_zip_without_a_table_is_refused(read, members):
    with pytest.raises(UnsupportedFormat):
        read(archive(**members), "t.zip")


def test_a_member_name_is_never_a_path(read, tmp_path):
    content = archive(**{"../../outside.csv": CSV, "/etc/uam.csv": b"c\n1\n"})
    assert read(content, "t.zip", table="outside.csv").values("a") == [1, 2, 3]
    assert not list(tmp_path.rglob("outside.csv"))


def test_a_damaged_zip_and_one_with_a_password(read):
    content = archive(**{"t.csv": b"a,b\n" + bytes(range(48, 58)) * 4000})
    broken = bytearray(content)
    broken[60:90] = b"\xff" * 30
    with pytest.raises(BadTable, match="damaged"):
        read(bytes(broken), "t.zip")
    with pytest.raises(BadTable, match="damaged"):
        read(content[:-40], "t.zip")
    locked = bytearray(content)
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        locked[locked.index(mark) + place] |= 1
    with pytest.raises(BadTable, match="password"):
        read(bytes(locked), "t.zip")


def test_a_zip_bomb_is_refused_whatever_its_directory_says(read):
    content = bytearray(archive(**{"t.csv": b"a,b\n" + bytes(60 * 2**20)}))
    with pytest.raises(TooLarge):
        read(bytes(content), "t.zip")
    # The directory now says that the member is small: what comes out does not fit it.
    place = content.rindex(b"PK\1\2") + 24
    content[place : place + 4] = (1000).to_bytes(4, "little")
    with pytest.raises((BadTable, TooLarge)):
        read(bytes(content), "t.zip")


def test_an_option_that_a_packed_file_cannot_use_is_refused(read):
    with pytest.raises(BadOption):
        read(archive(**{"t.csv": CSV}), "t.zip", table="other")
