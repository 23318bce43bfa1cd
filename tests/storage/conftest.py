"""Both backends, and a corner of its own for every test."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from app.storage.base import Storage
from app.storage.local import LocalStorage

SIGNING_KEY = "a key that signs links in these tests"


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage", SIGNING_KEY)


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.services)])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each backend in turn, its bucket made."""
    if request.param == "s3":
        return request.getfixturevalue("s3").storage()
    return request.getfixturevalue("local")


@pytest.fixture
def corner() -> str:
    """A prefix that no other test uses."""
    return f"tests/{secrets.token_hex(6)}"
