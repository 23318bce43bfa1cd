"""What a child could not do, as the problem that the caller is told."""

from __future__ import annotations

from typing import Any

from app.core.child_errors import ChildDiskFull, ChildError
from app.core.problems import (
    Gone,
    InsufficientStorage,
    PayloadTooLarge,
    Problem,
    Unprocessable,
    UnsupportedMedia,
)


def _where(details: dict[str, Any], fallback: str) -> str:
    parts = []
    if "row" in details:
        parts.append(f"row {details['row']}")
    if "column" in details:
        parts.append(f"column {details['column']}")
    return ", ".join(parts) or fallback


def _columns(details: dict[str, Any]) -> list[dict[str, str]]:
    """An error for each column that a file lacks, or has besides those of its data set."""
    kinds = (
        ("missing_columns", "the file lacks this column"),
        ("extra_columns", "the data set does not have this column"),
    )
    return [
        {"location": f"column {name}", "message": message}
        for key, message in kinds
        for name in details.get(key, ())
    ]


def as_problem(error: ChildError, location: str = "body.file") -> Problem:
    """The problem for ``error``; ``location`` names the part of the request that is to blame."""
    details = error.details
    if isinstance(error, ChildDiskFull):
        return InsufficientStorage("There is no room left on the server's disk; try again later.")
    if error.code == "unsupported_format":
        return UnsupportedMedia(error.message)
    if error.code == "too_large":
        return PayloadTooLarge(error.message)
    if error.code in {"bad_model", "outdated_model"}:
        return Gone(error.message)
    if error.code == "bad_rows":
        errors = [
            {
                "location": f"rows[{item.get('row')}].{item.get('column')}"
                if item.get("column") is not None
                else f"rows[{item.get('row')}]"
                if item.get("row") is not None
                else "rows",
                "message": str(item.get("message", "")),
            }
            for item in details.get("errors", [])
        ]
        return Unprocessable(error.message, errors=errors or None)
    if error.code == "bad_option":
        place = f"body.{details['option']}" if "option" in details else "body"
        return Unprocessable(error.message, errors=[{"location": place, "message": error.message}])
    if error.code in {"bad_table", "hopeless_table"}:
        named = _columns(details)
        if named:
            return Unprocessable(error.message, errors=named, hint=details.get("hint"))
        where = _where(details, location)
        extra = {key: details[key] for key in ("row", "column", "hint") if key in details}
        return Unprocessable(
            error.message, errors=[{"location": where, "message": error.message}], **extra
        )
    if error.code == "out_of_memory":
        return PayloadTooLarge(f"The file could not be read: {error.message}.")
    if error.code == "timeout":
        return Unprocessable(f"The file could not be read: {error.message}.")
    return Unprocessable(
        "The file could not be read: the reader broke on it. It may be damaged; try to save it "
        "again, or as CSV.",
        errors=[{"location": location, "message": "the reader broke on it"}],
    )
