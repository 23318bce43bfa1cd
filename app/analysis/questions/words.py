"""Text as words: what questions, column names and values are all cut into, alike."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import snowballstemmer

TokenKind = Literal["word", "number", "date", "quoted", "operator", "soft", "symbol"]

MAX_TOKENS = 60
"""A question of more tokens is not read."""

_SCALES = {"": 1, "k": 1_000, "m": 1_000_000}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_TOKEN = re.compile(
    r"""
    (?P<quoted>"[^"]+"|“[^”]+”|`[^`]+`|(?<!\w)'[^']+'(?!\w)|‘[^’]+’)
  | (?P<date>\d{4}-\d{1,2}(?:-\d{1,2})?(?![\w-]))
  | (?P<number>(?:(?<=\s)-)?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w])
              |(?:(?<=\s)-)?\d+(?:\.\d+)?[kKmM]?(?![^\W_]))
  | (?P<word>%|&|[^\W_]+(?:['’][^\W_]+)*)
  | (?P<operator><=|>=|!=|<>|==|=|<|>)
  | (?P<soft>[?!.,:()$€£]|(?<=\w)-(?=\w))
  | (?P<symbol>[^\s_])
    """,
    re.VERBOSE,
)
_SHORT_FORMS = {
    "s": "",  # what's, Anna's
    "re": "are",
    "nt": "not",
}


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number, quotation or sign of a text.

    ``text`` is as written (a quotation without its marks), ``folded`` without case and
    accents, ``stem`` its English stem, ``number`` its value where it is one; ``start`` and
    ``end`` are its place in the text.
    """

    kind: TokenKind
    text: str
    folded: str
    stem: str
    start: int
    end: int
    number: int | float | None = None


def fold(text: str) -> str:
    """``text`` without case, accents and compatibility forms, for comparing."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=50_000)
def stem(folded: str) -> str:
    """The English stem of one folded word (Snowball's Porter2)."""
    return str(_stemmer.stemWord(folded))


def tokenize(text: str) -> list[Token]:
    """The tokens of a question, in order; every sign that is not a space is in one of them."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind: TokenKind = match.lastgroup  # type: ignore[assignment]
        if kind == "word":
            tokens.extend(_words(match.group(), match.start()))
        elif kind == "quoted":
            tokens.append(_token(kind, match.group()[1:-1], match.start(), match.end()))
        elif kind == "number":
            tokens.append(_number(match))
        else:
            tokens.append(_token(kind, match.group(), match.start(), match.end()))
    return tokens


def content(text: str) -> list[str]:
    """The folded words and numbers of a name or a value, signs left out."""
    words: list[str] = []
    for token in tokenize(text):
        if token.kind == "quoted":
            words.extend(content(token.text))
        elif token.kind in ("word", "number", "date"):
            words.append(token.folded)
    return words


def joined(words: list[str] | tuple[str, ...]) -> str:
    """The key under which words are looked up: ``body mass`` and ``bodymass`` share one."""
    return "".join(words)


def _token(kind: TokenKind, text: str, start: int, end: int) -> Token:
    folded = fold(text)
    return Token(kind, text, folded, stem(folded) if kind == "word" else folded, start, end)


def _number(match: re.Match[str]) -> Token:
    text = match.group()
    digits = text.lower().rstrip("km").replace(",", "")
    scale = _SCALES[text.lower()[-1] if text[-1].isalpha() else ""]
    value = (float(digits) if "." in digits else int(digits)) * scale
    folded = fold(text)
    return Token("number", text, folded, folded, match.start(), match.end(), value)


def _words(text: str, start: int) -> list[Token]:
    """One run of letters as words: ``don't`` is ``do not``, ``depDelay`` is ``dep Delay``."""
    text = text.replace("’", "'")
    head, _, tail = text.partition("'")
    if tail.lower() == "t" and head.lower().endswith("n"):
        head, tail = {"can": "can", "won": "will"}.get(head.lower(), head[:-1]), "nt"
    tokens, place = [], start
    for part in _CAMEL.split(head):
        tokens.append(_token("word", part, place, place + len(part)))
        place += len(part)
    expanded = _SHORT_FORMS.get(tail.lower(), tail) if tail else ""
    if expanded:
        tokens.append(_token("word", expanded, place, start + len(text)))
    return tokens
