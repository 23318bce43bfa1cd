"""More rows than there is time for: which are learned from, and that it is told."""

import numpy as np
import pytest

from app.analysis.automl import sampling
from app.analysis.automl.bundle import load_bundle
from app.analysis.automl.jobs import train
from app.analysis.automl.options import RunOptions
from app.analysis.automl.prepare import Setting, prepare
from app.analysis.automl.sampling import (
    LEAST_ROWS,
    OF_EACH_CLASS,
    USUAL_ROWS,
    affordable_rows,
    sampled_rows,
)
from app.analysis.automl.target import Target
from app.analysis.progress import silent
from app.analysis.schema import Column, columns_to_json
from tests.unit.automl.tables import customers, quick_portfolio

NUMBERS = [Column(f"x{j}", "number", True, "for a test") for j in range(25)]


def target(values: np.ndarray, labels: tuple[str, ...] = ()) -> Target:
    """One of numbers, or of classes."""
    task = {0: "regression", 2: "binary"}.get(len(labels), "multiclass")
    return Target("y", task, "for a test", np.arange(values.size), values, labels, ())


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time for more than 240 rows."""
    monkeypatch.setattr(sampling, "LEAST_ROWS", 240)
    monkeypatch.setattr(sampling, "USUAL_ROWS", 1)
    monkeypatch.setattr(sampling, "FIT_SHARE", 1e-9)


def test_more_time_and_cores_afford_more_rows_and_columns_and_classes_fewer() -> None:
    usual = affordable_rows(NUMBERS, 1, 60, 2)
    assert 200_000 < usual < 500_000
    assert affordable_rows(NUMBERS, 1, 600, 2) > 5 * usual
    assert affordable_rows(NUMBERS, 1, 60, 8) > usual
    assert affordable_rows(NUMBERS, 1, 60, 1) == usual
    assert affordable_rows(NUMBERS, 2, 60, 2) == usual
    assert LEAST_ROWS < affordable_rows(NUMBERS, 7, 60, 2) < usual
    assert affordable_rows(NUMBERS * 4, 1, 60, 2) < usual / 2
    texts = [Column("t", "text", True, "for a test")] * 4
    assert affordable_rows(texts, 1, 60, 2) < usual
    assert affordable_rows(NUMBERS * 200, 1, 10, 1) == LEAST_ROWS
    assert affordable_rows(NUMBERS * 200, 10, 60, 1) == USUAL_ROWS
    assert affordable_rows(NUMBERS * 200, 10, 600, 1) == USUAL_ROWS


def test_a_table_that_there_is_time_for_is_learned_whole() -> None:
    values = np.arange(LEAST_ROWS, dtype=float)
    assert sampled_rows(target(values), NUMBERS, RunOptions(target="y"), 2) is None


@pytest.mark.usefixtures("hurried")
def test_rows_are_drawn_by_the_seed_and_told() -> None:
    numbers = target(np.arange(10_000, dtype=float))
    options = RunOptions(target="y", seed=3, time_budget_s=10)
    rows, told = sampled_rows(numbers, NUMBERS, options, 2)
    assert rows.size == 240 == np.unique(rows).size
    assert (np.diff(rows) > 0).all()
    assert rows.mean() == pytest.approx(5_000, rel=0.1)
    assert told.startswith("Learned from 240 of 10,000 rows, drawn at random (seed 3): 10 s")
    again, _ = sampled_rows(numbers, NUMBERS, options, 2)
    other, _ = sampled_rows(numbers, NUMBERS, RunOptions(target="y", seed=4), 2)
    assert (again == rows).all()
    assert not (other == rows).all()


@pytest.mark.usefixtures("hurried")
def test_classes_have_their_share_and_rare_ones_enough() -> None:
    rng = np.random.default_rng(0)
    sizes = [7_000, 2_900, 60, 12]
    values = rng.permutation(np.repeat(np.arange(4), sizes))
    rows, told = sampled_rows(target(values, tuple("abcd")), NUMBERS, RunOptions(target="y"), 2)
    counts = np.bincount(values[rows], minlength=4)
    assert counts[0] / counts[1] == pytest.approx(7_000 / 2_900, rel=0.05)
    assert counts[2] == OF_EACH_CLASS
    assert counts[3] == 12
    assert told.startswith(f"Learned from {counts.sum():,} of 9,972 rows")


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("options", [{}, {"split": "time"}, {"group_column": "plan"}])
def test_targets_groups_and_times_stay_those_of_their_rows(options: dict) -> None:
    frame, columns = customers(2_000)
    frame["row"] = np.arange(len(frame))
    columns = [*columns, Column("row", "integer", False, "for a test")]
    frame.loc[::7, "left"] = None
    wanted = RunOptions(target="left", time_budget_s=5, **options)
    made = prepare(frame, columns, wanted, Setting([], 1, 0.0, now=lambda: 0.0))
    assert len(made.frame) == made.material.y.size == made.target.rows.size == 240
    kept = frame.set_index("row").loc[made.frame["row"]]
    truth = np.array(made.target.labels)[made.target.values]
    assert (kept["left"] == truth).all()
    assert (kept["age"].to_numpy() == made.frame["age"]).all()
    assert any(note.startswith("Learned from 240 of 1,714 rows") for note in made.notes)


@pytest.mark.usefixtures("hurried")
def test_a_model_of_some_rows_says_so_and_knows_every_class(tmp_path) -> None:
    frame, columns = customers(1_500)
    frame.loc[[10, 700, 1_400], "left"] = "Perhaps"
    frame.to_parquet(tmp_path / "data.parquet")
    with quick_portfolio():
        facts = train(
            source=str(tmp_path / "data.parquet"),
            out_dir=str(tmp_path),
            columns=columns_to_json(columns),
            options={"target": "left", "time_budget_s": 30},
            progress=silent,
        )
    assert facts["train_rows"] == 243
    assert any("Learned from 243 of 1,500 rows" in note for note in facts["notes"])
    assert set(load_bundle(tmp_path / "model.joblib").labels) == {"No", "Perhaps", "Yes"}
