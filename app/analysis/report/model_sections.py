"""The sections about the model: comparison, validation, figures, importances, how to use it."""

from __future__ import annotations

from collections.abc import Iterator

from app.analysis.charts.style import holds_years
from app.analysis.report.data_sections import model_charts, picture
from app.analysis.report.document import (
    Block,
    BulletList,
    Code,
    Heading,
    Paragraph,
    Table,
)
from app.analysis.report.forecast_section import forecast_section, forecast_usage
from app.analysis.report.glossary import METRICS
from app.analysis.report.material import Json, Material
from app.analysis.report.summary import baseline_of, model_verdict
from app.analysis.report.wording import (
    TASK_WORDS,
    count,
    cut,
    quoted,
    score,
    share,
    value_text,
)

MOST_CANDIDATES = 40
MOST_FEATURES = 25
MOST_INPUTS = 40

_UNSEEN = "Every score comes from rows that the candidate was not fitted on."


def model(material: Material) -> Iterator[Block]:
    """Everything about the model; one paragraph where there is none."""
    yield Heading("The model", "model")
    if not material.model:
        verdict = model_verdict(material)
        yield Paragraph(verdict.text if verdict is not None else "There is no model.")
        return
    yield Paragraph(_task(material.model))
    yield from _groups(material)
    yield from forecast_section(material)
    yield from _leaderboard(material)
    yield from _validation(material)
    yield from _metrics(material)
    yield from _importance(material)
    for chart in model_charts(material):
        yield picture(chart)
    yield from _usage(material)


def _task(facts: Json) -> str:
    task = str(facts.get("task"))
    text = f"Task: {TASK_WORDS.get(task, cut(task))}."
    if facts.get("task_reason"):
        text += f" Why: {cut(facts['task_reason'], 300)}"
    text = text if text.endswith(".") else f"{text}."
    if facts.get("positive_class") is not None:
        text += f" The positive class is {quoted(facts['positive_class'])}."
    return text


def _groups(material: Material) -> Iterator[Block]:
    """The clusters that were found, in plain words."""
    clusters = material.model.get("clusters") or []
    if not clusters:
        return
    yield Heading("The groups", "groups", 3)
    rows = tuple(
        (
            value_text(group.get("cluster")),
            value_text(group.get("rows")),
            share(float(group.get("share") or 0), 1),
            cut(group.get("description"), 300),
        )
        for group in clusters[:MOST_CANDIDATES]
    )
    left = len(clusters) - len(rows)
    yield Table(
        ("Group", "Rows", "Share", "What sets it apart"),
        rows,
        ("right", "right", "right", "left"),
        (0.8, 1, 1, 6),
        note=f"{left:,} more are in model.json." if left else "",
    )


def _leaderboard(material: Material) -> Iterator[Block]:
    ranking = material.ranking
    if not ranking:
        return
    metric = str(material.leaderboard.get("metric", ""))
    words = METRICS.get(metric)
    yield Heading("Comparison of candidates", "leaderboard", 3)
    if words is not None:
        side = "higher" if words.more_is_better else "lower"
        unseen = "" if material.model.get("task") == "clustering" else f" {_UNSEEN}"
        yield Paragraph(f"Ranked by {words.title} ({side} is better): {words.meaning}.{unseen}")
    baseline = baseline_of(material)
    rows = tuple(_candidate(row) for row in ranking[:MOST_CANDIDATES])
    shown = ranking[:MOST_CANDIDATES]
    left = len(ranking) - len(shown)
    yield Table(
        ("#", "Candidate", "Score", "± spread", "Fit (s)", "Predict (ms per row)"),
        rows,
        ("right", "left", "right", "right", "right", "right"),
        (0.6, 4, 1.4, 1.4, 1.2, 1.8),
        frozenset(i for i, row in enumerate(shown) if i == 0 or row is baseline),
        f"{left:,} more are in leaderboard.json." if left else "",
    )


def _candidate(row: Json) -> tuple[str, ...]:
    return (
        value_text(row.get("rank")),
        cut(row.get("name")),
        score(row.get("score")),
        score(row.get("score_std")),
        score(row.get("fit_seconds")),
        score(row.get("predict_ms_per_row")),
    )


