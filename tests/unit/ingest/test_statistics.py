"""SPSS, Stata and SAS: labels become categories, what the file marks as missing is missing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from app.analysis.errors import BadOption, BadTable, TooLarge

SAMPLES = Path(__file__).parent / "samples"
FRAME = pd.DataFrame(
    {
        "sex": [1.0, 2.0, 1.0, None],
        "age": [20.0, 99.0, 30.5, 40.0],
        "zip": ["01234", "99999", "", "01234"],
        "met": pd.to_datetime(["2024-01-31 10:05", "2024-02-01 00:00", None, "2024-02-03 12:30"]),
    }
)
LABELS = {"sex": {1: "male", 2: "female"}, "age": {99: "refused", 20: "twenty"}}
DESCRIBED = {"sex": "Sex of the person"}


@pytest.fixture
def written(tmp_path):
    def write(writer, frame=FRAME, **options) -> bytes:
        path = tmp_path / "made"
        writer(frame, str(path), **options)
        return path.read_bytes()

    return write


def test_spss(read, written):
    content = written(
        pyreadstat.write_sav,
        column_labels=DESCRIBED,
        variable_value_labels=LABELS,
        missing_ranges={"age": [{"lo": 90, "hi": 99}]},
    )
    table = read(content, "t.sav")
    assert table.types == {
        "sex": "categorical",
        "age": "number",
        "zip": "categorical",
        "met": "datetime",
    }
    assert table.values("sex") == ["male", "female", "male", None]
    assert table.values("age") == [20, None, 30.5, 40]
    assert table.values("zip") == ["01234", "99999", None, "01234"]
    assert table.values("met")[0] == "2024-01-31T10:05:00"
    assert table.result["read"]["labels"] == {"sex": "Sex of the person"}
    missing = table.warning("user_missing")
    assert missing["column"] == "age"
    assert "1 cell" in missing["message"]
    assert "99 is 'refused'" in missing["message"]
    told = {
        w["column"]: w["message"] for w in table.result["warnings"] if w["kind"] == "value_labels"
    }
    assert "1 is 'male', 2 is 'female'" in told["sex"]
    assert "some of its values only" in told["age"]


def test_stata(read, written):
    table = read(written(pyreadstat.write_dta, variable_value_labels=LABELS), "t.dta")
    assert table.values("sex") == ["male", "female", "male", None]
    assert table.values("age") == [20, 99, 30.5, 40]
    assert table.types["met"] == "datetime"


def test_portable_spss(read, written):
    frame = FRAME.rename(columns=str.upper)
    table = read(written(pyreadstat.write_por, frame), "t.por")
    _, age, _, met = table.types
    assert table.values(age) == [20, 99, 30.5, 40]
    assert table.types[met] == "datetime"


def test_compressed_spss(read, written):
    table = read(written(pyreadstat.write_sav, compress=True), "t.zsav")
    assert table.result["read"]["format"] == "zsav"
    assert table.values("age") == [20, 99, 30.5, 40]


def test_missing_letters_of_stata(read, written):
    frame = pd.DataFrame({"v": [1.0, "a", 3.0, "b"]}, dtype=object)
    content = written(
        pyreadstat.write_dta,
        frame,
        missing_user_values={"v": ["a", "b"]},
        variable_value_labels={"v": {"a": "refused"}},
    )
    table = read(content, "t.dta")
    assert table.values("v") == [1, None, 3, None]
    message = table.warning("user_missing")["message"]
    assert "2 cells" in message
    assert "a is 'refused', b" in message


def test_single_precision_is_not_drawn_out(read, tmp_path):
    path = tmp_path / "t.dta"
    pd.DataFrame({"x": pd.Series([0.1, 2.7], dtype="float32")}).to_stata(path, write_index=False)
    assert read(path.read_bytes(), "t.dta").values("x") == [0.1, 2.7]


@pytest.mark.parametrize("version", [114, 117, 118, 119])
def test_versions_of_stata(read, tmp_path, version):
    path = tmp_path / "t.dta"
    pd.DataFrame({"n": [1, 2, 2], "s": ["a", "b", "a"]}).to_stata(
        path, write_index=False, version=version
    )
    table = read(path.read_bytes(), "t")
    assert table.types == {"n": "integer", "s": "categorical"}


def test_sas(read, written):
    table = read((SAMPLES / "flats.sas7bdat.gz").read_bytes(), "flats.sas7bdat.gz")
    assert table.rows == [
        {"city": "Bonn", "size": 40.5, "sold": "2024-02-01T00:00:00"},
        {"city": "Graz", "size": 61.0, "sold": "2024-02-02T00:00:00"},
        {"city": "Bern", "size": None, "sold": "2024-05-04T00:00:00"},
    ]
    assert table.result["read"]["labels"]["size"] == "Size in square metres"
    for version in (5, 8):
        content = written(
            pyreadstat.write_xport, FRAME[["sex", "zip"]], file_format_version=version
        )
        transported = read(content, "t.xpt")
        assert transported.values("sex") == [1, 2, 1, None]


def test_many_rows_in_chunks(read, written, monkeypatch):
    monkeypatch.setattr("app.analysis.ingest.statistics._CHUNK_CELLS", 1000)
    monkeypatch.setattr("app.analysis.ingest.statistics._READ_BYTES", 200_000)
    frame = pd.DataFrame({"n": range(5003), "s": [f"s{i % 7}" for i in range(5003)]})
    for writer in (pyreadstat.write_sav, pyreadstat.write_dta):
        assert read(written(writer, frame), "t").frame()["n"].tolist() == list(range(5003))


def test_dates_past_the_calendar_stay_numbers(read, written):
    frame = pd.DataFrame({"a": [1e15, 2.0]})
    table = read(written(pyreadstat.write_sav, frame, variable_format={"a": "DATE11"}), "t.sav")
    assert table.values("a") == [1e15, 2]


def test_times_are_told(read, written):
    table = read(written(pyreadstat.write_sav, pd.DataFrame({"t": [dt.time(10, 5)] * 2})), "t.sav")
    assert table.values("t") == ["10:05:00"] * 2
    assert table.warning("converted")["column"] == "t"


def test_two_codes_of_one_label_stay_two(read, written):
    labels = {"sex": {1: "other", 2: "other"}}
    content = written(pyreadstat.write_sav, FRAME[["sex"]], variable_value_labels=labels)
    assert read(content, "t.sav").values("sex")[:2] == ["other (1)", "other (2)"]


@pytest.mark.parametrize("writer", [pyreadstat.write_sav, pyreadstat.write_dta])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_file_that_ends_early_is_told(read, written, writer, share):
    frame = pd.DataFrame({"n": range(20_000), "s": [f"text {i}" for i in range(20_000)]})
    content = written(writer, frame)
    with pytest.raises(BadTable):
        read(content[: int(len(content) * share)], "t")


def test_bytes_in_no_known_encoding_are_told(read, written):
    content = written(pyreadstat.write_sav, pd.DataFrame({"s": ["dü", "b"]}))
    broken = content.replace("dü".encode(), b"d\xfc\xff")
    with pytest.raises(BadTable, match="encoding"):
        read(broken, "t.sav")
    assert read(broken, "t.sav", encoding="cp1252").values("s")[0].startswith("dü")
    with pytest.raises(BadOption):
        read(content, "t.sav", delimiter=",")


def test_rows_without_end_are_refused(read, written):
    content = bytearray(written(pyreadstat.write_sav, pd.DataFrame({"n": [1.0, 2.0]})))
    content[80:84] = (2**29).to_bytes(4, "little")
    with pytest.raises(TooLarge):
        read(bytes(content), "t.sav")


def test_a_compressed_file_is_read_in_few_pieces(read, written, monkeypatch):
    monkeypatch.setattr("app.analysis.ingest.statistics._CHUNK_CELLS", 500)
    rows = 3000
    frame = pd.DataFrame({"n": range(rows), "word": [f"w{n % 700}" for n in range(rows)]})
    content = written(pyreadstat.write_sav, frame, row_compress=True)
    offsets = []
    plain = pyreadstat.read_sav

    def noting(*given, **options):
        offsets.append(options.get("row_offset"))
        return plain(*given, **options)

    monkeypatch.setattr(pyreadstat, "read_sav", noting)
    table = read(content, "t.zsav" if content[:4] == b"$FL3" else "t.sav")
    assert offsets == [None, 0]  # the head, then all rows: nothing is gone through twice
    assert table.result["rows"] == rows
    # Little memory, many pieces, and the same table.
    monkeypatch.setattr("app.analysis.ingest.statistics._READ_BYTES", 50_000)
    again = read(content, "t.sav")
    assert len(offsets) > 6
    assert again.frame().equals(table.frame())


def test_one_long_label_of_many_rows(read, written):
    # 64 MB of labels, which the file holds once.
    label = "".join(chr(97 + i * i % 26) for i in range(32_000))
    frame = pd.DataFrame({"code": [1] * 2000})
    content = written(pyreadstat.write_dta, frame, variable_value_labels={"code": {1: label}})
    assert len(content) < 100_000
    with pytest.raises(TooLarge, match="200 times"):
        read(content, "t.dta")


def test_numbers_marked_as_missing_without_labels(read, written):
    frame = pd.DataFrame({"age": [20.0, 98.0, 30.5, 99.0, 99.0], "n": [1.0, 2.0, None, 4e17, 5.0]})
    ranges = {"age": [{"lo": 90, "hi": 99}]}
    table = read(written(pyreadstat.write_sav, frame, missing_ranges=ranges), "t.sav")
    assert table.types == {"age": "number", "n": "integer"}
    assert table.values("age") == [20, None, 30.5, None, None]
    assert table.values("n") == [1, 2, None, 4 * 10**17, 5]
    message = table.warning("user_missing")["message"]
    assert "3 cells" in message
    assert "98, 99" in message
