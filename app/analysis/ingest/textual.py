"""What a column of text is: a category, a key, a text or one value."""

from __future__ import annotations

from app.analysis.ingest.findings import counted, quoted
from app.analysis.ingest.verify import TextFacts
from app.analysis.schema import ColumnType

# Above this share of different values, cells of several words are texts, not categories.
_TEXT_SHARE = 0.5
# Cells this long are texts even if they repeat a little.
_LONG_CHARS, _LONG_SHARE = 80, 0.1


def text_type(facts: TextFacts, unique: bool, exact: bool) -> tuple[ColumnType, str]:
    """The type of a text column and the reason; ``unique`` says that no value occurs
    twice, ``exact`` that distinct values were counted and not estimated."""
    if facts.rows == 0:
        return "text", "there are no rows to judge by"
    if facts.values == 0:
        return "constant", "no cell holds a value"
    if facts.least == facts.most and facts.values == facts.rows > 1:
        return "constant", f"every cell is {quoted(str(facts.least))}"
    wordy = facts.wordy / facts.values
    share = facts.distinct / facts.values
    if unique and facts.wordy == 0 and facts.values > 1:
        return "id", "all values differ and each is one word, like a key"
    if unique and facts.values > 1:
        return "text", "all values differ and hold several words"
    if wordy > 0.5 and share > _TEXT_SHARE and facts.values > 1:
        return "text", "most values hold several words and few repeat"
    if facts.chars > _LONG_CHARS and share > _LONG_SHARE and facts.values > 1:
        return "text", f"the values are long ({facts.chars:,.0f} characters on average)"
    if facts.values == 1 or facts.distinct == 1:
        return "categorical", f"the only value is {quoted(str(facts.least))}"
    about = "" if exact else "about "
    return "categorical", f"{about}{counted(facts.distinct, 'different value')} that repeat"
