"""The type of a column, its reason, and the rules by which nothing changes silently."""

from __future__ import annotations

import pytest

from app.analysis.errors import BadTable


def column(read, *cells, name="v", **options):
    lines = "\n".join(f'"{cell}",{i % 2}' for i, cell in enumerate(cells))
    return read(f"{name},other\n{lines}\n", **options)


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "5", "-2"], "integer", [1, 5, -2]),
        (["1", "", "3"], "integer", [1, None, 3]),
        (["1.5", "2", "-.5"], "number", [1.5, 2, -0.5]),
        (["1e-3", "2.5E+10", "3"], "number", [0.001, 2.5e10, 3]),
        (["1,5", "2,25", "3"], "number", [1.5, 2.25, 3]),
        (["1.234,50", "7,5", "8"], "number", [1234.5, 7.5, 8]),
        (["1,234.50", "7.5", "8"], "number", [1234.5, 7.5, 8]),
        (["1'234.5", "2.5", "3"], "number", [1234.5, 2.5, 3]),
        (["1 234,5", "2,5", "3"], "number", [1234.5, 2.5, 3]),
        (["12.5 %", "3%", "0 %"], "number", [12.5, 3, 0]),
        (["€ 12.50", "3 €", "-€1"], "number", [12.5, 3, -1]),
        (["$1,234.50", "($7.25)", "$0.5"], "number", [1234.5, -7.25, 0.5]),
        (["1200 EUR", "5 EUR", "7 EUR"], "integer", [1200, 5, 7]),
        (["−5", "3", "2"], "integer", [-5, 3, 2]),
        ([" 5 ", "3", "2"], "integer", [5, 3, 2]),
        (["true", "FALSE", "True"], "boolean", [True, False, True]),
        (["007", "123", "9"], "id", ["007", "123", "9"]),
        (["12345678901234567", "1", "2"], "id", ["12345678901234567", "1", "2"]),
        (["+491701234567", "+4930123456", "030123"], "id", None),
        (["12E4", "13E5", "12E4"], "categorical", None),
        (["3-4", "5-6", "3-4"], "categorical", None),
        (["yes", "no", "yes"], "categorical", ["yes", "no", "yes"]),
        (["12%", "0.5", "3"], "id", ["12%", "0.5", "3"]),
        (["$5", "€6", "$7"], "id", ["$5", "€6", "$7"]),
        (["red", "blue", "red"], "categorical", ["red", "blue", "red"]),
        (["AB-1", "AB-2", "AB-3"], "id", None),
        (["one two three", "four five", "six seven"], "text", None),
        (["x", "x", "x"], "constant", ["x", "x", "x"]),
        (["4", "4", "4"], "constant", [4, 4, 4]),
        (["", "", ""], "constant", [None, None, None]),
        (["a", "", "a"], "categorical", ["a", None, "a"]),
    ],
)
def test_types(read, cells, kind, values):
    table = column(read, *cells)
    assert table.types["v"] == kind
    assert table.reasons["v"]
    assert table.values("v") == (values if values is not None else cells)


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["2024-01-31", "2024-02-01", "2024-02-02"], "2024-01-31T00:00:00"),
        (["2024-01-31 10:05", "2024-02-01", "2024-02-02"], "2024-01-31T10:05:00"),
        (["2024-01-31T10:05:06.25", "2024-02-01", "2024-02-02"], "2024-01-31T10:05:06.250000"),
        (["31.01.2024", "1.2.2024", "02.02.2024"], "2024-01-31T00:00:00"),
        (["31.01.2024 10:05", "1.2.2024", "02.02.2024"], "2024-01-31T10:05:00"),
        (["01/31/2024", "2/1/2024", "02/02/2024"], "2024-01-31T00:00:00"),
        (["31/01/2024", "1/2/2024", "02/02/2024"], "2024-01-31T00:00:00"),
        (["2024/01/31", "2024/02/01", "2024/02/02"], "2024-01-31T00:00:00"),
        (["1/31/2024 1:05 PM", "2/1/2024", "2/2/2024"], "2024-01-31T13:05:00"),
        (["31 Jan 2024", "1 Feb 2024", "2 Feb 2024"], "2024-01-31T00:00:00"),
        (["January 31, 2024", "Feb 1, 2024", "Feb 2, 2024"], "2024-01-31T00:00:00"),
        (["31.01.24", "01.02.24", "02.02.24"], "2024-01-31T00:00:00"),
        (["2024-01", "2024-02", "2024-03"], "2024-01-01T00:00:00"),
        (["2024-01-31T10:00:00Z", "2024-02-01T10:00:00+02:00", "2024-02-02 10:00:00-05"], None),
    ],
)
def test_dates(read, cells, first):
    table = column(read, *cells)
    assert table.types["v"] == "datetime"
    if first is None:
        expected = ["2024-01-31T10:00:00", "2024-02-01T08:00:00", "2024-02-02T15:00:00"]
        assert table.values("v") == expected
        assert "UTC" in table.warning("notation")["message"]
    else:
        assert table.values("v")[0] == first


@pytest.mark.parametrize("cells", [["31.02.2024", "01.02.2024"], ["0000-00-00", "2024-01-01"]])
def test_dates_that_are_not_in_the_calendar_stay_text(read, cells):
    assert column(read, *cells).values("v") == cells


