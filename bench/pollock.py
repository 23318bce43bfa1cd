"""Messy delimited files read blind, by the measure of the Pollock benchmark, beside other readers.

The benchmark: Vitagliano, Hameed, Jiang, Reisener, Wu and Naumann, "Pollock: A Data Loading
Benchmark", PVLDB 16(8), 2023. A collection is a folder with ``csv`` (the files to read) and
``clean`` (the same tables as standard CSV). ``--corpus`` names one, or a folder of several;
nothing is downloaded and no reader is told any parameter::

    python -m bench.pollock --corpus DIR [--worst 20] [--peers duckdb,pandas] [--only 'file_*']
"""

from __future__ import annotations

import argparse
import csv
import fnmatch
import importlib.util
import io
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from app.analysis.ingest.convert import Outcome, convert

Rows = list[list[str]]
Reader = Callable[[Path], Rows]

_MISSING = frozenset({"na", "n/a", "#n/a", "null", "none", "nan", "nat", "<na>", "-"})
_UNIT = re.compile(r"^[€$£¥]\s?|\s?[%€$£¥]$")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_GROUPED = re.compile(r"[-+]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_DATE = re.compile(
    r"([0-9]{1,4})[-/.]([0-9]{1,2}|[A-Za-z]{3})[-/.]([0-9]{1,4})"
    r"(?:[ Tt]([0-9]{1,2}:[0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?)?"
)
_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})?")
# Names that no file holds: a reader's for a column without one, and its endings of repeated names.
_MADE_UP = re.compile(r"(?:unnamed: ?|column_?|col_|field_?)[0-9]+")
_TOLD_APART = re.compile(r"(.+?)[._ ]?[0-9]+")
_MONTHS = {
    name: str(number)
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        start=1,
    )
}


@lru_cache(maxsize=500_000)
def normalise(cell: str) -> str:
    """A cell by its value, so that a reader that types its columns is not held to the spelling.

    ``$74.69``, ``74.690`` and ``74.69`` are one value, ``01/02/2018`` and ``2018-02-01`` too (day
    and month are compared without their order, which no single cell tells), as are the usual
    words for a missing value; of other texts case and outer blanks do not count.
    """
    text = cell.strip().lower()
    if text in _MISSING:
        return ""
    bare = _UNIT.sub("", text)
    if _GROUPED.fullmatch(bare):
        bare = bare.replace(",", "")
    if _NUMBER.fullmatch(bare):
        return f"{float(bare):.12g}"
    if text in ("true", "false"):
        return "1" if text == "true" else "0"
    if _CLOCK.fullmatch(text):
        return f"{text}:00" if text.count(":") == 1 else text
    date = _DATE.fullmatch(text)
    return _date(date) if date else text


def _date(date: re.Match[str]) -> str:
    parts = [
        str(int(_MONTHS.get(part, part) if part.isalpha() else part))
        if (part.isdigit() or part in _MONTHS)
        else part
        for part in date.group(1, 2, 3)
    ]
    clock = f"{date[4] or '0:00'}:{date[5] or '00'}".lstrip("0")
    shortened = [part[-2:] if len(part) == 4 else part for part in parts]
    return " ".join(sorted(shortened)) + " " + clock.rjust(8, "0")


def agreement(wanted: Sequence[str], read: Sequence[str]) -> float:
    """Precision, recall and F1 of two multisets, added: from 0 to 3. Nothing wanted is 3."""
    if not wanted:
        return 3.0
    common = (Counter(wanted) & Counter(read)).total()
    if not common:
        return 0.0
    precision, recall = common / len(read), common / len(wanted)
    return precision + recall + 2 * precision * recall / (precision + recall)


def score(clean: Rows, read: Rows | None, value: Callable[[str], str] = normalise) -> float:
    """Points of one file, of 10: 1 for reading it at all, and 3 each for header, records, cells.

    ``read`` is ``None`` where the reader gave up. A record is its cells joined, so that cells
    shifted into the next column still make the record, as in the benchmark's own measure.
    """
    if read is None:
        return 0.0
    if not clean:
        return 10.0
    return (
        1.0
        + agreement(list(map(value, clean[0])), list(map(value, read[0])) if read else [])
        + agreement(_records(clean, value), _records(read, value))
        + agreement([value(c) for r in clean for c in r], [value(c) for r in read for c in r])
    )


def without_made_up(rows: Rows, repeated: Collection[str]) -> Rows:
    """Rows whose header lacks what readers add to it: names for nameless columns, endings.

    ``repeated`` are the names (normalised) that the table truly has more than once.
    """
    header = []
    for cell in rows[0] if rows else []:
        name = normalise(cell)
        parts = _TOLD_APART.fullmatch(name)
        base = parts[1] if parts and parts[1] in repeated else name
        header.append("" if _MADE_UP.fullmatch(name) else base)
    return [header, *rows[1:]] if rows else rows


def _records(rows: Rows, value: Callable[[str], str]) -> list[str]:
    return ["".join(map(value, row)) for row in rows[1:]]


