"""SPSS, Stata and SAS files, read in chunks; their labels become categories and told facts."""

# ruff: noqa: S608  (SQL is built of positions)

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from app.analysis.errors import BadOption, BadTable, TooLarge
from app.analysis.ingest.cells import Seen, cell_text
from app.analysis.ingest.detect import Detected
from app.analysis.ingest.findings import Finding, counted, listing, quoted
from app.analysis.ingest.limits import Allowance, check_columns, check_unpacked
from app.analysis.ingest.names import repair_names
from app.analysis.ingest.options import ReadOptions
from app.analysis.ingest.parts import PartWriter, are_whole, text_array, value_array
from app.analysis.ingest.spss_cases import packed_cases, pieces
from app.analysis.ingest.table import Kind, Table

# Cells turned into text at a time, some 60 bytes each.
_CHUNK_CELLS = 1_000_000
# Bytes of what is read at a time, as Python values.
_READ_BYTES = 128 * 2**20
_NUMBER_BYTES, _TEXT_BYTES = 32, 64
# How the three programs write numbers that are numbers; the rest may be dates.
_PLAIN_FORMAT = re.compile(r"(?:None|F[0-9.]*|BEST[0-9.]*|%[-0-9.,]*[gfe]c?)?$")
_MAX_LABELS = 2000
_PROGRAMS = {
    "sav": "SPSS",
    "zsav": "SPSS",
    "por": "SPSS",
    "dta": "Stata",
    "sas7bdat": "SAS",
    "xpt": "SAS",
}


def open_statistics(
    detected: Detected, options: ReadOptions, scratch: Path, max_unpacked_bytes: int
) -> Table:
    """Open a file of SPSS (sav, zsav, por), Stata (dta) or SAS (sas7bdat, xpt) as a table.

    A column of which every value has a label becomes its labels; values that the file itself
    marks as missing are missing. Both are told. Raises :class:`BadTable` for a damaged file,
    saying the row, and :class:`TooLarge` for one that unpacks too far.
    """
    reader = _Reader(detected, options.encoding)
    about = reader.head()
    columns = [_Column.of(name, about) for name in about.column_names]
    if not columns:
        raise BadTable(f"The {reader.program} file has no columns.")
    check_columns(len(columns))
    row_bytes = sum(max(int(w or 8), 1) for w in about.variable_storage_width.values())
    declared = max(about.number_rows or 0, 0)
    check_unpacked(detected.packed, declared * row_bytes, max_unpacked_bytes)
    rows = 0
    labelled = [column for column in columns if column.labels]
    # A label stands once in the file, however many rows have it.
    with PartWriter(scratch, Allowance(detected.packed, max_unpacked_bytes)) as parts:
        parts.widen(len(columns) + len(labelled))
        for piece in reader.chunks(_rows_read(columns, row_bytes), declared, scratch):
            for cells in _chunks(piece, columns):
                arrays = [column.array(found) for column, found in zip(columns, cells, strict=True)]
                labels = [
                    text_array(column.label(found.to_pylist()))
                    for column, found in zip(columns, arrays, strict=True)
                    if column.labels
                ]
                parts.add([*arrays, *labels], sum(array.nbytes for array in (*arrays, *labels)))
                rows += len(cells[0])
                check_unpacked(detected.packed, rows * row_bytes, max_unpacked_bytes)
    return _table(detected, about, columns, parts)


def _rows_read(columns: Sequence[_Column], row_bytes: int) -> int:
    """How many rows are read at a time."""
    held = sum(_NUMBER_BYTES if column.is_bare() else _TEXT_BYTES for column in columns)
    return max(1, int(_READ_BYTES / (held + row_bytes)))