def test_an_ambiguous_order_of_day_and_month_is_told(read):
    table = column(read, "01/02/2024", "03/04/2024")
    assert table.values("v")[0] == "2024-01-02T00:00:00"
    assert table.warning("ambiguous")["column"] == "v"


def test_another_column_settles_the_order_of_day_and_month(read):
    table = read("a,b\n01/02/2024,25/12/2023\n03/04/2024,26/12/2023\n")
    assert table.values("a")[0] == "2024-02-01T00:00:00"
    assert "ambiguous" not in table.kinds


def test_another_column_settles_the_decimal_mark(read):
    table = read("a;b\n1,234;7,5\n2,345;8,25\n")
    assert table.values("a") == [1.234, 2.345]
    assert "ambiguous" not in table.kinds


def test_the_decimal_option_settles_it_too(read):
    text = 'a,b\n"1,234",x\n"2,345",y\n'
    assert read(text).values("a") == [1234, 2345]
    assert read(text, decimal=",").values("a") == [1.234, 2.345]


def test_tokens_are_missing_where_the_rest_is_typed(read):
    table = column(read, "1", "NA", "-", "?", "n/a", "2", "NaN")
    assert table.values("v") == [1, None, None, None, None, 2, None]
    assert table.warning("missing_tokens")["rows"] == [2, 3, 4, 5, 7]


def test_na_is_a_country_and_null_is_not(read):
    table = column(read, "NA", "DE", "US", "DE", "NULL")
    assert table.values("v") == ["NA", "DE", "US", "DE", None]
    assert table.warning("na_kept")["rows"] == [1]
    assert table.warning("missing_tokens")["rows"] == [5]


def test_na_is_missing_in_text_where_the_file_shows_it(read):
    table = read("name,v\nNA,1\nBob Lee,NA\nAnn Low,3\nBob Lee,4\n")
    assert table.values("name") == [None, "Bob Lee", "Ann Low", "Bob Lee"]
    codes = read("land,v\nNA,1\nDE,NA\nUS,3\nDE,4\n")
    assert codes.values("land") == ["NA", "DE", "US", "DE"]


def test_a_column_of_nothing_but_na_holds_no_value(read):
    assert column(read, "NA", "NA", "NA").values("v") == [None, None, None]


def test_a_mixed_column_stays_text_and_names_the_rows(read):
    table = column(read, *[str(i) for i in range(30)], "unknown", "12")
    assert table.values("v")[30] == "unknown"
    assert table.warning("mixed")["rows"] == [31]


def test_digits_beyond_a_double_are_told(read):
    table = column(read, "0.12345678901234567890123", "0.5", "0.25")
    assert table.types["v"] == "number"
    assert table.warning("rounded")["rows"] == [1]


def test_codes_by_name_stay_text(read):
    table = column(read, "12345", "54321", "12345", name="zip")
    assert table.types["zip"] == "categorical"
    assert table.warning("kept_as_text")["column"] == "zip"


def test_a_late_cell_changes_the_type_of_the_whole_column(read):
    cells = [str(i) for i in range(20_000)]
    for late, kind in (("2.5", "number"), ("x1", "id"), ("007", "id")):
        assert column(read, *cells, late).types["v"] == kind


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("id", ["1", "2", "3"], "id"),
        ("customer_id", ["17", "5", "90"], "id"),
        ("customerId", ["17", "5", "90"], "id"),
        ("size", ["17", "5", "90"], "integer"),
        ("size", [str(i) for i in range(1, 40)], "id"),
        ("year", [str(i) for i in range(1990, 2024)], "integer"),
        ("id", ["1", "2", "2"], "integer"),
        ("paid", ["10", "20", "30"], "integer"),
    ],
)
def test_keys(read, name, cells, kind):
    assert column(read, *cells, name=name).types[name] == kind


def test_named_types_are_obeyed(read):
    text = "a,b,c,d\n007,yes,20240131,1\n008,no,20240201,2\n"
    kinds = {"a": "integer", "b": "boolean", "c": "datetime", "d": "text"}
    table = read(text, types=kinds)
    assert table.types == kinds
    assert table.rows[0] == {"a": 7, "b": True, "c": "2024-01-31T00:00:00", "d": "1"}
    assert read(text, types={"a": "id"}).values("a") == ["007", "008"]


@pytest.mark.parametrize(
    ("kind", "cells", "row"),
    [
        ("integer", ["1", "2.5", "x"], 2),
        ("number", ["1", "2.5", "x"], 3),
        ("boolean", ["yes", "maybe", "no"], 2),
        ("datetime", ["2024-01-01", "2024-02-30", "2024-01-02"], 2),
        ("constant", ["a", "a", "b"], 3),
    ],
)
def test_a_cell_that_cannot_be_of_the_named_type_is_named(read, kind, cells, row):
    with pytest.raises(BadTable) as error:
        column(read, *cells, types={"v": kind})
    assert error.value.details["row"] == row
    assert error.value.details["column"] == "v"


def test_remembered_types_are_used_where_they_fit(read):
    table = read("zip,v\n12345,x\n54321,2\n", known_types={"zip": "categorical", "v": "integer"})
    assert table.types["zip"] == "categorical"
    assert table.values("v") == ["x", "2"]
    assert table.warning("known_type")["column"] == "v"
