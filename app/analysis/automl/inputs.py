"""Which columns a model learns from, and why the others are left out."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from app.analysis.automl.options import RunOptions
from app.analysis.errors import HopelessTable
from app.analysis.schema import Column

MOST_NAMED = 8


def choose_inputs(
    frame: pd.DataFrame, columns: Sequence[Column], options: RunOptions
) -> tuple[list[Column], list[str]]:
    """The columns to learn from, in file order, and plain sentences on those left out.

    Keys and columns of one value are left out; a key that ``features`` names is kept.
    Raises ``HopelessTable`` when nothing is left.
    """
    asked = set(options.features) if options.features is not None else None
    ignored = {*(options.ignore or ()), options.target}
    left_out: dict[str, list[str]] = {}
    kept: list[Column] = []
    for column in columns:
        if column.name in ignored or (asked is not None and column.name not in asked):
            continue
        why = _useless(frame[column.name], column, asked is not None)
        if column.name == options.group_column and asked is None:
            why = "that number groups, which say nothing about other ones"
        if column.name == options.weight_column and asked is None:
            why = "that weigh rows, and are not known of new ones"
        if why is None:
            kept.append(column)
        else:
            left_out.setdefault(why, []).append(column.name)
    notes = [_told(why, names) for why, names in left_out.items()]
    if not kept:
        raise HopelessTable(" ".join(["There is no column to learn from.", *notes]))
    return kept, notes


def _useless(series: pd.Series, column: Column, named: bool) -> str | None:
    if column.type == "id" and not named:
        return "keys, which say nothing about other rows"
    distinct = int(series.nunique())
    if distinct == 0:
        return "without any value"
    if column.type == "constant" or (distinct == 1 and not series.isna().any()):
        return "with one value only"
    return None


def _told(why: str, names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return f"Left out, as columns {why}: {shown}{more}."
