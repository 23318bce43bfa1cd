"""The measured set: questions with the exact values they ask for, and others to abstain from.

``questions.jsonl`` holds one question a line: its table, and either the expected rows (in any
order) or ``unsupported``. The values were computed with pandas from the CSV files beside it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from app.analysis.progress import silent
from app.analysis.questions.jobs import ask_many
from tests.unit.questions.tables import HERE, TYPES, columns_of, dataset

CASES = [json.loads(line) for line in (HERE / "questions.jsonl").read_text("utf-8").splitlines()]
TO_ANSWER = [case for case in CASES if case["status"] == "answered"]
TO_REFUSE = [case for case in CASES if case["status"] == "unsupported"]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """Every answer of the set, each table asked in one go."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for table in TYPES:
        out = tmp_path_factory.mktemp(table) / "answers.jsonl"
        questions = [case["question"] for case in CASES if case["table"] == table]
        source, pairs = dataset(table)
        counts = ask_many(
            source=source,
            columns=columns_of(pairs),
            questions=questions,
            out=str(out),
            dataset=f"{table}.csv",
            progress=silent,
        )
        assert counts["questions"] == len(questions)
        for question, line in zip(questions, out.read_text("utf-8").splitlines(), strict=True):
            found[table, question] = json.loads(line)
    return found


def same_rows(found: list[list[Any]], expected: list[list[Any]]) -> bool:
    """Whether the rows are the same in some order, floats to nine digits."""
    pairs = zip(sorted(found, key=_by_text), sorted(expected, key=_by_text), strict=False)
    return len(found) == len(expected) and all(
        len(a) == len(b) and all(map(_same, a, b)) for a, b in pairs
    )


def _by_text(row: list[Any]) -> str:
    return repr(row)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=1e-9)
    return bool(a == b)


def test_the_set_is_large_enough() -> None:
    assert len(TO_ANSWER) >= 80
    assert len(TO_REFUSE) >= 40
    assert len({(case["table"], case["question"]) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", TO_ANSWER, ids=lambda c: f"{c['table']}: {c['question']}")
def test_answers_are_exact(
    case: dict[str, Any], answers: dict[tuple[str, str], dict[str, Any]]
) -> None:
    found = answers[case["table"], case["question"]]
    assert found["status"] == "answered", found["answer"]
    assert same_rows(found["rows"], case["rows"]), found["rows"]


@pytest.mark.parametrize("case", TO_REFUSE, ids=lambda c: f"{c['table']}: {c['question']!r}")
def test_the_rest_is_not_guessed(
    case: dict[str, Any], answers: dict[tuple[str, str], dict[str, Any]]
) -> None:
    found = answers[case["table"], case["question"]]
    assert found["status"] == "unsupported", (found["answer"], found["sql"])
    assert found["rows"] == []
    assert found["answer"].endswith(".")


def test_shares_right_and_answered(
    answers: dict[tuple[str, str], dict[str, Any]], record_property: Any
) -> None:
    """The two figures that are reported: right of those answered, and answered of those asked."""
    answered = [c for c in CASES if answers[c["table"], c["question"]]["status"] == "answered"]
    right = [
        c
        for c in answered
        if same_rows(answers[c["table"], c["question"]]["rows"], c.get("rows", []))
    ]
    record_property("right_of_answered", len(right) / len(answered))
    record_property("answered_of_answerable", len(answered) / len(TO_ANSWER))
    assert len(right) / len(answered) == 1.0
    assert len(answered) / len(TO_ANSWER) >= 0.95


def test_the_sentence_names_the_figure(answers: dict[tuple[str, str], dict[str, Any]]) -> None:
    average = answers["staff", "What is the average salary?"]["answer"]
    assert average == "The average salary is 59,625 (12 rows)."
    share = answers["birds", "What percentage of puffins were tagged?"]["answer"]
    assert share == "Of 4 rows where species is Puffin, 50 % have this: tagged is 1."


def test_groups_come_with_a_chart(answers: dict[tuple[str, str], dict[str, Any]]) -> None:
    grouped = answers["staff", "What is the total salary by department?"]
    assert grouped["columns"] == ["department", "total salary"]
    assert grouped["chart"]["data"]
    assert json.dumps(grouped["chart"], allow_nan=False)
    assert answers["staff", "What is the average salary?"]["chart"] is None


def test_a_misspelling_is_answered_with_less_confidence(
    answers: dict[tuple[str, str], dict[str, Any]],
) -> None:
    assert answers["staff", "average salary by departmnt"]["confidence"] < 0.8
    assert answers["staff", "What is the average salary?"]["confidence"] == 1.0


def test_every_answer_is_of_one_shape(answers: dict[tuple[str, str], dict[str, Any]]) -> None:
    for found in answers.values():
        assert set(found) == {
            "status", "question", "answer", "sql", "columns", "rows", "chart", "engine",
            "confidence",
        }  # fmt: skip
        assert found["engine"] == "rules"
        assert 0 <= found["confidence"] <= 1
        assert all(len(row) == len(found["columns"]) for row in found["rows"])
        assert (found["sql"] is None) == (found["status"] == "unsupported")


def test_questions_file_is_beside_its_tables() -> None:
    assert all(Path(HERE / f"{case['table']}.csv").exists() for case in CASES)
