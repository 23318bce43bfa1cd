"""Installations whose parts the tests break, one a backend for the whole session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.world import World, register
from tests.faults.frail import Frail, run_frail
from tests.faults.installation import Installation, install
from tests.faults.invariants import assert_whole
from tests.faults.proxy import Proxy
from tests.faults.runs import Undisturbed, large_table, undisturbed_run
from tests.services.servers import S3


def own_temporary(home: Path) -> dict[str, str]:
    """The setting of a temporary directory that holds nothing but the installation's files."""
    (home / "tmp").mkdir()
    return {"TMPDIR": str(home / "tmp")}


@pytest.fixture(scope="session")
def s3_way(s3: S3) -> Iterator[Proxy]:
    """The way from the installation to its S3 server, open until a test breaks it."""
    proxy = Proxy(s3.endpoint)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation on what it brings along, shared by all tests of this folder."""
    home = tmp_path_factory.mktemp("uam-faults")
    with install(home, "embedded", own_temporary(home)) as running:
        yield running


@pytest.fixture(scope="session")
def on_services(
    tmp_path_factory: pytest.TempPathFactory,
    services_environment: dict[str, str],
    s3_way: Proxy,
) -> Iterator[Installation]:
    """An installation on real PostgreSQL, Valkey and S3 servers, shared likewise."""
    home = tmp_path_factory.mktemp("uam-faults-services")
    named = {**services_environment, **own_temporary(home), "MINIO_ENDPOINT": s3_way.endpoint}
    with install(home, "services", named) as running:
        yield running


@pytest.fixture(params=["embedded", pytest.param("on_services", marks=pytest.mark.services)])
def installation(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """Each backend in turn; after the test the invariants hold."""
    running: Installation = request.getfixturevalue(request.param)
    yield running
    assert_whole(running)


@pytest.fixture
def user(installation: Installation) -> World:
    """A user of this test alone."""
    return register(installation.server)


@pytest.fixture
def undisturbed(installation: Installation) -> Undisturbed:
    """A run to which nothing happened: what disturbed ones are to be like."""
    return undisturbed_run(installation)


@pytest.fixture(scope="session")
def large() -> bytes:
    """A table that takes a child longer, and more memory, than the others."""
    return large_table()


@pytest.fixture(scope="session")
def frail_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frail]:
    """An installation whose database and broker the tests may break, shared likewise."""
    with run_frail(tmp_path_factory.mktemp("uam-frail")) as running:
        yield running


@pytest.fixture
def frail(frail_servers: Frail) -> Iterator[Frail]:
    """The same; after the test the invariants hold."""
    yield frail_servers
    assert_whole(frail_servers.installation)


@pytest.fixture
def frail_user(frail: Frail) -> World:
    """A user of this test alone, there."""
    return register(frail.installation.server)
