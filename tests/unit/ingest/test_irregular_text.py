"""Text that breaks the rules of CSV in the ways people's files do: read as meant, and told."""

from __future__ import annotations

import pytest

ROWS = [
    ["when", "shop", "note", "price"],
    ["2024-01-31", "North", "first, of many", "10.5"],
    ["2024-02-01", "South", "plain", "11.5"],
    ["2024-02-02", "North", "last, for now", "12.5"],
    ["2024-02-03", "East", "again, a pair", "13.5"],
]


def text_of(rows=ROWS, delimiter=",", quote='"') -> str:
    def cell(value: str) -> str:
        return f"{quote}{value}{quote}" if delimiter in value else value

    return "".join(delimiter.join(map(cell, row)) + "\n" for row in rows)


@pytest.mark.parametrize("row", [1, 2, 3, 4])
@pytest.mark.parametrize("column", [0, 1, 2, 3])
def test_a_stray_quote_before_a_cell_belongs_to_its_text(read, row, column):
    lines = text_of().splitlines()
    cells = [f'"{c}"' if "," in c else c for c in ROWS[row]]
    cells[column] = '"' + cells[column]
    lines[row] = ",".join(cells)
    table = read("\n".join([*lines, '2024-02-04,West,"the end, really",14.5', ""]))
    assert list(table.types) == ROWS[0]
    assert table.result["rows"] == 5
    name = ROWS[0][column]
    assert str(table.rows[row - 1][name]) == '"' + ROWS[row][column]
    others = [r["shop"] for i, r in enumerate(table.rows, 1) if i != row]
    assert others == [
        s for i, s in enumerate(["North", "South", "North", "East", "West"], 1) if i != row
    ]
    assert table.warning("mended_quotes")["rows"] == [row + 1]


def test_a_stray_quote_in_the_header(read):
    table = read('"when,shop,note\n1,N,"a, b"\n2,S,"c, d"\n3,N,"e, f"\n')
    assert list(table.types) == ['"when', "shop", "note"]
    assert table.values("note") == ["a, b", "c, d", "e, f"]


def test_a_lone_quote_at_the_end_of_the_file_is_a_cell(read):
    table = read('a,b,c\n1,x,y\n2,x,"\n')
    assert table.rows[1] == {"a": 2, "b": "x", "c": '"'}
    assert table.warning("mended_quotes")["rows"] == [3]


def test_quotes_inside_a_cell_that_nobody_doubled(read):
    table = read('a,b,c\n1,"a 5" nail, long",x\n2,"plain, short",y\n3,"the "best" one, ever",z\n')
    assert table.values("b") == ['a 5" nail, long', "plain, short", 'the "best" one, ever']
    assert table.warning("mended_quotes")["rows"] == [2, 4]


def test_apostrophes_inside_single_quotes(read):
    more = "".join(f"'{i}, fine',{i}\n" for i in range(9))
    table = read(f"a,b\n'it won't, ever',1\n{more}'they're, well',3\n")
    assert table.values("a")[0] == "it won't, ever"
    assert table.values("a")[-1] == "they're, well"
    assert table.warning("mended_quotes")["rows"] == [2, 12]


def test_a_backslash_before_a_quote(read):
    text = 'a,b\n1,"say \\"hi\\", friend"\n2,"C:\\dir, and \\"more\\""\n3,plain\n'
    table = read(text)
    assert table.values("b") == ['say "hi", friend', 'C:\\dir, and "more"', "plain"]
    assert table.result["read"]["escape"] == "\\"


def test_a_backslash_that_escapes_nothing_stays(read):
    table = read('path,n\n"C:\\data\\",1\n"D:\\x, y",2\n')
    assert table.values("path") == ["C:\\data\\", "D:\\x, y"]
    assert table.result["read"]["escape"] is None


def test_cells_of_several_lines_stay_whole_beside_irregular_rows(read):
    table = read('a,b,c\n1,"two\nlines, here",x\n2,y\n3,"a "b" d, c",z\n4,"three\n\nlines",w\n')
    assert table.values("b") == ["two\nlines, here", "y", 'a "b" d, c', "three\n\nlines"]
    assert table.warning("ragged_short")["rows"] == [4]


