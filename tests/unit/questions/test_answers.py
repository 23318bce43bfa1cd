"""How questions are read, refused and told, beyond the measured set."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analysis.errors import BadTable
from app.analysis.progress import silent
from app.analysis.questions import reader
from app.analysis.questions.jobs import ask, ask_many
from tests.unit.questions.tables import TYPES, asked, columns_of, dataset, written

FLIGHTS = written(
    ["flight", "origin", "dest", "note"],
    ["integer", "categorical", "categorical", "categorical"],
    [[1, 1, 2, 3], ["JFK", "LAX", "JFK", "LAX"], ["LAX", "JFK", "JFK", "BOS"], list("abab")],
)


def asked_of(table: tuple[str, Any], question: str, name: str = "") -> dict[str, Any]:
    return ask(
        source=table[0],
        columns=columns_of(table[1]),
        question=question,
        dataset=name,
        progress=silent,
    )


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Why is the salary so high?", "why something is so"),
        ("What will the average salary be?", "what will be"),
        ("What is the average bonus?", "“bonus”"),
        ("What is the average department?", "“department” holds text"),
        ("How many salary are there?", "“total salary”"),
        ("Which city has the highest salary?", "Each city has many rows"),
        ("What is the salary of employees in Berlin?", "Many rows fit"),
        ("", "empty"),
        ("word " * 100, "too long"),
        ("x" * 1_001, "1,000 characters"),
    ],
)
def test_a_refusal_says_why(question: str, reason: str) -> None:
    found = asked("staff", question)
    assert found["status"] == "unsupported"
    assert reason in found["answer"]


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("How many flights from JFK?", [[2]]),
        ("How many flights to JFK?", [[2]]),
        ("How many flights from JFK to LAX?", [[1]]),
        ("How many flights went from LAX to BOS?", [[1]]),
    ],
)
def test_from_and_to_point_at_the_right_column(question: str, rows: list[list[int]]) -> None:
    assert asked_of(FLIGHTS, question, "flights.csv")["rows"] == rows


def test_a_value_of_two_columns_is_ambiguous_and_the_columns_are_named() -> None:
    found = asked_of(FLIGHTS, "How many rows are JFK?")
    assert found["status"] == "unsupported"
    assert "dest or origin" in found["answer"]


def test_the_name_of_the_file_may_say_what_a_row_is() -> None:
    question = "How many flights are there?"
    assert asked_of(FLIGHTS, question, "flights.csv")["rows"] == [[4]]
    assert asked_of(FLIGHTS, question)["status"] == "unsupported"


def test_a_usual_word_for_rows_needs_a_condition_and_costs_confidence() -> None:
    table = written(["sex"], ["categorical"], [["male", "female", "male"]])
    assert asked_of(table, "How many passengers are there?")["status"] == "unsupported"
    found = asked_of(table, "How many passengers are female?")
    assert found["rows"] == [[1]]
    assert found["confidence"] < 0.8
    assert asked_of(table, "How many people are female?")["status"] == "unsupported"


def test_values_that_differ_in_case_count_together_and_are_named() -> None:
    table = written(["country"], ["categorical"], [["USA", "usa", "Usa", "UK"]])
    found = asked_of(table, "How many rows have country UsA?")
    assert found["rows"] == [[3]]
    assert "USA, usa, Usa" in found["answer"] or "one of" in found["answer"]
    assert asked_of(table, "How many rows have country USA?")["rows"] == [[1]]


def test_values_of_a_column_too_large_to_list_are_looked_up() -> None:
    names = [f"Person {i}" for i in range(4_000)]
    table = written(["name", "points"], ["text", "integer"], [names, list(range(4_000))])
    assert asked_of(table, "What is the points of person 3210?")["rows"] == [[3210]]
    assert asked_of(table, "What is the points of person 9999?")["status"] == "unsupported"


def test_no_means_missing_only_where_zero_is_no_value() -> None:
    rows: list[list[Any]] = [[0, 5, None], [None, 3.5, 4.0]]
    table = written(["delay", "rating"], ["integer", "number"], rows)
    assert asked_of(table, "How many rows have no rating?")["rows"] == [[1]]
    found = asked_of(table, "How many rows have no delay?")
    assert found["status"] == "unsupported"
    assert "delay is 0" in found["answer"]


def test_ties_are_all_named() -> None:
    found = asked("birds", "which year had the most birds")
    assert len(found["rows"]) == 3
    assert "3 share a place" in found["answer"]


def test_gaps_are_told_beside_the_figure() -> None:
    found = asked("birds", "What is the average bill length?")
    assert found["answer"].endswith("(11 rows; 1 without a value are left out).")
    share = asked("birds", "What percentage of birds are male?")
    assert "2 without a value count as not" in share["answer"]


@pytest.mark.parametrize("table", TYPES)
def test_an_empty_table_is_no_trouble(table: str) -> None:
    pairs = dataset(table)[1]
    kinds = [kind for _, kind in pairs]
    empty = written([name for name, _ in pairs], kinds, [[] for _ in kinds])
    assert asked_of(empty, "How many rows are there?")["rows"] == [[0]]
    assert asked_of(empty, "How many columns are there?")["rows"] == [[len(kinds)]]


def test_an_average_of_nothing_is_told_as_such() -> None:
    found = asked("staff", "What is the average rating of employees with salary above 900000?")
    assert found["rows"] == [[None]]
    assert found["answer"] == "No row where salary is above 900,000 has a value of rating."


def test_a_question_that_winds_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_STEPS", 20)
    found = asked("staff", "How many employees in Berlin are older than 40?")
    assert found["status"] == "unsupported"
    assert "too winding" in found["answer"]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_any_text_gets_an_answer_of_the_right_shape(question: str) -> None:
    found = asked("staff", question)
    assert found["status"] in ("answered", "unsupported")
    assert found["question"] == question
    json.dumps(found, allow_nan=False)


WORDS = st.sampled_from(
    [
        "how",
        "many",
        "average",
        "total",
        "employees",
        "salary",
        "age",
        "city",
        "Berlin",
        "Paris",
        "by",
        "in",
        "of",
        "with",
        "is",
        "above",
        "30",
        "and",
        "or",
        "not",
        "most",
        "highest",
        "which",
        "percentage",
        "remote",
        "hired",
        "2021",
        "?",
        ",",
        "'x'",
        "top",
        "3",
        "department",
        "name",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=14))
def test_any_mixture_of_words_ends_in_one_select_or_none(words: list[str]) -> None:
    found = asked("staff", " ".join(words))
    if found["status"] == "answered":
        assert found["sql"].startswith("SELECT ")
        assert ";" not in found["sql"]


def test_many_questions_are_answered_in_order(tmp_path: Path) -> None:
    source, pairs = dataset("staff")
    out = tmp_path / "answers.jsonl"
    seen: list[float] = []
    counts = ask_many(
        source=source,
        columns=columns_of(pairs),
        questions=["How many rows?", "nonsense", "What is the average salary?"],
        out=str(out),
        progress=lambda fraction, *_, **__: seen.append(fraction),
    )
    assert counts == {"questions": 3, "answered": 2}
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [line["status"] for line in lines] == ["answered", "unsupported", "answered"]
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    first, pairs = written(["a"], ["integer"], [[1, 2, 3]])
    second, _ = written(["a"], ["integer"], [[1, 2, 3, 4, 5]])
    path = tmp_path / "data.parquet"
    for source, rows in ((first, 3), (second, 5)):
        path.write_bytes(Path(source).read_bytes())
        found = asked_of((str(path), pairs), "How many rows are there?")
        assert found["rows"] == [[rows]]


def test_a_file_that_is_gone_is_a_bad_table(tmp_path: Path) -> None:
    with pytest.raises(BadTable):
        asked_of((str(tmp_path / "gone.parquet"), ()), "How many rows?")


BOOKS = written(
    ["book", "year", "released", "pages"],
    ["categorical", "integer", "datetime", "integer"],
    [
        list("abcd") * 3,
        [1990 + i % 4 for i in range(12)],
        [datetime.fromisoformat(f"{2001 + i % 3}-{1 + i:02}-02") for i in range(12)],
        [1900 + 300 * i for i in range(12)],
    ],
)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What is the highest year?", "is 1993 (12 rows)"),
        ("What is the average year?", "is 1991.5 (12"),
        ("average year for each book", "d 1993, c 1992"),
        ("What years are there?", ": 1990, 1991"),
        ("number of rows for each year", ": 1990 3, 1991 3"),
        ("What is the total pages for each year?", ": 1993 12,000, 1992 11,100"),
        ("Which year has the most rows?", ": 1990 (3), 1991 (3)"),
        ("Which book has the highest average year?", ": d (1993)"),
        ("Which released year has the most rows?", ": 2001 (4), 2002 (4)"),
        ("What is the year of the row with the highest pages?", ": 1993."),
        ("What is the highest pages?", "is 5,200"),
    ],
)
def test_years_are_written_as_years_and_nothing_else_is(question: str, said: str) -> None:
    """1,990 is no year; 5,200 pages keep their comma."""
    found = asked_of(BOOKS, question)
    assert said in found["answer"]
    drawn = json.dumps(found["chart"])
    assert not re.search(r"(?<!\d)(1,99|2,00)\d", found["answer"] + drawn)
