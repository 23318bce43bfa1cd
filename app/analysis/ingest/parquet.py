"""Parquet files: typed by themselves; what UAM has no type for becomes text, and is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from app.analysis.errors import BadTable, TooLarge, UnsupportedFormat
from app.analysis.ingest.arrow_types import typed_table
from app.analysis.ingest.columnar import park
from app.analysis.ingest.detect import Detected
from app.analysis.ingest.engine import adopt
from app.analysis.ingest.findings import Finding, quoted
from app.analysis.ingest.limits import check_columns
from app.analysis.ingest.parquet_cost import DAMAGE, check_decoded, is_encrypted, open_file
from app.analysis.ingest.table import Table

_BATCH_ROWS = 1024
_DAMAGED = "The Parquet file is damaged"
_ENCRYPTED = "This is a Parquet file with encrypted columns, which UAM has no keys for."


def open_parquet(detected: Detected, scratch: Path, max_unpacked_bytes: int) -> Table:
    """Open a Parquet file as a table.

    Raises :class:`BadTable` for a damaged file, :class:`TooLarge` for one that unpacks too far,
    :class:`UnsupportedFormat` for one with encrypted columns.
    """
    with _told("its footer cannot be read"):
        file = open_file(detected.path)
    with file:
        if is_encrypted(file, detected.path):
            raise UnsupportedFormat(_ENCRYPTED)
        with _told("its schema cannot be read"):
            schema, rows = file.schema_arrow, file.metadata.num_rows
        check_columns(len(schema))
        if not len(schema):
            raise BadTable("The Parquet file has no columns.")
        with _told("its pages cannot be read"):
            unpacked = check_decoded(file, detected.packed, max_unpacked_bytes)
    link = adopt(detected.path, scratch, "table.parquet")
    table = typed_table(link, schema.names, schema.types, rows, unpacked, "parquet")
    # What the engine cannot decode, pyarrow may: some encodings, dates past the engine's range.
    table.careful = lambda: _careful(detected, scratch, max_unpacked_bytes)
    return table


def _careful(detected: Detected, scratch: Path, max_unpacked_bytes: int) -> Table:
    file = open_file(detected.path)
    batches = file.iter_batches(_BATCH_ROWS)
    with _told("its pages cannot be read"):
        first = next(batches, None)
    schema = file.schema_arrow if first is None else first.schema
    try:
        table = park(
            schema,
            chain([] if first is None else [first], batches),
            detected,
            scratch,
            max_unpacked_bytes,
        )
    except BadTable as error:
        raise _encrypted(error.__cause__) or error from error.__cause__
    # What pyarrow has no array for: records without a field.
    for name in sorted(set(file.schema_arrow.names) - set(schema.names)):
        message = f"{quoted(name)} holds records without a field and was left out."
        table.findings.append(Finding("converted", message, name))
    found, declared = table.read["rows_declared"], file.metadata.num_rows
    if found != declared:
        raise BadTable(f"{_DAMAGED}: it declares {declared:,} rows and holds {found:,}.")
    return table


@contextmanager
def _told(why: str) -> Iterator[None]:
    """Turn what pyarrow raises into the analyst's own errors."""
    try:
        yield
    except MemoryError as error:
        raise TooLarge(
            "A page of the Parquet file asks for more memory than UAM gives to reading one."
        ) from error
    except NotImplementedError as error:
        raise BadTable(
            f"The Parquet file is written in a way that UAM cannot read: {why}."
        ) from error
    except DAMAGE as error:
        if "precision out of range" in str(error):
            raise UnsupportedFormat(
                "The Parquet file has decimals of more digits than UAM reads (76)."
            ) from error
        raise _encrypted(error) or BadTable(
            f"{_DAMAGED}: {why}.", hint="It may have been cut short; send it again."
        ) from error


def _encrypted(error: BaseException | None) -> UnsupportedFormat | None:
    """What to tell of columns that only the file itself notes as encrypted."""
    return UnsupportedFormat(_ENCRYPTED) if "noted as encrypted" in str(error) else None
