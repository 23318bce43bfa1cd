"""Parquet files: typed by themselves; what UAM has no type for becomes text, and is told."""

# ruff: noqa: S608  (SQL is built of positions, quoted literals and quoted names)

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from app.analysis.errors import BadTable, TooLarge
from app.analysis.ingest.arrow_types import declared_column
from app.analysis.ingest.detect import Detected
from app.analysis.ingest.engine import adopt, identifier, literal, positions
from app.analysis.ingest.findings import Finding, quoted
from app.analysis.ingest.limits import check_columns
from app.analysis.ingest.names import repair_names
from app.analysis.ingest.parquet_cost import DAMAGE, check_decoded, open_file
from app.analysis.ingest.table import Kind, Table

_DAMAGED = "The Parquet file is damaged"


def open_parquet(detected: Detected, scratch: Path, max_unpacked_bytes: int) -> Table:
    """Open a Parquet file as a table.

    Raises :class:`BadTable` for a damaged file, :class:`TooLarge` for one that unpacks too far.
    """
    with _told("its footer cannot be read"):
        file = open_file(detected.path)
    with file:
        with _told("its schema cannot be read"):
            schema, rows = file.schema_arrow, file.metadata.num_rows
        check_columns(len(schema))
        if not len(schema):
            raise BadTable("The Parquet file has no columns.")
        with _told("its pages cannot be read"):
            unpacked = check_decoded(file, detected.packed, max_unpacked_bytes)
    link = adopt(detected.path, scratch, "table.parquet")
    return typed_table(link, schema.names, schema.types, rows, unpacked, "parquet")


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
        raise BadTable(
            f"{_DAMAGED}: {why}.", hint="It may have been cut short; send it again."
        ) from error


def typed_table(
    path: Path,
    raw_names: Sequence[str],
    types: Sequence[pa.DataType],
    rows: int,
    unpacked: int,
    format_name: str,
) -> Table:
    """A table of typed columns over a Parquet file of ``rows`` rows and ``unpacked`` bytes."""
    names, findings = repair_names(raw_names)
    inner = positions(len(names))
    kinds: list[Kind] = []
    casts = []
    for name, position, kind in zip(names, inner, types, strict=True):
        declared, sql, told = declared_column(kind, position)
        kinds.append(declared)
        casts.append(f"{sql} AS {position}")
        if told:
            findings.append(Finding("converted", f"{quoted(name)} {told}", name))
    aliases = ", ".join(identifier(position) for position in inner)
    relation = (
        f"(SELECT {', '.join(casts)} FROM read_parquet({literal(str(path))}, "
        f"hive_partitioning = false) AS t({aliases}))"
    )
    return Table(
        names=names,
        relation=relation,
        kinds=kinds,
        read={"format": format_name, "rows_declared": rows},
        row_bytes=unpacked / max(rows, 1),
        findings=findings,
    )
