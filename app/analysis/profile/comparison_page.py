"""``compare.html``: one self-contained page, without any script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.analysis.charts.style import are_years, chance, number, percent
from app.analysis.profile.page import MAX_COLUMNS, TEMPLATES, inline_hash, page_environment
from app.analysis.profile.page_columns import BARS, SPARK_HEIGHT, edge, spark, written

WORDS = {
    "strong": "strong change",
    "moderate": "change",
    "too_few_rows": "too few values",
    "none": "no change",
}
SEVERITIES = {"strong": "high", "moderate": "medium"}
_TESTS = {"ks": "Kolmogorov-Smirnov D", "chi_square": "chi-square"}

Shape = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Share:
    """A category with its share on either side, in percent."""

    value: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A column as the template draws it; ``sparks`` are the bars of the two histograms."""

    name: str
    kind: str
    verdict: str
    severity: str
    message: str
    figures: tuple[tuple[str, str], ...]
    sparks: tuple[tuple[Shape, ...], ...]
    ends: tuple[str, str]
    shares: tuple[Share, ...]


def render_comparison(document: Mapping[str, Any]) -> str:
    """The page of a ``compare.json`` document, as HTML."""
    style = (TEMPLATES / "profile.css").read_text("utf-8")
    columns = document["columns"]
    return (
        page_environment()
        .get_template("comparison.html")
        .render(
            before=document["a"],
            after=document["b"],
            summary=document["summary"],
            schema=document["schema"],
            method=document["method"],
            columns=[_view(column) for column in columns[:MAX_COLUMNS]],
            left_out=len(columns[MAX_COLUMNS:]),
            spark_height=SPARK_HEIGHT,
            style=style,
            style_hash=inline_hash(style),
        )
    )


def _view(column: Mapping[str, Any]) -> ChangeView:
    found = column.get("histogram")
    edges = found["edges"] if found else []
    years = _of_years(column)
    changed = column["missing_changed"] and column["verdict"] not in SEVERITIES
    return ChangeView(
        name=column["name"],
        kind=column["kind"],
        verdict="more or fewer missing" if changed else WORDS[column["verdict"]],
        severity="medium" if changed else SEVERITIES.get(column["verdict"], "low"),
        message=column["message"],
        figures=tuple(_figures(column)),
        sparks=tuple(spark(found[side]) for side in "ab") if found else (),
        ends=(edge(edges[0], years=years), edge(edges[-1], years=years)) if edges else ("", ""),
        shares=tuple(_shares(column)),
    )


def _figures(column: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    missing = column["missing_share"]
    years = _of_years(column)
    yield "missing", _both(percent(missing["a"]), percent(missing["b"]))
    for name in ("mean", "min", "median", "max", "median_length", "distinct"):
        if name in column:
            ends = (_figure(column[name][side], years=years) for side in "ab")
            yield name.replace("_", " "), _both(*ends)
    if column["psi"] is not None:
        yield "PSI", f"{column['psi']:.3f}"
        yield _TESTS[column["measure"]], number(column["statistic"])
        yield "p, corrected", chance(column["p_corrected"])


def _of_years(column: Mapping[str, Any]) -> bool:
    return column["kind"] == "numeric" and are_years(column.get("histogram", {}).get("edges", ()))


def _shares(column: Mapping[str, Any]) -> Iterator[Share]:
    totals = {side: max(1, count) for side, count in column["values"].items()}
    for row in column.get("top", [])[:BARS]:
        before, after = (round(100 * row[side] / totals[side], 1) for side in "ab")
        yield Share(written(row["value"]), before, after)


def _both(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _figure(value: Any, *, years: bool) -> str:
    return edge(value) if isinstance(value, str) else number(value, 4, years=years)
