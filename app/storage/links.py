"""Signed links of the local storage: ``/files/{expires}/{signature}/{type}/{bucket}/{key}/{name}``.

Everything after ``/files/`` is signed with HMAC-SHA256. The parts travel in the path, not in
the query, so that a link survives being copied and has one spelling; the file name stands
last, where browsers and command-line tools look for it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from urllib.parse import quote

from app.storage.errors import LinkRefused

PREFIX = "/files/"
_PURPOSE = b"uam: links to stored objects, version 1"


@dataclass(frozen=True, slots=True)
class Link:
    """What a link grants: one object, as a file of this name and type, until ``expires``.

    ``expires`` is in whole seconds of Unix time.
    """

    bucket: str
    key: str
    filename: str
    content_type: str
    expires: int


class LinkSigner:
    """Signs links and reads them back."""

    def __init__(self, signing_key: str) -> None:
        if not signing_key:
            raise ValueError("links need a signing key")
        # Not the key itself, which signs tokens too.
        self._key = hmac.digest(signing_key.encode(), _PURPOSE, hashlib.sha256)

    def path(self, link: Link) -> str:
        """The link's path, percent-encoded."""
        # A content type has one slash, which would end the path's part.
        kind = link.content_type.replace("/", "~", 1)
        parts = [str(link.expires), self._signature(link), kind, link.bucket, link.key]
        return PREFIX + "/".join(quote(part) for part in [*parts, link.filename])

    def read(self, path: str, now: float) -> Link:
        """The link that a decoded path holds. Raises :class:`LinkRefused`."""
        parts = path.removeprefix(PREFIX).split("/")
        if len(parts) < 6 or not parts[0].isascii() or not parts[0].isdigit():
            raise LinkRefused("this is not a link")
        expires, signature, kind, bucket, *key, filename = parts
        if len(expires) > 12:
            raise LinkRefused("this is not a link")
        link = Link(bucket, "/".join(key), filename, kind.replace("~", "/", 1), int(expires))
        genuine = hmac.compare_digest(
            self._signature(link).encode(), signature.encode(errors="replace")
        )
        # The signature covers the values; this covers their spelling (leading zeros).
        if not genuine or str(link.expires) != expires:
            raise LinkRefused("this link was changed")
        if now >= link.expires:
            raise LinkRefused("this link has expired")
        return link

    def _signature(self, link: Link) -> str:
        """Over a JSON array, in which no part can run into its neighbour."""
        parts = [link.expires, link.bucket, link.key, link.filename, link.content_type]
        digest = hmac.digest(self._key, json.dumps(parts).encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
