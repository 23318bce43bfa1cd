"""The section about a forecast: its calendar, and the values that it foretells."""

from __future__ import annotations

from collections.abc import Iterator

from app.analysis.report.document import Align, Block, Code, Heading, Paragraph, Table
from app.analysis.report.material import Json, Material
from app.analysis.report.wording import count, cut, listed, quoted, score, share, value_text

MOST_VALUES = 40


def forecast_section(material: Material) -> Iterator[Block]:
    """What is foretold, in words and as a table; nothing for other tasks."""
    facts = material.model.get("forecast")
    if not facts:
        return
    yield Heading("The forecast", "forecast", 3)
    yield Paragraph(_sentence(facts))
    many = facts.get("series_column") is not None
    values = list(facts.get("values") or ())[:MOST_VALUES]
    intervals = any("low" in value for value in values)
    header = ["Time", *(["Series"] if many else []), "Forecast"]
    header += ["From", "to"] if intervals else []
    rows = tuple(tuple(_row(value, many=many, intervals=intervals)) for value in values)
    left_side: tuple[Align, ...] = ("left", "left") if many else ("left",)
    right_side: tuple[Align, ...] = ("right", "right", "right") if intervals else ("right",)
    left = int(facts.get("values_total") or 0) - len(rows)
    yield Table(
        tuple(header),
        rows,
        left_side + right_side,
        (2,) * (1 + many) + (1.5,) * (1 + 2 * intervals),
        note=f"{left:,} more come from the model itself." if left > 0 else "",
    )


def forecast_usage(material: Material) -> Iterator[Block]:
    """How the next steps are asked for."""
    horizon = (material.model.get("forecast") or {}).get("horizon", 1)
    yield Paragraph("The next steps of every series, without any rows, on the command line:")
    yield Code(f"uam predict model.joblib --horizon {horizon} --out next.csv")
    yield Paragraph("And over HTTP:")
    yield Code(f'POST /models/{{model_id}}/predict\n{{"horizon": {horizon}}}')


def _sentence(facts: Json) -> str:
    series = int(facts.get("series") or 1)
    season = int(facts.get("season") or 1)
    steps = count(int(facts.get("horizon") or 1), "step")
    text = (
        f"The calendar is {cut(facts.get('frequency'))}, from {value_text(facts.get('first'))} to"
        f" {value_text(facts.get('last'))}, and {count(series, 'series', 'series')} run along it."
        if series > 1
        else f"The calendar is {cut(facts.get('frequency'))}, from"
        f" {value_text(facts.get('first'))} to {value_text(facts.get('last'))}."
    )
    text += f" A season of {season:,} steps was found." if season > 1 else " No season was found."
    text += f" The next {steps} are foretold, with intervals that hold"
    text += f" {share(float(facts.get('coverage') or 0), 1)} of what comes."
    known = facts.get("known_ahead") or []
    if known:
        text += f" Known in advance: {listed([quoted(name) for name in known])}."
    return text


def _row(value: Json, *, many: bool, intervals: bool) -> Iterator[str]:
    yield (
        value_text(value.get("time"))
        if isinstance(value.get("time"), str)
        else str(value.get("time"))
    )
    if many:
        yield cut(value.get("series"))
    yield score(value.get("prediction"))
    if intervals:
        yield score(value.get("low"))
        yield score(value.get("high"))
