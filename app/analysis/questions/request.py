"""What a rule of the grammar of whole questions yields."""

from __future__ import annotations

from collections.abc import Callable

from app.analysis.questions.plan import Plan
from app.analysis.questions.selection import Selection

Builder = Callable[[Selection, Selection], Plan | None]
"""Makes the plan of the rows named before the request and of those named after it."""

Request = tuple[int, Builder, float]
"""Where the words of a request end, its builder, and how sure the reading is."""
