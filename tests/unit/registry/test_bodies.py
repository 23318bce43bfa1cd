"""What a prediction may be asked with, and what is said of the rest."""

import json
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from hypothesis import given
from hypothesis import strategies as st

from app.core.problems import Unprocessable
from app.registry.bodies import MAX_ERRORS, parse_rows, prefers_csv

CELLS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text()
ROWS = st.lists(st.dictionaries(st.text(), CELLS), max_size=5)


def refused(body: Any) -> list[dict[str, str]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(Unprocessable) as caught:
        parse_rows(raw)
    assert caught.value.errors
    return [dict(error) for error in caught.value.errors]


@given(rows=ROWS)
def test_rows_come_through_as_they_were_sent(rows: list[dict[str, Any]]) -> None:
    def utf8(value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "ignore")

    sent = json.loads(utf8(rows))
    assert parse_rows(utf8({"rows": rows})).rows == sent
    assert parse_rows(utf8(rows)).rows == sent


def test_explain_is_off_unless_asked_for() -> None:
    assert not parse_rows(b'[{"a": 1}]').explain
    assert parse_rows(b'{"rows": [], "explain": true}').explain


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b'[{"a": NaN}]', b'["\\ud800"]', b"[" * 9999])
def test_what_is_not_json_is_told(body: bytes) -> None:
    assert refused(body)[0]["location"] == "body"


@pytest.mark.parametrize(
    ("body", "location"),
    [
        (1, "body"),
        ({"rows": None}, "body.rows"),
        ({"rows": {"a": 1}}, "body.rows"),
        ([1], "rows[0]"),
        ([{"a": 1}, {"b": [1]}], "rows[1].b"),
        ([{"a": {"x": 1}}], "rows[0].a"),
        ([{"a": 10**400}], "rows[0].a"),
        (b'[{"a": 1e999}]', "rows[0].a"),
    ],
)
def test_the_place_of_what_is_wrong_is_named(body: Any, location: str) -> None:
    assert [error["location"] for error in refused(body)] == [location]


def test_at_most_so_many_errors_are_listed() -> None:
    assert len(refused([1] * 200)) == MAX_ERRORS


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"rows": [], "other": 1}, ("body", "other")),
        ({"explain": True}, ("body", "rows")),
        ({"rows": [], "explain": "perhaps"}, ("body", "explain")),
        ({"horizon": 0}, ("body", "horizon")),
        ({"horizon": None}, ("body", "rows")),
    ],
)
def test_fields_are_checked(body: Any, location: tuple[str, ...]) -> None:
    with pytest.raises(RequestValidationError) as caught:
        parse_rows(json.dumps(body).encode())
    assert caught.value.errors()[0]["loc"] == location


def test_a_horizon_needs_no_rows() -> None:
    asked = parse_rows(b'{"horizon": 3}')
    assert (asked.rows, asked.horizon) == ([], 3)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/csv", True),
        ("Text/CSV; charset=utf-8", True),
        ("application/json, text/csv;q=0.5", False),
        ("application/json;q=0.5, text/csv", True),
        ("text/csv;q=0", False),
        ("text/csv;q=much", False),
    ],
)
def test_csv_is_sent_to_those_who_prefer_it(accept: str, wanted: bool) -> None:
    assert prefers_csv(accept) is wanted
