"""The first page: what the data are, what was found, how good the model is, what to mind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from app.analysis.report.document import (
    Block,
    BulletList,
    Callout,
    Figures,
    Heading,
    Mood,
    Paragraph,
)
from app.analysis.report.glossary import METRICS
from app.analysis.report.material import Json, Material
from app.analysis.report.wording import (
    TASK_WORDS,
    TYPE_WORDS,
    count,
    cut,
    listed,
    quoted,
    score,
    share,
)

_FOUND = 4
_WORRIES = (
    "cannot be promised",
    "were left out",
    "repeat a time",
    "leak",
    "too few",
    "flatter",
    "known only",
    "only known",
    "weakly",
    "no value in",
)
"""Words by which a note of the training is a caution and not just how it was done."""

_SURE = 0.999
"""A score this close to perfect is suspicious before it is good."""


def summary(material: Material) -> Iterator[Block]:
    """The blocks of the summary."""
    yield Heading("Summary", "summary")
    yield Paragraph(_what_it_is(material), "lead")
    yield Figures(tuple(_key_figures(material)))
    verdict = model_verdict(material)
    if verdict is not None:
        yield verdict
    found = _findings(material)
    if found:
        yield Heading("What was found", "found", 3)
        yield BulletList(tuple(found))
    yield Heading("What to be careful about", "care", 3)
    yield BulletList(tuple(_cautions(material)))


def model_verdict(material: Material) -> Callout | None:
    """How good the model is next to the dumb baseline, or why there is none."""
    if not material.model:
        if material.target is None:
            text = "No target was named, so the data were explored and nothing was predicted."
        else:
            text = f"No model of {quoted(material.target)} came out of this run."
        return Callout("info", "No model", text)
    if material.model.get("task") == "clustering":
        return _clusters(material)
    return _compared(material)


def baseline_of(material: Material) -> Json | None:
    """The leaderboard's dumb baseline, told by its kind or its name."""
    for row in material.ranking:
        words = f"{row.get('kind', '')} {row.get('name', '')}".casefold()
        if row.get("baseline") or "baseline" in words or "dummy" in words:
            return row
    return None


def gain(metric: str, best: object, baseline: object) -> float | None:
    """The part of the baseline's distance from perfect that the best model takes away.

    1 is perfect, 0 no better than the baseline, negative worse; ``None`` when a figure is
    missing or the metric has no perfect value.
    """
    words = METRICS.get(metric)
    numbers = isinstance(best, (int, float)) and isinstance(baseline, (int, float))
    if words is None or words.best is None or not numbers:
        return None
    distance = abs(words.best - float(str(baseline)))
    return None if distance == 0 else 1 - abs(words.best - float(str(best))) / distance


def _what_it_is(material: Material) -> str:
    columns = material.columns
    kinds = Counter(str(column.get("type")) for column in columns)
    words = [
        count(amount, *TYPE_WORDS.get(kind, (kind, kind))) for kind, amount in kinds.most_common()
    ]
    size = f"{count(material.rows, 'row')} and {count(len(columns), 'column')}"
    parts = f": {listed(words)}" if words else ""
    text = f"The data set {quoted(material.name)} has {size}{parts}."
    missing, cells = material.table.get("missing_cells"), material.rows * len(columns)
    if missing:
        text += f" {share(missing, cells)} of its cells are missing."
    elif missing == 0 and cells:
        text += " No cell is missing."
    if material.target is not None:
        text += f" The column to predict is {quoted(material.target)}."
    return text


def _key_figures(material: Material) -> Iterator[tuple[str, str]]:
    yield f"{material.rows:,}", "rows"
    yield f"{len(material.columns):,}", "columns"
    cells = material.rows * len(material.columns)
    if cells and material.table.get("missing_cells") is not None:
        yield share(material.table["missing_cells"], cells), "missing cells"
    if material.table.get("duplicate_rows") is not None:
        yield f"{material.table['duplicate_rows']:,}", "duplicate rows"
    metric = str(material.model.get("metric", ""))
    figure = (material.model.get("metrics") or {}).get(metric)
    if figure is not None:
        yield score(figure), METRICS[metric].title if metric in METRICS else cut(metric)


