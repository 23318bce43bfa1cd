"""Axes of a PNG: numbers, times and categories as people read them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import MaxNLocator

from app.analysis.charts.png_text import NumberTicks
from app.analysis.charts.style import Theme, are_years, short

Legend = list[tuple[Any, str]]
"""Handles and their labels, for the charts that need a legend."""


def category_axis(axes: Axes, labels: Sequence[str], *, lying: bool) -> None:
    """Labels at 0, 1, 2 …: beside bars that lie, largest at the top, or wrapped under them."""
    texts = [short(label) for label in labels]
    if lying:
        axes.set_yticks(range(len(texts)), texts)
        axes.set_ylim(max(0.5, len(texts) - 0.4), -0.6)
        return
    room = max(8, 84 // max(1, len(texts)))
    axes.set_xticks(range(len(texts)), ["\n".join(textwrap.wrap(t, room)) for t in texts])
    axes.set_xlim(-0.6, max(0.5, len(texts) - 0.4))


def sparse_ticks(
    setter: Callable[..., Any], labels: Sequence[str], *, upright: bool = False, most: int = 50
) -> None:
    """Tick labels of a heat map, thinned to at most ``most``."""
    step = max(1, -(-len(labels) // most))
    places = list(range(0, len(labels), step))
    size = 10 if len(places) <= 20 else 8 if len(places) <= 32 else 7
    turned = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if upright else {}
    setter(places, [short(labels[i], 22) for i in places], fontsize=size, **turned)


def number_axis(axis: Any, values: Iterable[Any] = (), *, years: bool = False) -> None:
    """Round numbers, at most eight, written by :class:`NumberTicks`: as ``years`` where that is
    said, or where ``values`` of a column, which the axis shows, are years."""
    axis.set_major_formatter(NumberTicks(years=years or are_years(values)))
    axis.set_major_locator(MaxNLocator(nbins=7, min_n_ticks=2, steps=[1, 2, 2.5, 5, 10]))


def time_axis(axes: Axes) -> None:
    """Dates as short as they can be."""
    locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def floats(values: Sequence[Any], *, time: bool = False) -> Any:
    """Values as floats with NaN for missing; times as days since 1970, matplotlib's own unit."""
    if time:
        stamps = np.array([v or "NaT" for v in values], dtype="datetime64[us]")
        days: Any = stamps.astype("int64") / 86_400_000_000
        return np.where(np.isnat(stamps), np.nan, days)
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def reference_line(axes: Axes, reference: Mapping[str, Any], theme: Theme, *, lying: bool) -> None:
    """A dashed line across the bars, with its label."""
    line = axes.axvline if lying else axes.axhline
    line(reference["value"], color=theme.faint, linestyle="--", linewidth=1.3)
    label = short(reference["label"], 40)
    axes.annotate(
        label if lying else textwrap.fill(label, 12),
        (reference["value"], 1.0) if lying else (1.0, reference["value"]),
        xycoords=("data", "axes fraction") if lying else ("axes fraction", "data"),
        xytext=(0, 3) if lying else (4, 0),
        textcoords="offset points",
        fontsize=9,
        color=theme.faint,
        ha="center" if lying else "left",
        va="bottom" if lying else "center",
    )
