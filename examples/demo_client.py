"""The demo's side of the HTTP API: what any client of UAM would write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urljoin

import httpx

RECONNECTS = 5


class ApiError(RuntimeError):
    """The API refused; the message is the problem's own detail."""


class Event(NamedTuple):
    """One server-sent event: its kind (``status``, ``log`` …), its JSON data, its id."""

    kind: str
    data: dict[str, Any]
    id: str


class Client:
    """A signed-in caller of the API at ``url``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(base_url=url, timeout=60.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, method: str, path: str, **request: Any) -> Any:
        """The decoded JSON answer. Raises :class:`ApiError` for any status of 400 and above."""
        response = self._http.request(method, path, **request)
        if response.is_error:
            raise ApiError(f"{method} {path}: {_problem(response)}")
        return response.json() if response.content else None

    def register(self, name: str, email: str, password: str) -> None:
        """Make an account and stay signed in as it."""
        body = {"name": name, "email": email, "password": password}
        answer = self.call("POST", "/auth/register", json=body)
        self._http.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def upload(self, path: Path) -> dict[str, Any]:
        """The answer of the upload: ``dataset_id``, ``rows``, ``cols``, ``preview`` …"""
        with path.open("rb") as file:
            answer: dict[str, Any] = self.call(
                "POST", "/datasets/upload", files={"file": (path.name, file, "text/csv")}
            )
        return answer

    def events(self, run_id: str) -> Iterator[Event]:
        """The run's events until ``done``; a broken stream is resumed where it broke off."""
        last = ""
        for attempt in range(RECONNECTS + 1):
            headers = {"Last-Event-ID": last} if last else {}
            try:
                for event in self._stream(f"/runs/{run_id}/events", headers):
                    last = event.id or last
                    yield event
                    if event.kind == "done":
                        return
            except httpx.TransportError:
                if attempt == RECONNECTS:
                    raise
        raise ApiError("the stream of events ended before the run did")

    def _stream(self, path: str, headers: dict[str, str]) -> Iterator[Event]:
        with self._http.stream("GET", path, headers=headers) as response:
            if response.is_error:
                response.read()
                raise ApiError(f"GET {path}: {_problem(response)}")
            yield from parse_events(response.iter_lines())

    def download(self, link: str, target: Path) -> None:
        """Stream a signed link (which needs no token) into a file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with httpx.stream("GET", urljoin(self._url, link), timeout=60.0) as response:
            response.raise_for_status()
            with target.open("wb") as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)


def parse_events(lines: Iterator[str]) -> Iterator[Event]:
    """Events out of the lines of a ``text/event-stream``; comments (heartbeats) are passed over."""
    kind, identity, data = "message", "", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            kind = value
        elif field == "id":
            identity = value
        elif field == "data":
            data.append(value)
        elif not line:
            if data:
                yield Event(kind, json.loads("\n".join(data)), identity)
            kind, data = "message", []


def _problem(response: httpx.Response) -> str:
    try:
        problem = response.json()
    except ValueError:
        return f"HTTP {response.status_code}"
    return str(problem.get("detail") or problem.get("title") or f"HTTP {response.status_code}")
