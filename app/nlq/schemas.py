"""What goes in and out of the question route."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from app.web import Body


class Question(Body):
    """A question about one dataset, in plain words."""

    dataset_id: str
    question: str = Field(min_length=1, max_length=2000)


class Answer(BaseModel):
    """The answer, with the SQL that gave it; ``unsupported`` rather than a guess."""

    status: Literal["answered", "unsupported"]
    question: str
    answer: str | None
    sql: str | None
    columns: list[str]
    rows: list[list[Any]] = Field(description="Just the values asked for.")
    chart: dict[str, Any] | None = Field(description="A Plotly figure, where one helps.")
    engine: str
    confidence: float | None
