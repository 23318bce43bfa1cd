"""``uam profile``."""

from __future__ import annotations

from pathlib import Path

from app.commands.bench import Bench, Table, bench, deliver

PROFILE = "app.analysis.profile.jobs:profile"
COMPARE = "app.analysis.profile.jobs:compare"


def profile(data: Path, out: Path, against: Path | None, memory_mb: int) -> None:
    """Write ``profile.json`` and ``profile.html`` of a table into ``out``.

    ``against`` another table ``compare.json`` and ``compare.html`` too: what changed from that
    one to this. ``memory_mb`` is what the work may take; 0 for a share of what the machine has.
    """
    with bench(memory_mb) as at:
        table = at.read(data)
        other = None if against is None else (against, at.read(against))
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
                "memory_mb": at.memory_mb,
            },
        )
        at.view.tell(f"{facts['alerts']} findings")
        for name in ("profile.json", "profile.html"):
            deliver(made / name, out / name)
            print(out / name)
        if other is not None:
            _compare(at, other, (data, table), out)


def _compare(at: Bench, before: tuple[Path, Table], after: tuple[Path, Table], out: Path) -> None:
    made = at.folder("compare")
    sides = {
        side: {"source": str(table.source), "columns": table.columns, "name": data.name}
        for side, (data, table) in (("a", before), ("b", after))
    }
    facts = at.job("comparing", COMPARE, {**sides, "out_dir": str(made), "memory_mb": at.memory_mb})
    for sentence in facts["summary"]:
        at.view.tell(sentence)
    for name in ("compare.json", "compare.html"):
        deliver(made / name, out / name)
        print(out / name)
