"""The rules of cleaning: each looks at the shape of the table, none learns from its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.analysis.errors import BadOption


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that cleaning may do, and whether it does so without being asked."""

    id: str
    reason: str
    usual: bool = True


RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule("trim_space", "white space around a text is not part of it"),
        Rule("empty_to_missing", "a text of no characters says nothing"),
        Rule("unify_booleans", "one truth value was spelled in several ways"),
        Rule("infinite_to_missing", "an infinite number is not a measurement"),
        Rule("drop_empty_columns", "no cell of the column holds a value"),
        Rule("drop_constant_columns", "every cell of the column is the same"),
        Rule("drop_duplicate_rows", "the row repeats an earlier one in every cell", usual=False),
    )
}

# Spellings of yes and no, by language; a column is unified only within one pair.
_PAIRS: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (frozenset({"yes", "y"}), frozenset({"no", "n"})),
    (frozenset({"true", "t"}), frozenset({"false", "f"})),
    (frozenset({"on"}), frozenset({"off"})),
    (frozenset({"ja", "j"}), frozenset({"nein", "n"})),
    (frozenset({"oui", "o"}), frozenset({"non", "n"})),
    (frozenset({"sí", "si", "s"}), frozenset({"no", "n"})),
)
MAX_SPELLINGS = 12


def switches(options: Mapping[str, Any]) -> dict[str, bool]:
    """Which rules are on, by ``options["cleaning"]`` (``{rule: bool}``). Raises :class:`BadOption`."""
    given = options.get("cleaning") or {}
    if not isinstance(given, Mapping):
        raise BadOption("'cleaning' must map rules to true or false.", option="cleaning")
    for rule, value in given.items():
        if rule not in RULES:
            raise BadOption(
                f"There is no cleaning rule {rule!r}; the rules are {', '.join(RULES)}.",
                option="cleaning",
            )
        if not isinstance(value, bool):
            raise BadOption(f"The rule {rule!r} is switched by true or false.", option="cleaning")
    return {rule.id: bool(given.get(rule.id, rule.usual)) for rule in RULES.values()}


def unified_spellings(counts: Mapping[str, int]) -> dict[str, str]:
    """``{spelling: spelling to use}`` for a column whose values all say yes or no.

    The most frequent spelling of each stays (the first in order among equals). Empty when
    there is one spelling of each already, or other values stand among them.
    """
    lowered = {word.lower() for word in counts}
    for yes, no in _PAIRS:
        if lowered <= yes | no and lowered & yes and lowered & no:
            mapping: dict[str, str] = {}
            for side in (yes, no):
                words = sorted(word for word in counts if word.lower() in side)
                kept = max(words, key=lambda word: counts[word])
                mapping |= {word: kept for word in words if word != kept}
            return mapping
    return {}


def protected_columns(options: Mapping[str, Any]) -> frozenset[str]:
    """Columns that a run names for a purpose; cleaning never drops them."""
    names: set[str] = set()
    for option in ("target", "time_column", "series_column", "group_column", "weight_column"):
        if isinstance(value := options.get(option), str):
            names.add(value)
    for option in ("features", "known_ahead"):
        if isinstance(values := options.get(option), list):
            names |= {str(value) for value in values}
    return frozenset(names)
