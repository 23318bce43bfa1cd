"""Uploads that end half way: nothing of them is seen, and nothing stays."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.api.world import EXAMPLE_CSV, World
from tests.faults.installation import Installation, answers, until
from tests.faults.runs import large_table

MB = 1024 * 1024


def arriving(installation: Installation) -> set[Path]:
    """The files that lie in the installation's temporary directory, uploads under way."""
    found = (installation.home / "tmp").glob("uam-scratch-*/*/*")
    return {path for path in found if path.is_file()}


@contextmanager
def half_an_upload(installation: Installation, user: World) -> Iterator[socket.socket]:
    """A connection on which 6 of 12 MB have been sent, the rest still owed."""
    part = b"x,y\n" + b"1,2\n" * (12 * MB // 4)
    head = (
        b"--edge\r\n"
        b'Content-Disposition: form-data; name="file"; filename="half.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\n"
    )
    length = len(head) + len(part) + len(b"\r\n--edge--\r\n")
    request = (
        "POST /datasets/upload HTTP/1.1\r\nHost: uam\r\n"
        f"Authorization: {user.api.headers['Authorization']}\r\n"
        f"Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {length}\r\n\r\n"
    )
    before = arriving(installation)
    url = urlsplit(installation.server.base_url)
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(request.encode() + head + part[: 6 * MB])
        until(
            lambda: any(path.stat().st_size > MB for path in arriving(installation) - before),
            what="the upload on disk",
        )
        yield connection


def datasets(user: World) -> list[str]:
    return [dataset["filename"] for dataset in user.api.get("/datasets").json()]


def test_a_client_that_drops_leaves_nothing(installation: Installation, user: World) -> None:
    before = arriving(installation)
    api = installation.part("api")
    with half_an_upload(installation, user):
        pass
    until(lambda: arriving(installation) <= before, what="the end of the file")
    assert datasets(user) == []
    assert user.upload()["filename"] == "data.csv"
    assert installation.part("api").pid == api.pid


def test_what_a_killed_api_was_receiving_is_swept_by_the_next(
    installation: Installation, user: World
) -> None:
    before = arriving(installation)
    with half_an_upload(installation, user):
        left = arriving(installation) - before
        installation.kill_part("api")
        assert left
    until(lambda: not any(path.exists() for path in left), what="the sweep")
    until(lambda: answers(installation.server.base_url), what="the next API")
    assert datasets(user) == []
    # Whoever tries again has it.
    assert user.upload(EXAMPLE_CSV, "again.csv")["filename"] == "again.csv"
    assert datasets(user) == ["again.csv"]


def test_an_upload_whose_reader_is_killed_is_read_by_another(
    installation: Installation, user: World
) -> None:
    before = {child.pid for child in installation.children("api")}
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(user.upload, large_table())
        until(lambda: {one.pid for one in installation.children("api")} - before, what="a reader")
        installation.child("api").kill()
        assert answer.result()["rows"] == 600_000
