"""The target: which task it makes, why, and its values as estimators want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.analysis.automl.features.numbers import LARGEST, in_range
from app.analysis.automl.features.table import as_floats
from app.analysis.automl.options import RunOptions
from app.analysis.automl.tasks import Task, check_task
from app.analysis.errors import BadOption, HopelessTable
from app.analysis.schema import NUMERIC_TYPES, Column, ColumnType

Label = str | int | float
Array = npt.NDArray[Any]

FEW_INTEGERS = 10
"""A whole-number target with at most this many values is taken for classes by ``auto``."""
MAX_CLASSES = 1_000
TRUTH = ("false", "true")

_YES = ("yes", "true", "1", "y", "t", "positive", "pos", "ja", "oui", "si", "sí", "да")


@dataclass(frozen=True, slots=True)
class Target:
    """The rows that have a target, and its values.

    ``rows`` are positions in the frame; ``values`` are class positions (int64) or numbers
    (float64), one for each of them. ``labels`` are the classes as the file spells them, in
    the order of positions; for ``binary`` the positive class is the second. ``type`` is the
    column's, ``words`` how the file spelled false and true.
    """

    name: str
    task: Task
    reason: str
    rows: npt.NDArray[np.intp]
    values: Array
    labels: tuple[Label, ...]
    notes: tuple[str, ...]
    type: ColumnType = "categorical"
    words: tuple[str, str] = TRUTH

    @property
    def positive(self) -> Label | None:
        """The positive class of a binary task."""
        return self.labels[1] if self.task == "binary" else None


def read_target(
    frame: pd.DataFrame, column: Column, options: RunOptions, words: tuple[str, str] = TRUTH
) -> Target:
    """The target of a training run, its task settled.

    ``words`` are how the file spelled false and true.

    Raises ``HopelessTable`` when nothing can be learned about it, ``BadOption`` when the task
    or positive class asked for does not fit its values.
    """
    check_task(options.task, column)
    series = frame[column.name]
    rows = np.flatnonzero(_present(series))
    notes = _missing_note(column.name, len(series) - rows.size)
    values = series.iloc[rows]
    _check_some(column, values)
    task, reason = _settle(column, values, options.task)
    if task == "regression":
        numbers = in_range(as_floats(values))
        near = np.isfinite(numbers)
        if not near.all():
            notes.append(_far_note(column.name, int((~near).sum())))
            rows, numbers = rows[near], numbers[near]
            _check_some(column, values[near])
        return Target(column.name, task, reason, rows, numbers, (), tuple(notes), column.type)
    labels = labels_of(values, words)
    counts = pd.Series(labels, dtype=object).value_counts()
    rare = [label for label, count in counts.items() if count == 1]
    if rare and len(counts) - len(rare) < 2:
        raise HopelessTable(
            f"Of the target {column.name!r} one class only has more than a single row, "
            f"so there is nothing to tell it from: {_few(rare)} cannot be learned from one row."
        )
    if rare:
        notes.append(_rare_note(rare))
        keep = np.array([label not in set(rare) for label in labels])
        rows, labels = rows[keep], [label for label in labels if label not in set(rare)]
        task = "binary" if len(counts) - len(rare) == 2 and options.task == "auto" else task
    classes, why = _order(task, labels, options.positive_class)
    position = {label: i for i, label in enumerate(classes)}
    codes = np.array([position[label] for label in labels], dtype=np.int64)
    notes += [why] if why else []
    return Target(column.name, task, reason, rows, codes, classes, tuple(notes), column.type, words)


def labels_of(values: pd.Series[Any], words: tuple[str, str] = TRUTH) -> list[Label]:
    """Labels as the training file spells them: truth values by ``words``, whole numbers as such."""
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        truths = {True: words[1], False: words[0]}
        return [truths[bool(v)] if isinstance(v, (bool, np.bool_)) else str(v) for v in values]
    numbers = values.to_numpy(dtype=np.float64)
    if np.all(numbers == np.floor(numbers)):
        return [int(value) for value in numbers]
    return [float(value) for value in numbers]


def places_of(
    values: pd.Series[Any], labels: Sequence[Label], words: tuple[str, str] = TRUTH
) -> tuple[Array, dict[str, int]]:
    """Each value's place among the labels, NaN where it is missing or none of them; and how often
    each of these strangers occurs.

    Numbers are compared by value, since a file spells them as its others ask (1 alone, 1.0 beside
    0.5); case and the space around a text count only where labels differ in nothing else.
    """
    numeric = not any(isinstance(label, str) for label in labels)
    exact = {spell(label): place for place, label in enumerate(labels)}
    loose = {_loosely(text, numeric): place for text, place in exact.items()}
    if len(loose) < len(exact):
        loose = {}
    rows = np.flatnonzero(_present(values))
    places, strange = np.full(len(values), np.nan), dict[str, int]()
    for row, label in zip(rows, labels_of(values.iloc[rows], words), strict=True):
        text = spell(label)
        place = exact.get(text, loose.get(_loosely(text, numeric)))
        if place is None:
            strange[text] = strange.get(text, 0) + 1
        else:
            places[row] = place
    return places, strange


def _loosely(text: str, numeric: bool) -> str | float:
    try:
        return float(text) if numeric else text.strip().casefold()
    except ValueError:
        return text


def spell(value: Any) -> str:
    """A label as text: ``true`` and ``false`` for booleans, else its own spelling."""
    return str(value).lower() if isinstance(value, (bool, np.bool_)) else str(value)


def _present(series: pd.Series[Any]) -> npt.NDArray[np.bool_]:
    if pd.api.types.is_float_dtype(series):
        return np.asarray(np.isfinite(series.to_numpy(dtype=np.float64, na_value=np.nan)))
    return series.notna().to_numpy(dtype=bool)


def _missing_note(name: str, missing: int) -> list[str]:
    if not missing:
        return []
    what = "1 row has" if missing == 1 else f"{missing:,} rows have"
    return [f"{what} no value in the target {name!r} and trained nothing."]


def _few(labels: list[Any]) -> str:
    return ", ".join(repr(label) for label in labels[:5]) + (" …" if len(labels) > 5 else "")


def _far_note(name: str, far: int) -> str:
    what = "1 row has a value" if far == 1 else f"{far:,} rows have values"
    return f"{what} in the target {name!r} beyond ±{LARGEST:.1e} and trained nothing."


def _rare_note(rare: list[Any]) -> str:
    what = "Class" if len(rare) == 1 else "Classes"
    return f"{what} {_few(rare)} with a single row cannot be learned; left out of training."


def _check_some(column: Column, values: pd.Series[Any]) -> None:
    if values.empty:
        raise HopelessTable(f"The target {column.name!r} has no values to learn from.")
    if values.nunique() == 1:
        raise HopelessTable(
            f"The target {column.name!r} has one value only ({spell(values.iloc[0])!r}), "
            "so there is nothing to predict."
        )
    if len(values) < 3:
        raise HopelessTable(f"Only {len(values)} rows have a target; nothing can be learned.")


def _settle(column: Column, values: pd.Series[Any], asked: str) -> tuple[Task, str]:
    distinct = int(values.nunique())
    if asked == "auto":
        task, reason = _guess(column, values, distinct)
    else:
        task, reason = asked, "asked for"
    _check_distinct(column, values, task, distinct)
    return task, reason  # type: ignore[return-value]


def _guess(column: Column, values: pd.Series[Any], distinct: int) -> tuple[str, str]:
    name = column.name
    if distinct == 2:
        return "binary", f"{name!r} has two values"
    if column.type not in NUMERIC_TYPES and not pd.api.types.is_numeric_dtype(values):
        return "multiclass", f"{name!r} is {column.type} with {distinct:,} values"
    numbers = values.to_numpy(dtype=np.float64)
    if np.any(numbers != np.floor(numbers)):
        return "regression", f"{name!r} holds numbers with fractions"
    if distinct <= FEW_INTEGERS:
        return "multiclass", f"{name!r} holds only {distinct} different whole numbers"
    return "regression", f"{name!r} holds {distinct:,} different whole numbers"


def _check_distinct(column: Column, values: pd.Series[Any], task: str, distinct: int) -> None:
    name = column.name
    if task == "binary" and distinct != 2:
        raise BadOption(
            f"A binary task needs a target with two values; {name!r} has {distinct:,}.",
            option="task",
        )
    if task == "regression":
        if not pd.api.types.is_numeric_dtype(values):
            raise BadOption(
                f"Regression needs a target of numbers; {name!r} is not.", option="task"
            )
        return
    repeated = int((values.value_counts() > 1).sum())
    if repeated < 2 and not (distinct == 2 and repeated):
        raise HopelessTable(
            f"Nearly every value of the target {name!r} differs, so no class can be learned."
        )
    if distinct > MAX_CLASSES:
        raise HopelessTable(
            f"The target {name!r} has {distinct:,} classes; at most {MAX_CLASSES:,} can be learned."
        )


def _order(task: Task, labels: list[Label], positive: Any) -> tuple[tuple[Label, ...], str | None]:
    """The classes in order; of two the positive one last, with the reason where guessed."""
    classes = sorted(set(labels), key=lambda label: (isinstance(label, str), label))
    if task != "binary":
        return tuple(classes), None
    if positive is not None:
        chosen = next((c for c in classes if spell(c) == spell(positive)), None)
        if chosen is None:
            raise BadOption(
                f"There is no class {positive!r}; the target has "
                f"{' and '.join(repr(c) for c in classes)}.",
                option="positive_class",
            )
        why = None
    else:
        chosen, why = _guess_positive(classes, labels)
    other = next(c for c in classes if c != chosen)
    return (other, chosen), why


def _guess_positive(classes: list[Label], labels: list[Label]) -> tuple[Label, str]:
    affirmative = [c for c in classes if spell(c).strip().lower() in _YES]
    if len(affirmative) == 1:
        return affirmative[0], f"{affirmative[0]!r} counts as the positive class: it reads as yes."
    first, second = classes
    rarer = first if labels.count(first) < labels.count(second) else second
    return rarer, f"{rarer!r} counts as the positive class: it is the rarer one."
