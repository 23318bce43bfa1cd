"""The service against its own description, as a property-based client reads it."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.routes import APP
from tests.api.world import register

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(APP.openapi())
DESCRIBED = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
BOUNDED = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def caller(server):
    """A user of these tests alone: what they change of themselves is nobody else's."""
    return register(server, name="Schema")


def call(case, user):
    """Ask, and compare the answer with its description."""
    case.call_and_validate(
        base_url=user.server.base_url,
        headers={"Authorization": f"Bearer {user.access_token}"},
        checks=CHECKS,
        allow_redirects=False,
        timeout=60,
    )


@pytest.mark.parametrize("label", DESCRIBED)
def test_every_operation_answers_as_it_is_described(admin, caller, label):
    user = admin if "/admin/" in label else caller

    @BOUNDED
    @given(case=DESCRIBED[label].as_strategy())
    def asked(case):
        call(case, user)

    asked()


@pytest.mark.parametrize(
    "label", [each for each in DESCRIBED if each.startswith("GET") and "{" in each]
)
def test_what_is_there_is_shown_as_it_is_described(estate, label):
    told = set()

    @BOUNDED
    @given(case=DESCRIBED[label].as_strategy())
    def asked(case):
        case.path_parameters = {name: estate.ids[name] for name in case.path_parameters}
        # The id is the estate's: where nothing else is asked, all examples are one.
        question = repr((case.query, case.headers, case.cookies, case.body))
        if question not in told:
            told.add(question)
            call(case, estate.owner)

    asked()
    assert told
