"""What every reader hands on: rows that the engine can query, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from app.analysis.ingest.findings import Finding

# ``infer``: text whose type is to be found; ``native``: the same, but the file itself wrote
# numbers as numbers; ``string``: declared as text by the file and left so; the rest: typed.
Kind = Literal["infer", "native", "string", "integer", "number", "boolean", "datetime"]


@dataclass(slots=True)
class Table:
    """A table that was opened, its cells still as written.

    ``relation`` is SQL that can stand after FROM and has the columns ``c0, c1 …``.
    ``careful`` opens the same file again with the slow reader that forgives and explains,
    for when the fast one finds on the way that the file breaks its own rules.
    """

    names: list[str]
    relation: str
    kinds: list[Kind]
    read: dict[str, Any]
    row_bytes: float = 100.0
    delimiter: str = ","
    findings: list[Finding] = field(default_factory=list)
    careful: Callable[[], Table] | None = None
