"""JSON read as a stream: one value at a time from text of any length."""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.decoder import JSONDecodeError
from typing import Any, TextIO

from app.analysis.errors import BadTable
from app.analysis.ingest.limits import MAX_JSON_DEPTH, MAX_LINE_CHARS

_CHUNK = 1 << 20
_SPACE = " \t\r\n\ufeff\x1e"


class Literal(str):
    """A number as the file spells it, so that no digit is lost."""

    __slots__ = ()


class Repeated(dict[str, Any]):
    """An object in which a key stood twice; the last value is kept, as readers of JSON do."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else Repeated(value)


_DECODER = json.JSONDecoder(
    parse_float=Literal, parse_int=Literal, parse_constant=Literal, object_pairs_hook=_object
)


class JsonStream:
    """Reads values from ``file``; the buffer holds the value under way and little more.

    Every method raises :class:`BadTable` with the line where the text stops being JSON.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._lines = 1

    @property
    def line(self) -> int:
        """The line (from 1) of the next character."""
        return self._lines + self._text.count("\n", 0, self._at)

    def peek(self) -> str:
        """The next character that is not white space, or an empty text at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text) or not self._fill():
                return self._text[self._at : self._at + 1]

    def take(self, expected: str) -> None:
        """Go past one of the characters of ``expected``."""
        found = self.peek()
        if not found or found not in expected:
            raise self._error(f"expected {' or '.join(expected)}, found {found or 'the end'}")
        self._at += 1

    def value(self) -> Any:
        """The next value, whole: numbers as :class:`Literal`."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except JSONDecodeError as error:
                if self._fill():
                    continue
                self._at = min(error.pos, len(self._text))
                raise self._error(error.msg.lower()) from error
            except RecursionError as error:
                raise too_deep() from error
            # A number cut by the end of the buffer would be another number.
            if end == len(self._text) and self._fill():
                continue
            self._at = end
            return value

    def items(self) -> Iterator[Any]:
        """The values of the array that comes next."""
        self.take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            self.take(",]")
            if self._text[self._at - 1] == "]":
                return

    def members(self) -> Iterator[str]:
        """The keys of the object that comes next; the caller reads each value before going on."""
        self.take("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            if self.peek() != '"':
                raise self._error("expected a key in quotes")
            key = self.value()
            self.take(":")
            yield key
            self.take(",}")
            if self._text[self._at - 1] == "}":
                return

    def is_followed_by(self, opening: str) -> bool:
        """Whether the next value ends near and another one that begins so follows it."""
        self.peek()
        try:
            _, end = _DECODER.raw_decode(self._text, self._at)
        except (JSONDecodeError, RecursionError):
            return False
        return self._text[end:].lstrip(_SPACE)[:1] == opening

    def opens_list_of(self, openings: str) -> bool:
        """Whether a list comes next whose first value begins with one of ``openings``."""
        if self.peek() != "[":
            return False
        while True:
            behind = self._text[self._at + 1 : self._at + 4096].lstrip(_SPACE)
            if behind or not self._fill():
                return bool(behind) and behind[0] in openings

    def values(self) -> Iterator[Any]:
        """All values up to the end, one after another (NDJSON)."""
        while self.peek():
            yield self.value()

    def _fill(self) -> bool:
        if self._ended:
            return False
        if len(self._text) - self._at > 4 * MAX_LINE_CHARS:
            raise self._error(f"one value is longer than {4 * MAX_LINE_CHARS:,} characters")
        try:
            # Thrice what is held, so that a long value is not parsed again and again.
            held = len(self._text) - self._at
            more = self._file.read(max(_CHUNK, min(3 * held, 4 * MAX_LINE_CHARS)))
        except UnicodeDecodeError as error:
            raise self._error("bytes that are not text in the file's encoding") from error
        self._lines += self._text.count("\n", 0, self._at)
        self._text = self._text[self._at :] + more
        self._at = 0
        self._ended = not more
        return bool(more)

    def _error(self, why: str) -> BadTable:
        line = self.line
        return BadTable(f"Line {line} of the JSON file is not JSON: {why}.", row=line)


def too_deep() -> BadTable:
    """The error for values inside values without end."""
    return BadTable(
        f"The JSON file nests its values more than {MAX_JSON_DEPTH} deep.",
        hint="A table needs records of plain values.",
    )
