"""Bytes in, dataset out: what every test of this room reads with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from app.analysis.ingest.frame import load_frame
from app.analysis.ingest.jobs import ingest
from app.analysis.progress import silent

LIMIT = 2**30


class Read:
    """One file after ingestion: the job's result, the preview and the frame."""

    def __init__(self, folder: Path, result: dict[str, Any]) -> None:
        self.folder = folder
        self.result = result
        self.data = folder / "data.parquet"
        self.preview = json.loads((folder / "preview.json").read_text("utf-8"))

    @property
    def types(self) -> dict[str, str]:
        return {column["name"]: column["type"] for column in self.result["columns"]}

    @property
    def reasons(self) -> dict[str, str]:
        return {column["name"]: column["reason"] for column in self.result["columns"]}

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.preview["first_rows"]

    @property
    def kinds(self) -> set[str]:
        return {warning["kind"] for warning in self.result["warnings"]}

    def values(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]

    def warning(self, kind: str) -> dict[str, Any]:
        (found,) = [w for w in self.result["warnings"] if w["kind"] == kind]
        return found

    def frame(self) -> pd.DataFrame:
        return load_frame(self.data, self.result["columns"])


def read_bytes(folder: Path, content: bytes, name: str = "table.csv", **options: Any) -> Read:
    source, out = folder / "source", folder / "out"
    source.write_bytes(content)
    out.mkdir()
    result = ingest(
        source=str(source),
        filename=name,
        out_dir=str(out),
        options=options,
        max_unpacked_bytes=LIMIT,
        progress=silent,
    )
    assert sorted(path.name for path in out.iterdir()) == ["data.parquet", "preview.json"]
    return Read(out, result)