def _chunks(
    piece: Mapping[str, list[Any]], columns: Sequence[_Column]
) -> Iterator[list[list[Any]]]:
    """The cells of each column, for some rows of what was read at a time."""
    found = [piece[column.name] for column in columns]
    rows = max(1, _CHUNK_CELLS // len(columns))
    for start in range(0, len(found[0]), rows):
        yield [cells[start : start + rows] for cells in found]


def _table(detected: Detected, about: Any, columns: Sequence[_Column], parts: PartWriter) -> Table:
    names, repaired = repair_names(column.name for column in columns)
    chosen, kinds = [], list[Kind]()
    place = len(columns)
    for i, column in enumerate(columns):
        cell = f"c{place if column.applies_labels() else i}"
        whole = column.kind() == "integer" and not column.applies_labels()
        chosen.append(f"CAST({cell} AS BIGINT) AS c{i}" if whole else f"{cell} AS c{i}")
        kinds.append("string" if column.applies_labels() else column.kind())
        place += bool(column.labels)
    findings = [f for n, c in zip(names, columns, strict=True) for f in c.findings(n)]
    read: dict[str, Any] = {"format": detected.format, "encoding": about.file_encoding}
    described = {n: c.described for n, c in zip(names, columns, strict=True) if c.described}
    if described:
        read["labels"] = dict(list(described.items())[:_MAX_LABELS])
        shown = [f"{quoted(name, 40)} is {quoted(text)}" for name, text in described.items()]
        findings.append(Finding("labels", f"The file describes its columns: {listing(shown)}."))
    if about.file_label:
        read["title"] = str(about.file_label)[:500]
    return Table(
        names=names,
        relation=f"(SELECT {', '.join(chosen)} FROM {parts.relation()})",
        kinds=kinds,
        read=read,
        row_bytes=parts.row_bytes,
        findings=[*repaired, *findings],
    )


class _Reader:
    """Calls pyreadstat and turns what it raises into the analyst's own errors."""

    def __init__(self, detected: Detected, encoding: str | None) -> None:
        import pyreadstat

        self._path = str(detected.path)
        self.program = _PROGRAMS[detected.format]
        readers: Mapping[str, Callable[..., Any]] = {
            "sav": pyreadstat.read_sav,
            "zsav": pyreadstat.read_sav,
            "por": pyreadstat.read_por,
            "dta": pyreadstat.read_dta,
            "sas7bdat": pyreadstat.read_sas7bdat,
            "xpt": pyreadstat.read_xport,
        }
        self._read = readers[detected.format]
        self._given: dict[str, Any] = {"output_format": "dict"}
        if encoding:
            self._given["encoding"] = encoding
        self._spss = detected.format in ("sav", "zsav")
        if detected.format not in ("por", "xpt"):
            self._given["user_missing"] = True

    def head(self) -> Any:
        """What the file says of its columns, without a row."""
        return self._call(0, metadataonly=True)[1]

    def chunks(self, size: int, declared: int, scratch: Path) -> Iterator[dict[str, list[Any]]]:
        """The rows, about ``size`` at a time, as a list of cells for each column."""
        offset = 0
        for found in self._pieces(size, declared, scratch):
            yield found
            offset += len(next(iter(found.values())))
        while not declared or offset < declared:
            found, _ = self._call(offset, row_offset=offset, row_limit=size)
            count = len(next(iter(found.values()), []))
            if not count:
                break
            yield found
            offset += count
            if count < size:
                break
        if offset < declared:
            raise self._damaged(offset)

    def _pieces(self, size: int, declared: int, scratch: Path) -> Iterator[dict[str, list[Any]]]:
        """The same of a packed file of SPSS, as far as it can be taken apart."""
        packed = packed_cases(Path(self._path)) if self._spss and declared > size else None
        if packed is None:
            return
        target, offset = scratch / "piece.sav", 0
        with suppress(ValueError):
            for count in pieces(packed, size, target):
                wanted = min(count, declared - offset)
                found, _ = self._call(offset, str(target), row_limit=wanted)
                if len(next(iter(found.values()), [])) != wanted:
                    return
                yield found
                offset += wanted
                if offset == declared:
                    return

    def _call(self, row: int, path: str | None = None, **options: Any) -> Any:
        try:
            return self._read(path or self._path, **self._given, **options)
        except (OverflowError, ValueError) as error:
            # A date before the year 1 or after 9999: such columns stay numbers.
            if self._given.get("disable_datetime_conversion") or isinstance(error, UnicodeError):
                raise self._damaged(row) from error
            self._given["disable_datetime_conversion"] = True
            return self._call(row, path, **options)
        except MemoryError as error:
            raise TooLarge(
                f"The {self.program} file asks for more memory than UAM gives to reading one."
            ) from error
        except (OSError, TypeError, KeyError) as error:
            raise self._damaged(row) from error
        except Exception as error:
            # The library's own errors have no class in common below Exception.
            if type(error).__module__.partition(".")[0] != "pyreadstat":
                raise
            raise self._explained(error, row) from error

    def _explained(self, error: Exception, row: int) -> BadTable | BadOption:
        if "unsupported character set" in str(error) and "encoding" in self._given:
            return BadOption("The file cannot be read in this encoding.", option="encoding")
        if "convert string" in str(error):
            return BadTable(
                f"The {self.program} file holds bytes that are not text in its own encoding.",
                hint="Name the encoding it was written in with 'encoding', such as cp1252.",
            )
        return self._damaged(row)

    def _damaged(self, row: int) -> BadTable:
        return BadTable(
            f"The {self.program} file is damaged and cannot be read past row {row:,}."
            if row
            else f"The {self.program} file is damaged or of a version that cannot be read.",
            row=row + 1 if row else None,
            hint="It may have been cut short; send it again.",
        )


@dataclass(slots=True)
class _Column:
    """One variable: what the file says of it, and what its cells turned out to be."""

    name: str
    described: str | None
    numeric: bool
    single: bool
    dated: bool
    labels: dict[str, str]
    ranges: list[tuple[Any, Any]]
    tags: frozenset[str]
    seen: Seen = field(default_factory=Seen)
    missing: dict[str, int] = field(default_factory=dict)
    times: int = 0
    used: set[str] = field(default_factory=set)
    unlabelled: bool = False
    whole: bool = True

    @classmethod
    def of(cls, name: str, about: Any) -> _Column:
        kind = about.readstat_variable_types.get(name)
        spelled = about.variable_value_labels.get(name, {})
        labels = {
            _label_key(value): str(label).strip()
            for value, label in spelled.items()
            if str(label).strip()
        }
        return cls(
            name=name,
            described=(about.column_names_to_labels.get(name) or "").strip()[:500] or None,
            numeric=kind != "string",
            single=kind == "float",
            dated=not _PLAIN_FORMAT.match(str(about.original_variable_types.get(name, ""))),
            labels=_told_apart(labels),
            ranges=[(r["lo"], r["hi"]) for r in about.missing_ranges.get(name, [])],
            tags=frozenset(map(str, about.missing_user_values.get(name, []))),
        )

    def is_bare(self) -> bool:
        """Whether the library gives numbers and not texts or dates."""
        return self.numeric and not self.dated

    def array(self, cells: Sequence[Any]) -> pa.Array:
        """The cells as numbers or text, those that the file marks as missing left out and counted."""
        if self.stays_numbers():
            return self._numbers(cells)
        return text_array([self._text(cell) for cell in cells])

    def stays_numbers(self) -> bool:
        """Whether the cells are numbers that need no reading; dates and codes with labels do."""
        return self.is_bare() and not self.labels

    def _numbers(self, cells: Sequence[Any]) -> pa.Array:
        if str in set(map(type, cells)):
            # The names of missing values, see below.
            cells = [self._text(cell) if isinstance(cell, str) else cell for cell in cells]
        values = np.array(cells, dtype=np.float64)
        if self.single:
            # In as many digits as tell numbers of single precision apart.
            values = values.astype(np.float32).astype(np.str_).astype(np.float64)
        for least, most in self.ranges:
            if isinstance(least, str):
                continue
            marked = (values >= least) & (values <= most)
            for code, count in zip(*np.unique(values[marked], return_counts=True), strict=True):
                key = _label_key(float(code))
                self.missing[key] = self.missing.get(key, 0) + int(count)
            values[marked] = np.nan
        there = ~np.isnan(values)
        self.whole = self.whole and are_whole(values[there])
        return value_array(values, there, pa.float64())

    def _text(self, cell: Any) -> str | None:
        if cell is None or cell == "":
            return None
        # In a column of numbers a letter is a missing value with a name of its own.
        if (self.numeric and isinstance(cell, str)) or self._is_marked(cell):
            code = _label_key(cell)
            self.missing[code] = self.missing.get(code, 0) + 1
            return None
        text = cell_text(_single(cell) if self.single and isinstance(cell, float) else cell)
        if text is not None:
            self.seen.note(cell)
            self.times += isinstance(cell, dt.time | dt.timedelta)
        return text

    def _is_marked(self, cell: Any) -> bool:
        # Bounds are numbers or texts, as the variable is; dates have none.
        if isinstance(cell, str):
            return any(isinstance(a, str) and a <= cell <= b for a, b in self.ranges)
        if isinstance(cell, float | int):
            return any(not isinstance(a, str) and a <= cell <= b for a, b in self.ranges)
        return False

    def label(self, texts: Sequence[str | None]) -> list[str | None]:
        """The labels of cells that :meth:`take` gave."""
        found = [None if text is None else self.labels.get(text) for text in texts]
        self.unlabelled |= any(
            t is not None and f is None for t, f in zip(texts, found, strict=True)
        )
        self.used.update(t for t, f in zip(texts, found, strict=True) if f is not None and t)
        return found

    def applies_labels(self) -> bool:
        """Whether the column becomes its labels: every value in it has one."""
        return bool(self.used) and not self.unlabelled

    def kind(self) -> Kind:
        """Text that the file declares as text is left so; dates are as written."""
        if self.stays_numbers():
            return "integer" if self.whole else "number"
        return "native" if self.numeric else "string"

    def findings(self, name: str) -> list[Finding]:
        """What is to be told of the column under its final name."""
        told = []
        if self.applies_labels():
            pairs = listing([self._pair(code) for code in self.labels if code in self.used])
            message = f"{quoted(name)} holds codes and was read as their labels: {pairs}."
            told.append(Finding("value_labels", message, name))
        elif self.used:
            pairs = listing([self._pair(code) for code in self.labels if code in self.used])
            message = f"{quoted(name)} has labels for some of its values only, which were kept as they are: {pairs}."
            told.append(Finding("value_labels", message, name))
        if self.missing:
            count = counted(sum(self.missing.values()), "cell")
            codes = listing([self._pair(code) for code in self.missing])
            message = f"{quoted(name)} has {count} that the file itself marks as missing: {codes}."
            told.append(Finding("user_missing", message, name))
        if self.times:
            message = f"{quoted(name)} holds times without a date, kept as text."
            told.append(Finding("converted", message, name))
        return told

    def _pair(self, code: str) -> str:
        label = self.labels.get(code)
        return f"{code} is {quoted(label, 40)}" if label else code


def _label_key(value: Any) -> str:
    return str(value) if isinstance(value, str) else cell_text(value) or ""


def _told_apart(labels: dict[str, str]) -> dict[str, str]:
    """Labels with their code behind them where two codes have the same one."""
    counts = Counter(labels.values())
    repeated = {label for label, count in counts.items() if count > 1}
    return {
        code: f"{label} ({code})" if label in repeated else label for code, label in labels.items()
    }


def _single(cell: float) -> float:
    """A number of single precision as the double of as many digits as tell it apart."""
    return float(str(np.float32(cell)))
