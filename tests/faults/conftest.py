"""Installations whose parts the tests break, one a backend for the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.world import World, register
from tests.faults.installation import Installation, install
from tests.faults.invariants import assert_whole


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation on what it brings along, shared by all tests of this folder."""
    with install(tmp_path_factory.mktemp("uam-faults"), "embedded", {}) as running:
        yield running


@pytest.fixture(scope="session")
def on_services(
    tmp_path_factory: pytest.TempPathFactory, services_environment: dict[str, str]
) -> Iterator[Installation]:
    """An installation on real PostgreSQL, Valkey and S3 servers, shared likewise."""
    home = tmp_path_factory.mktemp("uam-faults-services")
    with install(home, "services", services_environment) as running:
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