@pytest.mark.parametrize("other", [";", "\t", "|"])
def test_a_row_with_another_delimiter(read, other):
    lines = text_of().splitlines()
    lines[2] = lines[2].replace(",", other)
    table = read("\n".join(lines) + "\n")
    assert table.values("shop") == ["North", "South", "North", "East"]
    assert table.warning("mended_delimiter")["rows"] == [3]


def test_a_header_with_another_delimiter(read):
    table = read(text_of().replace("when,shop,note,price", "when shop note price"))
    assert list(table.types) == ROWS[0]


def test_a_row_that_lacks_a_delimiter_gains_no_cells_from_its_quotes(read):
    table = read('a,b,c,d\n1,"x, y","p, q",2\n3,"x, y""p, q",4\n5,"x, z","p, r",6\n')
    assert list(table.types) == ["a", "b", "c", "d"]
    assert table.warning("ragged_short")["rows"] == [3]


def test_two_header_rows_are_joined(read):
    table = read("2023,,2024,\nsales,cost,sales,cost\n1.5,2,3.5,4\n5.5,6,7.5,8\n2.5,1,1.5,1\n")
    assert list(table.types) == ["2023 sales", "2023 cost", "2024 sales", "2024 cost"]
    assert table.warning("header_rows")["rows"] == [1, 2]
    assert table.types["2024 sales"] == "number"


def test_a_row_of_units_belongs_to_the_header(read):
    table = read("city,height,weight\n,cm,kg\nRome,180,70\nOslo,175,65\nBern,160,60\n")
    assert list(table.types) == ["city", "height cm", "weight kg"]


def test_words_below_words_are_no_header(read):
    table = read("name,pet\nAnn,cat\nBob,dog\nCid,cat\n")
    assert table.result["rows"] == 3


def test_a_first_row_without_figures_is_no_header_row(read):
    table = read("city,height\nRome,n/a\nOslo,175\nBern,160\n")
    assert list(table.types) == ["city", "height"]
    assert table.values("height") == [None, 175, 160]


@pytest.mark.parametrize("unknown", ["unknown", "n/a", "-", "Missing"])
def test_a_first_row_that_lacks_its_values_is_no_header(read, unknown):
    table = read(f"Rome,{unknown}\nParis,12\nBern,13\nMadrid,14\n")
    assert table.result["rows"] == 4
    assert table.values("column_1")[0] == "Rome"
    assert "no_header" in table.kinds


@pytest.mark.parametrize("first", ["city,unknown", "city,x", "Rome,x", "unknown,id"])
def test_names_over_values_are_a_header_still(read, first):
    table = read(f"{first}\nParis,12\nBern,13\nMadrid,14\n")
    assert list(table.types) == first.split(",")


@pytest.mark.parametrize("blank", [",", " , "])
def test_a_line_of_words_below_nothing_is_a_row(read, blank):
    table = read(f"{blank}\nsome words\n", header_row=0)
    assert "some words" in table.values("column_1")
    assert "footer" not in table.kinds
    assert "ragged_short" in table.kinds


def test_a_header_of_three_levels_names_each_column_by_its_groups(read):
    table = read(
        "unit,Staff,,,,All,,note\n,Junior,,Senior,,,,\n,heads,hours,heads,hours,heads,hours,\n"
        + "A,1,2.5,3,4.5,5,6.5,x\nB,2,3.5,4,5.5,6,7.5,y\n" * 3
    )
    assert list(table.types) == [
        *("unit", "Staff Junior heads", "Staff Junior hours", "Staff Senior heads"),
        *("Staff Senior hours", "All heads", "All hours", "note"),
    ]


def test_a_wrapped_name_ends_in_a_row_of_its_own(read):
    table = read("city,2023,2024,2025\n,,,(draft)\nRome,1,2,3\nOslo,4,5,6\nBern,7,8,9\n")
    assert list(table.types) == ["city", "2023", "2024", "2025 (draft)"]
    assert table.warning("header_rows")["rows"] == [1, 2]


@pytest.mark.parametrize("row", [",,,n/a", ",,,12", "Lima,,,", ",,(draft),"])
def test_a_sparse_first_row_of_the_table_is_no_header(read, row):
    table = read(f"city,2023,word,2025\n{row}\nRome,1,a,3\nOslo,4,b,6\nBern,7,c,9\n")
    assert list(table.types) == ["city", "2023", "word", "2025"]
    assert table.result["rows"] == 4


