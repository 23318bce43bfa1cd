"""The document says what a reader must know, in plain words, first things first."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.analysis.report.document import (
    BulletList,
    Callout,
    Document,
    Figure,
    Heading,
    Paragraph,
    Table,
)
from app.analysis.report.summary import gain
from tests.unit.report import runs

SECTIONS = ["Summary", "The data", "Cleaning", "Alerts", "Charts", "The model", "Appendix"]


def text_of(document: Document) -> str:
    """Every word of a document."""
    parts: list[str] = []
    for block in document.blocks:
        if isinstance(block, (Heading, Paragraph)):
            parts.append(block.text)
        if isinstance(block, BulletList):
            parts.extend(block.items)
        if isinstance(block, Callout):
            parts += [block.title, block.text]
        if isinstance(block, Table):
            parts += [cell for row in (block.header, *block.rows) for cell in row]
    return "\n".join(parts)


def verdict(document: Document) -> Callout:
    return next(block for block in document.blocks if isinstance(block, Callout))


def test_sections_come_in_the_order_of_need(tmp_path: Path) -> None:
    document = runs.ordinary(tmp_path).document()
    assert document.title == "cars.csv"
    assert [section.text for section in document.sections()] == SECTIONS
    anchors = [block.anchor for block in document.blocks if isinstance(block, Heading)]
    assert len(set(anchors)) == len(anchors)


def test_the_summary_compares_the_model_with_the_baseline(tmp_path: Path) -> None:
    found = verdict(runs.ordinary(tmp_path).document())
    assert found.mood == "good"
    assert "528.2" in found.text
    assert "4,000" in found.text
    assert "531" in found.text
    assert "20 rows that trained nothing" in found.text
    assert "87 % smaller" in found.text  # 1 - 528.2 / 4000


@pytest.mark.parametrize(
    ("best", "mood", "title"),
    [
        (3990.0, "warning", "no better than guessing"),
        (3700.0, "warning", "only a little better"),
        (3000.0, "good", "better than guessing"),
        (0.5, "warning", "Too good to be true"),
    ],
)
def test_the_verdict_follows_the_figures(
    tmp_path: Path, best: float, mood: str, title: str
) -> None:
    run = runs.Run(
        tmp_path,
        profile=runs.profile(runs.column("price")),
        leaderboard=runs.ranking("rmse", best, 4000.0),
        model=runs.model("regression", "rmse", best),
    )
    found = verdict(run.document())
    assert found.mood == mood
    assert title in found.title


@pytest.mark.parametrize(
    ("metric", "best", "baseline", "expected"),
    [
        ("roc_auc", 0.9, 0.5, 0.8),
        ("rmse", 1.0, 4.0, 0.75),
        ("log_loss", 0.7, 0.5, -0.4),
        ("r2", 0.5, 0.0, 0.5),
        ("unheard_of", 0.9, 0.5, None),
        ("roc_auc", None, 0.5, None),
        ("rmse", 1.0, 0.0, None),
    ],
)
def test_gain_is_the_part_of_the_error_taken_away(
    metric: str, best: float | None, baseline: float, expected: float | None
) -> None:
    assert gain(metric, best, baseline) == (None if expected is None else pytest.approx(expected))


def test_exploration_says_that_nothing_was_predicted(tmp_path: Path) -> None:
    document = runs.Run(tmp_path, profile=runs.profile(runs.column("a"))).document()
    found = verdict(document)
    assert found.title == "No model"
    assert "explored" in found.text
    assert [section.text for section in document.sections()] == SECTIONS


def test_clusters_are_told_as_groups_without_truth(tmp_path: Path) -> None:
    groups = [
        {"cluster": 1, "rows": 60, "share": 0.6, "description": "a is lower"},
        {"cluster": 2, "rows": 40, "share": 0.4, "description": "b is higher"},
    ]
    notes = ["Cluster 1: a is lower", "The clusters are weakly separated."]
    run = runs.Run(
        tmp_path,
        profile=runs.profile(runs.column("a"), runs.column("b")),
        leaderboard=runs.ranking("silhouette", 0.41, 0.0),
        model=runs.model("clustering", "silhouette", 0.41, clusters=groups, notes=notes),
    )
    document = run.document()
    found = verdict(document)
    assert "0.41" in found.text
    assert "There are 2 groups." in found.text
    assert "no truth" in found.text
    table = next(b for b in document.blocks if isinstance(b, Table) and b.header[0] == "Group")
    assert table.rows[1] == ("2", "40", "40 %", "b is higher")
    assert "not fitted on" not in text_of(document)
    assert "Cluster 1: a is lower" not in text_of(document)


def test_a_leak_and_a_small_test_are_cautions(tmp_path: Path) -> None:
    note = "“weight” may leak the target: alone it predicts it."
    run = runs.Run(
        tmp_path,
        profile=runs.profile(runs.column("weight")),
        leaderboard=runs.ranking("rmse", 528.2, 4000.0),
        model=runs.model("regression", "rmse", 531.0, notes=[note]),
    )
    blocks = list(run.document().blocks)
    place = next(i for i, b in enumerate(blocks) if isinstance(b, Heading) and b.anchor == "care")
    cautions = blocks[place + 1]
    assert isinstance(cautions, BulletList)
    assert note in cautions.items
    assert any("only 20 rows" in item for item in cautions.items)


def test_facts_to_repeat_the_run_stand_in_the_appendix(tmp_path: Path) -> None:
    text = text_of(runs.ordinary(tmp_path).document())
    for fact in ("seed", "7", "time budget s", "version of scikit-learn", "1.9.0", "ab" * 32):
        assert fact in text


def test_the_version_of_the_data_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    told = dict(runs.Run(tmp_path, facts={"dataset_version": 3}).document().facts)
    assert told["Data"].startswith("version 3: 100 rows")
    assert "version" not in dict(runs.ordinary(tmp_path / "a").document().facts)["Data"]


def test_a_sensitive_column_is_named_so(tmp_path: Path) -> None:
    flagged = runs.column("mail", "id", sensitive="email", sensitive_reason="all of them are")
    document = runs.Run(tmp_path, profile=runs.profile(flagged, runs.column("n"))).document()
    cells = {
        row[0]: row[-1]
        for block in document.blocks
        if isinstance(block, Table) and "In short" in block.header
        for row in block.rows
    }
    assert cells["mail"].startswith("Sensitive, e-mail addresses: ")
    assert "Sensitive" not in cells["n"]


def test_charts_of_the_model_stand_with_the_model(tmp_path: Path) -> None:
    blocks = runs.ordinary(tmp_path).document().blocks
    place = {b.anchor: i for i, b in enumerate(blocks) if isinstance(b, Heading)}
    pictures = {b.name: i for i, b in enumerate(blocks) if isinstance(b, Figure)}
    assert place["charts"] < pictures["bar-0"] < pictures["bar-1"] < place["model"]
    assert place["model"] < pictures["importance"] < place["appendix"]


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    columns = [runs.column(f"column_{i}") for i in range(400)]
    run = runs.Run(tmp_path, profile=runs.profile(*columns, alerts=25))
    notes = [block.note for block in run.document().blocks if isinstance(block, Table)]
    assert "The first 300 of 400 columns are shown; profile.json has them all." in notes
    assert "The first 10 of 25 findings are shown; the profile has them all." in notes


def test_a_forecast_says_what_is_known_in_advance_is_worth(tmp_path: Path) -> None:
    facts = runs.model("forecast", "mase", 0.4)
    facts["importance"] = [
        {"feature": "promo", "value": 0.84, "std": 0.1},
        {"feature": "weather", "value": 0.0, "std": 0.0},
    ]
    text = text_of(runs.Run(tmp_path, model=facts).document())
    assert "Of what is known in advance, the model leans most on “promo”." in text
    assert "taken from other times of the same series" in text
    assert "0.84" in text


def test_a_run_with_nothing_at_all_is_still_a_report(tmp_path: Path) -> None:
    document = runs.Run(tmp_path, facts={"dataset": None, "rows": None}).document()
    assert document.title == "Untitled data set"
    assert "There is no profile of the columns." in text_of(document)
    assert "This run drew no charts of the data." in text_of(document)


def test_a_listed_chart_without_its_picture_is_left_out(tmp_path: Path) -> None:
    run = runs.ordinary(tmp_path)
    (tmp_path / "charts" / "bar-0.png").unlink()
    names = [chart.name for chart in run.material().charts]
    assert names == ["bar-1", "importance"]


def test_a_table_refuses_ragged_rows() -> None:
    with pytest.raises(ValueError, match="as many cells"):
        Table(("a", "b"), (("1",),))


def test_years_are_written_as_years(tmp_path: Path) -> None:
    """1,978 is no year; a price of 1,978 is one."""
    figures = {"min": 1950, "max": 2013, "median": 1978, "mean": 1980.25}
    built = {"name": "built", "type": "integer", "required": True, "range": [1950, 2013]}
    price = {"name": "price", "type": "integer", "required": True, "range": [10, 3000]}
    sold = built | {"name": "sold", "type": "number", "range": [1950.0, 2013.0], "example": 2001.0}
    run = runs.Run(
        tmp_path,
        profile=runs.profile(
            runs.column("built", "integer", **figures),
            runs.column("price", "integer", min=10, max=3000, median=1978, mean=1980.25),
        ),
        model=runs.model("regression", "rmse", 3.0)
        | {"input_schema": [built | {"example": 1978}, price | {"example": 1978}, sold]},
        leaderboard=runs.ranking("rmse", 528.2, 4000.0),
    )
    text = text_of(run.document())
    assert "1950 to 2013, median 1978, mean 1980.2" in text
    assert "10 to 3,000, median 1,978, mean 1,980" in text
    rows = [
        row for block in run.document().blocks if isinstance(block, Table) for row in block.rows
    ]
    examples = {row[0]: row[-1] for row in rows if row[2:3] == ("yes",)}
    assert examples == {"built": "1978", "price": "1,978", "sold": "2001"}
