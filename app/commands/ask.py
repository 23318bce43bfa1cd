"""``uam ask``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from app.commands.bench import bench, deliver
from app.commands.failures import WorkFailed, WrongUsage

ASK_MANY = "app.analysis.questions.jobs:ask_many"


def ask(data: Path, question: str | None, questions: Path | None, out: Path | None) -> None:
    """Answer a question, or each line of a file, as JSON lines on stdout or in ``out``.

    A question that is not supported is an answer too. Raises :class:`WrongUsage` unless there
    is exactly one of the two.
    """
    if (question is None) == (questions is None):
        raise WrongUsage("ask: give one QUESTION, or a file of them with --questions")
    asked = [question] if question is not None else _lines(questions)
    with bench() as at:
        table = at.read(data)
        made = at.directory / "answers.jsonl"
        params = {
            "source": str(table.source),
            "columns": table.columns,
            "questions": asked,
            "out": str(made),
            "dataset": data.name,
        }
        at.job(f"answering {len(asked)} questions", ASK_MANY, params)
        if out is not None:
            deliver(made, out)
            print(out)
            return
        with made.open(encoding="utf-8") as lines:
            for line in lines:
                sys.stdout.write(json.dumps(json.loads(line), ensure_ascii=False) + "\n")


def _lines(path: Path | None) -> list[str]:
    """The questions of a file, without empty lines."""
    assert path is not None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise WorkFailed(f"{path.name} is not a text file in UTF-8") from None
    return [line.strip() for line in text.splitlines() if line.strip()]
