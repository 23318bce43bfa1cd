"""Why a prediction could not be made, as the problem that the caller is told."""

from __future__ import annotations

import logging

from app.core.child_errors import ChildCrashed, ChildError
from app.core.child_problems import as_problem
from app.core.problems import Gone, Problem, Unprocessable

logger = logging.getLogger(__name__)

OUTDATED = "outdated_model"
_LIMITS = frozenset({"out_of_memory", "timeout"})


class Outdated(Gone):
    """410: the libraries of this version cannot load the model; see ``refitting``."""


def prediction_problem(error: ChildError) -> Problem:
    """The problem for a failed prediction; rows that do not fit are named in its ``errors``."""
    if isinstance(error, ChildCrashed):
        logger.error("a prediction broke down: %s\n%s", error.message, error.log)
        return Unprocessable("The prediction could not be made: the model broke on these rows.")
    if error.code in _LIMITS:
        return Unprocessable(f"The prediction could not be made: {error.message}.")
    if error.code == OUTDATED:
        return Outdated(error.message)
    return as_problem(error)


def no_rows(location: str) -> Unprocessable:
    """The problem of a request that holds nothing to predict."""
    message = "there are no rows to predict"
    return Unprocessable(
        "There are no rows to predict.", errors=[{"location": location, "message": message}]
    )


def in_one_sentence(error: ChildError | Problem) -> str:
    """The same for a job's row: what went wrong, and the first places of it."""
    problem = error if isinstance(error, Problem) else prediction_problem(error)
    places = [f"{item['location']}: {item['message']}" for item in (problem.errors or [])[:3]]
    return "; ".join([problem.detail.rstrip("."), *places]) + "."
