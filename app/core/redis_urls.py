"""One ``REDIS_URL``, as each library spells a Unix socket.

redis-py says ``unix:///path?db=0``; that is how UAM's setting has it, too.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit


def for_celery(url: str) -> str:
    """The broker's URL for Celery: ``redis+socket:///path?virtual_host=0`` for a socket."""
    if not url.startswith("unix://"):
        return url
    parts = urlsplit(url)
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"


def for_limits(url: str) -> str:
    """The storage's URL for ``limits``: ``redis+unix:///path?db=0`` for a socket."""
    return f"redis+{url}" if url.startswith("unix://") else url
