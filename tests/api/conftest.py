"""One server per backend for the whole session, and users on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from app.db.session import Database
from tests.api.estate import Estate, estate_of
from tests.api.server import Server, serve
from tests.api.world import World, register


@pytest.fixture(scope="session")
def embedded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server that brings along whatever it needs."""
    yield from _running(tmp_path_factory.mktemp("uam-embedded"), "embedded", {})


@pytest.fixture(scope="session")
def services_server(
    tmp_path_factory: pytest.TempPathFactory, services_environment: dict[str, str]
) -> Iterator[Server]:
    """A running server on real PostgreSQL, Valkey and S3 servers."""
    yield from _running(tmp_path_factory.mktemp("uam-services"), "services", services_environment)


def _running(home: Path, backend: str, named: Mapping[str, str]) -> Iterator[Server]:
    with serve(home, backend, named) as running:
        # The first account of an installation that asked for it is its administrator.
        running.first = register(running, name="Root")
        yield running


@pytest.fixture(
    scope="session",
    params=["embedded", pytest.param("services", marks=pytest.mark.services)],
)
def server(request: pytest.FixtureRequest) -> Server:
    """Each of the two in turn. Pytest ends this fixture whenever it changes sides, which it does
    in every file; the servers themselves stay."""
    running: Server = request.getfixturevalue(f"{request.param}_server")
    return running


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    """The server's own database, for tests that look behind it."""
    opened = Database(server.settings)
    yield opened
    opened.dispose()


@pytest.fixture
def anonymous(server: Server) -> httpx.Client:
    """A client that is not signed in."""
    return server.client()


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    """A user with a project, shared by the tests of a module: change nothing of the account."""
    return register(server)


@pytest.fixture
def fresh(server: Server) -> World:
    """A user of this test alone."""
    return register(server, name="Grace")


@pytest.fixture(scope="module")
def stranger(server: Server) -> World:
    """Another user, who owns nothing of ``world``'s."""
    return register(server, name="Eve")


@pytest.fixture(scope="session")
def estate(server: Server) -> Estate:
    """One of everything that a user can own: nothing of it may be changed."""
    return estate_of(server)


@pytest.fixture(scope="session")
def admin(server: Server) -> World:
    """The administrator."""
    return server.first


@pytest.fixture(scope="module")
def api(world: World) -> httpx.Client:
    """A signed-in client."""
    return world.api
