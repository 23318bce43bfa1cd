"""How one column's facts are laid out on the page: figures, a small histogram, bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.analysis.charts.style import number, percent
from app.analysis.profile.numeric import figure
from app.analysis.profile.time_rules import cycle_sentence, gap_sentence
from app.analysis.schema import SENSITIVE_WORDS

SPARK_WIDTH, SPARK_HEIGHT = 320, 64
BARS = 8
COMMON_PATTERN = 0.5
"""A pattern that so many values share is worth a line."""
WHOLE = 1e15
"""Below it a decimal holds each whole number exactly."""
NOTHING: Mapping[str, Any] = {"edges": [], "counts": []}


@dataclass(frozen=True, slots=True)
class Bar:
    """One value with its count and its length in percent of the longest."""

    value: str
    count: int
    length: float


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column as the template draws it; ``spark`` are (x, y, width, height) of SVG bars."""

    place: int
    name: str
    type: str
    reason: str
    sensitive: str
    sensitive_reason: str
    missing: int
    missing_share: float
    figures: tuple[tuple[str, str], ...]
    spark: tuple[tuple[float, float, float, float], ...]
    ends: tuple[str, str]
    spark_note: str
    bars: tuple[Bar, ...]
    bars_title: str
    notes: tuple[str, ...]


def column_view(place: int, column: Mapping[str, Any]) -> ColumnView:
    """The view of the column number ``place``."""
    histogram, note = _histogram(column)
    edges = histogram["edges"]
    tokens = column.get("tokens")
    return ColumnView(
        place=place,
        name=column["name"],
        type=column["type"],
        reason=column["reason"],
        sensitive=SENSITIVE_WORDS.get(column["sensitive"] or "", ""),
        sensitive_reason=column["sensitive_reason"],
        missing=column["missing"],
        missing_share=column["missing_share"],
        figures=tuple(_figures(column)),
        spark=spark(histogram["counts"]),
        ends=(_edge(column, edges[0]), _edge(column, edges[-1])) if edges else ("", ""),
        spark_note=note,
        bars=bars(tokens if tokens is not None else _top(column)),
        bars_title="words" if tokens is not None else "values",
        notes=tuple(_notes(column)),
    )


def spark(counts: Sequence[int]) -> tuple[tuple[float, float, float, float], ...]:
    """Bars of a small histogram; one that holds anything is at least 1 pixel high."""
    top = max(counts, default=0)
    if top == 0:
        return ()
    width = SPARK_WIDTH / len(counts)
    shapes = []
    for place, count in enumerate(counts):
        height = max(1.0, SPARK_HEIGHT * count / top) if count else 0.0
        shapes.append(
            (
                round(place * width, 2),
                round(SPARK_HEIGHT - height, 2),
                round(max(0.5, width - 1), 2),
                round(height, 2),
            )
        )
    return tuple(shapes)


def bars(top: Sequence[Mapping[str, Any]]) -> tuple[Bar, ...]:
    """The first values of a ``top`` list."""
    shown = top[:BARS]
    longest = max((row["count"] for row in shown), default=1) or 1
    return tuple(
        Bar(written(row["value"]), row["count"], round(100 * row["count"] / longest, 1))
        for row in shown
    )


def _histogram(column: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The histogram to draw, and what must be said about it."""
    if "top" in column and column["distinct"] <= BARS:
        return NOTHING, ""
    middle = column.get("histogram_central")
    if middle:
        shown, whole = sum(middle["counts"]), sum(column["histogram"]["counts"])
        return middle, f"the middle {percent(shown / whole)}; {whole - shown:,} values lie outside"
    if "lengths" in column and len(column["lengths"]["histogram"]["counts"]) > 1:
        return column["lengths"]["histogram"], "length in characters"
    return column.get("histogram", NOTHING), ""


def _top(column: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The frequent values, where a histogram does not say as much."""
    return [] if "mean" in column and column["distinct"] > BARS else column.get("top", [])


def _figures(column: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    distinct, error = column["distinct"], column.get("distinct_error", 0)
    yield (
        "distinct",
        f"{distinct:,} to {distinct + error:,} (estimated)" if error else f"{distinct:,}",
    )
    if "value" in column:
        yield "value", written(column["value"])
    for key in ("mean", "std", "min", "median", "max", "skew", "kurtosis", "span_days"):
        if key in column:
            yield key.replace("_", " "), _shown(column, key)
    for key in ("zeros", "negatives", "infinite", "singles"):
        if column.get(key):
            yield key, f"{column[key]:,}"
    if column.get("outliers", {}).get("count"):
        yield "outliers", f"{column['outliers']['count']:,}"
    if "lengths" in column:
        found = column["lengths"]
        yield (
            "length",
            f"{_figure(found['min'])} to {_figure(found['max'])}, mean {number(found['mean'])}",
        )


def _notes(column: Mapping[str, Any]) -> Iterator[str]:
    found = column.get("patterns")
    if found and found[0]["count"] >= COMMON_PATTERN * column["count"]:
        shown = ", ".join(
            f"{row['value']} ({percent(row['count'] / column['count'])})" for row in found[:3]
        )
        yield f"Spelled like {shown}: A stands for a capital, a for another letter, 9 for a digit."
    if column.get("outliers", {}).get("count"):
        yield f"Outliers: {column['outliers']['rule']}."
    found = column.get("gaps")
    if found:
        yield gap_sentence(found)
    for cycle in column.get("seasonality", ()):
        yield cycle_sentence(cycle)
    if not column.get("tokens_exact", True):
        yield f"Words counted in the first {column['tokens_texts']:,} different texts."


def _figure(value: Any) -> str:
    return _moment(value) if isinstance(value, str) else number(value, 4)


def _shown(column: Mapping[str, Any], key: str) -> str:
    value = column[key]
    if key in ("mean", "min", "median", "max") and not isinstance(value, str):
        return figure(column, value, 4)
    return _figure(value)


def _moment(text: str) -> str:
    return text.removesuffix("T00:00:00").replace("T", " ")


def _edge(column: Mapping[str, Any], value: Any) -> str:
    return edge(value) if isinstance(value, str) else figure(column, value)


def edge(value: Any, *, years: bool = False) -> str:
    """The end of a histogram: a number, or the day of an ISO moment."""
    return value[:10] if isinstance(value, str) else number(value, years=years)


def written(value: Any) -> str:
    """A value of the data in words; – for a missing one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Whole numbers as those stored as such: a value of the data is no amount to be grouped.
        whole = value.is_integer() and abs(value) < WHOLE
        return str(int(value)) if whole else number(value, 6)
    return "–" if value is None else str(value)
