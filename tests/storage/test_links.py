"""Signed links of the local storage: this object, this name, this long, and nothing else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.base import LinkRefused, ObjectMissing
from app.storage.links import Link, LinkSigner
from app.storage.local import LocalStorage
from tests.storage.conftest import SIGNING_KEY

BUCKET = "artifacts"
NAME = "Übersicht für Jörg – 100 %.csv"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.25

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage(tmp_path: Path, clock: Clock) -> LocalStorage:
    storage = LocalStorage(tmp_path, SIGNING_KEY, "https://uam.example/", clock=clock)
    storage.upload_bytes(BUCKET, "runs/7/table.csv", b"a,b\n1,2\n")
    storage.upload_bytes(BUCKET, "runs/8/table.csv", b"of somebody else")
    return storage


@pytest.fixture
def path(storage: LocalStorage) -> str:
    """A link's path, decoded as a server decodes it."""
    url = storage.presign_url(
        BUCKET, "runs/7/table.csv", 60, filename=NAME, content_type="text/csv"
    )
    assert url.startswith("https://uam.example/files/")
    assert url.isascii()
    return unquote(url.removeprefix("https://uam.example"))


def test_a_link_leads_to_its_object_under_its_name(storage, path):
    found = storage.open_signed(path)
    assert b"".join(found.stream) == b"a,b\n1,2\n"
    assert (found.filename, found.content_type, found.info.size) == (NAME, "text/csv", 8)
    assert b"".join(storage.open_signed(path.removeprefix("/files/"), start=4).stream) == b"1,2\n"


def test_a_link_names_the_file_after_the_key_unless_told(storage):
    url = storage.get_presigned_url(BUCKET, "runs/7/table.csv", 60)
    found = storage.open_signed(unquote(url.removeprefix("https://uam.example")))
    found.stream.close()
    assert (found.filename, found.content_type) == ("table.csv", "application/octet-stream")


def test_a_link_expires(storage, path, clock):
    clock.now += 59
    storage.open_signed(path).stream.close()
    clock.now += 3
    with pytest.raises(LinkRefused):
        storage.open_signed(path)


def test_no_part_of_a_link_can_be_changed(storage, path):
    parts = path.split("/")
    assert parts[1] == "files"
    for position in range(2, len(parts)):
        for changed in (
            parts[position] + "0",
            "0" + parts[position],
            parts[position][:-1],
            parts[position].swapcase(),
            quote(parts[position], safe="") + "%20",
            "",
        ):
            if changed == parts[position]:
                continue
            with pytest.raises(LinkRefused):
                storage.open_signed("/".join([*parts[:position], changed, *parts[position + 1 :]]))


def test_no_part_can_be_moved_added_or_left_out(storage, path):
    other = path.replace("runs/7", "runs/8")
    assert other != path
    parts = path.split("/")
    shortened = ["/".join(parts[:cut] + parts[cut + 1 :]) for cut in range(2, len(parts))]
    for changed in (
        other,
        f"{path}/",
        f"{path}/x",
        f"/{path}",
        path.replace("7/", "7//"),
        *shortened,
    ):
        with pytest.raises(LinkRefused):
            storage.open_signed(changed)


@given(st.text(max_size=80))
def test_whatever_is_no_link_is_refused(text):
    signer = LinkSigner(SIGNING_KEY)
    for path in (text, f"/files/{text}", f"/files/99999999999/{text}/a~b/artifacts/key/name"):
        with pytest.raises(LinkRefused):
            signer.read(path, 0)


@given(
    key=st.lists(
        st.text(st.characters(exclude_characters="/"), min_size=1), min_size=1, max_size=4
    ),
    filename=st.text(st.characters(exclude_characters="/", codec="utf-8"), min_size=1),
    expires=st.integers(1, 10**12 - 1),
)
def test_a_link_survives_the_way_through_a_url(key, filename, expires):
    link = Link("artifacts", "/".join(key), filename, "text/csv", expires)
    signer = LinkSigner(SIGNING_KEY)
    try:
        path = signer.path(link)
    except UnicodeEncodeError:
        return
    assert signer.read(unquote(path), 0) == link


def test_another_key_signs_other_links(storage, path, tmp_path, clock):
    other = LocalStorage(tmp_path, "another key, of another installation", clock=clock)
    with pytest.raises(LinkRefused):
        other.open_signed(path)
    with pytest.raises(ValueError):
        LocalStorage(tmp_path, "")


def test_the_link_of_a_deleted_object_is_dead(storage, path):
    storage.delete(BUCKET, "runs/7/table.csv")
    with pytest.raises(ObjectMissing):
        storage.open_signed(path)
