"""Installations whose parts the tests break, one a backend for the whole session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.api.world import World, register
from tests.faults.frail import Frail, run_frail
from tests.faults.installation import Installation, install
from tests.faults.invariants import assert_whole
from tests.faults.premises import Premises
from tests.faults.proxy import Proxy
from tests.faults.runs import Undisturbed, large_table, undisturbed_run
from tests.services.servers import S3, Postgres, Valkey

# Files whose tests, where no parameter says it, are about one of the shared installations.
SHARED = {
    "test_beats.py": "frail",
    "test_broker.py": "frail",
    "test_commits.py": "frail",
    "test_database.py": "frail",
    "test_storage_away.py": "on_services, late",
    "test_streams.py": "frail",
}


class Grouped(LoadScopeScheduling):
    """Gives tests that share an installation to one process, one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Grouped:
    # Its own groups, ``--dist loadgroup``, do not come through with pytest 9.2 and xdist 3.8.
    return Grouped(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The same without pytest-xdist: an installation is started once."""
    items.sort(key=lambda item: group_of(item.nodeid))


def group_of(nodeid: str) -> str:
    """The installation that a test is about, or its file when it has one of its own.

    The two large groups are halved by the alphabet, so that two processes may share them.
    """
    file = nodeid.partition("::")[0].rpartition("/")[2]
    half = "early" if file < "test_n" else "late"
    for shared in ("embedded", "on_services"):
        if f"[{shared}" in nodeid:
            return f"{shared}, {half}"
    return SHARED.get(file, file)


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
def premises() -> Iterator[Premises]:
    """Where the installations of these tests run, one after the other."""
    one_at_a_time = Premises()
    yield one_at_a_time
    one_at_a_time.leave()


@pytest.fixture
def embedded(premises: Premises, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation on what it brings along, shared by all tests of this folder."""

    def opened() -> AbstractContextManager[Installation]:
        home = tmp_path_factory.mktemp("uam-faults")
        return install(home, "embedded", own_temporary(home))

    return premises.of("embedded", opened)


@pytest.fixture
def on_services(
    premises: Premises,
    tmp_path_factory: pytest.TempPathFactory,
    postgres: Postgres,
    valkey: Valkey,
    s3: S3,
    s3_way: Proxy,
) -> Installation:
    """An installation on real PostgreSQL, Valkey and S3 servers, shared likewise."""

    def opened() -> AbstractContextManager[Installation]:
        home = tmp_path_factory.mktemp("uam-faults-services")
        named = {
            "DATABASE_URL": postgres.fresh_database(),
            "REDIS_URL": valkey.url(),
            **s3.environment(),
            **own_temporary(home),
            "MINIO_ENDPOINT": s3_way.endpoint,
            "MINIO_BUCKET": home.name,
        }
        s3.storage(home.name)
        return install(home, "services", named)

    return premises.of("services", opened)


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


@pytest.fixture
def frail(premises: Premises, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frail]:
    """An installation whose database and broker the tests may break, shared likewise.

    After the test the invariants hold.
    """
    running = premises.of("frail", lambda: run_frail(tmp_path_factory.mktemp("uam-frail")))
    yield running
    assert_whole(running.installation)


@pytest.fixture
def frail_user(frail: Frail) -> World:
    """A user of this test alone, there."""
    return register(frail.installation.server)
