"""How bytes become text: byte-order mark, UTF-8, UTF-16, or a code page that fits."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import TYPE_CHECKING

from app.analysis.errors import BadTable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Code pages that tables still come in; the search stays among them.
_CODE_PAGES = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r",
    "cp437", "cp850", "cp852", "mac_roman", "cp932", "gb18030", "big5", "euc_kr", "euc_jp",
]  # fmt: skip
_CHUNK = 1 << 20

# UTF-8 in which some program left the characters of Windows-1252 where ISO 8859-1 has controls
# that no text holds: a dash came out as U+0096. HTML reads these codes so (its standard, 13.2.5).
UTF8_WITH_CP1252 = "utf-8-cp1252"
_CONTROLS = {
    code: bytes([code]).decode("cp1252")
    for code in range(0x80, 0xA0)
    if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
# U+0085 alone may be the end of a line.
_MISTAKEN = re.compile("[\x80\x82-\x84\x86-\x8c\x8e\x91-\x9c\x9e\x9f]")


class _Utf8WithCp1252(codecs.IncrementalDecoder):
    """Decodes UTF-8 and puts characters in place of the controls."""

    def __init__(self, errors: str = "strict") -> None:
        super().__init__(errors)
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors)

    def decode(self, input: ReadableBuffer, final: bool = False) -> str:
        return self._utf8.decode(input, final).translate(_CONTROLS)

    def reset(self) -> None:
        self._utf8.reset()

    def getstate(self) -> tuple[bytes, int]:
        return self._utf8.getstate()

    def setstate(self, state: tuple[bytes, int]) -> None:
        self._utf8.setstate(state)


def _find_codec(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != UTF8_WITH_CP1252:
        return None

    def decode(data: ReadableBuffer, errors: str = "strict", /) -> tuple[str, int]:
        raw = bytes(data)
        return raw.decode("utf-8", errors).translate(_CONTROLS), len(raw)

    return codecs.CodecInfo(
        codecs.utf_8_encode, decode, incrementaldecoder=_Utf8WithCp1252, name=UTF8_WITH_CP1252
    )


codecs.register(_find_codec)


def find_encoding(name: str) -> str:
    """The usual name of an encoding of text. Raises ``LookupError`` if there is none of that name."""
    try:
        info = codecs.lookup(name)
        if not isinstance(info.decode(b"a")[0], str):
            raise LookupError(name)
    except (TypeError, ValueError) as error:
        raise LookupError(name) from error
    return info.name


def detect_encoding(head: bytes) -> tuple[str, str]:
    """The encoding of text that begins with ``head``, and why; a Python codec name."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, "the file begins with a byte-order mark"
    wide = _wide_encoding(head)
    if wide:
        return wide, "every second byte is zero, as in UTF-16 without a mark"
    if _is_utf8(head):
        return "utf-8", "the bytes are valid UTF-8"
    return _code_page(head)


def with_mistaken_controls(text: str, encoding: str) -> str | None:
    """The encoding that a text needs whose UTF-8 holds controls in the place of characters."""
    return UTF8_WITH_CP1252 if is_plain_utf8(encoding) and _MISTAKEN.search(text) else None


def _wide_encoding(head: bytes) -> str | None:
    sample = head[:4096]
    half = len(sample) // 2
    if half < 2:
        return None
    zero_odd, zero_even = sample[1::2].count(0) / half, sample[0::2].count(0) / half
    if zero_odd > 0.6 and zero_even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if zero_even > 0.6 and zero_odd < 0.05 else None


def _is_utf8(head: bytes) -> bool:
    try:
        # An incremental decoder forgives a character cut at the end of the sample.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _code_page(head: bytes) -> tuple[str, str]:
    from charset_normalizer import from_bytes

    # Lines of pure ASCII say nothing; the others say it sooner.
    telling = b"\n".join(line for line in head.splitlines() if not line.isascii())[:65536]
    matches = from_bytes(telling, cp_isolation=_CODE_PAGES, threshold=0.35)
    best = matches.best()
    if best is None or "cp1252" in {best.encoding, *best.could_be_from_charset}:
        name = "cp1252"
    else:
        name = best.encoding
    if not _decodes(head, name):
        name = "latin-1"
    return name, "the bytes are not UTF-8, and this code page reads them most like language"


def _decodes(head: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def decode_head(head: bytes, encoding: str) -> str:
    """The text of the beginning of a file, for looking at only: bad bytes become U+FFFD."""
    return codecs.getincrementaldecoder(encoding)(errors="replace").decode(head).lstrip("\ufeff")


def is_plain_utf8(encoding: str) -> bool:
    """Whether readers can take the file as it is (a UTF-8 byte-order mark is skipped by them)."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def to_utf8(source: Path, encoding: str, target: Path) -> tuple[Path, int]:
    """Write ``source`` to ``target`` as UTF-8 without mark or NUL; memory is one chunk.

    Returns the target and how many NUL characters were left out.
    Raises :class:`BadTable` naming the line whose bytes do not fit the encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, nuls, first = 1, 0, True
    with source.open("rb") as read, target.open("wb") as write:
        while True:
            chunk = read.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                good = error.object[: error.start].count(b"\n")
                raise BadTable(
                    f"Line {lines + good} holds bytes that are not {encoding}.",
                    row=lines + good,
                    hint="Name the file's encoding with the option 'encoding'.",
                ) from error
            if first:
                text, first = text.removeprefix("\ufeff"), False
            nuls += text.count("\0")
            lines += text.count("\n")
            write.write(text.replace("\0", "").encode("utf-8", "replace"))
            if not chunk:
                return target, nuls
