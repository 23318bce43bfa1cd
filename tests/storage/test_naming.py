"""Keys, buckets, file names: nothing a user could think of leaves its place."""

from __future__ import annotations

import re
import unicodedata
from email.message import Message
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.storage import naming

PARTS = st.text(
    st.characters(categories=["L", "N"], include_characters="-_=+@ "), min_size=1, max_size=20
)
NASTY = [
    "..",
    ".",
    "",
    "\\",
    "\x00",
    "\r\n",
    "/",
    "//",
    "%2e%2e",
    "C:",
    "~",
    "\u202e",
    "\ud800",
    "\ufffe",
]


@given(st.lists(PARTS, min_size=1, max_size=5))
def test_plain_keys_are_accepted(parts):
    naming.check_key("/".join(parts))


@given(st.lists(st.one_of(PARTS, st.sampled_from(NASTY), st.text(max_size=8)), max_size=6))
@example(["x" * 5000])
@example(["a", "b" * 256])
@example(["ä" * 128])
def test_what_is_accepted_is_plain_and_stays_below_its_bucket(parts):
    key = "/".join(parts)
    try:
        naming.check_key(key)
    except ValueError:
        return
    path = PurePosixPath("/root/bucket") / key
    assert path.is_relative_to("/root/bucket")
    assert str(path) == f"/root/bucket/{key}"
    assert len(key.encode()) <= 900
    for part in path.parts[3:]:
        assert 0 < len(part.encode()) <= 255
        assert not part.startswith(".")
        assert "\\" not in part
        assert all(unicodedata.category(letter) not in {"Cc", "Cf", "Cs"} for letter in part)


@given(
    PARTS,
    st.sampled_from(
        [
            "..",
            ".",
            ".a",
            "",
            "a\\b",
            "a\x00",
            "a\x7f",
            "\x85",
            "\u2028",
            "\u202e",
            "\ud800",
            "\uffff",
        ]
    ),
    PARTS,
)
def test_one_nasty_part_spoils_a_key(before, nasty, after):
    for key in (f"{before}/{nasty}/{after}", f"{nasty}/{after}", f"{before}/{nasty}"):
        with pytest.raises(ValueError):
            naming.check_key(key)


@given(st.text(max_size=12))
def test_a_prefix_is_the_beginning_of_a_key(prefix):
    try:
        naming.check_prefix(prefix)
    except ValueError:
        return
    naming.check_key(f"{prefix}x")


@given(st.text(max_size=70))
def test_accepted_buckets_are_dns_names(bucket):
    try:
        naming.check_bucket(bucket)
    except ValueError:
        return
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket)
    assert ".." not in bucket


@given(
    st.text(
        st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1, max_size=40
    )
)
def test_a_disposition_is_one_header_that_names_the_file(filename):
    header = naming.content_disposition(filename)
    assert header.isascii()
    assert header.isprintable()
    message = Message()
    message["Content-Disposition"] = header
    assert message.get_content_disposition() == "attachment"
    encoded = header.rpartition("''")[2]
    assert (
        bytes.fromhex(
            "".join(
                encoded[i + 1 : i + 3] if encoded[i] == "%" else f"{ord(encoded[i]):02x}"
                for i in _starts(encoded)
            )
        ).decode()
        == filename
    )


def _starts(encoded):
    position = 0
    while position < len(encoded):
        yield position
        position += 3 if encoded[position] == "%" else 1


@pytest.mark.parametrize("filename", ["", "a/b", "..", ".", "a\r\nb", "x" * 256, "a\x00"])
def test_a_link_has_a_file_name_or_none(filename):
    with pytest.raises(ValueError):
        naming.check_link(filename, "text/csv", 60)


@pytest.mark.parametrize(
    "kind", ["", "text", "text/html\r\nX: y", "text/~x", "text/html; charset=x", "a/b/c"]
)
def test_a_link_has_a_plain_content_type(kind):
    with pytest.raises(ValueError):
        naming.check_link("a", kind, 60)
