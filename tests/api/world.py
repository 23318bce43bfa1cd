"""A user with a project, and what tests do in their name."""

from __future__ import annotations

import io
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx

from tests.api.server import Server

PASSWORD = "a long and unguessable phrase"
ENDED = ("COMPLETED", "FAILED", "CANCELLED")
EXAMPLE_CSV = b"city,size,price\n" + b"".join(
    b"%s,%d,%d\n" % ((b"Bonn", b"Graz", b"Bern")[i % 3], 40 + i % 97, 900 + 11 * (i % 97))
    for i in range(300)
)


@dataclass
class World:
    """A registered user; ``api`` is signed in as that user."""

    server: Server
    api: httpx.Client
    user: dict[str, Any]
    password: str
    access_token: str
    refresh_token: str
    project_id: str

    @property
    def email(self) -> str:
        return str(self.user["email"])

    def login(self, password: str | None = None) -> httpx.Response:
        """Sign in anew, from an address of its own."""
        body = {"email": self.email, "password": password or self.password}
        return self.server.client().post("/auth/login", json=body)

    def upload(
        self, content: bytes = EXAMPLE_CSV, filename: str = "data.csv", **fields: str
    ) -> dict[str, Any]:
        """Upload a table; returns the answer."""
        files = {"file": (filename, io.BytesIO(content))}
        answer = self.api.post("/datasets/upload", files=files, data=fields)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def start(self, dataset_id: str, **options: Any) -> str:
        """Start a run; returns its id."""
        body = {"dataset_id": dataset_id, "options": options}
        answer = self.api.post("/runs/start", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["run_id"])

    def wait(self, run_id: str, timeout_s: float = 240) -> dict[str, Any]:
        """The run's status once it has ended."""
        deadline = time.monotonic() + timeout_s
        while True:
            status = self.api.get(f"/runs/{run_id}/status").json()
            if status["status"] in ENDED:
                return dict(status)
            assert time.monotonic() < deadline, status
            time.sleep(0.2)


def fresh_email() -> str:
    return f"user-{secrets.token_hex(6)}@example.com"


def register(server: Server, name: str = "Ada", email: str | None = None) -> World:
    """Register a user from an address of its own."""
    body = {"name": name, "email": email or fresh_email(), "password": PASSWORD}
    answer = server.client().post("/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    api = server.client(made["access_token"])
    projects = api.get("/projects").json()
    assert [project["name"] for project in projects] == ["Default"]
    return World(
        server=server,
        api=api,
        user=made["user"],
        password=PASSWORD,
        access_token=made["access_token"],
        refresh_token=made["refresh_token"],
        project_id=projects[0]["id"],
    )


def _path(answer: httpx.Response) -> str:
    raw = answer.request.url.raw_path.partition(b"?")[0].decode()
    return unquote(raw).rstrip("/") or "/"


def assert_problem(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    """The body of an RFC 9457 problem with one of these statuses."""
    assert answer.status_code in statuses, (answer.request.method, answer.url, answer.text)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = json.loads(answer.text)
    assert {"type", "title", "status", "detail", "instance"} <= body.keys()
    assert body["status"] == answer.status_code
    assert unquote(body["instance"]) == _path(answer)
    assert body["detail"]
    for error in body.get("errors", []):
        assert set(error) >= {"location", "message"}
    return dict(body)
