"""HTTP for questions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.auth.dependencies import CurrentUser
from app.nlq import service
from app.nlq.schemas import Answer, Question
from app.web import Held, answers

router = APIRouter(tags=["questions"])


@router.post("/nlq", response_model=Answer, responses=answers(401, 404, 410, 422))
def ask(body: Question, user: CurrentUser, held: Held) -> dict[str, Any]:
    """Ask about a dataset in plain words: counts, averages, sums, extremes, groups."""
    return service.ask(held, user, body.dataset_id, body.question)
