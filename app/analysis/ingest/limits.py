"""What a file may cost: unpacked size, columns, cells, length of a line, depth of nesting."""

from __future__ import annotations

from dataclasses import dataclass

from app.analysis.errors import TooLarge

MAX_COLUMNS = 20_000
MAX_LINE_CHARS = 16 * 2**20
MAX_SHEET_CELLS = 60_000_000
MAX_JSON_DEPTH = 200

# A table of records may be this large whatever is in it; past it, so few of its cells must hold values.
_FREE_SPARSE_CELLS = 20_000_000
_LEAST_FILLED = 0.005

_FREE_UNPACKED_BYTES = 50 * 2**20
_MAX_RATIO = 200


def check_unpacked(packed: int, unpacked: int, max_unpacked_bytes: int) -> None:
    """Refuse what unpacks past the limit, or past 50 MB at more than 200 to 1.

    ``packed`` and ``unpacked`` are bytes. Raises :class:`TooLarge`.
    """
    if unpacked > max_unpacked_bytes:
        raise TooLarge(
            f"The file unpacks to more than {max_unpacked_bytes / 1e6:,.0f} MB, which is the limit.",
            limit_bytes=max_unpacked_bytes,
        )
    if unpacked > _FREE_UNPACKED_BYTES and unpacked > _MAX_RATIO * max(packed, 1):
        raise TooLarge(
            f"The file unpacks to more than {_MAX_RATIO} times its size, as a decompression bomb does.",
            limit_ratio=_MAX_RATIO,
        )


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may come out of one file: ``packed`` bytes were sent, so many may be unpacked."""

    packed: int
    max_unpacked_bytes: int

    def check(self, unpacked: int) -> None:
        """As :func:`check_unpacked`."""
        check_unpacked(self.packed, unpacked, self.max_unpacked_bytes)


def check_columns(count: int) -> None:
    """Refuse a table wider than any table people analyse. Raises :class:`TooLarge`."""
    if count > MAX_COLUMNS:
        raise TooLarge(
            f"The table has {count:,} columns; UAM reads at most {MAX_COLUMNS:,}.",
            limit_columns=MAX_COLUMNS,
        )


def check_filled(rows: int, columns: int, filled: int) -> None:
    """Refuse records whose keys are new in nearly every record: a table of empty cells.

    Raises :class:`TooLarge`.
    """
    cells = rows * columns
    if cells > _FREE_SPARSE_CELLS and filled < _LEAST_FILLED * cells:
        raise TooLarge(
            f"The records have {columns:,} different keys in {rows:,} records, and as columns they "
            f"would be nearly all empty.",
            limit_columns=MAX_COLUMNS,
        )
