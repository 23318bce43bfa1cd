"""Descriptions of bar charts: categories, rates, importances, leaderboards."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from app.analysis.charts.spec import Chart
from app.analysis.charts.style import clean, percent

Rest = Literal["sum", "drop"]

DWARFING = 3.0
"""An "other" bar so many times the largest would dwarf it: then it is told, not drawn."""


def bar(
    name: str,
    title: str,
    labels: Sequence[object],
    values: Sequence[float | None],
    *,
    label_axis: str = "",
    value_axis: str = "",
    kind: str = "bar",
    errors: Sequence[float | None] | None = None,
    unit: str | None = None,
    top: int = 20,
    rest: Rest = "sum",
    more: tuple[int, float] = (0, 0.0),
    ordered: bool = True,
    reference: tuple[float, str] | None = None,
    years: bool = False,
    notes: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Chart:
    """One bar a label, largest first (or as given with ``ordered=False``).

    Of more than ``top`` labels the largest are drawn; what is left over is one muted bar
    "other" (``rest="sum"``, unless it dwarfs them) or absent (``"drop"``, where a sum means
    nothing), and a note tells it. ``more`` is the number and the sum of labels not given. ``errors`` are half-widths of error bars; ``reference`` is a line with its label; ``years`` says that the
    values are years, or means of them.
    """
    order = list(range(len(labels)))
    if ordered:
        order.sort(key=lambda i: -_size(values[i]))
    kept, left = order[:top], order[top:]
    total = len(labels) + more[0]
    texts = [str(labels[i]) for i in kept]
    numbers = [values[i] for i in kept]
    spreads = [errors[i] for i in kept] if errors is not None else None
    told = list(notes)
    muted: list[int] = []
    if total > len(kept) and rest == "sum":
        other = more[1] + math.fsum(values[i] or 0.0 for i in left)
        told.append(_other_note(total, len(kept), other, numbers))
        if other <= DWARFING * max((v or 0.0 for v in numbers), default=0.0):
            muted = [len(texts)]
            texts.append(f"other ({total - len(kept):,})")
            numbers.append(other)
            if spreads is not None:
                spreads.append(None)
    elif total > len(kept):
        told.append(f"The first {len(kept):,} of {total:,} are shown.")
    series: dict[str, Any] = {"name": value_axis, "values": numbers}
    if spreads is not None:
        series["errors"] = spreads
    return _bars(
        name,
        title,
        texts,
        [series],
        kind=kind,
        label_axis=label_axis,
        value_axis=value_axis,
        muted=muted,
        reference=reference,
        years=years,
        unit=unit,
        notes=told,
        columns=columns,
    )


def grouped_bar(
    name: str,
    title: str,
    labels: Sequence[object],
    series: Mapping[str, Sequence[float | None]],
    *,
    label_axis: str = "",
    value_axis: str = "",
    stacked: bool = False,
    unit: str | None = None,
    top: int = 12,
    notes: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Chart:
    """One group (or stack) of bars a label, in the order given; at most ``top`` labels, told."""
    told = list(notes)
    if len(labels) > top:
        told.append(f"The first {top:,} of {len(labels):,} are shown.")
    rows = [{"name": key, "values": list(values)[:top]} for key, values in series.items()]
    return _bars(
        name,
        title,
        [str(label) for label in labels[:top]],
        rows,
        kind="stacked_bar" if stacked else "grouped_bar",
        label_axis=label_axis,
        value_axis=value_axis,
        stacked=stacked,
        unit=unit,
        notes=told,
        columns=columns,
    )


def importance(
    name: str,
    title: str,
    features: Sequence[str],
    values: Sequence[float],
    spreads: Sequence[float | None] | None = None,
    *,
    value_axis: str = "importance",
    top: int = 20,
    notes: Sequence[str] = (),
) -> Chart:
    """What each feature is worth to the model, with ± one standard deviation."""
    return bar(
        name,
        title,
        features,
        values,
        label_axis="feature",
        value_axis=value_axis,
        kind="importance",
        errors=spreads,
        top=top,
        rest="drop",
        notes=notes,
        columns=features[:top],
    )


def leaderboard(
    name: str,
    title: str,
    candidates: Sequence[str],
    scores: Sequence[float | None],
    spreads: Sequence[float | None] | None = None,
    *,
    metric: str,
    top: int = 20,
    notes: Sequence[str] = (),
) -> Chart:
    """Scores of the candidates in the order given (best first), ± one standard deviation."""
    return bar(
        name,
        title,
        candidates,
        scores,
        label_axis="candidate",
        value_axis=metric,
        kind="leaderboard",
        errors=spreads,
        top=top,
        rest="drop",
        ordered=False,
        notes=notes,
    )


def _bars(
    name: str,
    title: str,
    labels: list[str],
    series: list[dict[str, Any]],
    *,
    kind: str,
    label_axis: str,
    value_axis: str,
    stacked: bool = False,
    muted: Sequence[int] = (),
    reference: tuple[float, str] | None = None,
    years: bool = False,
    unit: str | None = None,
    notes: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Chart:
    horizontal = _reads_better_lying(labels) or kind in ("importance", "leaderboard")
    data: dict[str, Any] = {
        "labels": labels,
        "series": series,
        "horizontal": horizontal,
        "stacked": stacked,
        "muted": list(muted),
    }
    if reference is not None:
        data["reference"] = {"value": reference[0], "label": reference[1]}
    if years:
        data |= {"years": True, "value_range": _around(series)}
    x_label, y_label = (value_axis, label_axis) if horizontal else (label_axis, value_axis)
    return Chart(
        name=name,
        title=title,
        kind=kind,
        x_label=x_label,
        y_label=y_label,
        unit=unit,
        data=data,
        notes=tuple(notes),
        columns=tuple(columns),
    )


def _reads_better_lying(labels: Sequence[str]) -> bool:
    """Whether the labels would not fit side by side under upright bars."""
    longest = max((len(clean(label)) for label in labels), default=0)
    return (longest + 1) * len(labels) > 68 or longest > 18


def _around(series: Sequence[Mapping[str, Any]]) -> list[float] | None:
    """Where an axis of years begins and ends: they do not count from zero."""
    ends = [
        value + way * (error or 0.0)
        for row in series
        for value, error in zip(row["values"], row.get("errors") or row["values"], strict=True)
        if value is not None and math.isfinite(value)
        for way in ((-1, 1) if row.get("errors") else (0,))
    ]
    if not ends:
        return None
    margin = max(1.0, 0.35 * (max(ends) - min(ends)))
    return [min(ends) - margin, max(ends) + margin]


def _size(value: float | None) -> float:
    return -math.inf if value is None or not math.isfinite(value) else value


def _other_note(total: int, shown: int, other: float, numbers: Sequence[float | None]) -> str:
    whole = other + math.fsum(value or 0.0 for value in numbers)
    share = percent(other / whole) if whole > 0 else "none"
    return (
        f"The {shown:,} largest of {total:,} are shown; "
        f"the other {total - shown:,} hold {share} together."
    )