def _validation(material: Material) -> Iterator[Block]:
    facts = material.model
    yield Heading("How it was validated", "validation", 3)
    points = []
    trained, held = facts.get("train_rows"), facts.get("holdout_rows")
    if trained:
        points.append(f"The final model was fitted on {count(int(trained), 'row')}.")
    if held:
        points.append(
            f"Before that, {count(int(held), 'row')} were held out: they trained nothing, chose"
            " nothing, and judged the winner once. The figures below come from them."
        )
    if facts.get("fit_seconds") is not None:
        points.append(f"Training took {score(facts['fit_seconds'])} seconds.")
    # The groups have a table of their own.
    told = [str(note) for note in facts.get("notes") or () if not str(note).startswith("Cluster ")]
    points += [cut(note, 400) for note in told]
    if points:
        yield BulletList(tuple(points))
    else:
        yield Paragraph("This run tells nothing about its validation.")


def _metrics(material: Material) -> Iterator[Block]:
    figures = material.model.get("metrics") or {}
    if not figures:
        return
    yield Heading("How good it is", "metrics", 3)
    rows = tuple(
        (
            METRICS[name].title if name in METRICS else cut(name),
            score(value),
            METRICS[name].meaning if name in METRICS else "–",
        )
        for name, value in figures.items()
    )
    chosen = frozenset(i for i, n in enumerate(figures) if n == material.model.get("metric"))
    yield Table(
        ("Figure", "Value", "What it says"), rows, ("left", "right", "left"), (3, 1.2, 6), chosen
    )


def _importance(material: Material) -> Iterator[Block]:
    features = material.model.get("importance") or []
    if not features:
        return
    yield Heading("What the model leans on", "importance", 3)
    yield Paragraph(
        "How much worse the model gets when the values of a column are shuffled:"
        " the more, the more it needs the column. It says what the model uses, not what is cause."
    )
    if material.model.get("task") == "forecast":
        yield Paragraph(
            "Measured are the columns known in advance, their values taken from other times of the"
            " same series; what the target itself was before is used beside them."
        )
    rows = tuple(
        (cut(row.get("feature")), score(row.get("value")), score(row.get("std")))
        for row in features[:MOST_FEATURES]
    )
    left = len(features) - len(rows)
    yield Table(
        ("Column", "Importance", "± spread"),
        rows,
        ("left", "right", "right"),
        (5, 1.5, 1.5),
        note=f"{left:,} less important columns are in model.json." if left else "",
    )


def _example(column: Json) -> str:
    """A value that a row may hold; a year as one."""
    low, high = column.get("range") or (None, None)
    # Whole numbers with gaps are kept as decimals.
    value, low, high = (
        int(one) if isinstance(one, float) and one.is_integer() else one
        for one in (column.get("example"), low, high)
    )
    if isinstance(value, int) and holds_years({"min": low, "max": high}):
        return str(value)
    return value_text(value)


def _usage(material: Material) -> Iterator[Block]:
    yield Heading("How to use it", "usage", 3)
    if material.model.get("task") == "forecast":
        yield from forecast_usage(material)
    yield Paragraph("On the command line, one prediction for each row of a file, in its order:")
    yield Code("uam predict model.joblib NEW_ROWS.csv --out predictions.csv")
    yield Paragraph("Over HTTP, rows as JSON objects keyed by column name:")
    yield Code('POST /models/{model_id}/predict\n{"rows": [{…}], "explain": true}')
    inputs = material.model.get("input_schema") or []
    if not inputs:
        return
    yield Paragraph("The columns that a row to predict may have:")
    rows = tuple(
        (
            cut(row.get("name")),
            cut(row.get("type")),
            "yes" if row.get("required") else "no",
            _example(row),
        )
        for row in inputs[:MOST_INPUTS]
    )
    left = len(inputs) - len(rows)
    yield Table(
        ("Column", "Type", "Required", "Example"),
        rows,
        widths=(4, 2, 1.2, 3),
        note=f"{left:,} more are in model.json." if left else "",
    )
