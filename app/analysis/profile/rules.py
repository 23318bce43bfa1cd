"""The rules that look at one column, or at the table as a whole, and raise alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from app.analysis.charts.style import number, percent, short
from app.analysis.profile.alerts import Alert, Severity, listed, quoted
from app.analysis.profile.facts import MAX_LEVELS, Facts
from app.analysis.profile.numeric import figure
from app.analysis.profile.time_rules import cycles, date_gaps
from app.analysis.schema import SENSITIVE_WORDS

FEW_ROWS = 50
MISSING_LOW, MISSING_MEDIUM, MISSING_HIGH = 0.01, 0.2, 0.5
LOPSIDED = 0.95
SKEWED = 3.0
NEARLY_ALL = 0.95


def table_alerts(rows: int, facts: Sequence[Facts], duplicates: int) -> Iterator[Alert]:
    """What is wrong with the table as a whole."""
    if not facts or rows == 0:
        what = "no columns" if not facts else "no rows"
        yield Alert(
            "empty_table", "high", f"The table has {what}.", "Check the file and how it was read."
        )
        return
    if rows < FEW_ROWS:
        yield Alert(
            "few_rows",
            "medium",
            f"The table has only {rows:,} rows.",
            "Take every figure with care: few of them would hold on new data.",
            weight=0.9,
        )
    if len(facts) > rows:
        yield Alert(
            "wide_table",
            "medium",
            f"The table has more columns ({len(facts):,}) than rows ({rows:,}).",
            "Expect chance patterns; prefer simple models and few columns.",
            weight=0.8,
        )
    if duplicates:
        share = duplicates / rows
        yield Alert(
            "duplicate_rows",
            _graded(share, 0.01, 0.1),
            f"{duplicates:,} of {rows:,} rows ({percent(share)}) repeat an earlier row in every column.",
            "Find out whether they are real; if not, remove them before training.",
            weight=share,
        )


def column_alerts(facts: Facts, rows: int) -> Iterator[Alert]:
    """What is remarkable about one column."""
    profile = facts.profile
    if profile["count"] == 0:
        yield _alert(
            facts,
            "empty",
            "high",
            f"{quoted(facts.name)} is empty: all {rows:,} cells are missing.",
            "Leave it out, or find out why it was not filled.",
            0.7,
        )
        return
    yield from _sensitive(facts)
    yield from _missing(facts, rows)
    if profile["distinct"] == 1:
        yield _alert(
            facts,
            "constant",
            "medium",
            f"{quoted(facts.name)} holds a single value in all of its {profile['count']:,} cells.",
            "Leave it out: it can explain nothing.",
            0.3,
        )
        return
    for rule in {
        "numeric": (_infinite, _skew, _outliers),
        "category": (_levels, _lopsided, _odd_spelling),
        "id": (_identifier, _odd_spelling),
        "time": (date_gaps, cycles),
    }.get(facts.role, ()):
        yield from rule(facts)


def missing_together(facts: Sequence[Facts], rows: int) -> Iterator[Alert]:
    """Columns whose cells are missing in the very same rows, on the sampled rows."""
    groups: dict[tuple[int, bytes], list[str]] = {}
    for f in facts:
        missing = f.profile["missing"]
        if 0 < missing < rows:
            groups.setdefault((missing, f.absent.tobytes()), []).append(f.name)
    for (missing, _), names in groups.items():
        if len(names) > 1 and missing > 1:
            yield Alert(
                "missing_together",
                "low",
                f"{listed(names)} are missing in the same {missing:,} rows.",
                "Look for the one event that leaves them all unfilled.",
                column=names[0],
                columns=tuple(names),
                weight=missing / rows,
            )


def _sensitive(facts: Facts) -> Iterator[Alert]:
    kind = facts.profile["sensitive"]
    if kind is not None:
        yield _alert(
            facts,
            "sensitive",
            "medium",
            f"{quoted(facts.name)} seems to hold {SENSITIVE_WORDS[kind]}: "
            f"{facts.profile['sensitive_reason']}.",
            "Its values are kept as they are: leave it out or replace it before you share the "
            "data, and ignore it in training unless it is needed.",
            0.95,
        )


def _missing(facts: Facts, rows: int) -> Iterator[Alert]:
    missing, share = facts.profile["missing"], facts.profile["missing_share"]
    if share >= MISSING_LOW:
        yield _alert(
            facts,
            "missing",
            _graded(share, MISSING_MEDIUM, MISSING_HIGH),
            f"{quoted(facts.name)} is missing in {missing:,} of {rows:,} rows ({percent(share)}).",
            "Ask why; that it is missing may itself say something.",
            share,
        )


def _infinite(facts: Facts) -> Iterator[Alert]:
    infinite = facts.profile["infinite"]
    if infinite:
        yield _alert(
            facts,
            "infinite",
            "medium",
            f"{quoted(facts.name)} holds {infinite:,} infinite values; the figures leave them out.",
            "Find the division by zero or the overflow that made them.",
            0.8,
        )


def _skew(facts: Facts) -> Iterator[Alert]:
    profile = facts.profile
    skew = profile["skew"]
    if skew is not None and abs(skew) > SKEWED and profile["distinct"] > 10:
        side = "right" if skew > 0 else "left"
        yield _alert(
            facts,
            "skewed",
            "low",
            f"{quoted(facts.name)} has a long tail to the {side} (skew {number(skew)}): "
            f"mean {figure(profile, profile['mean'])}, median {figure(profile, profile['median'])}.",
            "Read the median rather than the mean; linear models may want a logarithm.",
            min(1.0, abs(skew) / 100),
        )


def _outliers(facts: Facts) -> Iterator[Alert]:
    found = facts.profile["outliers"]
    if not found["count"] or facts.profile["distinct"] <= 10:
        return
    share = found["count"] / facts.profile["count"]
    sides = [f"below {figure(facts.profile, found['low'])}"] if found["below"] else []
    sides += [f"above {figure(facts.profile, found['high'])}"] if found["above"] else []
    yield _alert(
        facts,
        "outliers",
        "medium" if share >= 0.05 else "low",
        f"{quoted(facts.name)} has {found['count']:,} values ({percent(share)}) far from the rest: "
        f"{' or '.join(sides)}.",
        "Check them for errors of entry or of unit; nothing was removed.",
        share,
    )


def _levels(facts: Facts) -> Iterator[Alert]:
    distinct, count = facts.profile["distinct"], facts.profile["count"]
    if distinct > MAX_LEVELS or (distinct > 20 and distinct > count / 2):
        yield _alert(
            facts,
            "high_cardinality",
            "medium",
            f"{quoted(facts.name)} has {distinct:,} categories, {number(count / distinct)} rows each "
            "on average.",
            "Group the rare ones, or check whether it is a key or a text.",
            distinct / count,
        )


def _lopsided(facts: Facts) -> Iterator[Alert]:
    first: dict[str, Any] = facts.profile["top"][0]
    share = first["count"] / facts.profile["count"]
    if share >= LOPSIDED:
        yield _alert(
            facts,
            "lopsided",
            "low",
            f"{percent(share)} of {quoted(facts.name)} are “{short(first['value'], 30)}”.",
            "It tells few rows apart; see whether the rare values matter.",
            share - 0.5,
        )


def _odd_spelling(facts: Facts) -> Iterator[Alert]:
    """Few values that are spelled in another way than nearly all others: 12345 among AB-123."""
    profile = facts.profile
    found = profile.get("patterns", [])
    if len(found) < 2 or not profile["patterns_exact"]:
        return
    share = found[0]["count"] / profile["count"]
    if NEARLY_ALL <= share < 1 and profile["count"] >= FEW_ROWS:
        odd = profile["count"] - found[0]["count"]
        yield _alert(
            facts,
            "odd_spelling",
            "low",
            f"{percent(share)} of {quoted(facts.name)} are spelled like “{short(found[0]['value'], 30)}” "
            f"(A capital, a letter, 9 digit); {odd:,} differ, as “{short(found[1]['value'], 30)}”.",
            "Look at those: errors of entry often stand out by their spelling.",
            share - 0.5,
        )


def _identifier(facts: Facts) -> Iterator[Alert]:
    distinct, count = facts.profile["distinct"], facts.profile["count"]
    if distinct == count:
        yield _alert(
            facts,
            "identifier",
            "low",
            f"{quoted(facts.name)} names rows: all {count:,} values differ.",
            "It is left out of charts and of training.",
            0.1,
        )
    elif count - distinct > facts.profile.get("distinct_error", 0):
        yield _alert(
            facts,
            "repeated_identifier",
            "medium",
            f"{quoted(facts.name)} looks like a key, but {count - distinct:,} of its {count:,} values "
            "repeat an earlier one.",
            "If rows of one key belong together, name it as group_column when training.",
            1 - distinct / count,
        )


def _alert(
    facts: Facts, kind: str, severity: Severity, message: str, action: str, weight: float
) -> Alert:
    return Alert(kind, severity, message, action, column=facts.name, weight=weight)


def _graded(share: float, medium: float, high: float) -> Severity:
    return "high" if share >= high else "medium" if share >= medium else "low"
