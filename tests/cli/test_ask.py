"""``uam ask``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run, one_line

FIELDS = {
    *("status", "question", "answer", "sql", "columns", "rows", "chart"),
    *("engine", "confidence"),
}


def test_one_question_is_one_line(uam: Run, shops: Path) -> None:
    done = uam("ask", shops, "How many rows are there?")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    answer = json.loads(line)
    assert set(answer) >= FIELDS
    assert (answer["status"], answer["rows"]) == ("answered", [[300]])


def test_what_is_not_supported_is_an_answer_too(uam: Run, shops: Path) -> None:
    done = uam("ask", shops, "Will it rain tomorrow?")
    assert done.returncode == 0
    assert json.loads(done.stdout)["status"] == "unsupported"


def test_every_line_of_a_file_is_answered_in_order(uam: Run, shops: Path, tmp_path: Path) -> None:
    asked = ["What is the largest size?", "Is it nice?", "How many rows are there?"]
    (tmp_path / "questions.txt").write_text("\n\n".join(asked) + "\n")
    out = tmp_path / "answers.jsonl"
    done = uam("ask", shops, "--questions", tmp_path / "questions.txt", "--out", out)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert [answer["question"] for answer in answers] == asked
    assert [answer["status"] for answer in answers] == ["answered", "unsupported", "answered"]


def test_questions_that_are_no_text_are_told(uam: Run, shops: Path, tmp_path: Path) -> None:
    (tmp_path / "questions.txt").write_bytes(b"\xff\xfe\x00\xd8")
    done = uam("ask", shops, "--questions", tmp_path / "questions.txt")
    assert done.returncode == 1
    assert "questions.txt" in one_line(done.stderr)
