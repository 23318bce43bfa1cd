"""Delimited text of any dialect: what is detected, what is told, what is refused."""

from __future__ import annotations

import bz2
import gzip
import lzma

import pytest

from app.analysis.errors import BadOption, BadTable, TooLarge


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(read, delimiter, line_end):
    lines = ["city,size,when", "Rome,3,2024-01-31", "Oslo,4,2024-02-01", "Rome,5,2024-02-02"]
    text = line_end.join(line.replace(",", delimiter) for line in lines) + line_end
    table = read(text)
    assert table.types == {"city": "categorical", "size": "integer", "when": "datetime"}
    assert table.rows[0] == {"city": "Rome", "size": 3, "when": "2024-01-31T00:00:00"}
    assert table.result["read"]["delimiter"] == delimiter
    assert table.result["read"]["delimiter_reason"]


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", False),
        ("utf-8-sig", False),
        ("utf-16", True),
        ("utf-16-le", True),
        ("utf-16-be", True),
        ("cp1252", True),
    ],
)
def test_encodings(read, encoding, told):
    text = "name,city\nMüller,Köln\nGroß,Düsseldorf\nJäger,Köln\n"
    table = read(text.encode(encoding))
    assert table.values("name") == ["Müller", "Groß", "Jäger"]
    assert ("encoding" in table.kinds) is told


CONTROLS = "a\x96z,cost\u0080\nl\x92été,1\n“ok”\x85,2\n"


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_controls_in_the_place_of_quotes_and_dashes_are_read_as_these(read, mark):
    table = read((mark + CONTROLS).encode())
    assert list(table.types) == ["a–z", "cost€"]
    assert table.values("a–z") == ["l’été", "“ok”…"]
    assert "utf-8-cp1252" in table.warning("encoding")["message"]
    assert table.result["read"]["encoding"] == "utf-8-cp1252"


def test_controls_stay_where_the_caller_says_utf_8(read):
    assert read(CONTROLS.encode(), encoding="utf-8").values("a\x96z") == ["l\x92été", "“ok”\x85"]
    table = read(CONTROLS.encode(), encoding="utf-8-cp1252")
    assert table.values("a–z") == ["l’été", "“ok”…"]
    assert read("a,b\nx\x85,1\ny,2\n".encode()).values("a") == ["x\x85", "y"]


@pytest.mark.parametrize(
    ("encoding", "word"), [("cp1251", "Москва и другие города"), ("cp932", "東京と大阪です")]
)
def test_code_pages_of_other_languages(read, encoding, word):
    text = f"name,n\n{word},1\n{word},2\n"
    assert read(text.encode(encoding)).values("name") == [word, word]


def test_a_named_encoding_is_obeyed_and_its_breach_is_located(read):
    assert read("a,b\né,1\n".encode("cp850"), encoding="cp850").values("a") == ["é"]
    with pytest.raises(BadTable) as error:
        read(b"a,b\nx,1\n\x81y,2\n", encoding="cp1252")
    assert error.value.details["row"] == 3


@pytest.mark.parametrize(
    ("pack", "name"),
    [(gzip.compress, "t.csv.gz"), (bz2.compress, "t.csv.bz2"), (lzma.compress, "t.tsv.xz")],
)
def test_compressed_text(read, pack, name):
    table = read(pack(b"a,b\n1,x\n2,y\n"), name)
    assert table.values("a") == [1, 2]
    assert table.result["read"]["compression"] in name


def test_a_bomb_is_refused(read):
    with pytest.raises(TooLarge):
        read(gzip.compress(bytes(60 * 2**20), 9), "bomb.csv.gz")


def test_a_cut_archive_is_told(read):
    with pytest.raises(BadTable, match="damaged"):
        read(gzip.compress(b"a,b\n" + b"1,2\n" * 5000)[:60], "cut.csv.gz")


def test_short_and_long_rows_are_kept_and_told(read):
    table = read("a,b\n1,2\n3\n4,5,6\n7,8\n9,10\n")
    assert table.rows[1] == {"a": 3, "b": None, "column_3": None}
    assert table.rows[2] == {"a": 4, "b": 5, "column_3": 6}
    assert table.warning("ragged_short")["rows"] == [3]
    assert table.warning("ragged_long")["rows"] == [4]


def test_a_ragged_row_far_behind_the_sample(read):
    lines = [f"{i},word{i % 7},{i * 2}" for i in range(60_000)]
    lines[50_000] = "50000,alone"
    table = read("id,w,v\n" + "\n".join(lines) + "\n")
    assert table.result["rows"] == 60_000
    assert table.warning("ragged_short")["rows"] == [50_002]


def test_a_trailing_delimiter_adds_no_cell(read):
    table = read("a,b\n1,2,\n3,4\n5,6,\n")
    assert list(table.types) == ["a", "b"]
    assert table.values("b") == [2, 4, 6]


def test_an_unclosed_quote_names_its_line(read):
    with pytest.raises(BadTable) as error:
        read('a,b\n1,x\n2,"y\n3,z\n')
    assert error.value.details["row"] == 3
    assert "quote" in error.value.message