def test_an_empty_name_too_many_is_left_out_of_the_header(read):
    table = read("a,,b,c\n1,x,2\n3,y,4\n5,x,6\n")
    assert list(table.types) == ["a", "b", "c"]
    assert "header_empty" in table.kinds


def test_keys_and_values_above_the_table(read):
    text = "#TYPE: ,ALL\n#FILE: ,x.dat\n\nt,u,v,w\n1,2,3,4\n2,3,4,5\n3,4,5,6\n"
    table = read(text)
    assert list(table.types) == ["t", "u", "v", "w"]
    assert table.warning("preamble")["rows"] == [1, 2, 3]


def test_a_sentence_with_delimiters_above_the_table(read):
    table = read("Made by Ann, on Monday, in Rome\nx,y %\n1,2\n3,4\n5,6\n7,8\n")
    assert list(table.types) == ["x", "y %"]
    assert table.warning("preamble")["rows"] == [1]


def test_comment_lines_are_left_out_and_told(read):
    table = read("a,b\n# first half\n1,2\n3,4\n# second half\n5,6\n#7,8\n")
    assert table.values("a")[:3] == [1, 3, 5] or table.values("a")[:3] == ["1", "3", "5"]
    assert table.warning("comments")["rows"] == [2, 5]
    assert "first half" in table.warning("comments")["message"]


def test_notes_below_the_table_are_left_out_and_told(read):
    table = read("a,b,c\n1,2,3\n4,5,6\n\nSource: the office of figures\nRounded.\n")
    assert table.types["a"] == "integer"
    assert table.warning("footer")["rows"] == [5, 6]
    assert "office of figures" in table.warning("footer")["message"]


def test_padded_notes_below_a_gap(read):
    lines = [f"{i},{i + 1}.5,word" for i in range(3000)]
    table = read("a,b,c\n" + "\n".join(lines) + "\n,,\nSource: mine,,\n")
    assert table.result["rows"] == 3000
    assert table.types["b"] == "number"
    assert table.warning("footer")["rows"] == [3003]
    assert table.warning("empty_rows")["rows"] == [3002]


def test_a_short_last_row_stays_a_row(read):
    table = read("a,b\nAnn,2\nBob,3\nCid\n")
    assert table.values("a") == ["Ann", "Bob", "Cid"]
    assert table.warning("ragged_short")["rows"] == [4]


def test_rows_of_delimiters_at_the_end_are_left_out_and_told(read):
    table = read("a,b,c\n1,2,3\n,,\n4,5,6\n,,\n,,\n,,\n")
    assert table.result["rows"] == 3
    assert table.warning("empty_rows")["rows"] == [5, 6, 7]


PARTS = "who,what,cost\nAnn,tea,1.5\nBob,cake,2.5\n,,\n,,\nTravel,,\nAnn,bus,3.5\nCid,rail,4.5\n"


def test_rows_of_delimiters_between_the_parts_of_a_table_are_left_out_and_told(read):
    table = read(PARTS)
    assert table.values("who") == ["Ann", "Bob", "Travel", "Ann", "Cid"]
    assert table.warning("gap_rows")["rows"] == [4, 5]


@pytest.mark.parametrize(
    "text",
    [
        PARTS.replace("Travel,,", "Tom,walk,"),  # no title: a row may lack all its cells
        PARTS.replace("\n,,\n,,\n", '\n"","",""\n"","",""\n'),  # somebody wrote empty cells
    ],
)
def test_rows_without_cells_elsewhere_stay_rows(read, text):
    table = read(text)
    assert table.result["rows"] == 7
    assert "gap_rows" not in table.kinds


def test_the_header_once_more_is_left_out_and_told(read):
    table = read("a,b\n1,2\n3,4\na,b\n5,6\n")
    assert table.values("a") == [1, 3, 5]
    assert table.types["b"] == "integer"
    assert table.warning("repeated_header")["rows"] == [4]


def test_a_name_that_is_a_value_too_stays_a_value(read):
    assert read("name\nname\nother\nname\n").values("name") == ["name", "other", "name"]


def test_regular_text_has_nothing_to_tell(read):
    table = read(text_of())
    assert not table.kinds & {"mended_quotes", "mended_delimiter", "footer", "header_rows"}
