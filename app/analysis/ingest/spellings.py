"""How a file spelled its truth values, kept beside the data so that ``True`` stays ``True``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.analysis.ingest.notations import TRUE_WORDS
from app.analysis.ingest.plan import ColumnPlan

NOTE = "uam.spellings"
DEFAULT = ("false", "true")


def spelling_of(words: Sequence[str] | None) -> tuple[str, str] | None:
    """The words for false and true among a column's spellings, if each has but one."""
    spelled: dict[bool, list[str]] = {False: [], True: []}
    for word in words or ():
        spelled[word.lower() in TRUE_WORDS].append(word)
    if not words or any(len(found) > 1 for found in spelled.values()):
        return None
    no, yes = (spelled[value] or [DEFAULT[value]] for value in (False, True))
    return no[0], yes[0]


def spelling_notes(plans: Sequence[ColumnPlan]) -> dict[str, str]:
    """Metadata for the Parquet file: the words of each boolean column that has its own."""
    spelled = {p.name: list(p.words) for p in plans if p.words and p.words != DEFAULT}
    return {NOTE: json.dumps(spelled, ensure_ascii=False)} if spelled else {}


def read_spellings(source: Path) -> Mapping[str, tuple[str, str]]:
    """The words for false and true of each column of a dataset that has its own."""
    import pyarrow.parquet as pq

    metadata = pq.read_schema(source).metadata or {}
    try:
        spelled = json.loads(metadata.get(NOTE.encode(), b"{}"))
        return {str(name): (str(words[0]), str(words[1])) for name, words in spelled.items()}
    except (ValueError, AttributeError, IndexError, TypeError):
        return {}  # a foreign file may carry anything under that name
