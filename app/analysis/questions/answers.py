"""One question in, one answer out: the fields of POST /nlq."""

from __future__ import annotations

from typing import Any

from app.analysis.questions.catalog import Catalog, look_up
from app.analysis.questions.engine import Engine, QueryFailed, Result
from app.analysis.questions.guard import Refused
from app.analysis.questions.interpretation import (
    Interpretation,
    Refusal,
    interpret,
    texts_to_look_up,
)
from app.analysis.questions.picture import picture
from app.analysis.questions.plan import (
    Figures,
    Grouped,
    GroupShare,
    Measure,
    Plan,
    Ranked,
    Records,
    Share,
)
from app.analysis.questions.sentence import Facts, sentence
from app.analysis.questions.sql import build, count_rows, labels, ranked
from app.analysis.questions.words import tokenize

ENGINE = "rules"
MAX_CHARACTERS = 1_000


def answer(engine: Engine, catalog: Catalog, question: str) -> dict[str, Any]:
    """``{status, question, answer, sql, columns, rows, chart, engine, confidence}``.

    ``rows`` is a list of rows in the order of ``columns``, holding just the values asked for.
    A question that cannot be answered safely is ``unsupported``, and ``answer`` says why.
    """
    if len(question) > MAX_CHARACTERS:
        return unsupported(question, f"A question may have {MAX_CHARACTERS:,} characters.")
    tokens = tokenize(question)
    large = look_up(engine, catalog, texts_to_look_up(question, tokens)) if catalog.large else None
    found = interpret(tokens, catalog, large)
    if isinstance(found, Refusal):
        return unsupported(question, found.reason)
    try:
        return _answered(engine, catalog, question, found)
    except QueryFailed:
        return unsupported(question, "The figures of this question are too large to compute.")
    except Refused:
        return unsupported(question, "No safe query answers this question.")


def unsupported(question: str, reason: str) -> dict[str, Any]:
    """The answer that is none: why, in one or two sentences."""
    return {
        "status": "unsupported",
        "question": question,
        "answer": reason,
        "sql": None,
        "columns": [],
        "rows": [],
        "chart": None,
        "engine": ENGINE,
        "confidence": 0.0,
    }


def _answered(
    engine: Engine, catalog: Catalog, question: str, found: Interpretation
) -> dict[str, Any]:
    plan = found.plan
    sql, result = engine.run(build(plan, engine.names, len(catalog.columns)))
    refusal = _too_many(plan, result) or _many_rows_each(engine, plan)
    if refusal:
        return unsupported(question, refusal)
    facts = _facts(engine, catalog, plan)
    drawn = facts.ranked if isinstance(plan, Ranked) else result.rows
    return {
        "status": "answered",
        "question": question,
        "answer": sentence(plan, result.rows, facts),
        "sql": sql,
        "columns": labels(plan),
        "rows": result.rows,
        "chart": picture(plan, drawn, facts, ordered=_ordered(plan, catalog)),
        "engine": ENGINE,
        "confidence": min(found.confidence, 1.0),
    }


def _too_many(plan: Plan, result: Result) -> str | None:
    """Why the one value that was asked for is not one."""
    if not isinstance(plan, Records) or not plan.single or len(result.rows) == 1:
        return None
    name = plan.select[0]
    if not result.rows:
        return "No row fits, so there is no value to tell."
    return f"Many rows fit, with different values of “{name}”: ask for the average, total or range."


def _many_rows_each(engine: Engine, plan: Plan) -> str | None:
    """Why the row with the most is not one of each key: the key has more rows than one."""
    if not isinstance(plan, Records) or plan.once_each is None:
        return None
    measures = (Measure("rows"), Measure("distinct", plan.once_each))
    rows, keys = engine.run(build(Figures(measures, plan.where), engine.names))[1].first
    if rows == keys:
        return None
    return f"Each “{plan.once_each}” has many rows: say average, total, highest or number of."


def _facts(engine: Engine, catalog: Catalog, plan: Plan) -> Facts:
    """What the sentence says beside the answer: rows looked at, and the figures of a ranking."""
    if isinstance(plan, Ranked):
        found = engine.run(ranked(plan, engine.names, with_measure=True))[1].rows
        return Facts(ranked=found, years=catalog.years)
    if not isinstance(plan, (Figures, Share)):
        return Facts(years=catalog.years)
    column = _column(plan)
    counts = engine.run(count_rows(plan.where, engine.names, column))[1].first
    filled = counts[1] if column is not None else None
    return Facts(rows=counts[0], filled=filled, years=catalog.years)


def _column(plan: Figures | Share) -> str | None:
    """The one column that all figures are taken of, or that a share looks at for its values."""
    if isinstance(plan, Share):
        gaps = any(each.op in ("missing", "present") for each in plan.of)
        columns = set() if gaps else {each.column for each in plan.of}
    else:
        columns = {measure.column for measure in plan.measures if measure.column is not None}
    return columns.pop() if len(columns) == 1 else None


def _ordered(plan: Plan, catalog: Catalog) -> bool:
    """Whether the keys of a chart are numbers."""
    if not isinstance(plan, (Grouped, Share, GroupShare)) or plan.key is None:
        return False
    return catalog.columns[plan.key.column].numeric