def test_quotes_hold_delimiters_quotes_and_line_ends(read):
    table = read('a,b\n"x, y","say ""hi"""\n"two\nlines",z\n"two\r\nlines",z\n')
    assert table.values("a") == ["x, y", "two\nlines", "two\r\nlines"]
    assert table.values("b")[0] == 'say "hi"'


def test_single_quotes(read):
    table = read("a,b\n'x, y',1\n'z, w',2\n")
    assert table.values("a") == ["x, y", "z, w"]


def test_mixed_line_ends(read):
    assert read(b"a,b\r\n1,2\n3,4\r5,6").values("b") == [2, 4, 6]


def test_nul_characters_are_left_out_and_told(read):
    table = read(b"name,b\nAn\x00na,1\nBob,2\n")
    assert table.values("name") == ["Anna", "Bob"]
    assert "nul" in table.kinds


def test_duplicate_and_empty_names_are_repaired_and_told(read):
    table = read("a,a,,a_2\n1,2,3,4\n5,6,7,8\n")
    assert list(table.types) == ["a", "a_3", "column_3", "a_2"]
    assert {"duplicate_name", "empty_name"} <= table.kinds


def test_names_that_differ_by_case_only_stay_as_they_are(read):
    table = read("A,a\n1,x\n2,y\n3,x\n")
    assert table.rows[0] == {"A": 1, "a": "x"}
    assert list(table.frame().columns) == ["A", "a"]


@pytest.mark.parametrize("name", ['say "hi"', "a;b", "x' OR 1=1 --", "two\nlines", "c0", "SELECT"])
def test_names_that_look_like_sql_are_names(read, name):
    quoted = '"' + name.replace('"', '""') + '"'
    table = read(f"{quoted},v\n1.5,1\n2.5,2\n")
    assert table.values(name) == [1.5, 2.5]


def test_titles_above_the_table_are_passed_over_and_told(read):
    table = read("Sales report\n\nregion;amount\nNorth;1\nSouth;2\nNorth;3\n")
    assert list(table.types) == ["region", "amount"]
    assert table.warning("preamble")["rows"] == [1, 2]


def test_no_header_is_noticed(read):
    table = read("1,2.5,x\n2,3.5,y\n3,4.5,x\n")
    assert list(table.types) == ["column_1", "column_2", "column_3"]
    assert table.result["rows"] == 3
    assert "no_header" in table.kinds


def test_header_row_is_obeyed(read):
    text = "x,y\na,b\n1,2\n"
    assert list(read(text, header_row=2).types) == ["a", "b"]
    assert read(text, header_row=0).result["rows"] == 3
    with pytest.raises(BadOption):
        read(text, header_row=9)


def test_a_first_line_that_names_the_separator(read):
    table = read("sep=;\na;b\n1,5;x\n2,5;y\n")
    assert table.types == {"a": "number", "b": "id"}


def test_delimiter_is_obeyed(read):
    assert list(read("a;b,c\n1;2,3\n", delimiter=";").types) == ["a", "b,c"]


def test_one_column(read):
    table = read('comment\n"hello, world"\n""\nfine, thanks\n\n')
    assert table.values("comment") == ["hello, world", None, "fine, thanks"]


def test_header_only_and_one_row(read):
    empty = read("a,b\n")
    assert empty.result["rows"] == 0
    assert empty.types == {"a": "text", "b": "text"}
    assert "no_rows" in empty.kinds
    assert read("a,b\n1,x\n").rows == [{"a": 1, "b": "x"}]


def test_header_only_with_names_that_differ_by_case(read):
    assert read("A,a\n").result["rows"] == 0


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf"])
def test_empty_files(read, content):
    with pytest.raises(BadTable):
        read(content)


def test_too_many_columns(read):
    with pytest.raises(TooLarge, match="20,001 columns"):
        read(",".join(f"c{i}" for i in range(20_001)) + "\n")


def test_a_wide_table(read):
    names = [f"k{i}" for i in range(700)]
    table = read(",".join(names) + "\n" + ("1," * 699 + "x\n") + ("2," * 699 + "y\n"))
    assert table.result["cols"] == 700
    assert table.rows[1]["k699"] == "y"


@pytest.mark.parametrize(
    "options",
    [
        {"sheet": "a"},
        {"table": "a"},
        {"delimiter": "ab"},
        {"encoding": "klingon"},
        {"encoding": "base64"},
        {"decimal": ";"},
        {"header_row": -1},
        {"types": {"a": "float"}},
        {"types": {"q": "text"}},
        {"separator": ","},
    ],
)
def test_bad_options(read, options):
    with pytest.raises(BadOption) as error:
        read("a,b\n1,2\n", **options)
    assert error.value.details["option"]


def test_a_quote_in_a_sentence_makes_no_columns_of_its_words(read):
    table = read(b"15.5 >\n15.5 < > \" & ' \n")
    assert (table.result["rows"], table.result["cols"]) == (1, 1)
