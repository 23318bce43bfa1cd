"""What routers share: dependencies as types.

An endpoint's signature says all it needs: ``Unit``, ``Store``, ``Config``, ``Page``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer
from sqlalchemy import Select, func, select

from app.config import Settings
from app.db.session import UnitOfWork
from app.openapi import PROBLEM
from app.resources import Resources
from app.storage.base import Storage

T = TypeVar("T")


def resources(request: Request) -> Resources:
    """The resources of the app that serves this request."""
    value: Resources = request.app.state.resources
    return value


# What asks nobody runs on the event loop (``async``): a thread would cost more than all it does.


async def _held(request: Request) -> Resources:
    return resources(request)


def _unit(request: Request) -> Iterator[UnitOfWork]:
    write = request.method not in {"GET", "HEAD"}
    with resources(request).database.unit(write=write) as unit:
        yield unit


async def _config(request: Request) -> Settings:
    return resources(request).settings


async def _store(request: Request) -> Storage:
    return resources(request).storage


def _settled(request: Request) -> None:
    resources(request).afterwards.settle()


Held = Annotated[Resources, Depends(_held)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="Sent again with the same request, it is answered as the first time.",
    ),
]
# The function scope ends the unit, and so commits, before the answer is sent.
Unit = Annotated[UnitOfWork, Depends(_unit, scope="function")]
SETTLED = Depends(_settled)
"""For a route's ``dependencies``: what answers before this request left to be done is done before
any unit of work of this one begins, which may hold what that needs."""
Config = Annotated[Settings, Depends(_config)]
Store = Annotated[Storage, Depends(_store)]


class Body(BaseModel):
    """The base of every request body: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid", str_max_length=100_000)


def _iso(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# A time as callers see it: ISO 8601 in UTC, ending in Z.
UtcTime = Annotated[datetime, PlainSerializer(_iso, return_type=str, when_used="json")]


def _in_utc(value: datetime) -> datetime:
    """``value`` in UTC, which is assumed when it names no zone."""
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is too far away") from None


# A time that a caller names; UTC unless it says.
Since = Annotated[datetime, AfterValidator(_in_utc)]


@dataclass(frozen=True)
class PageQuery:
    """``limit`` and ``offset`` of a list."""

    limit: int
    offset: int


async def _page(
    limit: Annotated[int, Query(ge=1, le=500, description="How many to answer.")] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000, description="How many to skip.")] = 0,
) -> PageQuery:
    return PageQuery(limit, offset)


Page = Annotated[PageQuery, Depends(_page)]


def paginate(
    unit: UnitOfWork,
    statement: Select[T],
    page: PageQuery,
    request: Request,
    response: Response,
) -> Sequence[T]:
    """One page of an ordered statement; sets ``X-Total-Count`` and ``Link``."""
    counted = select(func.count()).select_from(statement.order_by(None).subquery())
    total = unit.session.scalar(counted) or 0
    rows = unit.session.scalars(statement.limit(page.limit).offset(page.offset)).all()
    set_page_headers(request, response, page, total)
    return rows


def set_page_headers(request: Request, response: Response, page: PageQuery, total: int) -> None:
    """``X-Total-Count``, and RFC 8288 ``Link`` to the pages beside this one."""
    links = []
    for relation, offset in (
        ("next", page.offset + page.limit),
        ("prev", max(0, page.offset - page.limit)),
    ):
        exists = offset < total if relation == "next" else page.offset > 0
        if exists:
            url = request.url.include_query_params(limit=page.limit, offset=offset)
            links.append(f'<{url.path}?{url.query}>; rel="{relation}"')
    response.headers["X-Total-Count"] = str(total)
    if links:
        response.headers["Link"] = ", ".join(links)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an operation can answer, for OpenAPI."""
    return dict.fromkeys(sorted({*statuses, 503}), PROBLEM)
