"""HTTP for questions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.auth.dependencies import CurrentUser
from app.core.lanes import Lane
from app.nlq import service
from app.nlq.schemas import Answer, Question
from app.web import Held, answers

router = APIRouter(tags=["questions"])
# Whoever asks waits for a child: never in the threads of the other routes.
_lane = Lane(4)


@router.post("/nlq", response_model=Answer, responses=answers(401, 404, 410, 422))
async def ask(body: Question, user: CurrentUser, held: Held) -> dict[str, Any]:
    """Ask about a dataset in plain words: counts, averages, sums, extremes, groups."""
    return await _lane.run(service.ask, held, user, body.dataset_id, body.question)
