"""What a report is written from: the results of a run, read from their files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChartFile:
    """A chart on disk: its entry in ``charts.json`` and its picture."""

    name: str
    title: str
    kind: str
    columns: tuple[str, ...]
    png: Path


@dataclass(frozen=True, slots=True)
class Material:
    """Everything known of a run; what it does not have is an empty mapping or list."""

    run: Json
    profile: Json
    leaderboard: Json
    model: Json
    cleaning: Json
    charts: tuple[ChartFile, ...]

    @property
    def name(self) -> str:
        """The name of the data set."""
        named = self.run.get("dataset") or self.table.get("name") or "Untitled data set"
        return str(named["name"] if isinstance(named, Mapping) else named)

    @property
    def table(self) -> Json:
        """Size and gaps of the whole table, from the profile."""
        table: Json = self.profile.get("dataset", {})
        return table

    @property
    def rows(self) -> int:
        """Rows that were analysed."""
        return int(self.table.get("rows", self.run.get("rows") or 0))

    @property
    def columns(self) -> list[Json]:
        """The profile of each column."""
        return list(self.profile.get("columns", []))

    @property
    def alerts(self) -> list[Json]:
        """Findings, what matters first."""
        return list(self.profile.get("alerts", []))

    @property
    def options(self) -> Json:
        """The options of the run."""
        options: Json = self.run.get("options") or {}
        return options

    @property
    def target(self) -> str | None:
        """The column that was predicted."""
        target = self.model.get("target") or self.options.get("target")
        return None if target is None else str(target)

    @property
    def ranking(self) -> list[Json]:
        """The rows of the leaderboard, best first."""
        return list(self.leaderboard.get("rows", []))


def read_material(
    *,
    run: Json,
    profile: str | None,
    leaderboard: str | None,
    model: str | None,
    cleaning: str | None,
    charts_dir: str | None,
) -> Material:
    """Read the files; one that is ``None`` or absent counts as empty."""
    return Material(
        run=run,
        profile=_read(profile),
        leaderboard=_read(leaderboard),
        model=_read(model),
        cleaning=_read(cleaning),
        charts=_charts(charts_dir),
    )


def _read(path: str | None) -> Json:
    if path is None or not Path(path).exists():
        return {}
    content = json.loads(Path(path).read_text("utf-8"))
    return content if isinstance(content, dict) else {}


def _charts(directory: str | None) -> tuple[ChartFile, ...]:
    """The charts that are listed and whose picture is there, in the order of the list."""
    listing = None if directory is None else Path(directory) / "charts.json"
    if listing is None or not listing.exists():
        return ()
    entries = json.loads(listing.read_text("utf-8"))
    found = []
    for entry in entries:
        png = listing.parent / f"{Path(str(entry['name'])).name}.png"
        if png.exists():
            columns = tuple(str(column) for column in entry.get("columns") or ())
            title, kind = str(entry.get("title", "")), str(entry.get("kind", ""))
            found.append(ChartFile(str(entry["name"]), title, kind, columns, png))
    return tuple(found)
