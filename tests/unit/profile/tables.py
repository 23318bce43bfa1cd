"""Tables for the tests of the profile, written as the ingest writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from jsonschema import Draft202012Validator

from app.analysis.profile.jobs import explore, profile
from app.analysis.progress import silent

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/api/profile.schema.json").read_text()))


def write(folder: Path, data: dict[str, tuple[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """A Parquet file of ``name: (type, values)``, and its schema as JSON."""
    arrays = [v if isinstance(v, pa.Array) else pa.array(v) for _, v in data.values()]
    path = folder / "data.parquet"
    pq.write_table(pa.Table.from_arrays(arrays, names=list(data)), path)
    columns = [
        {"name": name, "type": kind, "nullable": True, "reason": f"{kind} for a test"}
        for name, (kind, _) in data.items()
    ]
    return str(path), columns


def profiled(
    folder: Path,
    data: dict[str, tuple[str, Any]],
    *,
    target: str | None = None,
    charts: bool = False,
    memory_mb: int | None = None,
    **options: Any,
) -> dict[str, Any]:
    """``profile.json`` of the table; with ``charts`` its entries under ``charts`` besides.
    ``options`` are further ones of ``explore``."""
    source, columns = write(folder, data)
    out = folder / "out"
    out.mkdir()
    result = (explore if charts else profile)(
        source=source,
        out_dir=str(out),
        columns=columns,
        dataset={"name": "test.csv", "size_bytes": 10},
        target=target,
        seed=0,
        progress=silent,
        memory_mb=memory_mb,
        **options,
    )
    text = (out / "profile.json").read_text("utf-8")
    document = json.loads(text, parse_constant=lambda name: pytest_fail(name))
    SCHEMA.validate(document)
    assert result["alerts"] == len(document["alerts"])
    return document | {"charts": result["charts"]}


def pytest_fail(name: str) -> None:
    """JSON knows no NaN and no Infinity."""
    raise AssertionError(f"{name} in the JSON")


def column(document: dict[str, Any], name: str) -> dict[str, Any]:
    """One column's entry."""
    return next(c for c in document["columns"] if c["name"] == name)


def kinds(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The alerts by kind; of several of one kind the first."""
    found: dict[str, dict[str, Any]] = {}
    for alert in document["alerts"]:
        found.setdefault(alert["kind"], alert)
    return found
