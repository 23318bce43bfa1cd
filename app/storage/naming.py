"""What a bucket, a key and an object's metadata may look like.

Keys are made by the server, never from a user's words, and are checked all the same: the rules
are the narrower of what a file system and what S3 can hold, so that both backends accept and
refuse alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote

MAX_KEY_BYTES = 900
MAX_PART_BYTES = 255
# S3 allows 2 KB of user metadata in all; the SHA-256 needs its share.
MAX_METADATA_BYTES = 1800
MAX_FILENAME_CHARACTERS = 255

_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
_METADATA_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CONTENT_TYPE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9.+-]*/[A-Za-z0-9][A-Za-z0-9.+-]*(; charset=utf-8)?"
)
# Controls, formatting (bidirectional overrides), surrogates, line and paragraph separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def check_bucket(bucket: str) -> None:
    """Raise ``ValueError`` unless ``bucket`` is a name that every S3 server accepts."""
    if not _BUCKET.fullmatch(bucket):
        raise ValueError("not a bucket's name: 3 to 63 of a-z, 0-9, '-' and single '.'")


def check_key(key: str) -> None:
    """Raise ``ValueError`` unless ``key`` is relative, plain and stays where it is put.

    Refused: an absolute key, empty parts, parts that begin with a dot (``..`` among them; the
    backends use such names themselves), backslashes, control and formatting characters,
    non-characters, parts over 255 bytes and keys over 900 bytes of UTF-8.
    """
    _check_characters(key)
    if len(key.encode()) > MAX_KEY_BYTES:
        raise ValueError(f"a key has at most {MAX_KEY_BYTES} bytes")
    for part in key.split("/"):
        if not part:
            raise ValueError("a key has no empty part, and no '/' at its ends")
        _check_part(part)


def check_prefix(prefix: str) -> None:
    """Raise ``ValueError`` unless ``prefix`` can be the beginning of a key; it may be empty."""
    if prefix:
        check_key(prefix.removesuffix("/"))


def _check_part(part: str) -> None:
    if part.startswith("."):
        raise ValueError("no part of a key begins with '.'")
    if len(part.encode()) > MAX_PART_BYTES:
        raise ValueError(f"a part of a key has at most {MAX_PART_BYTES} bytes")


def _check_characters(text: str) -> None:
    for character in text:
        code = ord(character)
        nonsense = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
        if character == "\\" or nonsense or unicodedata.category(character) in _REFUSED_CATEGORIES:
            raise ValueError(f"not allowed here: U+{code:04X}")


def check_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """A copy of ``metadata``; ``ValueError`` unless S3 can carry it.

    Names are lower-case ASCII with ``-``, values any text but none (servers drop those),
    percent-encoded on the wire; ``sha256`` belongs to the storage itself.
    """
    for name, value in metadata.items():
        if not _METADATA_NAME.fullmatch(name) or name == "sha256":
            raise ValueError("a name in metadata is of a-z, 0-9 and '-', and not 'sha256'")
        if not value:
            raise ValueError("a value in metadata is not empty")
    if sum(len(name) + len(quote(value)) for name, value in metadata.items()) > MAX_METADATA_BYTES:
        raise ValueError(f"metadata has at most {MAX_METADATA_BYTES} bytes")
    return dict(metadata)


def check_link(filename: str, content_type: str, expiry_seconds: int) -> None:
    """Raise ``ValueError`` unless a link can carry these; the expiry is 1 s to 7 days."""
    if not 1 <= expiry_seconds <= 604_800:
        raise ValueError("a link lives for 1 second to 7 days")
    if not _CONTENT_TYPE.fullmatch(content_type):
        raise ValueError("not a content type")
    _check_characters(filename)
    if not 0 < len(filename) <= MAX_FILENAME_CHARACTERS or "/" in filename:
        raise ValueError("not a file name")
    if filename in {".", ".."}:
        raise ValueError("not a file name")


def content_disposition(filename: str) -> str:
    """The header that saves a download under ``filename``: always an attachment.

    An ASCII stand-in first, then the name itself as RFC 6266 and RFC 8187 have it.
    """
    ascii_name = "".join(
        letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in filename
    )
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(filename, safe='')}"
