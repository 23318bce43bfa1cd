"""The sections about the data: overview, cleaning, alerts, charts, and the table of columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.analysis.charts.style import holds_years, number
from app.analysis.report.document import Block, Figure, Heading, Paragraph, Table
from app.analysis.report.glossary import CHARTS
from app.analysis.report.material import ChartFile, Json, Material
from app.analysis.report.wording import (
    TYPE_WORDS,
    count,
    cut,
    listed,
    quoted,
    score,
    share,
    size,
    value_text,
)
from app.analysis.schema import SENSITIVE_WORDS

MOST_ALERTS = 10
MOST_STEPS = 40
MOST_CHARTS = 12
MOST_COLUMNS = 300
MOST_LINKS = 10

_ABOUT_MODEL = frozenset(
    [
        "importance",
        "leaderboard",
        "roc",
        "precision_recall",
        "calibration",
        "confusion_matrix",
        "predicted_vs_actual",
        "residuals",
        "learning_curve",
        "dependence",
        "clusters",
        "forecast",
        "error_by_step",
    ]
)
"""Kinds of charts that belong to the model's part of the report."""

_MEASURES = {
    "pearson": "Pearson's r",
    "spearman": "Spearman's ρ",
    "cramers_v": "Cramér's V",
    "correlation_ratio": "correlation ratio",
    "mutual_information": "mutual information",
}


def overview(material: Material) -> Iterator[Block]:
    """How large the table is, how it was read, and which columns go together."""
    yield Heading("The data", "data")
    yield Paragraph(_size_sentence(material))
    reading = _reading(material.run.get("read") or {})
    if reading:
        yield Paragraph(reading)
    warnings = [cut(w.get("message"), 300) for w in material.run.get("warnings") or ()]
    if warnings:
        yield Heading("What was noticed while reading", "reading", 3)
        yield Table(("Warning",), tuple((warning,) for warning in warnings[:MOST_STEPS]))
    links = material.profile.get("associations") or []
    if links:
        yield Heading("Columns that go together", "together", 3)
        yield _links(links)


def cleaning(material: Material) -> Iterator[Block]:
    """Every step of the cleaning, or that there was none to take."""
    yield Heading("Cleaning", "cleaning")
    steps = material.cleaning.get("steps") or []
    rows_in, rows_out = material.cleaning.get("rows_in"), material.cleaning.get("rows_out")
    text = "Cleaning learns nothing from the values: it fills no gap, scales and clips nothing."
    if isinstance(rows_in, int) and isinstance(rows_out, int):
        same = "All rows were kept" if rows_in == rows_out else "Rows went"
        text += f" {same}: {rows_in:,} in, {rows_out:,} out."
    yield Paragraph(text)
    if not steps:
        yield Paragraph("No step was needed.")
        return
    rows = tuple(
        (
            cut(step.get("column") or "(whole table)"),
            cut(step.get("rule")),
            value_text(step.get("rows")),
            cut(step.get("reason"), 200),
        )
        for step in steps[:MOST_STEPS]
    )
    yield Table(
        ("Column", "Step", "Rows touched", "Why"),
        rows,
        ("left", "left", "right", "left"),
        (2, 2, 1, 4),
        note=_rest(len(steps), MOST_STEPS, "steps", "cleaning.json"),
    )


def alerts(material: Material) -> Iterator[Block]:
    """The findings that matter first, each with what to do."""
    yield Heading("Alerts", "alerts")
    found = material.alerts
    if not found:
        yield Paragraph("Nothing in these data calls for attention.")
        return
    yield Paragraph(f"{count(len(found), 'finding')}, what matters first.")
    rows = tuple(
        (
            cut(alert.get("severity")),
            cut(alert.get("message"), 300),
            cut(alert.get("action") or "–", 300),
        )
        for alert in found[:MOST_ALERTS]
    )
    yield Table(
        ("Severity", "Finding", "What to do"),
        rows,
        widths=(1, 4, 4),
        strong=frozenset(
            i for i, a in enumerate(found[:MOST_ALERTS]) if a.get("severity") == "high"
        ),
        note=_rest(len(found), MOST_ALERTS, "findings", "the profile"),
    )


def charts(material: Material) -> Iterator[Block]:
    """The pictures of the data; those of the model stand in its own section."""
    yield Heading("Charts", "charts")
    pictures = [chart for chart in material.charts if chart.kind not in _ABOUT_MODEL]
    if not pictures:
        yield Paragraph("This run drew no charts of the data.")
        return
    for chart in pictures[:MOST_CHARTS]:
        yield picture(chart)
    rest = _rest(len(pictures), MOST_CHARTS, "charts", "the run")
    if rest:
        yield Paragraph(rest, "small")


