"""From the words of a question to one plan, or to the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.analysis.questions.catalog import Catalog
from app.analysis.questions.grammar import readings
from app.analysis.questions.plan import Filter, Plan
from app.analysis.questions.reader import Reader, TooWinding
from app.analysis.questions.values import LONGEST, ValueIndex
from app.analysis.questions.vocabulary import NOISE, REFUSED
from app.analysis.questions.words import MAX_TOKENS, Token

SAME = 0.985
"""A second reading this close to the best one makes a question ambiguous."""

ANSWERABLE = (
    "I can answer counts, averages, sums, medians, extremes, shares, different and missing values,"
    " by one column and for rows that fit up to three conditions."
)


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The plan of a question and how sure it is (0 to 1)."""

    plan: Plan
    confidence: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a question is not answered: one or two plain sentences."""

    reason: str


def interpret(
    tokens: list[Token], catalog: Catalog, more: ValueIndex | None = None
) -> Interpretation | Refusal:
    """The one plan that explains every word of the question; else why not.

    ``more`` holds values of columns too large for the catalog.
    """
    if not any(token.folded not in NOISE for token in tokens):
        return Refusal(f"The question is empty. {ANSWERABLE}")
    if len(tokens) > MAX_TOKENS:
        return Refusal(f"The question is too long: at most {MAX_TOKENS} words are read.")
    reader = Reader(tokens, catalog, more)
    try:
        ranked = _best_first(readings(reader))
    except TooWinding:
        return Refusal(f"The question is too winding to read safely. {ANSWERABLE}")
    if not ranked:
        return Refusal(f"{_why_not(reader)} {ANSWERABLE}")
    plan, score = ranked[0]
    if len(ranked) > 1 and ranked[1][1] >= score * SAME:
        return Refusal(_ambiguous([plan, ranked[1][0]]))
    return Interpretation(plan, round(score, 2))


def texts_to_look_up(question: str, tokens: list[Token]) -> list[str]:
    """Every run of words of the question as written: what may be a value of a large column."""
    texts = set()
    for start, first in enumerate(tokens):
        for end in range(start, min(start + LONGEST, len(tokens))):
            if first.kind in ("word", "number", "date", "quoted"):
                quoted = first.text if start == end else question[first.start : tokens[end].end]
                texts.add(quoted)
    return sorted(text for text in texts if len(text) > 1)


def _best_first(found: Iterable[tuple[Plan, float]]) -> list[tuple[Plan, float]]:
    """The different plans, each with its best score, best first."""
    best: dict[Plan, tuple[Plan, float]] = {}
    for plan, score in found:
        key = replace(plan, where=tuple(sorted(plan.where, key=_order)))
        if key not in best or best[key][1] < score:
            best[key] = (plan, score)
    return sorted(best.values(), key=lambda pair: -pair[1])


def _order(each: Filter) -> str:
    return repr(each)


def _why_not(reader: Reader) -> str:
    words = [token.folded for token in reader.tokens]
    for topic, table in REFUSED.items():
        for place, word in enumerate(words):
            if any(words[place : place + len(p)] == list(p) for p in table.get(word, ())):
                return f"This asks for {topic}, which I do not answer."
    unknown = reader.unknown()
    if unknown:
        shown = ", ".join(f"“{word[:40]}”" for word in unknown[:3])
        return f"I do not know what {shown} means here: no column or value is called so."
    if reader.complaints:
        return reader.complaints[max(reader.complaints)]
    return "I do not understand this question well enough to answer it safely."


def _ambiguous(plans: list[Plan]) -> str:
    """Which columns the readings differ in, so that the next question can name one."""
    named = [{each.column for each in plan.where} for plan in plans]
    differ = sorted(named[0] ^ named[1])
    if len(differ) > 1:
        return f"This can mean several things. Name the column: {' or '.join(differ[:4])}?"
    return f"This can be read in several ways, with different answers. {ANSWERABLE}"
