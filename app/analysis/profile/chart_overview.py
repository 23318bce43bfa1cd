"""Charts of the table as a whole: what is missing, and what goes together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.analysis.charts import bars, grids, points
from app.analysis.charts.spec import Chart, slug
from app.analysis.charts.style import percent, short
from app.analysis.profile.associations import pearson
from app.analysis.profile.chart_columns import NAME, written
from app.analysis.profile.document import Profile
from app.analysis.profile.facts import Facts

MOST_ROWS = 25
MOST_CORRELATED = 18
# Among so many columns those are looked for: time and memory grow as the square.
MOST_COMPARED = 500
CLASSES = 6


def missing_share(found: Profile) -> Chart | None:
    """The share of missing cells of every column that has any."""
    gaps = [f for f in found.facts if f.profile["missing"]]
    if not gaps:
        return None
    gaps.sort(key=lambda f: -f.profile["missing"])
    worst = gaps[0]
    return bars.bar(
        "missing-share",
        f"{len(gaps):,} of {len(found.facts):,} columns have gaps; most of all "
        f"{short(worst.name, NAME)} ({percent(worst.profile['missing_share'])})",
        [f.name for f in gaps],
        [100 * f.profile["missing_share"] for f in gaps],
        label_axis="column",
        value_axis="missing",
        unit="%",
        kind="missing_share",
        rest="drop",
        columns=[f.name for f in gaps[:20]],
    )


def missingness(found: Profile) -> Chart | None:
    """Where in the file cells are missing: stretches of rows by columns."""
    gaps = [f for f in found.facts if 0 < f.profile["missing"] < found.rows]
    if not gaps or found.rows < 2:
        return None
    gaps.sort(key=lambda f: -f.profile["missing"])
    shown = gaps[:MOST_ROWS]
    blocks = len(shown[0].blocks)
    notes = (
        [] if len(gaps) == len(shown) else [f"The {len(shown)} emptiest of {len(gaps):,} columns."]
    )
    return grids.heatmap(
        "missingness",
        _missingness_title(shown),
        [f"{100 * i // blocks} %" for i in range(blocks)],
        [f.name for f in shown],
        [f.blocks.tolist() for f in shown],
        x_label="place in the file",
        kind="missingness",
        low=0,
        high=1,
        unit="share missing",
        notes=notes,
        columns=[f.name for f in shown],
    )


def correlation(found: Profile) -> Chart | None:
    """Pearson's r of up to 18 columns of numbers, those that correlate most of the first 500 and
    the target."""
    every = [f for f in found.facts if f.role == "numeric" and f.profile["distinct"] > 2]
    numeric = [f for f in every[:MOST_COMPARED] if f.numbers is not None]
    numeric += [f for f in every[MOST_COMPARED:] if f is found.target and f.numbers is not None]
    if len(numeric) < 3:
        return None
    r, _ = pearson(np.column_stack([f.numbers for f in numeric if f.numbers is not None]))
    strength = np.abs(np.nan_to_num(r)) - np.eye(len(r))
    best = np.sort(np.argsort(-strength.max(axis=1), kind="stable")[:MOST_CORRELATED])
    first, second = divmod(int(strength.argmax()), len(r))
    a, b = (short(numeric[i].name, 30) for i in sorted((first, second)))
    notes = sampled_note(found)
    if len(best) < len(every):
        among = f"{len(numeric):,} of " if len(numeric) < len(every) else ""
        notes.append(
            f"The {len(best)} that correlate most, of {among}{len(every):,} columns of numbers."
        )
    return grids.correlation(
        "correlation",
        f"{a} and {b} go together most closely (r = {r[first, second]:.2f})",
        [numeric[i].name for i in best],
        r[np.ix_(best, best)].tolist(),
        notes=notes,
    )


def scatter(found: Profile, a: Facts, b: Facts, *, seed: int) -> Chart | None:
    """Two columns of numbers against each other, coloured by the classes of the target."""
    if a.numbers is None or b.numbers is None:
        return None
    r = float(pearson(np.column_stack([a.numbers, b.numbers]))[0][0, 1])
    names = short(a.name, 30), short(b.name, 30)
    groups = found.target.groups() if found.target else None
    clouds = {"rows": (a.numbers.tolist(), b.numbers.tolist())}
    if groups and len(groups[1]) <= CLASSES and found.target not in (a, b):
        codes, levels = groups
        clouds = {
            written(level): (a.numbers[codes == code].tolist(), b.numbers[codes == code].tolist())
            for code, level in enumerate(levels)
        }
    return points.scatter(
        slug("scatter", a.name, b.name),
        f"{names[1]} {_way(r)} {names[0]} (r = {r:.2f})",
        clouds,
        x_label=a.name,
        y_label=b.name,
        seed=seed,
        notes=sampled_note(found),
        columns=[a.name, b.name],
    )


def shares(found: Profile, by: Facts, of: Facts) -> Chart | None:
    """How the classes of one column divide up within each class of another."""
    rows, columns = by.groups(), of.groups()
    if rows is None or columns is None:
        return None
    table = np.zeros((len(rows[1]), len(columns[1])))
    both = (rows[0] >= 0) & (columns[0] >= 0)
    np.add.at(table, (rows[0][both], columns[0][both]), 1)
    classes = np.argsort(-table.sum(axis=0), kind="stable")[:CLASSES]
    order = np.argsort(-table.sum(axis=1), kind="stable")
    # Where each class belongs to one alone, others would have a bar of nothing.
    order = order[table[:, classes].sum(axis=1)[order] > 0][:10]
    totals = np.maximum(table.sum(axis=1, keepdims=True), 1)
    parts = 100 * table / totals
    notes = sampled_note(found)
    if len(classes) < len(columns[1]):
        notes.append(f"Only the {len(classes)} most frequent of {len(columns[1])} classes.")
    spread = np.ptp(parts[order][:, classes], axis=0)
    tells = int(classes[int(spread.argmax())])
    low, high = parts[order, tells].min(), parts[order, tells].max()
    return bars.grouped_bar(
        slug("shares", by.name, of.name),
        f"{short(of.name, 30)} “{short(written(columns[1][tells]), 20)}” ranges from "
        f"{percent(low / 100)} to {percent(high / 100)} by {short(by.name, 30)}",
        [written(rows[1][i]) for i in order],
        {written(columns[1][j]): parts[order, j].tolist() for j in classes},
        label_axis=by.name,
        value_axis=f"share of {short(of.name, 30)}",
        unit="%",
        stacked=True,
        notes=notes,
        columns=[by.name, of.name],
    )


def sampled_note(found: Profile) -> list[str]:
    """What a chart must say when it rests on the sample."""
    if found.sampled is None:
        return []
    return [f"From a random {found.sampled:,} of {found.rows:,} rows."]


def _missingness_title(shown: Sequence[Facts]) -> str:
    worst = shown[0]
    alike = [
        f
        for f in shown
        if f.profile["missing"] == worst.profile["missing"] and (f.absent == worst.absent).all()
    ]
    if len(alike) > 1:
        return f"{short(worst.name, NAME)} and {len(alike) - 1} more are missing in the same rows"
    share = percent(worst.profile["missing_share"])
    return f"{short(worst.name, NAME)} is missing most often ({share}); dark is where"


def _way(r: float) -> str:
    if abs(r) < 0.1 or r != r:  # noqa: PLR0124 (NaN: not defined)
        return "hardly depends on"
    return "rises with" if r > 0 else "falls with"