def model_charts(material: Material) -> list[ChartFile]:
    """The charts that show the model."""
    return [chart for chart in material.charts if chart.kind in _ABOUT_MODEL]


def picture(chart: ChartFile) -> Figure:
    """A chart with its finding as the title and how to read it as the caption."""
    caption = CHARTS.get(chart.kind, "")
    if chart.columns:
        names = [cut(column, 40) for column in chart.columns[:4]]
        more = f" and {len(chart.columns) - 4:,} more" if len(chart.columns) > 4 else ""
        caption = f"{caption} Shown: {', '.join(names)}{more}.".strip()
    return Figure(chart.name, cut(chart.title or chart.name, 200), caption, chart.png)


def columns_table(material: Material) -> Iterator[Block]:
    """Every column with its type, gaps and a few figures."""
    yield Heading("Columns", "columns", 3)
    columns = material.columns
    if not columns:
        yield Paragraph("There is no profile of the columns.")
        return
    rows = tuple(_column_row(column, material.rows) for column in columns[:MOST_COLUMNS])
    yield Table(
        ("Column", "Type", "Missing", "Different", "In short"),
        rows,
        ("left", "left", "right", "right", "left"),
        (3, 2, 1.2, 1.3, 4),
        note=_rest(len(columns), MOST_COLUMNS, "columns", "profile.json"),
    )


def _column_row(column: Json, rows: int) -> tuple[str, ...]:
    kind = str(column.get("type"))
    estimated = "" if column.get("distinct_exact", True) else "≈ "
    return (
        cut(column.get("name")),
        TYPE_WORDS.get(kind, (kind, kind))[0],
        share(column.get("missing") or 0, rows),
        f"{estimated}{value_text(column.get('distinct'))}",
        _sensitive(column) + _in_short(column),
    )


def _sensitive(column: Json) -> str:
    """What a column that is flagged seems to hold, before its figures."""
    words = SENSITIVE_WORDS.get(str(column.get("sensitive")))
    return f"Sensitive, {words}: " if words else ""


def _in_short(column: Json) -> str:
    if column.get("mean") is not None:
        years = holds_years(column)
        low, high, middle, mean = (
            number(column.get(key), 4, years=years) for key in ("min", "max", "median", "mean")
        )
        return f"{low} to {high}, median {middle}, mean {mean}"
    top = column.get("top") or []
    if top:
        shown = [f"{cut(t.get('value'), 24)} ({value_text(t.get('count'))})" for t in top[:3]]
        return ", ".join(shown)
    if column.get("min") is not None:
        return f"{cut(column['min'])} to {cut(column.get('max'))}"
    return cut(column.get("reason") or "–", 80)


def _size_sentence(material: Material) -> str:
    parts = [count(material.rows, "row"), count(len(material.columns), "column")]
    bytes_ = material.table.get("size_bytes", material.run.get("size_bytes"))
    text = f"{quoted(material.name)}: {listed(parts)}"
    if bytes_:
        text += f", {size(bytes_)} as uploaded"
    duplicates = material.table.get("duplicate_rows")
    if duplicates is not None:
        text += f"; {count(int(duplicates), 'row')} {'is' if duplicates == 1 else 'are'} repeated"
    return f"{text}."


def _reading(read: Json) -> str:
    """How the file was read, each choice with its reason where it has one."""
    parts = []
    for key, value in read.items():
        if key.endswith("_reason") or value is None or isinstance(value, (dict, list)):
            continue
        why = read.get(f"{key}_reason")
        because = f" ({cut(why)})" if why else ""
        parts.append(f"{key.replace('_', ' ')} {_setting(value)}{because}")
    return f"The file was read like this: {'; '.join(parts)}." if parts else ""


def _setting(value: Any) -> str:
    named = {"\t": "tab", " ": "space", ",": "comma", ";": "semicolon"}
    return named.get(value, value_text(value)) if isinstance(value, str) else value_text(value)


def _links(links: list[Json]) -> Table:
    rows = tuple(
        (
            cut(link.get("a")),
            cut(link.get("b")),
            _MEASURES.get(str(link.get("measure")), cut(link.get("measure"))),
            score(link.get("value")),
        )
        for link in links[:MOST_LINKS]
    )
    return Table(
        ("Column", "Column", "Measure", "Strength"),
        rows,
        ("left", "left", "left", "right"),
        (3, 3, 2, 1),
        note=_rest(len(links), MOST_LINKS, "pairs", "profile.json"),
    )


def _rest(total: int, shown: int, what: str, where: str) -> str:
    """What a table or a series of pictures left out, and where it can be found."""
    if total <= shown:
        return ""
    return f"The first {shown:,} of {total:,} {what} are shown; {where} has them all."
