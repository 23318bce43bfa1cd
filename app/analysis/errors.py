"""What the analyst says when a table, a question or an option cannot be served.

Every error carries a stable ``code``, one plain sentence, and ``details`` made of JSON
values only, so that it can cross the border of a child process unchanged.
"""

from __future__ import annotations

from typing import Any, ClassVar


class AnalysisError(Exception):
    """The root of the analyst's own errors; ``message`` is one sentence fit for a user."""

    code: ClassVar[str] = "analysis_error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = {k: v for k, v in details.items() if v is not None}


class BadTable(AnalysisError):
    """The file is of a known format but cannot be read; says where.

    ``details``: ``row`` (1-based line or record), ``column`` (name) and ``hint``, each where known.
    """

    code = "bad_table"


class UnsupportedFormat(AnalysisError):
    """The bytes are not a table in any format UAM reads."""

    code = "unsupported_format"


class TooLarge(AnalysisError):
    """The file, or what it unpacks to, passes a limit."""

    code = "too_large"


class BadOption(AnalysisError):
    """An option does not fit this table; ``details`` holds ``option``."""

    code = "bad_option"


class HopelessTable(AnalysisError):
    """Nothing can be learned from this table for this target; the message says why."""

    code = "hopeless_table"


class BadRows(AnalysisError):
    """Rows to predict do not fit the model's input schema.

    ``details['errors']`` is a list of ``{"row": int, "column": str, "message": str}``
    (``row`` counts from 0, as in the request), at most 50 of them.
    """

    code = "bad_rows"


class BadModel(AnalysisError):
    """A model bundle cannot be loaded: its hash, its signature or its content is wrong."""

    code = "bad_model"


class OutdatedModel(BadModel):
    """A bundle is the one that was stored, and the libraries of this version cannot load it."""

    code = "outdated_model"
