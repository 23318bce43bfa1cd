"""What kinds of values options have, and which values of JSON are of which kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

Kind = Literal[
    "string",
    "integer",
    "number",
    "boolean",
    "names",
    "object",
    "label",
    "threshold",
    "weights",
    "costs",
]
THRESHOLDS = ("auto", "accuracy", "balanced_accuracy", "f1")
"""What a threshold may be tuned for; ``auto`` is the run's metric of labels, else F1."""

KIND_WORDS: dict[Kind, str] = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "names": "a list of column names",
    "object": "an object",
    "label": "a label of the target",
    "threshold": f"a number between 0 and 1, or one of {', '.join(THRESHOLDS)}",
    "weights": "'balanced', or an object of a positive weight for each class named",
    "costs": "an object {class: {called: cost}} or {false_positive, false_negative}, of costs "
    "that are not negative",
}


def is_kind(kind: Kind, value: Any) -> bool:
    """Whether a value of JSON is of that kind; its bounds and choices are another question."""
    if kind == "names":
        return isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)
    if kind in ("integer", "number"):
        allowed = (int,) if kind == "integer" else (int, float)
        return isinstance(value, allowed) and not isinstance(value, bool)
    if kind in _FORMS:
        return _FORMS[kind](value)
    plain: dict[Kind, tuple[type, ...]] = {
        "string": (str,),
        "boolean": (bool,),
        "object": (dict,),
        "label": (str, int, float),
    }
    return isinstance(value, plain[kind])


def _is_number(value: Any, low: float = 0.0, high: float = 1e15) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _is_threshold(value: Any) -> bool:
    return value in THRESHOLDS if isinstance(value, str) else _is_number(value, 0.0, 1.0)


def _is_weights(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return bool(value == "balanced")
    return bool(value) and all(_is_number(weight, 1e-9) for weight in value.values())


def _is_costs(value: Any) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    if set(value) <= {"false_positive", "false_negative"} and all(map(_is_number, value.values())):
        return any(value.values())
    rows = list(value.values())
    return all(isinstance(row, Mapping) and all(map(_is_number, row.values())) for row in rows)


_FORMS: dict[Kind, Callable[[Any], bool]] = {
    "threshold": _is_threshold,
    "weights": _is_weights,
    "costs": _is_costs,
}
