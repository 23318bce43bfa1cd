"""One server per backend for the whole session, and users on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.db.session import Database
from tests.api.estate import Estate, build_estate
from tests.api.server import Server, serve
from tests.api.world import World, register


@pytest.fixture(
    scope="session",
    params=["embedded", pytest.param("services", marks=pytest.mark.services)],
)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A running server: everything embedded, or on real PostgreSQL, Valkey and S3 servers."""
    home: Path = tmp_path_factory.mktemp(f"uam-{request.param}")
    named = {}
    if request.param == "services":
        # Pytest may set this fixture up more than once: each installation begins empty.
        fresh_database = request.getfixturevalue("postgres").fresh_database()
        named = {
            **request.getfixturevalue("services_environment"),
            "DATABASE_URL": fresh_database,
        }
    with serve(home, request.param, named) as running:
        # The first account of an installation that asked for it is its administrator.
        running.first = register(running, name="Root")
        yield running


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
    return build_estate(server)


@pytest.fixture(scope="session")
def admin(server: Server) -> World:
    """The administrator."""
    return server.first


@pytest.fixture(scope="module")
def api(world: World) -> httpx.Client:
    """A signed-in client."""
    return world.api
