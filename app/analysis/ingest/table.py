"""What every reader hands on: rows that the engine can query, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from app.analysis.ingest.findings import Finding

if TYPE_CHECKING:
    import pyarrow as pa

    from app.analysis.ingest.staging import Staged

# Stands in SQL for the cell of whichever column is meant.
CELL = "{c}"

# ``infer``: text whose type is to be found; ``native``: the same, but the file itself wrote
# numbers as numbers; ``string``: declared as text by the file and left so; the rest: typed.
Kind = Literal["infer", "native", "string", "integer", "number", "boolean", "datetime"]


@dataclass(frozen=True, slots=True)
class Held:
    """The cells of a table: all of them if they are few, else in files of some columns each.

    ``rows`` is ``None`` where they were not counted, and then nothing is held.
    """

    relation: str
    rows: int | None
    whole: pa.Table | None = None
    parked: Sequence[Path] = ()


@dataclass(slots=True)
class Table:
    """A table that was opened, its cells still as written.

    ``relation`` is SQL that can stand after FROM and has the columns ``c0, c1 …``.
    ``careful`` opens the same file again with the slow reader that forgives and explains,
    for when the fast one finds on the way that the file breaks its own rules.
    ``text_bytes`` is the size of a text that is parsed anew with every query, ``None`` for rows
    that stand in columns already. ``held`` is what :mod:`.stacks` remembers of the table, and
    ``staged`` what :mod:`.staging` wrote of it.
    """

    names: list[str]
    relation: str
    kinds: list[Kind]
    read: dict[str, Any]
    row_bytes: float = 100.0
    delimiter: str = ","
    findings: list[Finding] = field(default_factory=list)
    careful: Callable[[], Table] | None = None
    text_bytes: int | None = None
    held: Held | None = None
    staged: Staged | None = None
