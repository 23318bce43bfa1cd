"""Tokens, passwords and addresses, without a server."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.auth.common_passwords import COMMON_PASSWORDS
from app.auth.emails import lookup_key, normalise
from app.auth.passwords import MIN_LENGTH, NewPassword, hash_password, verify
from app.auth.tokens import Claims, InvalidToken, decode, encode
from app.config import Settings

SETTINGS = Settings(_env_file=None, secret_key="0123456789abcdef" * 4)
CLAIMS = Claims("user", "token", "family", 3)
# Made when the file is collected: it must outlive the whole suite.
TOKEN = encode(SETTINGS, CLAIMS, "access", timedelta(days=1))
HASH = hash_password("a long and unguessable phrase")


def test_a_token_carries_its_claims():
    assert decode(SETTINGS, TOKEN, "access") == CLAIMS


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_only_the_algorithm_of_the_settings_is_accepted(algorithm):
    other = SETTINGS.model_copy(update={"algorithm": algorithm})
    token = encode(other, CLAIMS, "refresh", timedelta(minutes=5))
    assert decode(other, token, "refresh") == CLAIMS
    if algorithm != SETTINGS.algorithm:
        with pytest.raises(InvalidToken):
            decode(SETTINGS, token, "refresh")


@given(st.text() | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*"))
def test_whatever_is_sent_is_an_invalid_token_and_no_other_error(text):
    with pytest.raises(InvalidToken):
        decode(SETTINGS, text, "access")


@given(st.integers(0, len(TOKEN) - 1), st.characters(exclude_characters=["="]))
def test_a_token_with_one_other_character_is_invalid(position, character):
    changed = TOKEN[:position] + character + TOKEN[position + 1 :]
    try:
        claims = decode(SETTINGS, changed, "access")
    except InvalidToken:
        return
    # The last character of a base64 part has bits that mean nothing.
    assert claims == CLAIMS


@given(st.integers(11, 10**9))
def test_an_expired_token_is_invalid(seconds):
    token = encode(SETTINGS, CLAIMS, "access", timedelta(seconds=-seconds))
    with pytest.raises(InvalidToken):
        decode(SETTINGS, token, "access")


def test_a_password_is_the_one_that_was_hashed():
    assert verify("a long and unguessable phrase", HASH)
    assert not verify("a long and unguessable phrasE", HASH)
    assert HASH.startswith("$bcrypt-sha256$v=2,t=2b,r=12$")
    assert hash_password("a long and unguessable phrase") != HASH


@pytest.mark.parametrize("password", ["", "x" * 1001, "\U0001f600" * 1001, "x" * 100_000])
def test_no_password_opens_an_unknown_account_and_none_is_too_long_to_refuse(password):
    assert not verify(password, None)
    assert not verify(password, HASH)


def test_common_passwords_are_refused_and_none_is_there_for_its_length():
    adapter = TypeAdapter(NewPassword)
    for password in COMMON_PASSWORDS:
        assert len(password) >= MIN_LENGTH
        assert password == password.casefold()
        with pytest.raises(ValidationError, match="common"):
            adapter.validate_python(password.upper())
    assert adapter.validate_python("  kept as it is  ") == "  kept as it is  "


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("ADA+tag@x.local", "ada+tag@x.local"),
        ("Ä@Bücher.de", "ä@bücher.de"),
        ("ada@xn--bcher-kva.de", "ada@bücher.de"),
    ],
)
def test_an_address_has_one_spelling(address, expected):
    assert normalise(address) == expected
    assert normalise(expected) == expected


@given(st.text())
def test_looking_an_address_up_never_fails(text):
    key = lookup_key(text)
    assert key == "" or lookup_key(key) == key
