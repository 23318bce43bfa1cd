"""HTTP to the servers of the tests, which speak it plainly: no certificate is ever looked at.

A client of its own would read those of every known authority first, which takes it longer than
most requests.
"""

from __future__ import annotations

import ssl
from typing import Any

import httpx

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def get(url: str, **options: Any) -> httpx.Response:
    """As ``httpx.get``."""
    return request("GET", url, **options)


def request(method: str, url: str, **options: Any) -> httpx.Response:
    """As ``httpx.request``."""
    return httpx.request(method, url, verify=PLAIN, **options)


def client(**options: Any) -> httpx.Client:
    """As ``httpx.Client``."""
    return httpx.Client(verify=PLAIN, **options)