def read_standard(path: Path) -> Rows:
    """The rows of a standard CSV."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def _duckdb() -> Reader:
    import duckdb

    connection = duckdb.connect()

    def read(path: Path) -> Rows:
        relation = connection.read_csv(
            str(path), strict_mode=False, ignore_errors=True, null_padding=True
        )
        rows = [["" if v is None else str(v) for v in row] for row in relation.fetchall()]
        return [relation.columns, *rows]

    return read


def _pandas() -> Reader:
    import pandas as pd

    def read(path: Path) -> Rows:
        text = pd.read_csv(path).to_csv(index=False)
        return list(csv.reader(io.StringIO(text, newline="")))

    return read


def _clevercsv() -> Reader:
    import clevercsv

    def read(path: Path) -> Rows:
        # Its search grows faster than the text: it is shown the beginning, as its manual advises.
        return list(clevercsv.stream_table(str(path), num_chars=20_000))

    return read


PEERS: dict[str, Callable[[], Reader]] = {
    "duckdb": _duckdb,
    "pandas": _pandas,
    "clevercsv": _clevercsv,
}


@dataclass
class Result:
    """One reader over one collection: points by value and as written, and seconds of reading.

    ``own_names`` are the points by value but for names that readers (or the collection) made up.
    """

    name: str
    points: dict[str, float] = field(default_factory=dict)
    own_names: dict[str, float] = field(default_factory=dict)
    as_written: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, file: str, clean: Rows, read: Rows | None) -> None:
        self.points[file] = score(clean, read)
        self.as_written[file] = score(clean, read, str)
        counts = Counter(map(normalise, clean[0] if clean else []))
        repeated = {name for name, count in counts.items() if count > 1}
        free = None if read is None else without_made_up(read, repeated)
        self.own_names[file] = score(without_made_up(clean, repeated), free)

    def line(self) -> str:
        count = max(len(self.points), 1)
        return (
            f"  {self.name:<10} {sum(self.points.values()) / count:7.3f}"
            f" {sum(self.own_names.values()) / count:14.3f}"
            f" {sum(self.as_written.values()) / count:12.3f} {self.seconds:10.1f} s"
            f" {sum(1 for p in self.points.values() if not p):8d}"
        )


def run_uam(files: dict[str, Path], clean: dict[str, Rows], keep: Path) -> Result:
    """UAM by the code of ``uam convert``: one process, one engine, no options."""
    outcomes: list[Outcome] = []
    result = Result("uam")
    begun = time.perf_counter()
    convert(list(files.values()), keep, "csv", {}, outcomes.append)
    result.seconds = time.perf_counter() - begun
    for outcome in outcomes:
        read = read_standard(outcome.written) if outcome.written else None
        result.add(outcome.source.name, clean[outcome.source.name], read)
    return result


def run_peer(name: str, reader: Reader, files: dict[str, Path], clean: dict[str, Rows]) -> Result:
    """Another reader, file by file; whatever it raises is a file that it did not read."""
    result = Result(name)
    for file, path in files.items():
        begun = time.perf_counter()
        try:
            read: Rows | None = reader(path)
        except Exception:
            read = None
        result.seconds += time.perf_counter() - begun
        result.add(file, clean[file], read)
    return result


def collections(corpus: Path) -> list[Path]:
    """The collections that a folder is or holds."""
    found = [corpus, *sorted(path for path in corpus.iterdir() if path.is_dir())]
    return [path for path in found if (path / "csv").is_dir() and (path / "clean").is_dir()]


def measure(collection: Path, peers: Sequence[str], only: str, keep: Path) -> list[Result]:
    """Every reader over one collection, UAM first."""
    files = {
        path.name: path
        for path in sorted((collection / "csv").iterdir())
        if fnmatch.fnmatch(path.name, only) and (collection / "clean" / path.name).exists()
    }
    clean = {name: read_standard(collection / "clean" / name) for name in files}
    results = [run_uam(files, clean, keep)]
    results += [run_peer(name, PEERS[name](), files, clean) for name in peers]
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table of every collection and UAM's worst files; 1 if there is no collection."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--corpus", type=Path, required=True, help="a collection, or several")
    parser.add_argument("--worst", type=int, default=15, help="how many of UAM's worst to list")
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated, may be empty")
    parser.add_argument("--only", default="*", help="a pattern of file names")
    parser.add_argument("--keep", type=Path, help="where UAM's tables are kept, for looking at")
    parser.add_argument("--json", type=Path, help="write the points of every file here")
    given = parser.parse_args(arguments)
    csv.field_size_limit(2**30)
    found = collections(given.corpus) if given.corpus.is_dir() else []
    if not found:
        print(f"{given.corpus} holds no collection (folders csv and clean)", file=sys.stderr)
        return 1
    asked = [name for name in given.peers.split(",") if name]
    peers = [name for name in asked if importlib.util.find_spec(name)]
    for name in sorted(set(asked) - set(peers)):
        print(f"{name} is not installed, so it is left out")
    stored = {}
    for collection in found:
        with tempfile.TemporaryDirectory() as folder:
            keep = given.keep / collection.name if given.keep else Path(folder)
            results = measure(collection, peers, given.only, keep)
        _report(collection.name, results, given.worst)
        stored[collection.name] = {result.name: result.points for result in results}
    if given.json:
        given.json.write_text(json.dumps(stored, indent=1), "utf-8")
    return 0


def _report(name: str, results: list[Result], worst: int) -> None:
    print(f"\n{name}: {len(results[0].points):,} files, points of 10, read blind")
    print("  reader     by value  names forgiven  as written       time   unread")
    for result in results:
        print(result.line())
    lowest = sorted(results[0].points.items(), key=lambda item: item[1])[:worst]
    for file, points in lowest:
        others = ", ".join(f"{other.name} {other.points[file]:.2f}" for other in results[1:])
        print(f"    {points:6.3f}  {file}" + (f"  ({others})" if others else ""))


if __name__ == "__main__":
    sys.exit(main())