def _compared(material: Material) -> Callout:
    model = material.model
    metric = str(model.get("metric", ""))
    title = METRICS[metric].title if metric in METRICS else cut(metric)
    figure = (model.get("metrics") or {}).get(metric)
    task = TASK_WORDS.get(str(model.get("task")), cut(model.get("task")))
    text = (
        f"The best model, {quoted(model.get('name'))}, does a {task} of {quoted(material.target)}."
    )
    if figure is not None:
        text += f" Its {title} is {score(figure)}{_tested_on(model)}."
    best = material.ranking[0] if material.ranking else {}
    baseline = baseline_of(material)
    if baseline is None:
        return Callout("info", "How good is the model?", text)
    text += (
        f" In the comparison of all candidates it reaches {score(best.get('score'))},"
        f" where the dumb baseline reaches {score(baseline.get('score'))}."
    )
    part = gain(metric, best.get("score"), baseline.get("score"))
    words = _foretold if model.get("task") == "forecast" else _verdict
    mood, title, verdict = words(part)
    return Callout(mood, title, f"{text} {verdict}".strip())


def _verdict(part: float | None) -> tuple[Mood, str, str]:
    if part is None:
        return "info", "How good is the model?", ""
    if part >= _SURE:
        return (
            "warning",
            "Too good to be true?",
            "Such a figure is rarely real: look for a column that is only known afterwards.",
        )
    taken = f"Its distance from a perfect score is {share(part, 1)} smaller than the baseline's."
    if part >= 0.5:
        return "good", "The model is much better than guessing", taken
    if part >= 0.1:
        return "good", "The model is better than guessing", taken
    if part > 0.01:
        return "warning", "The model is only a little better than guessing", taken
    return (
        "warning",
        "The model is no better than guessing",
        "These columns say next to nothing about the target; do not use it to decide.",
    )


def _foretold(part: float | None) -> tuple[Mood, str, str]:
    """The same of a forecast, whose baseline repeats the last season."""
    if part is None:
        return "info", "How good is the forecast?", ""
    taken = (
        f"Its error is {share(max(part, 0.0), 1)} smaller than that of repeating the last season."
    )
    if part >= 0.3:
        return "good", "The forecast is much better than repeating the last season", taken
    if part >= 0.05:
        return "good", "The forecast is better than repeating the last season", taken
    if part > 0.01:
        return "warning", "The forecast is little better than repeating the last season", taken
    return (
        "warning",
        "The forecast is no better than repeating the last season",
        "What comes next can hardly be told from what was.",
    )


def _tested_on(model: Json) -> str:
    rows = model.get("holdout_rows")
    if not rows:
        return " (cross-validated)"
    return f" on {count(int(rows), 'row')} that trained nothing and chose nothing"


def _clusters(material: Material) -> Callout:
    figures = material.model.get("metrics") or {}
    text = f"Rows that are alike were gathered into groups by {quoted(material.model.get('name'))}."
    if "silhouette" in figures:
        text += (
            f" The silhouette is {score(figures['silhouette'])}: {METRICS['silhouette'].meaning}."
        )
    groups = material.model.get("clusters") or []
    if groups:
        text += f" There are {count(len(groups), 'group')}."
    text += " There is no truth to check groups against: judge them by whether they are of use."
    return Callout("info", "Groups in the data", text)


def _findings(material: Material) -> list[str]:
    found = [cut(alert.get("message"), 400) for alert in material.alerts[:_FOUND]]
    strongest = [
        link
        for link in material.profile.get("associations", [])
        if material.target in (link.get("a"), link.get("b"))
    ][:3]
    if strongest and material.target is not None:
        names = [
            f"{quoted(link['b'] if link.get('a') == material.target else link.get('a'))}"
            f" ({score(link.get('value'))})"
            for link in strongest
        ]
        found.append(f"Closest to {quoted(material.target)} are {listed(names)}.")
    important = material.model.get("importance") or []
    forecast = material.model.get("task") == "forecast"
    if forecast:
        important = [row for row in important if (row.get("value") or 0) > 0]
    if important:
        names = [quoted(row.get("feature")) for row in important[:3]]
        ahead = "Of what is known in advance, the" if forecast else "The"
        found.append(f"{ahead} model leans most on {listed(names)}.")
    return found


def _cautions(material: Material) -> Iterator[str]:
    for note in material.model.get("notes") or ():
        if any(word in str(note).casefold() for word in _WORRIES):
            yield cut(note, 400)
    for alert in material.alerts:
        if alert.get("severity") == "high" and alert.get("action"):
            yield cut(f"{alert.get('message')} {alert['action']}", 500)
    holdout = material.model.get("holdout_rows")
    if isinstance(holdout, int) and 0 < holdout < 200:
        yield f"The test has only {count(holdout, 'row')}: its figures may be off by a good deal."
    if material.model:
        yield "The model knows only what these data show; where the world changes, it grows wrong."
    yield "Columns that go together need not cause each other."
