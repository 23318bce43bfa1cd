"""``uam profile``."""

from __future__ import annotations

from pathlib import Path

from app.commands.bench import bench, deliver

PROFILE = "app.analysis.profile.jobs:profile"


def profile(data: Path, out: Path) -> None:
    """Write ``profile.json`` and ``profile.html`` of a table into ``out``."""
    with bench() as at:
        table = at.read(data)
        made = at.folder("profile")
        facts = at.job(
            f"profiling {table.facts['rows']:,} rows, {table.facts['cols']} columns",
            PROFILE,
            {
                "source": str(table.source),
                "out_dir": str(made),
                "columns": table.columns,
                "dataset": {"name": data.name, "size_bytes": data.stat().st_size},
                "target": None,
                "seed": 0,
            },
        )
        at.view.tell(f"{facts['alerts']} findings")
        for name in ("profile.json", "profile.html"):
            deliver(made / name, out / name)
            print(out / name)
