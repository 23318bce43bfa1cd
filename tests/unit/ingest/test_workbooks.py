"""Workbooks of every kind: xls, xlsb, ods and xlsx, their sheets, dates, errors and formulas."""

from __future__ import annotations

import datetime as dt

import pytest

from app.analysis.errors import BadTable
from tests.unit.ingest.workbooks import fill, made, ods, xls, xlsb

DAY = dt.datetime.fromisoformat("2024-01-31")


ROWS = [
    ["name", "n", "x", "flag"],
    ["Ann", 1, 1.5, True],
    ["Bob", 2, 2.25, False],
    ["Ann", 3, None, True],
]


@pytest.mark.parametrize("kind", [xls, ods, xlsb])
def test_cells_of_older_and_other_workbooks(read, kind):
    table = read(kind(ROWS), f"t.{kind.__name__}")
    assert table.result["read"]["format"] == kind.__name__
    assert table.types == {"name": "categorical", "n": "integer", "x": "number", "flag": "boolean"}
    assert table.rows[0] == {"name": "Ann", "n": 1, "x": 1.5, "flag": True}
    assert table.rows[2]["x"] is None


@pytest.mark.parametrize("kind", [xls, ods])
def test_dates_of_other_workbooks(read, kind):
    table = read(kind([["day", "n"], [DAY, 1], [DAY + dt.timedelta(days=1), 2]]), "t")
    assert table.values("day") == ["2024-01-31T00:00:00", "2024-02-01T00:00:00"]


def test_percentages_of_ods_are_numbers(read):
    assert read(ods([["p", "n"], [-0.125, 1], [-0.5, 2]]), "t.ods").values("p") == [0.125, 0.5]


def test_dates_that_count_from_1904(read):
    def write(book) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["day", "n"])
        style = book.add_format({"num_format": "yyyy-mm-dd"})
        for i in range(2):
            sheet.write_datetime(i + 1, 0, DAY + dt.timedelta(days=i), style)
            sheet.write(i + 1, 1, i)

    for early in (False, True):
        table = read(made(write, date_1904=early), "t.xlsx")
        assert table.values("day") == ["2024-01-31T00:00:00", "2024-02-01T00:00:00"]


def test_errors_are_missing_and_formulas_are_their_values(read):
    def write(book) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "twice", "share"])
        percent = book.add_format({"num_format": "0.0%"})
        for i in range(1, 6):
            sheet.write(i, 0, i)
            sheet.write_formula(i, 1, f"=A{i + 1}*2", None, "#N/A" if i == 3 else 2 * i)
            sheet.write(i, 2, i / 8, percent)

    table = read(made(write), "t.xlsx")
    assert table.values("twice") == [2, 4, None, 8, 10]
    assert table.values("share") == [0.125, 0.25, 0.375, 0.5, 0.625]
    assert read(xlsb([["a", "b"], [1, 2], ["#N/A", 3], [4, 5]]), "t.xlsb").values("a") == [
        1,
        None,
        4,
    ]


def test_blank_rows_and_columns_around_the_table(read):
    def write(book) -> None:
        sheet = book.add_worksheet()
        for i, row in enumerate([["a", "b"], [1, "x"], [2, "y"], [3, "x"]]):
            sheet.write_row(i + 4, 3, row)

    table = read(made(write), "t.xlsx")
    assert table.types == {"a": "integer", "b": "categorical"}
    assert table.values("a") == [1, 2, 3]


def test_merged_cells_are_told(read):
    def write(book) -> None:
        sheet = book.add_worksheet()
        fill(sheet, [["region", "n"], ["north", 1], ["", 2], ["south", 3]])
        sheet.merge_range(1, 0, 2, 0, "north")

    table = read(made(write), "t.xlsx")
    assert table.values("region") == ["north", None, "south"]
    assert "1 merged area" in table.warning("merged_cells")["message"]


def test_the_sheet_is_chosen_by_its_content(read):
    def write(book) -> None:
        fill(book.add_worksheet("About"), [["How to read this workbook"], [], ["Ask Ann for more"]])
        fill(book.add_worksheet("Orders"), [["a", "b"], *[[i, f"x{i % 3}"] for i in range(50)]])
        fill(book.add_worksheet("Codes"), [["k", "v"], [1, "one"], [2, "two"]])

    table = read(made(write), "t.xlsx")
    assert table.result["read"]["sheet"] == "Orders"
    assert "'About', 'Codes'" in table.warning("sheet")["message"]
    assert list(read(made(write), "t.xlsx", sheet="Codes").types) == ["k", "v"]


def test_a_hidden_sheet_gives_way(read):
    def write(book) -> None:
        hidden = book.add_worksheet("Lists")
        fill(hidden, [["k", "v"], *[[i, i] for i in range(500)]])
        shown = book.add_worksheet("Data")
        fill(shown, [["a", "b"], [1, 2], [3, 4]])
        shown.activate()
        shown.set_first_sheet()
        hidden.hide()

    table = read(made(write), "t.xlsx")
    assert table.result["read"]["sheet"] == "Data"
    assert "'Lists' (hidden)" in table.warning("sheet")["message"]
    assert list(read(made(write), "t.xlsx", sheet="Lists").types) == ["k", "v"]


def test_a_named_sheet_without_a_cell(read):
    def write(book) -> None:
        fill(book.add_worksheet("Orders"), [["a", "b"], [1, 2]])
        book.add_worksheet("Later")

    with pytest.raises(BadTable, match="'Later' is empty"):
        read(made(write), "t.xlsx", sheet="Later")
