"""What leaves: CSV, Parquet and Excel; and retyping, which goes the same way."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pyarrow.parquet as pq
import pytest

from app.analysis.errors import BadOption, BadTable, TooLarge
from app.analysis.ingest import export as export_module
from app.analysis.ingest.export import neutral_text
from app.analysis.ingest.jobs import export, retype
from app.analysis.progress import silent
from tests.unit.ingest.reading import Read

TABLE = (
    "id,x,when,flag,text,=evil\n"
    "1,-1.5,2024-01-31,True,=1+1,a\n"
    "2,1e20,2024-02-01 10:05:00,False,-5,b\n"
    '3,,,,"say ""hi"", you",a\n'
    "4,0.1,2024-02-02,True,@cmd,a\n"
    "5,3,2024-02-03,True,+49 170 123,a\n"
)


def exported(table, tmp_path, format, bom=False):
    out = tmp_path / f"out.{format}"
    columns = table.result["columns"]
    answer = export(
        source=str(table.data),
        out=str(out),
        format=format,
        bom=bom,
        columns=columns,
        progress=silent,
    )
    assert answer["size_bytes"] == out.stat().st_size
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []
    return out


def test_csv(read, tmp_path):
    text = exported(read(TABLE), tmp_path, "csv").read_text("utf-8")
    assert text.splitlines() == [
        "id,x,when,flag,text,'=evil",
        "1,-1.5,2024-01-31,True,'=1+1,a",
        "2,1e+20,2024-02-01 10:05:00,False,-5,b",
        '3,,,,"say ""hi"", you",a',
        "4,0.1,2024-02-02,True,'@cmd,a",
        "5,3,2024-02-03,True,+49 170 123,a",
    ]


def test_csv_with_byte_order_mark(read, tmp_path):
    assert (
        exported(read("ä,b\n1,2\n"), tmp_path, "csv", bom=True)
        .read_bytes()
        .startswith(b"\xef\xbb\xbf\xc3\xa4,b\n")
    )


def test_xlsx(read, tmp_path):
    book = openpyxl.load_workbook(exported(read(TABLE), tmp_path, "xlsx"))
    rows = [[cell.value for cell in row] for row in book.active.rows]
    assert rows[0] == ["id", "x", "when", "flag", "text", "'=evil"]
    assert rows[1] == [1, -1.5, dt.datetime.fromisoformat("2024-01-31"), "True", "'=1+1", "a"]
    assert rows[3] == [3, None, None, None, 'say "hi", you', "a"]
    assert all(cell.data_type != "f" for row in book.active.rows for cell in row)


def test_xlsx_refuses_what_a_sheet_cannot_hold(read, tmp_path, monkeypatch):
    long = read('[{"t": "%s"}, {"t": "b c"}]' % ("x" * 40_000), "t.json")
    with pytest.raises(TooLarge, match="Row 1"):
        exported(long, tmp_path, "xlsx")
    monkeypatch.setattr(export_module, "_SHEET_ROWS", 3)
    with pytest.raises(TooLarge, match="CSV or Parquet"):
        exported(read(TABLE), tmp_path, "xlsx")


def test_parquet(read, tmp_path):
    table = read(TABLE)
    assert pq.read_table(exported(table, tmp_path, "parquet")).equals(pq.read_table(table.data))


def test_another_format_is_refused(read, tmp_path):
    with pytest.raises(BadOption):
        exported(read("a,b\n1,2\n"), tmp_path, "docx")


@pytest.mark.parametrize(
    "text", ["=A1", "+A1", "-A1", "@A1", "\tA1", "\rA1", "=1\n2", "-1+2", "--1"]
)
def test_formulas_are_neutralised(text):
    assert neutral_text(text) == "'" + text


@pytest.mark.parametrize("text", ["A1", "-5", "-5.25 %", "+49 170 123", "", "a=b", " =A1", "1-2"])
def test_other_text_is_left_alone(text):
    assert neutral_text(text) == text


def test_one_column_of_missing_cells_comes_back(read, tmp_path):
    table = read('a\n1\n""\n3\n')
    again = read(exported(table, tmp_path, "csv").read_bytes())
    assert again.values("a") == [1, None, 3]


# -- retype ----------------------------------------------------------------------------------


def retyped(table, tmp_path, **changes) -> Read:
    out = tmp_path / "retyped"
    out.mkdir()
    result = retype(
        source=str(table.data),
        out_dir=str(out),
        columns=table.result["columns"],
        changes=[{"name": name, "type": kind} for name, kind in changes.items()],
        progress=silent,
    )
    return Read(out, result)


def test_retype_changes_what_is_named_only(read, tmp_path):
    table = read(
        "a,b,c,d,e\n1,True,2.5,2024-01-31,x\n2,False,3,2024-02-01,y\n3,True,4,2024-02-02,x\n"
    )
    again = retyped(table, tmp_path, a="categorical", b="integer", c="text", d="text")
    assert again.types == {
        "a": "categorical",
        "b": "integer",
        "c": "text",
        "d": "text",
        "e": "categorical",
    }
    assert again.rows[0] == {"a": "1", "b": 1, "c": "2.5", "d": "2024-01-31", "e": "x"}


def test_retype_names_the_first_value_that_does_not_fit(read, tmp_path):
    table = read("a,b\n1,x\n2.5,y\n3,z\n")
    with pytest.raises(BadTable) as error:
        retyped(table, tmp_path, a="integer")
    assert error.value.details["row"] == 2
    assert error.value.details["column"] == "a"


@pytest.mark.parametrize("changes", [{"q": "text"}, {"a": "float"}])
def test_retype_refuses_what_names_nothing(read, tmp_path, changes):
    with pytest.raises(BadOption):
        retyped(read("a,b\n1,x\n2,y\n"), tmp_path, **changes)


@pytest.mark.parametrize(
    ("yes", "no"), [("Yes", "No"), ("ja", "nein"), ("1", "0"), ("Y", "N"), ("on", "off")]
)
def test_a_column_that_is_asked_to_be_boolean_keeps_its_spelling(read, tmp_path, yes, no):
    content = f"flag,v\n{yes},1\n{no},2\n{yes},3\n".encode()
    table = read(content, types={"flag": "boolean"})
    assert table.values("flag") == [True, False, True]
    assert exported(table, tmp_path, "csv").read_bytes() == content
    back = retyped(table, tmp_path, flag="categorical")
    assert back.values("flag") == [yes, no, yes]


def test_retype_keeps_the_spelling_of_truth(read, tmp_path):
    table = read("flag,v\nTRUE,1\nFALSE,2\nTRUE,3\n")
    assert retyped(table, tmp_path, flag="categorical").values("flag") == ["TRUE", "FALSE", "TRUE"]
